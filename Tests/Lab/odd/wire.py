# SPDX-License-Identifier: Apache-2.0
"""A network interface in a namespace: sends whole frames, and notes every TCP segment there."""
import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import time

from .packets import from_bytes, to_bytes

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
SIOCGIFHWADDR = 0x8927
SOL_PACKET, PACKET_AUXDATA, PACKET_OUTGOING = 263, 8, 4
SO_RCVBUFFORCE = 33
CHECKSUM_NOT_READY = 8


@contextlib.contextmanager
def inside(namespace):
    """Sockets made meanwhile belong to the namespace, and stay there."""
    with open("/proc/self/ns/net") as home, open(f"/run/netns/{namespace}") as there:
        enter(there)
        try:
            yield
        finally:
            enter(home)


def enter(file):
    if libc.setns(file.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mac_of(namespace, interface):
    with inside(namespace), socket.socket() as any_socket:
        request = struct.pack("16s24x", interface.encode())
        return fcntl.ioctl(any_socket, SIOCGIFHWADDR, request)[18:24]


class Wire:
    def __init__(self, namespace, interface, gateway):
        """gateway: namespace and interface of the next hop of all that is sent here."""
        self.name = namespace
        self.mac = mac_of(namespace, interface)
        self.macs = mac_of(*gateway) + self.mac
        with inside(namespace):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.bind((interface, 3))
        self.socket.setblocking(False)
        self.log = []
        """Every segment, sent and received."""
        self.waiting = []
        """Those that came in and that nobody took yet."""

    def fileno(self):
        return self.socket.fileno()

    def send(self, segment):
        segment.at, segment.is_sent = time.monotonic(), True
        self.log.append(segment)
        self.socket.send(to_bytes(segment, self.macs))
        return segment

    def read(self):
        """Notes what has come in since."""
        while True:
            try:
                frame, extra, _, sender = self.socket.recvmsg(1 << 17, 256)
            except BlockingIOError:
                return
            status = next(
                (struct.unpack_from("I", data)[0] for _, kind, data in extra if kind == 8), 0
            )
            is_sent = sender[2] == PACKET_OUTGOING
            segment = from_bytes(frame, is_checked=not status & CHECKSUM_NOT_READY)
            if not segment:
                continue
            segment.at, segment.is_sent = time.monotonic(), is_sent
            self.log.append(segment)
            if not is_sent:
                self.waiting.append(segment)

    def take(self, wanted):
        """The first waiting segment that is wanted, or None."""
        self.read()
        for index, segment in enumerate(self.waiting):
            if wanted(segment):
                return self.waiting.pop(index)
        return None

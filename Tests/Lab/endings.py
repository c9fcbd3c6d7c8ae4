#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""endings.py serve PORT: echoes, and ends a connection as the client's last word asks.
endings.py connect ADDRESS PORT HELLO-FILE MANNER: says a hello and 50,000 bytes, gets them back, and ends:

fin, rst: of the client's own accord; server-fin, server-rst: as the endpoint does when asked;
wait: stays until the other side ends it, or SIGTERM has it close.

The last line is JSON: how many bytes were sent and received, and the client's port.
"""
import json
import os
import signal
import socket
import struct
import sys
import threading

LINGER = struct.pack("ii", 1, 0)
WORDS = {b"please fin": "fin", b"please rst": "rst"}


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    sock.close()


def serve(sock):
    try:
        while piece := sock.recv(1 << 16):
            sock.sendall(piece)
            word = WORDS.get(piece[-10:])
            if word == "rst":
                # What was echoed must have arrived before.
                sock.recv(1)
                return reset(sock)
            if word == "fin":
                sock.shutdown(socket.SHUT_WR)
        sock.close()
    except OSError:
        sock.close()


def server(port):
    listening = socket.socket(socket.AF_INET6)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listening.bind(("::", port))
    listening.listen(64)
    print("listening", flush=True)
    while True:
        sock, _ = listening.accept()
        threading.Thread(target=serve, args=(sock,), daemon=True).start()


def exactly(sock, count):
    got = 0
    while got < count:
        piece = sock.recv(count - got)
        if not piece:
            raise EOFError(f"end after {got} of {count} bytes")
        got += len(piece)


def client(address, port, hello, manner):
    sock = socket.create_connection((address, port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    name = sock.getsockname()[1]
    with open(hello, "rb") as file:
        data = file.read()
    sent = received = 0

    def exchange(data):
        nonlocal sent, received
        sock.sendall(data)
        sent += len(data)
        exactly(sock, len(data))
        received += len(data)

    end = ""
    try:
        exchange(data)
        exchange(os.urandom(50_000))
        print("open", flush=True)
        if manner == "fin":
            sock.shutdown(socket.SHUT_WR)
            while piece := sock.recv(1 << 16):
                received += len(piece)
            sock.close()
        elif manner == "rst":
            reset(sock)
        elif manner == "wait":
            signal.signal(signal.SIGTERM, lambda *_: sock.shutdown(socket.SHUT_WR))
            print("waiting", flush=True)
            sock.recv(1)
            sock.close()
        else:
            exchange(b"please " + manner.removeprefix("server-").encode())
            if manner == "server-rst":
                sock.sendall(b"!")
                sent += 1
            sock.recv(1)
            sock.close()
    except (OSError, EOFError) as error:
        end = type(error).__name__
    print(json.dumps({"sent": sent, "received": received, "port": name, "end": end}))


if sys.argv[1] == "serve":
    server(int(sys.argv[2]))
else:
    client(sys.argv[2], int(sys.argv[3]), *sys.argv[4:])

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bulk between ends whose window scale is chosen: bench/windows runs it.

    window_scale.py serve PORT CLAMP             sends or takes what each client asks for
    window_scale.py get|put HOST PORT CLAMP SIZE moves SIZE bytes; prints Gbit/s

CLAMP bounds the receive window in bytes (TCP_WINDOW_CLAMP), and so the scale that is offered; 0: no bound.
PACE in the environment is the most bytes a second that it sends."""
import os
import socket
import sys
import time

WINDOW_CLAMP = 10
MAX_PACING_RATE = 47
BUFFER = b"x" * 262144


def clamped(clamp):
    ends = socket.socket()
    if "PACE" in os.environ:
        ends.setsockopt(socket.SOL_SOCKET, MAX_PACING_RATE, int(os.environ["PACE"]))
    if clamp:
        ends.setsockopt(socket.IPPROTO_TCP, WINDOW_CLAMP, clamp)
    return ends


def send(connection, size):
    while size > 0:
        size -= connection.send(BUFFER[:min(size, len(BUFFER))])


def take(connection, size):
    while size > 0:
        data = connection.recv(1 << 20)
        if not data:
            sys.exit("the other end closed early")
        size -= len(data)


def serve(port, clamp):
    listener = clamped(clamp)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", port))
    listener.listen(8)
    while True:
        connection, _ = listener.accept()
        kind, size = connection.recv(64, socket.MSG_WAITALL).decode().split()
        try:
            if kind == "get":
                send(connection, int(size))
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1)
            else:
                take(connection, int(size))
                connection.send(b"k")
        except OSError:
            pass
        connection.close()


def move(kind, host, port, clamp, size):
    connection = clamped(clamp)
    connection.connect((host, port))
    connection.send(f"{kind} {size}".ljust(64).encode())
    start = time.monotonic()
    if kind == "get":
        take(connection, size)
    else:
        send(connection, size)
        connection.recv(1)
    print(round(size * 8e-9 / (time.monotonic() - start), 3))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*map(int, sys.argv[2:]))
    else:
        move(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bulk.py serve PORT | bulk.py ADDRESS PORT NAME MEBIBYTES: much, both ways at once.

The client sends a ClientHello and MEBIBYTES of a pattern; the server sends as much. Both check
each byte, the client prints how many were right. The pattern's length is prime, so that no byte
stands where it stood before a sequence number wrapped.
"""
import pathlib
import random
import socket
import subprocess
import sys
import threading

PERIOD = 1_048_573
pattern = random.Random(1).randbytes(PERIOD) * 3


def send(connection, length):
    at = 0
    while at < length:
        start = at % PERIOD
        at += connection.send(memoryview(pattern)[start : start + min(1 << 20, length - at)])
    connection.shutdown(socket.SHUT_WR)


def check(connection):
    at = 0
    while piece := connection.recv(1 << 20):
        start = at % PERIOD
        if piece != pattern[start : start + len(piece)]:
            raise ValueError(f"wrong bytes from {at} to {at + len(piece)}")
        at += len(piece)
    return at


def exchange(connection, length):
    sender = threading.Thread(target=send, args=(connection, length), daemon=True)
    sender.start()
    received = check(connection)
    sender.join()
    return received


def receive(connection, length):
    return connection.recv(length, socket.MSG_WAITALL)


def serve(port):
    listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    print("listening", flush=True)
    while True:
        connection, _ = listener.accept()
        head = receive(connection, 5)
        receive(connection, int.from_bytes(head[3:], "big"))
        exchange(connection, int.from_bytes(receive(connection, 8), "big"))
        connection.close()


def main(address, port, name, mebibytes):
    make_hello = pathlib.Path(__file__).with_name("make_hello.py")
    hello = subprocess.run([make_hello, name], capture_output=True, check=True).stdout
    length = int(mebibytes) << 20
    connection = socket.create_connection((address, int(port)), timeout=60)
    connection.sendall(hello + length.to_bytes(8, "big"))
    print(exchange(connection, length))


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    main(*sys.argv[1:])

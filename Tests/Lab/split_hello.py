#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""split_hello.py ADDRESS PORT NAME|FILE segments|records BYTES [ALPN-BYTES]: a hello in small pieces.

The ClientHello is that of make_hello.py for a name, or the one in a file (its path has a slash).
`segments`: each TCP segment has BYTES of it. `records`: each TLS record has BYTES of it. Prints the
type of the first record that comes back (22 is a handshake record), or `closed` or `reset`.
"""
import pathlib
import socket
import subprocess
import sys

address, port, name, unit, size, *longer = sys.argv[1:]
size = int(size)
make_hello = pathlib.Path(__file__).with_name("make_hello.py")
if "/" in name:
    hello = pathlib.Path(name).read_bytes()
else:
    hello = subprocess.run([make_hello, name, *longer], capture_output=True, check=True).stdout


def records(message):
    for start in range(0, len(message), size):
        piece = message[start : start + size]
        yield b"\x16\x03\x01" + len(piece).to_bytes(2, "big") + piece


with socket.create_connection((address, int(port)), timeout=20) as connection:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if unit == "records":
        connection.sendall(b"".join(records(hello[5:])))
    else:
        for start in range(0, len(hello), size):
            connection.sendall(hello[start : start + size])
    try:
        answer = connection.recv(1)
        print(answer[0] if answer else "closed")
    except ConnectionResetError:
        print("reset")

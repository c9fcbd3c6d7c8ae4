#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""stream.py [options] ADDRESS PORT NAME: clients that do not wait while they are handed over.

Each sends a ClientHello to echo_endpoint.py and goes on sending at once, piece by piece, while the
balancer still picks its endpoint; all of it must come back, in order, once. Prints JSON: how many
connections were good, what went wrong with the others, and the longest silences, in milliseconds,
that connections had between connect() and the last byte: 50th, 99th percentile and maximum.
"""
import argparse
import asyncio
import collections
import json
import os
import pathlib
import socket
import subprocess
import time

parser = argparse.ArgumentParser()
parser.add_argument("address")
parser.add_argument("port", type=int)
parser.add_argument("name")
parser.add_argument("--count", type=int, default=1000)
parser.add_argument("--parallel", type=int, default=8)
parser.add_argument("--pieces", type=int, default=20)
parser.add_argument("--bytes", type=int, default=700, help="of a piece")
options = parser.parse_args()

make_hello = pathlib.Path(__file__).with_name("make_hello.py")
hello = subprocess.run([make_hello, options.name], capture_output=True, check=True).stdout
family = socket.AF_INET6 if ":" in options.address else socket.AF_INET
errors, silences = collections.Counter(), []


async def send(loop, sock, pieces):
    for piece in pieces:
        await loop.sock_sendall(sock, piece)
        # Others get a turn, and the piece a segment of its own.
        await asyncio.sleep(0)


async def receive(loop, sock, expected, began):
    got, last, longest = bytearray(), began, 0
    while len(got) < len(expected):
        piece = await loop.sock_recv(sock, 1 << 16)
        if not piece:
            raise EOFError(f"end after {len(got)} of {len(expected)} bytes")
        now = time.monotonic()
        longest, last = max(longest, now - last), now
        got += piece
    if got != expected:
        raise ValueError("other bytes came back")
    return longest


async def connection():
    loop = asyncio.get_running_loop()
    pieces = [hello] + [os.urandom(options.bytes) for _ in range(options.pieces)]
    with socket.socket(family) as sock:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(sock, (options.address, options.port))
        began = time.monotonic()
        sender = asyncio.create_task(send(loop, sock, pieces))
        silences.append(await receive(loop, sock, b"".join(pieces), began))
        await sender
        sock.shutdown(socket.SHUT_WR)
        while await loop.sock_recv(sock, 1 << 17):
            pass


async def worker(numbers):
    for _ in numbers:
        try:
            await asyncio.wait_for(connection(), 30)
        except Exception as error:
            errors[f"{type(error).__name__}: {error}"] += 1


async def main():
    numbers = iter(range(options.count))
    await asyncio.gather(*(worker(numbers) for _ in range(options.parallel)))


asyncio.run(main())
silences.sort()
print(json.dumps({
    "good": len(silences), "errors": errors, "p50": 1000 * silences[len(silences) // 2],
    "p99": 1000 * silences[len(silences) * 99 // 100], "max": 1000 * silences[-1],
}))

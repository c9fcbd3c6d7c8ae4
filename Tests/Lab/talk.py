#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""talk.py [options] ADDRESS PORT NAME: connections to echo_endpoint.py that begin with a hello.

Each sends a ClientHello and some bytes, which must come back. When all have, it prints `open` and
waits for the file of --until. Then each sends more, closes its half, and reads on to the end. The
last line is JSON: how many came through unharmed, of how many the endpoint saw the address and port
that they have here, the endpoint's ports, and what went wrong.

--manner: `whole`; `crumbs`, which are segments of one byte; `urgent`, with an urgent byte inside;
`part`, half a hello; `nothing` before the file is there. --steady: talk on while waiting, with
--pause seconds between.
--isn: the client's initial sequence number. --local-port: the port of the first; the next ones have
the next. --abort: they end by an RST.
--retry: how many seconds long a connection that was reset, refused or closed before `open` is begun
anew, as applications do; the report counts these ends.
"""
import argparse
import asyncio
import collections
import hashlib
import json
import os
import pathlib
import resource
import socket
import struct
import subprocess
import time

parser = argparse.ArgumentParser()
parser.add_argument("address")
parser.add_argument("port", type=int)
parser.add_argument("name")
parser.add_argument("--manner", default="whole")
parser.add_argument("--bytes", type=int, default=50_000)
parser.add_argument("--count", type=int, default=1)
parser.add_argument("--ports", type=int, default=1, help="connection N goes to PORT + N mod this")
parser.add_argument("--parallel", type=int, default=50)
parser.add_argument("--until")
parser.add_argument("--steady", action="store_true")
parser.add_argument("--pause", type=float, default=0.01)
parser.add_argument("--limit", type=float, default=90, help="seconds that each step may take")
parser.add_argument("--isn", type=lambda text: int(text, 0))
parser.add_argument("--local-port", type=int)
parser.add_argument("--abort", action="store_true")
parser.add_argument("--retry", type=float, default=0)
parser.add_argument("--plain", help="these bytes in place of a hello")
options = parser.parse_args()

TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ = 19, 20, 21
make_hello = pathlib.Path(__file__).with_name("make_hello.py")
ports, errors, retries = (collections.Counter() for _ in range(3))
slowest = 0.0
seen = 0


def first_bytes():
    if options.plain:
        return options.plain.encode().decode("unicode_escape").encode()
    return subprocess.run([make_hello, options.name], capture_output=True, check=True).stdout


def new_socket(number):
    family = socket.AF_INET6 if ":" in options.address else socket.AF_INET
    sock = socket.socket(family)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if options.local_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", options.local_port + number))
    if options.isn is not None:
        for option, value in [(TCP_REPAIR, 1), (TCP_REPAIR_QUEUE, 2), (TCP_QUEUE_SEQ, options.isn)]:
            sock.setsockopt(socket.IPPROTO_TCP, option, value - (1 << 32) if value >> 31 else value)
        sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, -1)
    sock.setblocking(False)
    return sock


class Connection:
    def __init__(self, number):
        self.number = number
        self.port = options.port + number % options.ports
        self.loop = asyncio.get_running_loop()
        self.digest = hashlib.sha256()
        self.sent = 0

    async def send(self, data, urgent=False):
        self.digest.update(data)
        self.sent += len(data)
        if urgent:
            self.sock.send(data, socket.MSG_OOB)
        else:
            await self.loop.sock_sendall(self.sock, data)

    async def expect(self, data):
        got = bytearray()
        while len(got) < len(data):
            piece = await self.loop.sock_recv(self.sock, len(data) - len(got))
            if not piece:
                raise EOFError(f"end after {len(got)} of {len(data)} bytes")
            got += piece
        if got != data:
            raise ValueError("other bytes came back")

    async def exchange(self, data):
        await asyncio.gather(self.send(data), self.expect(data))

    async def begin(self, hello):
        end = time.monotonic() + options.retry
        while True:
            try:
                return await self.begin_once(hello)
            except (ConnectionError, EOFError) as error:
                if time.monotonic() > end:
                    raise
                retries[type(error).__name__] += 1
            self.sock.close()
            self.digest, self.sent = hashlib.sha256(), 0
            await asyncio.sleep(0.05)

    async def begin_once(self, hello):
        self.sock = new_socket(self.number)
        await self.loop.sock_connect(self.sock, (options.address, self.port))
        if options.manner == "nothing":
            return
        if options.manner == "part":
            hello = hello[: len(hello) // 2]
        at = 0
        if options.manner == "crumbs":
            for at in range(40):
                await self.send(hello[at : at + 1])
                await asyncio.sleep(0.001)
            at = 40
        elif options.manner == "urgent":
            await self.send(hello[:100])
            await self.send(hello[100:101], urgent=True)
            at = 101
        await self.send(hello[at:])
        await self.expect(hello)
        await self.exchange(os.urandom(options.bytes))

    async def wait(self):
        global slowest
        while options.until and not os.path.exists(options.until):
            await asyncio.sleep(options.pause)
            if options.steady:
                began = time.monotonic()
                await self.exchange(b"." * 1000)
                slowest = max(slowest, time.monotonic() - began)

    async def end(self):
        global seen
        await self.exchange(os.urandom(options.bytes))
        if options.abort:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()
            ports[str(self.port)] += 1
            return
        own = self.sock.getsockname()[:2]
        self.sock.shutdown(socket.SHUT_WR)
        rest = b""
        while piece := await self.loop.sock_recv(self.sock, 1 << 16):
            rest += piece
        port, length, digest, *peer = rest[100_000:].split()
        if rest[:100_000] != b"." * 100_000 or int(length) != self.sent:
            raise ValueError("another end")
        if digest.decode() != self.digest.hexdigest():
            raise ValueError("the endpoint saw other bytes")
        seen += [part.decode() for part in peer] == [str(part) for part in own]
        ports[port.decode()] += 1


async def guarded(step, limit):
    try:
        async with limit:
            await asyncio.wait_for(step, options.limit)
        return True
    except Exception as error:
        errors[f"{type(error).__name__}: {error}"] += 1
        return False


async def main():
    hello = first_bytes()
    limit = asyncio.Semaphore(options.parallel)
    all = [Connection(number) for number in range(options.count)]
    begun = await asyncio.gather(*(guarded(c.begin(hello), limit) for c in all))
    print("open", flush=True)
    live = [c for c, is_live in zip(all, begun) if is_live]
    await asyncio.gather(*(guarded(c.wait(), asyncio.Semaphore()) for c in live))
    await asyncio.gather(*(guarded(c.end(), limit) for c in live))


resource.setrlimit(resource.RLIMIT_NOFILE, (20_000, 20_000))
asyncio.run(main())
print(json.dumps({
    "good": sum(ports.values()), "ports": ports, "errors": errors, "retries": retries,
    "slowest": slowest, "seen": seen,
}))

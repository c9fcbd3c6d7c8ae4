#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""greeting.py serve PORT: a server that speaks first, as SMTP's do: a line with its client's address
and port, then it sends back whatever comes.

greeting.py meet ADDRESS PORT [--count N] [--parallel N] [--limit SECONDS] [--bytes N]: clients that say
nothing before they were greeted, then send bytes and compare what comes back. Prints JSON: how many
were well served, how long the slowest waited for its greeting, the greetings, and what went wrong.
"""
import argparse
import asyncio
import collections
import json
import os
import time

parser = argparse.ArgumentParser()
parser.add_argument("role", choices=["serve", "meet"])
parser.add_argument("place", nargs="+")
parser.add_argument("--count", type=int, default=1)
parser.add_argument("--parallel", type=int, default=20)
parser.add_argument("--limit", type=float, default=60)
parser.add_argument("--bytes", type=int, default=50_000)
options = parser.parse_args()


async def greet(reader, writer):
    try:
        address, port = writer.get_extra_info("peername")[:2]
        writer.write(f"220 {address} {port}\r\n".encode())
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def serve(port):
    await asyncio.start_server(greet, None, port, backlog=4096)
    print("listening", flush=True)
    await asyncio.Event().wait()


async def meet(waits, greetings):
    began = time.monotonic()
    reader, writer = await asyncio.open_connection(options.place[0], int(options.place[1]))
    greetings.append((await reader.readline()).decode().strip())
    if not greetings[-1].startswith("220 "):
        raise ValueError("no greeting")
    waits.append(time.monotonic() - began)
    sent = os.urandom(options.bytes)
    writer.write(sent)
    if await reader.readexactly(len(sent)) != sent:
        raise ValueError("other bytes")
    writer.write_eof()
    if await reader.read():
        raise ValueError("more bytes")
    writer.close()


async def meet_all():
    waits, greetings, errors = [0], [], collections.Counter()
    turn = asyncio.Semaphore(options.parallel)
    good = 0

    async def one():
        nonlocal good
        async with turn:
            try:
                await asyncio.wait_for(meet(waits, greetings), options.limit)
                good += 1
            except Exception as error:
                errors[f"{type(error).__name__} {error}"] += 1

    await asyncio.gather(*(one() for _ in range(options.count)))
    print(json.dumps({"good": good, "slowest": max(waits), "greetings": greetings[:10],
                      "errors": errors}))


asyncio.run(serve(int(options.place[0])) if options.role == "serve" else meet_all())

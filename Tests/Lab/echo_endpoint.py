#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""echo_endpoint.py FIRST-PORT [COUNT [ADDRESS]]: sends back whatever comes, TLS or not.

When the peer has closed its half it says more: 100,000 dots, then a line with the port it was
reached at, how many bytes came and their SHA-256, and the peer's address and port.
"""
import asyncio
import hashlib
import resource
import sys


async def echo(reader, writer):
    digest, length = hashlib.sha256(), 0
    try:
        while piece := await reader.read(1 << 16):
            digest.update(piece)
            length += len(piece)
            writer.write(piece)
            await writer.drain()
        port = writer.get_extra_info("sockname")[1]
        peer = " ".join(map(str, writer.get_extra_info("peername")[:2]))
        line = f"\n{port} {length} {digest.hexdigest()} {peer}\n"
        writer.write(b"." * 100_000 + line.encode())
        await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def main(first, count="1", address=None):
    for port in range(int(first), int(first) + int(count)):
        await asyncio.start_server(echo, address, port, backlog=4096)
    print("listening", flush=True)
    await asyncio.Event().wait()


resource.setrlimit(resource.RLIMIT_NOFILE, (20_000, 20_000))
asyncio.run(main(*sys.argv[1:]))

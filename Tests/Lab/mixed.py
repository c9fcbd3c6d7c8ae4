#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mixed.py [options] ADDRESS PORT NAME: TLS transfers of many sizes, both ways, each checked.

Every other connection gets a range of --file, the others upload one. The sizes are spread evenly
over the orders of magnitude from --least to --most. Prints JSON: how many were good, how many got
other bytes than were sent, what went wrong with the rest, and how long all took.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import random
import socket
import ssl
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("address")
parser.add_argument("port", type=int)
parser.add_argument("name")
parser.add_argument("--authority", required=True)
parser.add_argument("--file", required=True)
parser.add_argument("--count", type=int, default=200)
parser.add_argument("--parallel", type=int, default=100)
parser.add_argument("--least", type=int, default=100)
parser.add_argument("--most", type=int, default=1_000_000)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--limit", type=float, default=60, help="seconds of silence")
options = parser.parse_args()

content = open(options.file, "rb").read()
context = ssl.create_default_context(cafile=options.authority)


class Corrupt(Exception):
    pass


def answer(stream):
    data = bytearray()
    while piece := stream.recv(1 << 16):
        data += piece
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 20"):
        raise EOFError(f"{head[:60]!r}")
    if f"content-length: {len(body)}\r\n".encode() not in head.lower() + b"\r\n":
        raise EOFError("less than was announced")
    return body


def transfer(number):
    chance = random.Random(options.seed * 1_000_003 + number)
    size = int(options.least * (options.most / options.least) ** chance.random())
    start = chance.randrange(len(content) - size)
    part = content[start : start + size]
    host = f"Host: {options.name}\r\nConnection: close\r\n"
    address = (options.address, options.port)
    with socket.create_connection(address, timeout=options.limit) as plain:
        with context.wrap_socket(plain, server_hostname=options.name) as stream:
            if number % 2:
                ranges = f"Range: bytes={start}-{start + size - 1}\r\n"
                stream.sendall(f"GET /16.bin HTTP/1.1\r\n{host}{ranges}\r\n".encode())
                if answer(stream) != part:
                    raise Corrupt
            else:
                length = f"Content-Length: {size}\r\n"
                stream.sendall(f"POST /upload HTTP/1.1\r\n{host}{length}\r\n".encode() + part)
                if not answer(stream).decode().startswith(hashlib.sha256(part).hexdigest()):
                    raise Corrupt


def outcome(number):
    try:
        transfer(number)
        return "good"
    except Corrupt:
        return "corrupt"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


began = time.monotonic()
with concurrent.futures.ThreadPoolExecutor(options.parallel) as crew:
    outcomes = collections.Counter(crew.map(outcome, range(options.count)))
seconds = time.monotonic() - began
good, corrupt = outcomes.pop("good", 0), outcomes.pop("corrupt", 0)
json.dump({"good": good, "corrupt": corrupt, "errors": outcomes, "seconds": seconds}, sys.stdout)

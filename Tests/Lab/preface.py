#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""preface.py ADDRESS PORT NAME AUTHORITY PATH HEADER [--manner MANNER] [--count N]: GETs over TLS
behind a PROXY header.

HEADER: `v1`, `v2`, `tlvs` (version 2 with TLVs and a checksum), `local`, `unknown`, `none`, or
hexadecimal digits. The first three name the client 203.0.113.9:4321, or 2001:db8:9::9.
--manner: `together`, header and hello in one segment; `apart`, each in its own; `crumbs`, segments of one
byte. Prints what the last one got, or in JSON how many got the same (--count).
"""
import argparse
import collections
import hashlib
import ipaddress
import json
import socket
import ssl
import struct
import threading
import time

parser = argparse.ArgumentParser()
for name in ("address", "port", "name", "authority", "path", "header"):
    parser.add_argument(name)
parser.add_argument("--manner", default="together")
parser.add_argument("--count", type=int, default=1)
parser.add_argument("--parallel", type=int, default=10)
options = parser.parse_args()

is_v6 = ":" in options.address
signature = b"\r\n\r\n\0\r\nQUIT\n"
source = ipaddress.ip_address("2001:db8:9::9" if is_v6 else "203.0.113.9")
target = ipaddress.ip_address("2001:db8:9::1" if is_v6 else "203.0.113.1")


def crc32c(data):
    rest = 0xFFFFFFFF
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ (0x82F63B78 if rest & 1 else 0)
    return rest ^ 0xFFFFFFFF


def binary(tlvs=b""):
    body = source.packed + target.packed + struct.pack("!HH", 4321, 443) + tlvs
    return signature + bytes([0x21, 0x21 if is_v6 else 0x11]) + struct.pack("!H", len(body)) + body


def with_tlvs():
    tlvs = b"\x02" + struct.pack("!H", 10) + b"outer.test" + b"\xea\0\x03abc"
    blank = binary(tlvs + b"\x03\0\x04\0\0\0\0")
    return blank[:-4] + struct.pack("!I", crc32c(blank))


def header():
    kind = options.header
    family = "TCP6" if is_v6 else "TCP4"
    known = {
        "v1": lambda: f"PROXY {family} {source} {target} 4321 443\r\n".encode(),
        "v2": binary,
        "tlvs": with_tlvs,
        "local": lambda: signature + b"\x20\0\0\0",
        "unknown": lambda: b"PROXY UNKNOWN\r\n",
        "none": lambda: b"",
    }
    return known[kind]() if kind in known else bytes.fromhex(kind)


def send(sock, data):
    if options.manner == "crumbs":
        for byte in data:
            sock.sendall(bytes([byte]))
            time.sleep(0.001)
    else:
        sock.sendall(data)


def get():
    context = ssl.create_default_context(cafile=options.authority)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=options.name)
    sock = socket.create_connection((options.address, int(options.port)), timeout=60)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    first = header()
    if options.manner == "apart" and first:
        send(sock, first)
        first = b""
        time.sleep(0.02)

    def run(step):
        nonlocal first
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                result = None
            if outgoing.pending or first:
                send(sock, first + outgoing.read())
                first = b""
            if result is not None:
                return result
            piece = sock.recv(1 << 16)
            if piece:
                incoming.write(piece)
            else:
                incoming.write_eof()

    run(lambda: tls.do_handshake() or True)
    request = f"GET {options.path} HTTP/1.0\r\nHost: {options.name}\r\n\r\n".encode()
    run(lambda: tls.write(request))
    answer = b""
    try:
        while piece := run(lambda: tls.read(1 << 16)):
            answer += piece
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        pass
    sock.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\n")[0]:
        raise ValueError(head[:60])
    return body.decode().strip() if len(body) < 1000 else hashlib.sha256(body).hexdigest()


if options.count == 1:
    print(get())
else:
    answers, errors, turns = collections.Counter(), collections.Counter(), iter(range(options.count))

    def work():
        while next(turns, None) is not None:
            try:
                answers[get()] += 1
            except Exception as error:
                errors[f"{type(error).__name__} {error}"] += 1

    threads = [threading.Thread(target=work) for _ in range(options.parallel)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"answers": answers, "errors": errors}))

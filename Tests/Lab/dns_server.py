#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A name server for a test: dns_server.py ADDRESS PORT ZONE.

ZONE is a file of JSON, read for each question: {"db.test": {"ttl": 1, "A": ["10.0.0.10"], "AAAA": []}}.
Names that are not in it do not exist; while the file is not there, nobody answers."""
import json
import socket
import struct
import sys


def answer(question, zone):
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode())
        at += 1 + question[at]
    kind = {1: "A", 28: "AAAA"}.get(struct.unpack("!H", question[at + 1:at + 3])[0])
    entry = zone.get(".".join(labels).lower())
    family = socket.AF_INET if kind == "A" else socket.AF_INET6
    records = [socket.inet_pton(family, text) for text in (entry or {}).get(kind, [])]
    flags = 0x8180 if entry is not None else 0x8183
    head = question[:2] + struct.pack("!5H", flags, 1, len(records), 0, 0)
    body = b"".join(b"\xc0\x0c" + question[at + 1:at + 5] + struct.pack("!IH", entry["ttl"], len(record)) + record
                    for record in records)
    return head + question[12:at + 5] + body


def main():
    address, port, zone = sys.argv[1:]
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, int(port)))
    while True:
        question, client = server.recvfrom(4096)
        try:
            with open(zone, encoding="utf-8") as file:
                server.sendto(answer(question, json.load(file)), client)
        except FileNotFoundError:
            pass


main()

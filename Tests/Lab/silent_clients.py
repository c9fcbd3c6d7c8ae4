#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""silent_clients.py ADDRESS PORT COUNT BYTES SECONDS: clients that say little and wait.

Each connects, sends the first BYTES of a ClientHello, and waits to be turned away. Prints `open`
when all are connected and, after SECONDS or when none is left, JSON: how many were reset and
closed, the numbers of those that were not, and when the first and the last one ended.
"""
import json
import pathlib
import resource
import select
import socket
import subprocess
import sys
import time

address, port, count, length, seconds = sys.argv[1], *map(int, sys.argv[2:])
resource.setrlimit(resource.RLIMIT_NOFILE, (20_000, 20_000))
make_hello = pathlib.Path(__file__).with_name("make_hello.py")
hello = subprocess.run([make_hello, "stub.test"], capture_output=True, check=True).stdout
poller = select.epoll()
clients, ended = {}, {"reset": 0, "closed": 0}
moments = []
began = time.monotonic()


def take(timeout):
    for number, _ in poller.poll(timeout):
        index, client = clients.pop(number)
        try:
            if client.recv(100):
                raise ValueError("an answer to half a hello")
            ended["closed"] += 1
        except ConnectionResetError:
            ended["reset"] += 1
        moments.append(round(time.monotonic() - began, 3))
        client.close()


for index in range(count):
    client = socket.create_connection((address, port), timeout=10)
    if length:
        client.sendall(hello[:length])
    clients[client.fileno()] = (index, client)
    poller.register(client, select.EPOLLIN | select.EPOLLRDHUP)
print("open", flush=True)
while clients and time.monotonic() < began + seconds:
    take(0.1)
left = sorted(index for index, _ in clients.values())
print(json.dumps({**ended, "left": left, "first": moments[:1], "last": moments[-1:]}))

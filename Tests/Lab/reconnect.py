#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""reconnect.py serve PORT: a server that greets and closes first, so that its end of a connection
stays behind in TIME_WAIT.

reconnect.py connect ADDRESS PORT --sources A,B,... [--count N] [--pause SECONDS]: one connection after
another, from each address in turn, each of which has a clock of its own. Prints how many were greeted.
"""
import argparse
import socket
import time

parser = argparse.ArgumentParser()
parser.add_argument("role", choices=["serve", "connect"])
parser.add_argument("place", nargs="+")
parser.add_argument("--sources", default="")
parser.add_argument("--count", type=int, default=10)
parser.add_argument("--pause", type=float, default=0.15)
options = parser.parse_args()


def serve(port):
    listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    print("listening", flush=True)
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"220 hello\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1000):
            pass
        connection.close()


def connect(address, port):
    good = 0
    sources = options.sources.split(",")
    for number in range(options.count):
        with socket.create_connection(
                (address, port), timeout=30, source_address=(sources[number % len(sources)], 0)
        ) as connection:
            greeting = b""
            while piece := connection.recv(1000):
                greeting += piece
            good += greeting == b"220 hello\r\n"
        time.sleep(options.pause)
    print(good, "good")


if options.role == "serve":
    serve(int(options.place[0]))
else:
    connect(options.place[0], int(options.place[1]))

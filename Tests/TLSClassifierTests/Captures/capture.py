# SPDX-License-Identifier: Apache-2.0
"""Listens on a loopback port, runs a TLS client against it and keeps what the client sends first.

usage: capture.py OUTPUT PORT COMMAND [ARGUMENT...]

The listener never answers: what arrives until the client's first pause is its ClientHello. The
client is stopped by its process id afterwards. No byte leaves the machine.
"""

import socket
import subprocess
import sys


def main():
    output, port, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(30)
        client = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            connection, _ = listener.accept()
            with connection:
                hello = receive(connection)
        finally:
            client.terminate()
            client.wait(10)
    with open(output, "wb") as file:
        file.write(hello)
    print(f"{output}: {len(hello)} bytes")


def receive(connection):
    """Everything that comes before half a second of silence."""
    hello = b""
    connection.settimeout(10)
    while True:
        try:
            chunk = connection.recv(65536)
        except TimeoutError:
            return hello
        if not chunk:
            return hello
        hello += chunk
        connection.settimeout(0.5)


main()

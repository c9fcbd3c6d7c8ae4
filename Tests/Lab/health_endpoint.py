#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""health_endpoint.py PORT KIND [ARGUMENT...]: an endpoint that is ill as a test wants it.

tls NAME CERTIFICATE KEY: speaks TLS with clients that ask for NAME; others get unrecognized_name.
http FILE: answers with the status that stands in FILE, one of the lab's state.
pong: answers a line PING with PONG, and others with ERR.
echo: sends back what comes.
SIGUSR1: resets every connection. SIGUSR2: stops to listen before it.
"""
import asyncio
import signal
import socket
import ssl
import struct
import sys
import threading

port, kind, *arguments = sys.argv[1:]
writers = set()


async def serve(reader, writer):
    writers.add(writer)
    try:
        while piece := await reader.read(1 << 16):
            if kind == "echo":
                writer.write(piece)
            elif kind == "pong":
                writer.write(b"PONG\r\n" if piece == b"PING\r\n" else b"ERR\r\n")
            elif kind == "http":
                with open(arguments[0]) as file:
                    status = file.read().strip()
                writer.write(f"HTTP/1.1 {status} text\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
    except ConnectionError:
        pass
    writers.discard(writer)
    writer.close()


def serve_tls(name, certificate, key):
    # On threads: asyncio closes before the alert of a failed handshake is written.
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    made.sni_callback = lambda _, asked, __: (
        None if asked == name else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)
    listening = socket.create_server(("", int(port)))
    print("listening", flush=True)
    while True:
        threading.Thread(target=greet, args=(made, listening.accept()[0])).start()


def greet(made, client):
    try:
        made.wrap_socket(client, server_side=True).close()
    except OSError:
        client.close()


def abort(server=None):
    if server:
        server.close()
    for writer in writers:
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


async def main():
    server = await asyncio.start_server(serve, None, int(port), backlog=1024)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, abort)
    loop.add_signal_handler(signal.SIGUSR2, abort, server)
    print("listening", flush=True)
    await asyncio.Event().wait()


if kind == "tls":
    serve_tls(*arguments)
else:
    asyncio.run(main())

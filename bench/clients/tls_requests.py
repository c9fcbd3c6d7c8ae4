#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tls_requests.py ADDRESS PORT NAME SECONDS: TLS requests one after the other, a connection each.

Prints one line of JSON with the median and 99th percentile in microseconds, from connect() to the
first byte of the answer to a GET.
"""
import json
import socket
import ssl
import sys
import time

address, port, name, seconds = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
request = f"GET / HTTP/1.0\r\nHost: {name}\r\n\r\n".encode()
took = []
failed = 0
end = time.monotonic() + float(seconds)
while (began := time.monotonic()) < end:
    try:
        with socket.create_connection((address, int(port)), timeout=10) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with context.wrap_socket(plain, server_hostname=name) as tls:
                tls.sendall(request)
                tls.recv(1)
                took.append((time.monotonic() - began) * 1e6)
                while tls.recv(1 << 16):
                    pass
    except OSError:
        failed += 1
took.sort()
print(
    json.dumps(
        {
            "connections": len(took),
            "failed": failed,
            "first_byte_us": {"p50": took[len(took) // 2], "p99": took[len(took) * 99 // 100]}
            if took
            else {"p50": 0, "p99": 0},
        }
    )
)

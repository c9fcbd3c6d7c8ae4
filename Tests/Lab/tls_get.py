#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tls_get.py ADDRESS PORT NAME CAFILE [PATH] [ALPN-BYTES]: a GET by Python's TLS.

Prints the certificate's first alternative name and the body. ALPN-BYTES makes the ClientHello
that much longer by a list of protocols that nobody speaks, with http/1.1 at its end.
"""
import socket
import ssl
import sys

address, port, name, authority, *more = sys.argv[1:]
path = more[0] if more else "/"
context = ssl.create_default_context(cafile=authority)
if len(more) > 1:
    count = int(more[1]) // 100
    context.set_alpn_protocols([f"{n:099d}" for n in range(count)] + ["http/1.1"])
with socket.create_connection((address, int(port)), timeout=30) as plain:
    with context.wrap_socket(plain, server_hostname=name) as tls:
        print(tls.getpeercert()["subjectAltName"][0][1])
        tls.sendall(f"GET {path} HTTP/1.0\r\nHost: {name}\r\n\r\n".encode())
        answer = b""
        while piece := tls.recv(1 << 16):
            answer += piece
sys.stdout.buffer.write(answer.split(b"\r\n\r\n", 1)[1])

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_hello.py NAME [ALPN-BYTES]: writes to stdout the ClientHello that Python's TLS sends for a name.

ALPN-BYTES makes it that much longer by a list of protocols that nobody speaks, with http/1.1 at its end.
"""
import ssl
import sys

context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
if len(sys.argv) > 2:
    count = int(sys.argv[2]) // 100
    context.set_alpn_protocols([f"{n:099d}" for n in range(count)] + ["http/1.1"])
outgoing = ssl.MemoryBIO()
name = sys.argv[1] if len(sys.argv) > 1 else None
handshake = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
try:
    handshake.do_handshake()
except ssl.SSLWantReadError:
    pass
sys.stdout.buffer.write(outgoing.read())

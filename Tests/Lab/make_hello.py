#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_hello.py NAME: writes to stdout the ClientHello that Python's TLS sends for a name."""
import ssl
import sys

context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
outgoing = ssl.MemoryBIO()
name = sys.argv[1] if len(sys.argv) > 1 else None
handshake = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
try:
    handshake.do_handshake()
except ssl.SSLWantReadError:
    pass
sys.stdout.buffer.write(outgoing.read())

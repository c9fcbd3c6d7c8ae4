#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Answers PUT and POST with the SHA-256 of the body and its length."""
import hashlib
import http.server
import sys


class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def receive(self):
        digest = hashlib.sha256()
        length = 0
        for piece in self.pieces():
            digest.update(piece)
            length += len(piece)
        answer = f"{digest.hexdigest()} {length}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_PUT = do_POST = receive

    def pieces(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length", 0))
        while left and (piece := self.rfile.read(min(left, 1 << 16))):
            left -= len(piece)
            yield piece

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512


Server((sys.argv[1], int(sys.argv[2])), Sink).serve_forever()

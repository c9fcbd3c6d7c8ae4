#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""http_tool.py ab|h2load|bombardier keep|close SECONDS URL: 64 connections of another tool than wrk.

h2load keeps its connections, whatever it is told: with `close` it would wait forever.
Prints one line of JSON for bench/run.
"""
import json
import re
import subprocess
import sys

tool, mode, seconds, url = sys.argv[1:]
closes = mode == "close"
header = ["-H", "Connection: close"] if closes else []
COMMANDS = {
    # After the time, so that its number of requests does not win.
    "ab": ["ab", "-q", "-c", "64", "-t", seconds, "-n", "100000000"]
    + ([] if closes else ["-k"]) + [url],
    "h2load": ["h2load", "--h1", "-c", "64", "-t", "2", "-D", seconds, url],
    "bombardier": ["bombardier", "-k", "-c", "64", "-d", f"{seconds}s", "-p", "r", "-o", "json"]
    + header + [url],
}


def number(pattern, text):
    found = re.search(pattern, text)
    return float(found.group(1)) if found else 0.0


def read_ab(text):
    requests = number(r"Complete requests:\s+(\d+)", text)
    # Answers of other lengths than the first count as failed there; none here has another.
    return requests, number(r"Failed requests:\s+(\d+)", text), number(
        r"Time taken for tests:\s+([\d.]+)", text)


def read_h2load(text):
    return (
        number(r"(\d+) succeeded", text),
        number(r"(\d+) failed", text),
        # What it counts is within the time that was asked for.
        float(seconds),
    )


def read_bombardier(text):
    result = json.loads(text)["result"]
    failed = sum(result[key] for key in ("req4xx", "req5xx", "others"))
    return result["req2xx"], failed, result["timeTakenSeconds"]


done = subprocess.run(COMMANDS[tool], capture_output=True, text=True, check=False)
if done.returncode:
    sys.exit(f"{tool}: {(done.stderr or done.stdout).strip()[-300:]}")
requests, failed, took = globals()[f"read_{tool}"](done.stdout)
print(json.dumps({"requests": int(requests), "failed": int(failed), "seconds": took}))

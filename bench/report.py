#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""report.py SAMPLES [--raw]: the table of a run of bench/run, in Markdown."""
import datetime
import json
import os
import platform
import statistics
import sys

TICK = 1 / os.sysconf("SC_CLK_TCK")
with open(sys.argv[1], encoding="utf-8") as file:
    samples = [json.loads(line) for line in file]


def busy_per(unit):
    """Busy processor time of the whole machine, in microseconds per unit."""
    return lambda s: s["machine_ticks"] * TICK * 1e6 / max(unit(s["figure"]), 1e-9)


# work, title, figure of a sample, how two ways compare, what the project asks for
ROWS = [
    ("bulk", "16 MiB TLS downloads, 16 at a time, Gbit/s",
     lambda s: s["figure"]["bytes"] * 8e-9 / s["figure"]["seconds"], "ratio", "≥ 0.95"),
    ("bulk", "… machine busy, CPU-s/GB",
     lambda s: busy_per(lambda f: f["bytes"] / 1e9)(s) / 1e6, "added", ""),
    ("bulk", "… daemon busy, CPU-s",
     lambda s: s["daemon_ticks"] * TICK, "added", "0"),
    ("server-hello", "connect to first ServerHello byte, sequential, p50 µs",
     lambda s: s["figure"]["first_byte_us"]["p50"], "added", "≤ 150"),
    ("request", "connect to first byte of a TLS answer, sequential, p50 µs",
     lambda s: s["figure"]["first_byte_us"]["p50"], "added", "≤ 150"),
    ("connections", "new connections with a canned hello, 64 at a time, per second",
     lambda s: s["figure"]["per_second"], "ratio", "≥ 0.75"),
    ("connections", "… machine busy, CPU-µs/connection",
     busy_per(lambda f: f["connections"]), "added", ""),
]


def median(work, way, figure):
    values = [figure(s) for s in samples if s["work"] == work and s["way"] == way]
    return statistics.median(values) if values else None


def text(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def compare(kind, direct, ours):
    if direct is None or ours is None:
        return "–"
    return f"{ours / direct:.3f} ×" if kind == "ratio" else f"{ours - direct:+,.3g}"


def table():
    yield ["", "direct", "sluice", "sluice against direct", "asked for"]
    for work, title, figure, kind, asked in ROWS:
        direct, ours = median(work, "direct", figure), median(work, "sluice", figure)
        if direct is not None or ours is not None:
            yield [title, text(direct), text(ours), compare(kind, direct, ours), asked]


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return f"{len(models)} × {models[0]}" if models else platform.machine()


def memory():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


rows = list(table())
widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
rounds = max(s["round"] for s in samples)
failed = {way: sum(s["figure"]["failed"] for s in samples if s["way"] == way)
          for way in sorted({s["way"] for s in samples})}
print(f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC, "
      f"Linux {platform.release()}, {processor()}, {memory():.0f} GiB. "
      f"Median of {rounds} interleaved rounds, fresh namespaces for each cell. Failed: "
      + ", ".join(f"{count} {way}" for way, count in failed.items()) + ".\n")
for number, row in enumerate(rows):
    print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
    if number == 0:
        print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
if "--raw" in sys.argv:
    print("\nSamples:\n\n```json")
    for sample in samples:
        print(json.dumps(sample))
    print("```")

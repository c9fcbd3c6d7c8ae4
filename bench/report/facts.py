#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""facts.py: the first line of a run's samples. Reads "name=value" lines that bench/run knows, adds the machine."""
import datetime
import json
import os
import platform
import sys


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return f"{len(models)} × {models[0]}" if models else platform.machine()


facts = {
    "date": f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC",
    "kernel": platform.release(),
    "processor": processor(),
    "processors": os.cpu_count(),
    "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
    "ticks_per_second": os.sysconf("SC_CLK_TCK"),
    "skipped": [],
    "version": {},
    "settings": {},
}
for line in sys.stdin:
    name, value = line.rstrip("\n").split("=", 1)
    kind, _, way = name.partition(" ")
    if kind == "skipped":
        facts[kind] += [value] if value else []
    elif way:
        facts[kind][way] = value
    else:
        facts[kind] = int(value)
print(json.dumps({"facts": facts}))

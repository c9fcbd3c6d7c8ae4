# SPDX-License-Identifier: Apache-2.0
"""What is read from the samples of each work, and what issue 4 asks of Sluice."""
from dataclasses import dataclass
from typing import Callable, Optional


# Of the time of a packet: ns with a thousand flows, and how much more with a million may be.
PACKET_GOAL, MILLION_GOAL = 150, 1.5


def busy_per(units, scale):
    """Busy time of all processors for one unit."""
    def figure(sample, run):
        amount = units(sample["figure"])
        return sample["machine_ticks"] * run.tick * scale / amount if amount else None
    return figure


def gbit_per_second(sample, _):
    return sample["figure"]["bytes"] * 8e-9 / sample["figure"]["seconds"]


def requests_per_second(sample, _):
    return sample["figure"]["requests"] / sample["figure"]["seconds"]


def connections_per_second(sample, _):
    return sample["figure"]["per_second"]


def first_byte(sample, _):
    return sample["figure"]["first_byte_us"]["p50"]


def idle_kib(sample, _):
    """Processes and slab, and what the flow map holds for it, which is allocated beforehand."""
    figure = sample["figure"]
    opened = figure["connections"] - figure["failed"]
    if opened <= 0:
        return None
    return (figure["rss_kib"] + figure["slab_kib"]) / opened + (figure["map_bytes_per_flow"] or 0) / 1024


def honest_percent(sample, _):
    figure = sample["figure"]
    return 100 * (1 - figure["failed"] / figure["connections"]) if figure["connections"] else 0


SIZES = {"KiB": 1 << 10, "MiB": 1 << 20}


def size_of(point):
    return int(point[:-3]) * SIZES[point[-3:]]


def busy_per_object(sample, run):
    """In microseconds. Of large objects, the parts that came before the end count too."""
    size = size_of(sample["point"])
    figure = sample["figure"]
    amount = figure["bytes"] / size if size >= 1 << 20 else figure["requests"]
    return sample["machine_ticks"] * run.tick * 1e6 / amount if amount else None


@dataclass(frozen=True)
class Goal:
    text: str
    reached: Callable[[float], bool]


def at_least(limit, sign=""):
    return Goal(f"≥ {limit}{sign}", lambda value: value >= limit)


def at_most(limit, sign=""):
    return Goal(f"≤ {limit:+}{sign}".replace("-", "−"), lambda value: value <= limit)


@dataclass(frozen=True)
class Row:
    """One figure of a work. `against` direct: "ratio", "added", or None for the figure itself."""

    work: str
    title: str
    unit: str
    figure: Callable
    against: Optional[str]
    goal: Optional[Goal] = None
    more_is_better: bool = False


gigabytes = busy_per(lambda f: f["bytes"] / 1e9, 1)
requests = busy_per(lambda f: f["requests"], 1e6)
connections = busy_per(lambda f: f["connections"] - f["failed"], 1e6)

ROWS = [
    Row("bulk", "bulk TLS", "Gbit/s", gbit_per_second, "ratio", at_least(0.99, " ×"), True),
    Row("bulk", "bulk TLS", "CPU-s/GB", gigabytes, "added"),
    Row("bulk-plain", "bulk without TLS", "Gbit/s", gbit_per_second, "ratio", at_least(1.0, " ×"), True),
    Row("bulk-plain", "bulk without TLS", "CPU-s/GB", gigabytes, "added", at_most(-0.03)),
    Row("bulk-iperf3", "raw TCP", "Gbit/s", gbit_per_second, "ratio", None, True),
    Row("bulk-iperf3", "raw TCP", "CPU-s/GB", gigabytes, "added"),
    Row("keepalive", "kept alive, 1 KiB", "requests/s", requests_per_second, "ratio",
        at_least(0.98, " ×"), True),
    Row("keepalive", "kept alive, 1 KiB", "CPU-µs/request", requests, "added", at_most(1)),
    Row("new-tls", "new TLS connections, 1 KiB", "connections/s", requests_per_second, "ratio", None, True),
    Row("new-tls", "new TLS connections, 1 KiB", "CPU-µs/connection", requests, "added", at_most(30)),
    Row("connections", "new connections, canned hello", "connections/s", connections_per_second,
        "ratio", at_least(0.90, " ×"), True),
    Row("connections", "new connections, canned hello", "CPU-µs/connection", connections, "added",
        at_most(12)),
    Row("server-hello", "connect to ServerHello, p50", "µs", first_byte, "added", at_most(45)),
    Row("request", "connect to answer, p50", "µs", first_byte, "added"),
    Row("idle", "memory of an idle connection", "KiB", idle_kib, "added", at_most(0.5)),
    Row("syn-flood", "honest connections beside a SYN flood", "% within 1 s", honest_percent, None,
        at_least(99, " %"), True),
    Row("syn-flood", "honest connections beside a SYN flood", "connections/s", connections_per_second,
        None, None, True),
]

COMPARE = {"ratio": lambda ours, theirs: ours / theirs if theirs else None,
           "added": lambda ours, theirs: None if None in (ours, theirs) else ours - theirs}


def compared(run, row, point, way):
    """What the goal speaks of: the ratio, the difference, or the figure itself."""
    if row.against is None:
        return run.spread(row.work, point, way, row.figure)
    return run.against_direct(row.work, point, way, row.figure, COMPARE[row.against])

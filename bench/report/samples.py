# SPDX-License-Identifier: Apache-2.0
"""The samples of a run, and medians of them."""
import json
import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Median, least and most of one figure over the rounds."""

    median: float
    least: float
    most: float

    @staticmethod
    def of(values):
        values = [value for value in values if value is not None]
        return Spread(statistics.median(values), min(values), max(values)) if values else None


class Run:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        self.facts = lines[0]["facts"]
        self.tick = 1 / self.facts["ticks_per_second"]
        self.errors = [line for line in lines[1:] if "error" in line]
        self.samples = [line for line in lines[1:] if "error" not in line]
        self.ways = [way for way in self.facts["version"] if any(s["way"] == way for s in self.samples)]

    def of(self, work, point="", way=None):
        return [s for s in self.samples
                if s["work"] == work and s["point"] == point and way in (None, s["way"])]

    def points(self, work):
        """The points of a work in the order they were measured."""
        return list(dict.fromkeys(s["point"] for s in self.samples if s["work"] == work))

    def spread(self, work, point, way, figure):
        return Spread.of(figure(s, self) for s in self.of(work, point, way))

    def against_direct(self, work, point, way, figure, compare):
        """Compares each sample with direct's of the same round."""
        direct = {s["round"]: s for s in self.of(work, point, "direct")}
        return Spread.of(
            compare(figure(s, self), figure(direct[s["round"]], self))
            for s in self.of(work, point, way) if s["round"] in direct)

    def failures(self, way):
        return sum(s["figure"]["failed"] for s in self.samples if s["way"] == way)

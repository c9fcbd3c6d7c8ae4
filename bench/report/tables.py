# SPDX-License-Identifier: Apache-2.0
"""The report in Markdown."""
import math

from figures import COMPARE, MILLION_GOAL, PACKET_GOAL, ROWS, busy_per_object, compared, gbit_per_second, size_of
from samples import Spread

NOISE = 5  # percent of the machine


def text(value):
    """Three digits, more for large numbers."""
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if value and abs(value) < 0.0005:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{min(max(digits, 0), 3)}f}"


def signed(value):
    if value is None:
        return "–"
    return ("+" if value > 0 else "−" if value < 0 else "") + text(abs(value))


def spread_text(spread, show=text):
    return "–" if spread is None else f"{show(spread.median)} [{show(spread.least)} … {show(spread.most)}]"


def markdown(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
        if number == 0:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"


def points_of(run, row):
    """Of the works that go over tools, each tool is a row."""
    return run.points(row.work)


def title(row, point):
    tool = f" ({point})" if point not in ("", "wrk") else ""
    added = "added " if row.against == "added" else ""
    return f"{row.title}{tool}, {added}{row.unit}"


def cell(run, row, point, way):
    own = run.spread(row.work, point, way, row.figure)
    against = compared(run, row, point, way)
    if own is None:
        return "–"
    if row.against == "added":
        return f"({text(own.median)})" if way == "direct" else signed(against and against.median)
    if row.against == "ratio" and way != "direct" and against:
        return f"{text(own.median)} · {against.median:.2f} ×"
    return text(own.median)


def verdict(run, row, point):
    ours = compared(run, row, point, "sluice")
    if row.goal is None or ours is None:
        return ""
    doubt = ", noisy" if is_noisy(run, row.work, point) else ""
    if row.goal.reached(ours.median):
        return f"{row.goal.text}: reached{doubt}"
    show = signed if row.against == "added" else text
    return f"{row.goal.text}: **missed** ({show(ours.median)}{doubt})"


def is_noisy(run, work, point):
    """Whether others worked beside sluice or what it is compared with."""
    return any(s["background_percent"] > NOISE
               for way in ("direct", "sluice") for s in run.of(work, point, way))


def main_table(run):
    yield ["", *run.ways, "goal for sluice"]
    for row in ROWS:
        for point in points_of(run, row):
            yield [title(row, point), *(cell(run, row, point, way) for way in run.ways),
                   verdict(run, row, point)]


def sizes_table(run):
    yield ["object", *run.ways]
    for point in run.points("sizes"):
        cells = [point]
        for way in run.ways:
            own = run.spread("sizes", point, way, busy_per_object)
            more = run.against_direct("sizes", point, way, busy_per_object, COMPARE["added"])
            cells.append(f"({text(own and own.median)})" if way == "direct" else signed(more and more.median))
        yield cells


def break_even(run, peers):
    """The size from which on sluice adds less than each of `peers`: in words."""
    gains = []
    for point in run.points("sizes"):
        added = {way: run.against_direct("sizes", point, way, busy_per_object, COMPARE["added"])
                 for way in ["sluice", *peers]}
        theirs = [added[way].median for way in peers if added[way]]
        if added["sluice"] and theirs:
            gains.append((size_of(point), point, min(theirs) - added["sluice"].median))
    if not gains:
        return None
    last = max((i for i, gain in enumerate(gains) if gain[2] <= 0), default=None)
    if last is None:
        return f"at every size from {gains[0][1]} on"
    if last + 1 == len(gains):
        return f"not even at {gains[-1][1]}"
    (small, _, loss), (large, _, gain) = gains[last], gains[last + 1]
    share = -loss / (gain - loss)
    return f"from about {small * (large / small) ** share / 1024:,.0f} KiB on"


def loss_table(run):
    yield ["lost in each direction", *run.ways]
    for point in run.points("loss"):
        yield [f"{point} %", *(spread_text(run.spread("loss", point, way, gbit_per_second))
                               for way in run.ways)]


# How many flows take turns: as many as with a small map, more than the nearest caches hold, more than the last.
TURNS = (1_000, 10_000, 100_000)


def turns(sample):
    """Figures by the number of flows that take turns, the fewer first."""
    return sorted((int(count), figure) for count, figure in sample["figure"]["ns_per_packet_by_turns"].items())


def packet_time(run, point, limit):
    """With so many flows in the map, of which at most `limit` take turns."""
    return Spread.of(figure["p50"] for sample in run.of("flows", point, "sluice")
                     for count, figure in turns(sample) if count == min(int(point), limit))


def flows_table(run):
    yield ["flows in the map", *(f"{limit:,} take turns" for limit in TURNS)]
    for point in run.points("flows"):
        yield [f"{int(point):,}", *(spread_text(packet_time(run, point, limit)) for limit in TURNS)]


def flows_goals(run):
    few = packet_time(run, "1000", TURNS[0])
    many = [packet_time(run, "1000000", limit) for limit in TURNS]
    if not few or not all(many):
        return

    def verdict(good):
        return "reached" if good else "**missed**"
    ratios = [time.median / few.median for time in many]
    told = "; ".join(f"{ratio:.2f} × when {limit:,} of them take turns: {verdict(ratio <= MILLION_GOAL)}"
                     for ratio, limit in zip(ratios, TURNS))
    yield (f"Goals: at most {PACKET_GOAL} ns with 1,000 flows: {verdict(few.median <= PACKET_GOAL)} "
           f"({text(few.median)}); at most {MILLION_GOAL} × that with 1,000,000: {told}.")


def flood_table(run):
    yield ["way", "honest/s", "within 1 s", "slowest ms", "SYNs/s", "its CPU-s/s", "its memory, KiB"]
    for way in run.ways:
        def show(figure):
            return text(getattr(run.spread("syn-flood", "", way, figure), "median", None))
        yield [way, show(lambda s, _: s["figure"]["per_second"]),
               show(lambda s, _: 100 * (1 - s["figure"]["failed"] / max(s["figure"]["connections"], 1))) + " %",
               show(lambda s, _: s["figure"]["first_byte_us"]["max"] / 1000),
               show(lambda s, _: s["figure"]["syns"] / (s["figure"]["seconds"] + 0.2)),
               show(lambda s, r: s["figure"]["way_busy_ticks"] * r.tick / s["figure"]["seconds"]),
               signed(getattr(run.spread("syn-flood", "", way, lambda s, _: s["figure"]["rss_kib"]),
                              "median", None))]


def idle_table(run):
    yield ["way", "processes, KiB", "kernel slab, KiB", "flow map, bytes"]
    for way in run.ways:
        rss = run.spread("idle", "", way, lambda s, _: s["figure"]["rss_kib"] / s["figure"]["connections"])
        slab = run.spread("idle", "", way, lambda s, _: s["figure"]["slab_kib"] / s["figure"]["connections"])
        table = run.spread("idle", "", way, lambda s, _: s["figure"]["map_bytes_per_flow"])
        yield [way, spread_text(rss), spread_text(slab), text(table.median) if table else "–"]


def every_cell(run):
    yield ["work", "way", "figure", "median [least … most]", "against direct", "failed", "others' load"]
    for row in ROWS:
        for point in points_of(run, row):
            for way in run.ways:
                samples = run.of(row.work, point, way)
                if not samples:
                    continue
                against = None if way == "direct" or row.against is None else compared(run, row, point, way)
                show = signed if row.against == "added" else text
                yield [f"{row.work} {point}".strip(), way, row.unit,
                       spread_text(run.spread(row.work, point, way, row.figure)),
                       spread_text(against, show) if against else "–",
                       str(sum(s["figure"]["failed"] for s in samples)),
                       f"≤ {max(s['background_percent'] for s in samples)} %"]


def heading(run):
    facts = run.facts
    rounds = max((s["round"] for s in run.samples), default=0)
    yield (f"{facts['date']}, Linux {facts['kernel']}, {facts['processor']}, {facts['memory_gib']} GiB. Median of "
           f"{rounds} interleaved rounds of {facts['seconds']} s, fresh namespaces for each cell. Client, balancer "
           f"and endpoint share the {facts['processors']} processors, so that packets per second cannot be seen to "
           "grow with them (SC-01).")
    yield ""
    noisy = [s["background_percent"] for s in run.samples if s["background_percent"] > NOISE]
    if noisy:
        yield (f"**Noisy**: before {len(noisy)} of {len(run.samples)} cells others kept the machine more than "
               f"{NOISE} % busy, at most {max(noisy)} %. Figures of such cells mislead.")
        yield ""
    stolen = sum(s["stolen_ticks"] for s in run.samples)
    share = 100 * stolen / max(stolen + sum(s["machine_ticks"] for s in run.samples), 1)
    if share > 1:
        yield f"**Stolen**: the host gave {share:.0f} % of the processors' time to others."
        yield ""
    failures = [f"{run.failures(way)} {way}" for way in run.ways]
    yield f"Connections and requests that failed, over all works: {', '.join(failures)}."
    for reason in facts["skipped"]:
        yield f"- Skipped {reason}."
    for error in run.errors:
        yield (f"- Not measured: {error['work']} {error['point']} by {error['way']} in round {error['round']}: "
               f"`{' '.join(error['error'].split())[-200:]}`.")


SECTIONS = [
    ("sizes", "CPU-µs for an object, a new TLS connection each: direct's, and what is added", sizes_table),
    ("loss", "Gbit/s of bulk TLS on a wire that loses", loss_table),
    ("idle", "Memory of an idle connection, direct's slab included", idle_table),
    ("flows", "Time of a translated packet, ns (test runs of the program, IPv4 with timestamps)", flows_table),
    ("syn-flood", "Beside a flood of spoofed SYNs from one processor", flood_table),
]


def report(run, pictures=()):
    yield f"# What Sluice costs beside its peers, {run.facts['date'][:10]}\n"
    yield from heading(run)
    yield ""
    yield "Ratios are to direct. “Added” is the busy time of all processors for one unit, less direct's in the same"
    yield "round; direct's own is in parentheses.\n"
    if "added" in pictures:
        yield "![What each way adds](added.svg)\n"
    yield from markdown(list(main_table(run)))
    for work, words, table in SECTIONS:
        if not run.points(work):
            continue
        yield f"\n## {words}\n"
        yield from markdown(list(table(run)))
        if work == "flows":
            yield ""
            yield from flows_goals(run)
        if work == "sizes" and "sluice" in run.ways:
            peers = [way for way in run.ways if way not in ("direct", "sluice")]
            named = [way for way in peers if way != "nft"]
            for words, group in (("every peer", peers), ("every peer that knows SNI", named)):
                size = break_even(run, group) if group else None
                if size:
                    yield f"\nSluice adds less than {words} {size}."
    yield "\n## What was measured\n"
    rows = [["way", "version", "settings"]]
    rows += [[way, run.facts["version"][way], run.facts["settings"][way]] for way in run.ways]
    yield from markdown(rows)
    yield "\n## Every cell\n"
    yield from markdown(list(every_cell(run)))
    others = [name for name in pictures if name != "added"]
    if others:
        yield "\n## Pictures\n"
        yield from (f"![{name}]({name}.svg)\n" for name in others)

# SPDX-License-Identifier: Apache-2.0
"""The pictures of a run: one of what each way adds, and one for each work."""
import charts
from figures import COMPARE, ROWS, busy_per_object, compared, gbit_per_second
from svg import Picture
from tables import TURNS, packet_time, signed, text

# Of the picture for the README: work, title, unit.
PANELS = [
    ("bulk", "bulk TLS", "CPU-seconds per GB"),
    ("bulk-plain", "bulk without TLS", "CPU-seconds per GB"),
    ("keepalive", "request on a kept connection", "CPU-µs per request"),
    ("new-tls", "new TLS connection", "CPU-µs per connection"),
    ("connections", "new connection, no TLS crypto", "CPU-µs per connection"),
    ("idle", "idle connection", "KiB of memory"),
]


def first_point(run, work):
    return run.points(work)[0]


def others(run):
    return [way for way in run.ways if way != "direct"]


def where(run):
    return f"{run.facts['date'][:10]}, Linux {run.facts['kernel'].split('-')[0]}, {run.facts['processor']}"


def added(run):
    """Panels in rows of three; each names the ways, so that none needs its neighbour."""
    rows = {(row.work): row for row in ROWS if row.against == "added"}
    panels = [panel for panel in PANELS if run.points(panel[0])]
    ways = others(run)
    width, height = 320, 30 + len(ways) * charts.ROW + 34
    lines = (len(panels) + 2) // 3
    picture = Picture(
        3 * width + 24, 80 + lines * height, "What each way adds to plain forwarding",
        f"less is better · medians, whiskers from least to most · {where(run)}")
    for number, (work, title, unit) in enumerate(panels):
        row = rows[work]
        charts.bars(
            picture, 24 + number % 3 * width, 96 + number // 3 * height, width - 16, title, unit,
            {way: compared(run, row, first_point(run, work), way) for way in ways}, signed)
    return picture


def of_work(run, work, rows):
    """A panel for each figure of a work."""
    width, height = 460, 30 + len(run.ways) * charts.ROW
    picture = Picture(len(rows) * width + 24, 80 + height + 30, rows[0].title[0].upper() + rows[0].title[1:],
                      f"medians, whiskers from least to most · {where(run)}")
    for number, row in enumerate(rows):
        is_added = row.against == "added"
        ways = others(run) if is_added else run.ways
        figure = (lambda way, row=row: compared(run, row, first_point(run, work), way)) if is_added else (
            lambda way, row=row: run.spread(work, first_point(run, work), way, row.figure))
        charts.bars(
            picture, 24 + number * width, 96, width - 24,
            "added to plain forwarding" if is_added else row.unit,
            f"{row.unit}, less is better" if is_added else "more is better" if row.more_is_better else "less is better",
            {way: figure(way) for way in ways}, signed if is_added else text)
    return picture


def sizes(run):
    """In percent, since objects of 64 MiB cost ten thousand times those of 1 KiB."""
    def percent(ours, theirs):
        return 100 * (ours / theirs - 1)
    points = run.points("sizes")
    return charts.curves(
        "CPU that each way adds to an object", f"a new TLS connection each, less is better · {where(run)}",
        "% of direct's", points,
        {way: [run.against_direct("sizes", point, way, busy_per_object, percent) for point in points]
         for way in others(run)}, below="size of the object")


def loss(run):
    points = run.points("loss")
    return charts.curves(
        "Bulk TLS on a wire that loses packets", f"more is better · {where(run)}", "Gbit/s",
        [f"{point} %" for point in points],
        {way: [run.spread("loss", point, way, gbit_per_second) for point in points] for way in run.ways},
        below="lost in each direction")


def flows(run):
    points = run.points("flows")
    rows = {}
    for point in points:
        for limit in TURNS:
            name = f"{int(point):,}"
            if int(point) > TURNS[0]:
                name += f", {limit // 1000} k in turn"
            rows[name] = packet_time(run, point, limit)
    picture = Picture(900, 146 + len(rows) * charts.ROW, "Time of a translated packet",
                      f"test runs of the program, IPv4 with timestamps, less is better · {where(run)}")
    charts.bars(picture, 24, 96, 860, "flows in the map", "ns a packet", rows, labels=170, ours=None)
    return picture


def draw(run):
    """All pictures that the samples allow, by name."""
    drawn = {}
    if others(run) and any(run.points(panel[0]) for panel in PANELS) and "direct" in run.ways:
        drawn["added"] = added(run)
    for work in dict.fromkeys(row.work for row in ROWS):
        if run.points(work):
            drawn[work] = of_work(run, work, [row for row in ROWS if row.work == work])
    if run.points("sizes") and "direct" in run.ways:
        drawn["sizes"] = sizes(run)
    if run.points("loss"):
        drawn["loss"] = loss(run)
    if run.points("flows"):
        drawn["flows"] = flows(run)
    return {name: str(picture) for name, picture in drawn.items()}

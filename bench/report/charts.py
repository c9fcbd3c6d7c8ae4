# SPDX-License-Identifier: Apache-2.0
"""Kinds of charts: bars of ways side by side, and curves over points."""
from svg import Picture, ticks
from tables import text

LABELS = 112  # width of the column of names
ROW = 24


def bars(picture, x, y, width, title, unit, spreads, show=text, labels=LABELS, ours="sluice"):
    """A panel of horizontal bars with whiskers from least to most. `spreads`: by way, in order.

    The bar of `ours` stands out; all do if that is None.
    """
    picture.text(x, y, title, size=13.5, weight=600)
    picture.text(x, y + 17, unit, size=11.5, kind="soft")
    top = y + 30
    left = x + labels
    known = [spread for spread in spreads.values() if spread]
    least = min([0, *(spread.least for spread in known)])
    most = max([0, *(spread.most for spread in known)])
    room = width - labels - 58  # for the longest number
    scale = room / (most - least or 1)
    zero = left - least * scale
    for number, (way, spread) in enumerate(spreads.items()):
        middle = top + number * ROW + ROW / 2
        weight = 700 if way == ours else 400
        picture.text(left - 10, middle + 4, way, anchor="end", weight=weight)
        if spread is None:
            picture.text(zero + 6, middle + 4, "not measured", size=11, kind="soft")
            continue
        length = spread.median * scale
        picture.bar(zero, middle - 8, length, 16, "sluice" if ours in (way, None) else "peer")
        low, high = zero + spread.least * scale, zero + spread.most * scale
        if high - low > 3:
            picture.line(low, middle, high, middle, "whisker", 1)
            for end in (low, high):
                picture.line(end, middle - 3, end, middle + 3, "whisker", 1)
        picture.text(max(zero, zero + length, high) + 6, middle + 4, show(spread.median), weight=weight)
    picture.line(zero, top, zero, top + len(spreads) * ROW, "axis", 1)


def curves(title, subtitle, unit, points, spreads, below=""):
    """Curves over points that are evenly apart, named at their right ends. `spreads`: by way, a list."""
    width, height, left, right, top, bottom = 900, 420, 70, 140, 100, 60
    picture = Picture(width, height, title, subtitle)
    values = [s.median for series in spreads.values() for s in series if s]
    marks = ticks(min([0, *values]), max([0, *values]))
    low, high = marks[0], marks[-1]

    def place_x(index):
        return left + index * (width - left - right) / max(len(points) - 1, 1)

    def place_y(value):
        return height - bottom - (value - low) / (high - low) * (height - top - bottom)

    picture.text(left - 46, top - 14, unit, size=11.5, kind="soft")
    for mark in marks:
        picture.line(left, place_y(mark), width - right, place_y(mark), "axis" if mark == 0 else "grid")
        picture.text(left - 8, place_y(mark) + 4, f"{mark:g}".replace("-", "−"), size=11, kind="soft", anchor="end")
    for index, point in enumerate(points):
        picture.text(place_x(index), height - bottom + 20, point, size=11.5, kind="soft", anchor="middle")
    if below:
        picture.text((left + width - right) / 2, height - 18, below, size=11.5, kind="soft", anchor="middle")
    ends = []
    # Ours last, above all others.
    for way in sorted(spreads, key=lambda way: way == "sluice"):
        there = [(place_x(i), place_y(s.median)) for i, s in enumerate(spreads[way]) if s]
        if there:
            picture.curve(there, way)
            ends.append((there[-1], way))
    name_ends(picture, ends, top, height - bottom)
    return picture


def name_ends(picture, ends, top, bottom):
    """Names at the ends of curves, moved apart where they would overlap."""
    ends.sort(key=lambda end: end[0][1])
    places = []
    for (_, y), _ in ends:
        places.append(max(y, places[-1] + 16 if places else top))
    over = places[-1] - bottom if places else 0
    for index in range(len(places) - 1, -1, -1):
        if over <= 0:
            break
        limit = bottom if index == len(places) - 1 else places[index + 1] - 16
        places[index] = min(places[index], limit)
    for ((x, y), way), place in zip(ends, places):
        picture.line(x + 6, y, x + 18, place, f"{way}-line", 1)
        picture.text(x + 22, place + 4, way, kind=way, weight=700 if way == "sluice" else 500)

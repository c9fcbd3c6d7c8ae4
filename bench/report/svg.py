# SPDX-License-Identifier: Apache-2.0
"""A picture: a card with its own ground, light or dark as the viewer prefers, and what is drawn on it."""
import math
from html import escape

# Of each way: its colour on light and on dark ground. Sluice's stands out.
COLOURS = {
    "direct": ("#868e96", "#868e96"),
    "wire": ("#868e96", "#868e96"),
    "nft": ("#e08e0b", "#f0b355"),
    "nginx": ("#2f9e44", "#69db7c"),
    "nginx-64k": ("#74b816", "#a9e34b"),
    "haproxy": ("#7048e8", "#b197fc"),
    "haproxy-64k": ("#5f3dc4", "#9775fa"),
    "haproxy-splice": ("#c2255c", "#faa2c1"),
    "envoy": ("#1c7ed6", "#74c0fc"),
    "sluice": ("#087f8c", "#22d3e6"),
}
THEMES = [
    {"card": "#ffffff", "edge": "#dee2e6", "ink": "#212529", "soft": "#5c636a", "grid": "#e9ecef",
     "peer": "#a5b1bf", "track": "#f6f7f9"},
    {"card": "#161b22", "edge": "#30363d", "ink": "#e6edf3", "soft": "#9aa4af", "grid": "#2a313a",
     "peer": "#5d6b7a", "track": "#1c222a"},
]


def style(theme):
    words = THEMES[theme]
    rules = [
        f".card{{fill:{words['card']};stroke:{words['edge']}}}",
        f".ink{{fill:{words['ink']}}}", f".soft{{fill:{words['soft']}}}",
        f".grid{{stroke:{words['grid']}}}", f".axis{{stroke:{words['soft']}}}",
        f".peer{{fill:{words['peer']}}}", f".track{{fill:{words['track']}}}",
        f".whisker{{stroke:{words['ink']}}}",
    ]
    for way, colours in COLOURS.items():
        rules.append(f".{way}{{fill:{colours[theme]}}}.{way}-line{{stroke:{colours[theme]}}}")
    return "".join(rules)


class Picture:
    def __init__(self, width, height, title, subtitle):
        self.width, self.height, self.title = width, height, title
        self.parts = []
        self.text(24, 36, title, size=18, weight=600)
        self.text(24, 57, subtitle, size=12.5, kind="soft")

    def text(self, x, y, words, size=12, kind="ink", anchor="start", weight=400):
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
            f'text-anchor="{anchor}" class="{kind}">{escape(words)}</text>')

    def bar(self, x, y, width, height, kind):
        self.parts.append(f'<rect x="{min(x, x + width):.1f}" y="{y:.1f}" width="{max(abs(width), 1):.1f}" '
                          f'height="{height:.1f}" rx="2" class="{kind}"/>')

    def line(self, x1, y1, x2, y2, kind, width=1):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'stroke-width="{width}" class="{kind}"/>')

    def curve(self, points, way):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        width = 3 if way == "sluice" else 1.8
        self.parts.append(f'<polyline points="{path}" fill="none" stroke-width="{width}" '
                          f'stroke-linejoin="round" class="{way}-line"/>')
        self.parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{width + 0.7}" class="{way}"/>' for x, y in points]

    def __str__(self):
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" role="img" '
            'font-family="system-ui, -apple-system, \'Segoe UI\', \'DejaVu Sans\', sans-serif">\n'
            f"<title>{escape(self.title)}</title>\n"
            f"<style>{style(0)}@media (prefers-color-scheme:dark){{{style(1)}}}</style>\n"
            f'<rect x="0.5" y="0.5" width="{self.width - 1}" height="{self.height - 1}" rx="10" class="card"/>\n'
            + "\n".join(self.parts) + "\n</svg>\n")


def ticks(least, most, count=5):
    """Round numbers from at most `least` to at least `most`."""
    span = most - least or 1
    step = 10 ** math.floor(math.log10(span / count))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10) if span / (step * factor) <= count)
    first, last = math.floor(least / step + 1e-9), math.ceil(most / step - 1e-9)
    return [number * step for number in range(first, last + 1)]

#!/usr/bin/env python3
# chart.py - the table's ratios as a drawing: postern, its peers, and the line that is the target
# SPDX-License-Identifier: GPL-3.0-or-later
"""chart.py FILE: writes an SVG of what `bench` has written (build/speed.json).

Every group is drawn in its own unit, so that its target lies on the one line through all of them: a
bar that ends before the line has met its target. What would be longer than the drawing is cut, and its
number says how long it is."""
import json
import sys
from xml.sax.saxutils import escape

import table

BASES = {table.BARE: "bare handshake", table.RELAY: "bare relay"}
WIDTH, LEFT, RIGHT, TOP = 900, 330, 90, 74
BAR, GAP, GROUP = 13, 3, 16		# heights
LONGEST = 3.0				# targets
STYLE = """
  .ground { fill: #ffffff } text { fill: #1f2328; font: 12px system-ui, sans-serif }
  .title { font-size: 15px; font-weight: 600 } .quiet { fill: #59636e; font-size: 11px }
  .met { fill: #1a7f37 } .missed { fill: #cf222e } .peer { fill: #afb8c1 } .target { stroke: #1f2328 }
  .cut { stroke: #ffffff } .number { paint-order: stroke; stroke: #ffffff; stroke-width: 3px }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } text { fill: #e6edf3 } .quiet { fill: #9198a1 }
    .met { fill: #3fb950 } .missed { fill: #f85149 } .peer { fill: #57606a } .target { stroke: #e6edf3 }
    .cut, .number { stroke: #0d1117 }
  }"""
DRAWN = {	# works of the table, the most telling of each kind, in words
    "W1 upgrade first 32": "upgrade: a mail, chain never seen",
    "W1 upgrade known 32": "upgrade: a mail, chain known",
    "W1 upgrade resumed 32": "upgrade: a mail, TLS resumed",
    "W2 upgrade": "upgrade: one of 100 mails a session",
    "W3 upgrade 1": "upgrade: a mail of 256 MiB",
    "W1 inspect full 32": "inspect: a mail, TLS passing",
    "W1 inspect resumed 32": "inspect: a mail, TLS resumed",
    "W2 inspect": "inspect: one of 100 mails a session",
    "W3 inspect 1": "inspect: a mail of 256 MiB",
    "W4 inspect": "inspect: memory, idle session",
    "W4 upgrade clear": "upgrade: memory, idle, no TLS",
    "W4 upgrade TLS": "upgrade: memory, idle, TLS to the MX"}
UNITS = {"us": " us of CPU", "ms": " ms of CPU", "KiB": " KiB"}


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def bar(x, y, value, row, kind):
    """One bar and its number; `value` in the row's unit."""
    scale = (WIDTH - LEFT - RIGHT) / LONGEST
    length = min(value / row.target, LONGEST) * scale
    out = [f'<rect x="{x}" y="{y:.0f}" width="{length:.1f}" height="{BAR}" class="{kind}"/>']
    if value / row.target > LONGEST:
        cut = x + length - 18
        out.append(f'<path d="M{cut:.0f} {y + BAR + 1:.0f} l5 {-BAR - 2}" class="cut" stroke-width="3"/>')
    return out + [text(x + length + 5, y + BAR - 3, table.number(value, row), "number")]


def group(figures, row, y):
    """A work: (its elements, the y below it)."""
    mine = table.beside(figures, row, row.who)[0]
    bars = [("postern", mine, "met" if mine <= row.target else "missed")]
    for who in row.peers:
        other = table.beside(figures, row, who)
        if other:
            bars.append((table.NAMES.get(who, who), other[0], "peer"))
    out = [text(10, y + BAR - 3, DRAWN[row.work])]
    beside = f"target {row.target:g}{' x the CPU of a ' + BASES[row.base] if row.base else UNITS[row.unit]}"
    out.append(text(10, y + 2 * BAR, beside, "quiet"))
    for who, value, kind in bars:
        out.append(text(LEFT - 6, y + BAR - 3, who, "quiet", "end"))
        out += bar(LEFT, y, value, row, kind)
        y += BAR + GAP
    return out, y + GROUP + (BAR if len(bars) == 1 else 0)


def draw(result):
    figures, y, body = result["figures"], TOP, []
    for row in table.ROWS:
        if row.work in DRAWN and row.base in (None, *BASES) and row.target and table.beside(figures, row, row.who):
            elements, y = group(figures, row, y)
            body += elements
    line = LEFT + (WIDTH - LEFT - RIGHT) / LONGEST
    head = [text(10, 24, "What postern costs, beside what does similar work", "title"),
            text(10, 42, f"{result['machine']}; medians of {result['rounds']} rounds, {result['date']}",
                 "quiet"),
            text(line, TOP - 12, "target", "quiet", "middle")]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" '
        f'role="img" aria-label="What postern costs, beside what does similar work">',
        f"<style>{STYLE}\n</style>", f'<rect width="{WIDTH}" height="{y}" class="ground"/>', *head,
        *(e for e in body if "<text" not in e),
        f'<path d="M{line:.1f} {TOP - 6} V{y - GROUP}" class="target" stroke-dasharray="4 3"/>',
        *(e for e in body if "<text" in e), "</svg>", ""])


if __name__ == "__main__":
    with open(sys.argv[1]) as f:
        sys.stdout.write(draw(json.load(f)))

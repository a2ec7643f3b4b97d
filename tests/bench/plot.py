# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ratios as bars, in SVG."""

from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 760, 150, 70
ROW, BAR, TOP, BOTTOM = 46, 14, 64, 40
GOODPUT, CPU = "#2a6f97", "#e09f3e"
FONT = 'font-family="sans-serif" font-size="13"'


def text(x, y, words, anchor="start", color="#222", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" {FONT} text-anchor="{anchor}" fill="{color}" font-weight="{weight}" '
            f'stroke="#fff" stroke-width="4" paint-order="stroke">{escape(words)}</text>')


def bar(y, value, scale, color):
    length = min(value * scale, WIDTH - LEFT - RIGHT)
    return (f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2" fill="{color}"/>\n'
            + text(LEFT + length + 6, y + BAR - 2, f"{value:.2f}"))


def draw(results):
    """Scenarios with a reference; 1 is what the reference does."""
    rows = {name: found for name, found in results.items() if found["goodput_ratio"] is not None}
    top = max([1.25] + [found[key] for found in rows.values() for key in ("goodput_ratio", "cpu_ratio")])
    scale = (WIDTH - LEFT - RIGHT) / min(top, 2.5)
    height = TOP + ROW * len(rows) + BOTTOM
    one, bottom = LEFT + scale, TOP + ROW * len(rows)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">',
             '<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->',
             f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
             text(16, 26, "fardel against the plain best of the same machine (1.00)", weight="bold"),
             f'<rect x="16" y="39" width="12" height="12" fill="{GOODPUT}"/>',
             text(34, 50, "goodput: more is better"),
             f'<rect x="216" y="39" width="12" height="12" fill="{CPU}"/>',
             text(234, 50, "CPU seconds per GB: less is better"),
             f'<line x1="{one:.1f}" y1="{TOP}" x2="{one:.1f}" y2="{bottom}" stroke="#bbb"/>',
             text(one, bottom + 18, "1.00", "middle")]
    for number, (name, found) in enumerate(rows.items()):
        y = TOP + ROW * number + 6
        lines += [text(LEFT - 10, y + BAR + 5, name, "end"), bar(y, found["goodput_ratio"], scale, GOODPUT),
                  bar(y + BAR + 3, found["cpu_ratio"], scale, CPU)]
    return "\n".join(lines + ["</svg>"]) + "\n"

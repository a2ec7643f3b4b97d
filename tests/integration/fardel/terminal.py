# SPDX-License-Identifier: LGPL-2.1-or-later
"""A terminal for programs under test: a pty, what its screen shows, and
pictures of it (SVG, also moving ones)."""

import contextlib
import fcntl
import html
import itertools
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import termios
import threading
import time
import unicodedata

import pyte
from wcwidth import wcwidth

from .process import die_with_parent

FAINT = "6e7681"
COLORS = {"default": "e6edf3", "black": "484f58", "red": "ff7b72", "green": "3fb950", "brown": "d29922",
          "blue": "58a6ff", "magenta": "bc8cff", "cyan": "39c5cf", "white": "b1bac4"}
BACKGROUND = "0d1117"
TITLE_BAR = "161b22"
# DejaVu Sans Mono's and Menlo's proportions; other fonts are stretched to them.
FONT = "'DejaVu Sans Mono', Menlo, Consolas, monospace"
FONT_SIZE = 14
CELL = (8.43, 19)
MARGIN = 18
TITLE = 36


class _Screen(pyte.Screen):
    """pyte's, and what it does not know: faint text, characters that join others, and lines that
    break anew when the window gets narrower, as in most terminals of today."""

    reflows = True

    def draw(self, data):
        super().draw("".join(c for c in data if wcwidth(c) != 0 or unicodedata.combining(c)))

    def select_graphic_rendition(self, *attrs, **_private):
        faint = (38, 2, *bytes.fromhex(FAINT))
        super().select_graphic_rendition(*itertools.chain(*(faint if attr == 2 else (attr,) for attr in attrs)))

    def resize(self, lines=None, columns=None):
        if self.reflows and columns and columns < self.columns:
            self._break_lines(columns)
        super().resize(lines, columns)

    def _break_lines(self, columns):
        rows, cursor = [], 0
        for y in range(self.lines):
            if y == self.cursor.y:
                cursor = len(rows)
            line = dict(self.buffer[y])
            used = max((x + 1 for x, char in line.items() if char.data != " "), default=0)
            for start in range(0, max(used, 1), columns):
                rows.append({x - start: line[x] for x in range(start, min(start + columns, used)) if x in line})
        gone = max(0, cursor - self.lines + 1)  # scrolls, so that the cursor stays to be seen
        self.buffer.clear()
        for y, row in enumerate(rows[gone:gone + self.lines]):
            self.buffer[y].update(row)
        self.cursor.y = cursor - gone


class Shot:
    """What a screen showed at one time."""

    def __init__(self, screen):
        self.columns, self.lines = screen.columns, screen.lines
        self.rows = [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(screen.lines)]
        self.cursor = None if screen.cursor.hidden else (screen.cursor.x, screen.cursor.y)

    def __eq__(self, other):
        return (self.rows, self.cursor) == (other.rows, other.cursor)

    @property
    def text(self):
        return "\n".join("".join(char.data for char in row).rstrip() for row in self.rows).rstrip("\n")


class Terminal:
    """`argv` in a terminal of its own. `reflow`: whether lines break anew in a narrower window."""

    def __init__(self, argv, env, cwd=None, columns=80, rows=24, reflow=True):
        self.screen = _Screen(columns, rows)
        self.screen.reflows = reflow
        self.raw = bytearray()  # all that was written
        self.frames = []  # (seconds since the start, Shot), where something changed
        self._stream = pyte.ByteStream(self.screen)
        self._news = threading.Condition()
        self._began = time.monotonic()
        self.fd, terminal = os.openpty()
        self._set_size()
        self.process = subprocess.Popen(
            [*map(str, argv)], stdin=terminal, stdout=terminal, stderr=terminal, cwd=cwd,
            env=env | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}, start_new_session=True,
            preexec_fn=_take_terminal)
        os.close(terminal)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_reason):
        self.close()

    def _set_size(self):
        size = struct.pack("HHHH", self.screen.lines, self.screen.columns, 0, 0)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, size)

    def _read_some(self):
        try:
            return os.read(self.fd, 65536)
        except OSError:  # the end of a terminal
            return b""

    def _read(self):
        while data := self._read_some():
            while select.select([self.fd], [], [], 0.01)[0] and (more := self._read_some()):
                data += more  # what is drawn at once is seen at once
            with self._news:
                self.raw += data
                self._stream.feed(data)
                self._keep_frame()
                self._news.notify_all()

    def _keep_frame(self):
        shot = Shot(self.screen)
        if not self.frames or self.frames[-1][1] != shot:
            self.frames.append((time.monotonic() - self._began, shot))

    def shot(self):
        with self._news:
            return Shot(self.screen)

    @property
    def text(self):
        return self.shot().text

    @property
    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def wait_for(self, pattern, timeout=30):
        """The match of a regular expression, or the value of a function, on the text of the screen."""
        look = pattern if callable(pattern) else lambda text: re.search(pattern, text, re.MULTILINE)
        with self._news:
            found = self._news.wait_for(lambda: look(Shot(self.screen).text), timeout)
            assert found, f"waited {timeout} s for {pattern}; the screen:\n{Shot(self.screen).text}"
            return found

    def type(self, text):
        os.write(self.fd, text.encode())

    def answer(self, question, text):
        """Types a line when `question` is the last on the screen and the program reads."""
        self.wait_for(lambda shown: re.search(question + r"\s*\Z", shown))
        self.type(text + "\n")

    def resize(self, columns, rows=None):
        with self._news:
            self.screen.resize(rows or self.screen.lines, columns)
        self._set_size()

    def wait(self, timeout=60):
        """The exit code; then the screen is final."""
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        return code

    def close(self):
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.wait()
        os.close(self.fd)


def _take_terminal():
    die_with_parent()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


# -- pictures ---------------------------------------------------------------------------------------------------------

# Drawn as shapes, so that they meet at the edges of the cells in every font: where they are in the
# cell, as parts of it (left, top, width, height).
SHAPES = {"━": (0, 0.44, 1, 0.14), "╸": (0, 0.44, 0.5, 0.14), "╺": (0.5, 0.44, 0.5, 0.14), "─": (0, 0.48, 1, 0.06),
          "█": (0, 0.1, 1, 0.8)}


def _runs(row):
    """(column, cells, style) of what stands together; wide and odd characters stand alone."""
    def key(cell):
        x, char = cell
        alone = x if wcwidth(char.data[:1] or " ") == 2 or not char.data.isascii() and char.data not in SHAPES else -1
        return (_color(char), char.bold, char.reverse, char.underscore, SHAPES.get(char.data), char.data == " ", alone)

    for _, cells in itertools.groupby(((x, char) for x, char in enumerate(row) if char.data), key):
        cells = list(cells)
        yield cells[0][0], "".join(char.data for _, char in cells), cells[0][1]


def _color(char):
    return COLORS.get(char.fg, char.fg)


def _draw_run(x, y, text, char):
    width, height = CELL
    columns = sum(max(1, wcwidth(c)) for c in text if wcwidth(c) > 0)
    left, top = MARGIN + x * width, TITLE + MARGIN / 2 + y * height
    color = _color(char)
    if char.reverse:
        yield f'<rect x="{left:.1f}" y="{top:.1f}" width="{columns * width:.1f}" height="{height}" fill="#{color}"/>'
        color = BACKGROUND
    shape = SHAPES.get(text[0])
    if shape:
        dx, dy, w, h = shape
        yield (f'<rect x="{left + dx * width:.2f}" y="{top + dy * height:.2f}" '
               f'width="{(columns - 1 + w) * width:.2f}" height="{h * height:.2f}" fill="#{color}"/>')
    elif text.strip():
        weight = ' font-weight="bold"' if char.bold else ""
        stretch = f' textLength="{columns * width:.1f}" lengthAdjust="spacingAndGlyphs"' if columns > 1 else ""
        yield (f'<text x="{left:.1f}" y="{top + height * 0.74:.1f}" fill="#{color}"{weight}{stretch}>'
               f"{html.escape(text)}</text>")


def _draw_shot(shot, lines):
    width, height = CELL
    for y, row in enumerate(shot.rows[:lines]):
        for x, text, char in _runs(row):
            yield from _draw_run(x, y, text, char)
    if shot.cursor and shot.cursor[0] < shot.columns:
        x, y = shot.cursor
        yield (f'<rect x="{MARGIN + x * width:.1f}" y="{TITLE + MARGIN / 2 + y * height + 1:.1f}" width="{width:.1f}" '
               f'height="{height - 2}" fill="#{COLORS["default"]}" opacity="0.55"/>')


def _film(number, begin, end, seconds):
    """CSS that shows group `number` from `begin` to `end`, parts of all the `seconds`."""
    resting = "hidden" if end < 1 else "visible"  # where nothing moves: the last one
    steps = {0: "hidden", 100 * begin: "visible"} | ({100 * end: "hidden"} if end < 1 else {})
    keys = "".join(f"{percent:.3f}%{{visibility:{value}}}" for percent, value in steps.items())
    return (f"@keyframes k{number}{{{keys}}}"
            f"#f{number}{{visibility:{resting};animation:k{number} {seconds:.2f}s step-end infinite}}")


def svg(frames, title="", lines=None, hold=3.0):
    """A window as SVG. `frames`: a Shot, or [(seconds, Shot)] for a film, which holds its last
    picture for `hold` seconds and begins again. `lines`: how many of the screen's are shown."""
    frames = frames if isinstance(frames, list) else [(0, frames)]
    lines = lines or frames[0][1].lines
    width = frames[0][1].columns * CELL[0] + 2 * MARGIN
    height = TITLE + lines * CELL[1] + 1.5 * MARGIN
    start, end = frames[0][0], frames[-1][0] + hold
    style, groups = [], []
    for number, (at, shot) in enumerate(frames):
        drawn = "\n".join(_draw_shot(shot, lines))
        groups.append(f'<g id="f{number}">\n{drawn}\n</g>')
        if len(frames) > 1:
            until = frames[number + 1][0] if number + 1 < len(frames) else end
            style.append(_film(number, (at - start) / (end - start), (until - start) / (end - start), end - start))
    lights = "".join(f'<circle cx="{20 + 20 * i}" cy="{TITLE / 2}" r="6" fill="#{color}"/>'
                     for i, color in enumerate(("ff5f57", "febc2e", "28c840")))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}">\n<title>{html.escape(title)}</title>\n'
            f"<style>text{{font-family:{FONT};font-size:{FONT_SIZE}px;white-space:pre}}{''.join(style)}</style>\n"
            f'<rect width="100%" height="100%" rx="10" fill="#{BACKGROUND}"/>\n'
            f'<path d="M0 {TITLE}V10A10 10 0 0 1 10 0H{width - 10:.0f}A10 10 0 0 1 {width:.0f} 10V{TITLE}Z" '
            f'fill="#{TITLE_BAR}"/>\n'
            f"{lights}\n"
            f'<text x="{width / 2:.0f}" y="{TITLE / 2 + 5}" text-anchor="middle" fill="#{COLORS["white"]}">'
            f"{html.escape(title)}</text>\n" + "\n".join(groups) + "\n</svg>\n")


def save_picture(frames, path, **options):
    """Writes PATH.svg, and PATH.png of its last frame where there is a converter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = path.with_suffix(".svg")
    picture.write_text(svg(frames, **options), encoding="utf-8")
    if shutil.which("rsvg-convert"):
        still = svg(frames[-1][1] if isinstance(frames, list) else frames, **options)
        subprocess.run(["rsvg-convert", "--zoom=2", "-o", path.with_suffix(".png")], input=still.encode(), check=True)
    return picture

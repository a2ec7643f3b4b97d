# SPDX-License-Identifier: LGPL-2.1-or-later
"""The code blocks of a guide, and the desk of the user who tries them out."""

import os
import pathlib
import re
import signal

from fardel.process import Process

SOURCE = pathlib.Path(__file__).parents[2]

NUMBER = "12"  # stands in the guides for the transfer at hand
PROGRAMS = {"sh": ("sh",), "python": ("/usr/bin/python3", "-B")}


class Block:
    def __init__(self, guide, heading, language, text, line):
        self.guide, self.heading, self.language, self.text, self.line = guide, heading, language, text, line
        self.used = False

    def __repr__(self):
        return f"{self.guide.path.name}:{self.line}, {self.language} in \"{self.heading}\""


class Guide:
    """Takes note of which of its blocks have been used."""

    def __init__(self, name):
        self.path = SOURCE / "docs" / name
        self.blocks = list(self._read())

    def _read(self):
        heading, language, lines = "", None, []
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            if language is not None and line == "```":
                yield Block(self, heading, language, "\n".join(lines) + "\n", number - len(lines))
                language, lines = None, []
            elif language is not None:
                lines.append(line)
            elif line.startswith("```"):
                language = line[3:]
            elif line.startswith("#"):
                heading = line.lstrip("# ")

    def take(self, heading, language="sh", number=0):
        """A block: the one with that number, from 0, of its heading and language."""
        found = [block for block in self.blocks if (block.heading, block.language) == (heading, language)]
        assert number < len(found), f"{self.path.name} has no such block: {heading}, {language}, {number}"
        found[number].used = True
        return found[number]

    def unused(self):
        return [block for block in self.blocks if not block.used]


class Running:
    """A block, or a command line, that runs at a user's desk."""

    def __init__(self, what, argv, **kwargs):
        self.process = Process(str(what), argv, start_new_session=True, **kwargs)

    @property
    def text(self):
        return "".join(line + "\n" for line in self.process.lines)

    def finish(self, expect=0, timeout=60):
        """What it printed, on both outputs, to its end."""
        code = self.process.wait(timeout)
        assert code == expect, f"{self.process.name} ended with {code}:\n{self.text}"
        return self.text

    def wait_for(self, pattern, timeout=60):
        return self.process.wait_for_line(pattern, timeout)

    def end(self):
        """Ends it as somebody would who presses Ctrl+C, if it still runs."""
        if self.process.running:
            os.killpg(self.process.pid, signal.SIGINT)
            os.killpg(self.process.pid, signal.SIGTERM)  # a shell does not heed the other one
        self.process.wait()


class Desk:
    """The session of a user: `directory` is where they are, `env` what their programs see."""

    def __init__(self, daemon, env):
        self.daemon = daemon
        self.directory = daemon.home
        self.env = daemon.env | env
        self.running = []

    def start(self, block, number=None, arguments=()):
        """Runs a block as it stands, but for the number of the transfer."""
        text = block.text if number is None else re.sub(rf"\b{NUMBER}\b", str(number), block.text)
        script = self.directory / ".block"
        script.write_text(text)
        return self.command(*PROGRAMS[block.language], script, *arguments, what=block)

    def run(self, block, number=None, expect=0):
        return self.start(block, number).finish(expect)

    def command(self, *argv, what=None):
        running = Running(what or argv[0], [str(word) for word in argv], env=self.env, cwd=self.directory)
        self.running.append(running)
        return running

    def close(self):
        for running in self.running:
            running.end()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs in several languages that send files between two daemons."""

import os
import pathlib
import re
import subprocess
import sys

from fardel.files import make_file, sha256
from fardel.process import Process
from fardel.scenario import BOB

HERE = pathlib.Path(__file__).parent
GUIDE = HERE.parents[1] / "client-lib/fardel/doc/getting-started.md"


def run(pair, *command, **kwargs):
    alice, bob = pair
    done = subprocess.run(command, env=alice.env | {"BOB_BUS": bob.bus.address}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=180, check=False, **kwargs)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


# What is not in the environment was not built, see meson.build.

def test_c(pair):
    run(pair, os.environ["CLIENT_EXCHANGE"])


if "VALGRIND" in os.environ:
    def test_c_under_valgrind(pair):
        run(pair, *os.environ["VALGRIND"].split(), os.environ["CLIENT_EXCHANGE"])


if "GJS" in os.environ:
    def test_gjs(pair, work):
        source = make_file(work / "a.bin", 300_000)
        path = run(pair, os.environ["GJS"], str(HERE / "exchange.js"), str(source), str(pair[1].downloads)).strip()
        assert sha256(path) == sha256(source)

    def test_getting_started(pair, work):
        """The programs of the reference, as a reader would try them."""
        blocks = dict(re.findall(r"^```(\w+)\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))
        for language, text in blocks.items():
            (work / f"send.{language}").write_text(text)
        run(pair, "sh", "-e", "send.sh", cwd=work)
        senders = [[sys.executable, "send.python"], ["./send"]]
        if "VAPI" in os.environ:
            run(pair, "valac", "--vapidir", os.environ["VAPI"], "--pkg", "gio-2.0", "--pkg", "fardel-1", "send.vala",
                "-o", "vala-send", cwd=work)
            senders.append(["./vala-send"])
        source = make_file(work / "a.bin", 300_000)
        for sender in senders:
            receiver = Process("receiver", [os.environ["GJS"], str(work / "send.js"), str(pair[1].downloads)],
                               env=pair[1].env)
            print(run(pair, *sender, BOB, str(source), cwd=work))
            assert receiver.wait(60) == 0
            assert "alice@fardel.test" in receiver.lines[0] and "300000 bytes" in receiver.lines[0]
            assert sha256(receiver.lines[1]) == sha256(source)

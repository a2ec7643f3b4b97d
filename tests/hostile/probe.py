#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: probe.py BUS-ADDRESS PID-OF-THE-DAEMON PID-OF-THE-BUS

Asks the daemon for a property every few milliseconds, on a connection of its own,
and keeps the longest time without an answer. "mark" on stdin prints what was
measured since the last mark, as JSON, and starts anew.

On a busy machine an answer is late though the daemon's loop is free: its thread is
ready to run and gets no processor. The kernel counts that time for each thread
(run delay, the second number in schedstat). The gap of an answer is its time less
the run delays of the three threads that it passes through (ours, the bus's, the
daemon's main thread) and less what the hypervisor took. While one of them works the
two others sleep, so the sum does not take away from what the daemon itself spends:
on the processor, in a system call, or waiting for anything but the processor.
"""

import json
import os
import select
import socket
import struct
import sys
import time

from gi.repository import Gio, GLib

INTERVAL = 0.004  # seconds between an answer and the next question
TICK = 1 / os.sysconf("SC_CLK_TCK")

DAEMON = ("org.fardel.Fardel1", "/org/fardel/Fardel1", "org.freedesktop.DBus.Properties", "Get",
          GLib.Variant("(ss)", ("org.fardel.Fardel1.Manager", "ActiveTransfers")))
HELLO = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello", None)

METHOD_RETURN, ERROR = 2, 3


def message(destination, path, interface, method, body):
    call = Gio.DBusMessage.new_method_call(destination, path, interface, method)
    call.set_flags(Gio.DBusMessageFlags.NO_AUTO_START)
    if body:
        call.set_body(body)
    call.set_byte_order(Gio.DBusMessageByteOrder.LITTLE_ENDIAN)
    call.set_serial(1)
    return bytearray(call.to_blob(0))


class Bus:
    """As little of D-Bus as it takes: a library's worker thread would wait for the processor too."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(address.partition("unix:path=")[2].partition(",")[0])
        self.socket.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
        if not self.socket.recv(256).startswith(b"OK"):
            raise SystemExit("probe: the bus does not know us")
        self.socket.sendall(b"BEGIN\r\n")
        self.received = bytearray()
        self.serial = 0
        self.ask(message(*HELLO))

    def ask(self, call):
        """The type of the answer."""
        self.serial += 1
        struct.pack_into("<I", call, 8, self.serial)
        self.socket.sendall(call)
        while (kind := self._next()) not in (METHOD_RETURN, ERROR):
            pass  # a signal to us alone: NameAcquired
        return kind

    def _next(self):
        header = self._take(16)
        body, fields = struct.unpack_from("<I4xI", header, 4)
        self._take((fields + 7) // 8 * 8 + body)
        return header[1]

    def _take(self, size):
        while len(self.received) < size:
            data = self.socket.recv(4096)
            if not data:
                raise SystemExit("probe: the bus is gone")
            self.received += data
        taken = bytes(self.received[:size])
        del self.received[:size]
        return taken


class Delays:
    """Seconds that others kept us from running."""

    def __init__(self, pids):
        self.files = [os.open(f"/proc/{pid}/task/{pid}/schedstat", os.O_RDONLY) for pid in pids]
        self.steal = os.open("/proc/stat", os.O_RDONLY)

    def read(self):
        delay = int(os.pread(self.steal, 256, 0).split()[8]) * TICK
        for file in self.files:
            try:
                delay += int(os.pread(file, 128, 0).split()[1]) / 1e9
            except ProcessLookupError:
                pass  # the daemon died, which the cases see
        return delay


def main():
    address, daemon, bus_pid = sys.argv[1:]
    bus = Bus(address)
    delays = Delays([os.getpid(), bus_pid, daemon])
    question = message(*DAEMON)
    worst = {"gap": 0.0, "raw": 0.0}
    answers = errors = 0

    print("ready", flush=True)
    while True:
        if select.select([0], [], [], INTERVAL)[0]:
            if sys.stdin.readline() != "mark\n":
                return
            print(json.dumps({**worst, "answers": answers, "errors": errors}), flush=True)
            worst = {"gap": 0.0, "raw": 0.0}
            answers = errors = 0
        begun, before = time.monotonic(), delays.read()
        kind = bus.ask(question)
        raw = time.monotonic() - begun
        gap = max(raw - (delays.read() - before), 0.0)
        answers += kind == METHOD_RETURN
        errors += kind == ERROR
        worst = {"gap": max(worst["gap"], gap), "raw": max(worst["raw"], raw)}


if __name__ == "__main__":
    try:
        main()
    except (ConnectionError, KeyboardInterrupt):
        sys.exit("probe: the bus is gone")

#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: send.py JID FILE…

Sends files and folders, shows how far they are, and ends when all have arrived."""

import sys

import gi
gi.require_version("Fardel", "1")
from gi.repository import Fardel, Gio, GLib


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    client = Fardel.Client.new_sync(None)
    files = [Gio.File.new_for_commandline_arg(path) for path in sys.argv[2:]]
    loop = GLib.MainLoop()
    waiting = client.offer_files_sync(sys.argv[1], files, None, None)
    failed = []

    def ended(transfer, result):
        try:
            transfer.wait_finish(result)
            print(f"{transfer.get_name()}: done")
        except GLib.Error as error:
            print(f"{transfer.get_name()}: {error.message}", file=sys.stderr)
            failed.append(transfer)
        waiting.remove(transfer)
        if not waiting:
            loop.quit()

    def progressed(transfer, _property):
        print(f"{transfer.get_name()}: {transfer.get_transferred()} of {transfer.get_size()} bytes")

    for transfer in waiting:
        transfer.connect("notify::transferred", progressed)
        transfer.wait_async(None, ended)
    loop.run()
    return bool(failed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except GLib.Error as error:
        sys.exit(error.message)

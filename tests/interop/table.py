#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: tests/interop/table.py LOGBASE

Prints the rows that the tests wrote, from the log of meson LOGBASE.json."""

import json
import sys

MARK = "interop row: "
COLUMNS = ("peer", "direction", "path", "size", "result")


def format_row(*cells):
    return MARK + json.dumps(cells, ensure_ascii=False)


def rows(log):
    for test in map(json.loads, log):
        for line in (test.get("stderr") or test["stdout"]).splitlines():
            _, mark, cells = line.partition(MARK)
            if mark:
                yield json.loads(cells)


def main():
    with open(f"{sys.argv[1]}.json", encoding="utf-8") as log:
        table = [COLUMNS, *rows(log)]
    widths = [max(map(len, column)) for column in zip(*table)]
    for row in table:
        print(" | ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


if __name__ == "__main__":
    main()

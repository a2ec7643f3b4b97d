# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files to send, quickly made."""

import hashlib
import os
import pathlib

BLOCK = 1 << 20


def make_file(path, size):
    """Random bytes; every block differs, so that a lost or doubled one shows."""
    path = pathlib.Path(path)
    block = os.urandom(BLOCK)
    with path.open("wb") as file:
        for number in range(0, size, BLOCK):
            part = number.to_bytes(8, "big") + block[8:]
            file.write(part[:size - number])
    return path


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def files_with(directory, data):
    """The files below it that hold these bytes."""
    return [path for path in pathlib.Path(directory).rglob("*") if path.is_file() and data in path.read_bytes()]

# SPDX-License-Identifier: LGPL-2.1-or-later
"""A name server that knows what it was told, over UDP. As a program:
python3 dns.py ADDRESS '{"NAME": {"A": ["192.0.2.1"], "SRV": [[PRIORITY, WEIGHT, PORT, HOST]]}}'
It prints what it is asked. A name that is null gets no answer at all."""

import ipaddress
import json
import pathlib
import socket
import struct
import sys

from .process import Process

TYPES = {1: "A", 28: "AAAA", 33: "SRV"}
NXDOMAIN = 3


class Dns:
    """In the namespace of the server; `network` gets it as its resolver."""

    def __init__(self, network, user, records):
        address = network.users[user][1]
        network.set_resolver(user, address)
        package = pathlib.Path(__file__).resolve().parent
        self.process = Process("dns", [sys.executable, "-B", "-m", "fardel.dns", address, json.dumps(records)],
                               netns=network.server, cwd=package.parent)
        self.process.wait_for_line("^ready$")

    def close(self):
        self.process.kill()


def encode(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def decode(packet, offset):
    labels = []
    while packet[offset]:
        labels.append(packet[offset + 1:offset + 1 + packet[offset]].decode())
        offset += 1 + packet[offset]
    return ".".join(labels), offset + 1


def rdata(kind, value):
    if kind == "SRV":
        priority, weight, port, host = value
        return struct.pack(">HHH", priority, weight, port) + encode(host)
    return ipaddress.ip_address(value).packed


def answer(query, records):
    """The reply, or None for a name of which nothing is said."""
    name, end = decode(query, 12)
    number = struct.unpack_from(">H", query, end)[0]
    print(TYPES.get(number, number), name, flush=True)
    known = records.get(name, {})
    if known is None:
        return None
    values = known.get(TYPES.get(number), [])
    flags = 0x8580 | (0 if name in records else NXDOMAIN)
    reply = query[:2] + struct.pack(">HHHHH", flags, 1, len(values), 0, 0) + query[12:end + 4]
    for value in values:
        data = rdata(TYPES[number], value)
        reply += b"\xc0\x0c" + struct.pack(">HHIH", number, 1, 60, len(data)) + data
    return reply


def main(address, records):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, 53))
        print("ready", flush=True)
        while True:
            query, client = sock.recvfrom(512)
            reply = answer(query, records)
            if reply:
                sock.sendto(reply, client)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))

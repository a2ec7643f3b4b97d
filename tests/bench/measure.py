# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run of either kind comes to."""

import dataclasses
import statistics
import time

MB = 1_000_000
GB = 1_000_000_000


def cpu_seconds(pid):
    """What a process used, with its threads that ended: its CPU-time clock, finer than the ticks in /proc/PID/stat."""
    return time.clock_gettime(~pid << 3 | 2)


def peak_rss_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 / MB for line in status if line.startswith("VmHWM:"))


@dataclasses.dataclass
class Sample:
    """One exchange: bytes of all its files, seconds of the wall and of the CPU of both ends together."""

    bytes: int
    seconds: float
    cpu: float
    rss_mb: float = 0.0
    signals: int = 0
    first_byte: float = 0.0  # seconds after the offer, of the first file

    @property
    def goodput(self):
        return self.bytes / MB / self.seconds

    @property
    def cpu_per_gb(self):
        return self.cpu / (self.bytes / GB)


def median(values):
    return statistics.median(values)


def spread(values):
    """Smallest and largest."""
    return [min(values), max(values)]


def summary(samples):
    return {
        "goodput_mb_s": median([sample.goodput for sample in samples]),
        "goodput_range_mb_s": spread([sample.goodput for sample in samples]),
        "cpu_s_per_gb": median([sample.cpu_per_gb for sample in samples]),
    }


def compare(reference, ours):
    """Each run of ours against the run of the reference beside it, so that what else the machine does counts less."""
    pairs = list(zip(reference, ours))
    goodput = [b.goodput / a.goodput for a, b in pairs]
    return {
        "goodput_ratio": median(goodput),
        "goodput_ratio_range": spread(goodput),
        "cpu_ratio": median([b.cpu_per_gb / a.cpu_per_gb for a, b in pairs]),
        "rss_mb": max(sample.rss_mb for sample in ours),
        "signals": median([sample.signals for sample in ours]),
        "reference": summary(reference),
        "fardel": summary(ours),
    }

"""What this process has used so far."""

import json
import resource
import time
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_megabytes() -> float:
    """Peak resident memory in MB (10^6 bytes)."""
    # after a fork the count of getrusage starts at that of the parent; that of Linux' /proc does not
    if STATUS.exists():
        lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def tell() -> None:
    """Print processor seconds and peak memory as JSON."""
    print(json.dumps({"seconds": time.process_time(), "megabytes": peak_megabytes()}))

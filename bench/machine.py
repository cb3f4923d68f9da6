"""What the measurements ran on, and which cores are for whom."""

import os
import platform
import subprocess
import time
from pathlib import Path

GATEWAY_CORE = 0
LOAD_CORE = 1


def pinned(core: int) -> list[str]:
    """Words to put before a command so that it runs on one core; none where the system cannot, or has one core."""
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:
        return []
    return ["taskset", "-c", str(sorted(os.sched_getaffinity(0))[core])]


def describe() -> dict[str, str | int]:
    """Processor, cores, memory, kernel, Python and the commit that was measured."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return {
        "cpu": model,
        "cores": os.cpu_count() or 1,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "commit": commit.stdout.strip() or "unknown",
    }


def cpu_seconds(pids: list[int]) -> float:
    """User and system time that these processes have used."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def rss_mib(pids: list[int]) -> float:
    """Resident memory of these processes."""
    total_kib = 0
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text()
        total_kib += int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    return total_kib / 1024


def other_load() -> float:
    """The part of all cores that is in use right now, 0 to 1: figures taken on a busy machine are worth little."""

    def read() -> tuple[int, int]:
        fields = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
        return sum(fields), fields[3] + fields[4]

    total, idle = read()
    time.sleep(1)
    later_total, later_idle = read()
    return 1 - (later_idle - idle) / max(1, later_total - total)

"""How many cores this process may really use."""

import os
from pathlib import Path

CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")


def available_cores(limit_file: Path = CGROUP_LIMIT) -> int:
    """The machine's cores, less those that affinity or a container's CPU limit (cgroup v2) takes away; at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = limit_file.read_text().split()
        allowed = -(-int(quota) // int(period))
    except (OSError, ValueError):
        return cores  # no limit ("max"), or a system without cgroups
    return max(1, min(cores, allowed))

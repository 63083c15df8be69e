"""The command `preflight check` in a process of its own, as a user runs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from preflight.system import processes

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "preflight")


def check(folder: Path, *args: str) -> tuple[int, dict[str, Any]]:
    """Returns the exit code and the report of a check of a folder."""
    done = processes.run(*COMMAND, "check", str(folder), "--allow-standins", "--format", "json", *args, timeout=300)
    assert "Traceback" not in done.stderr
    return done.code, json.loads(done.stdout)

"""What the plugin costs a suite that does not use it: `pytest --collect-only` with and without it, in turn, in seconds of the processor."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = "import pytest\n\n@pytest.mark.parametrize('number', range(20))\ndef test_it(number):\n    assert number >= 0\n"


def seconds(folder: Path, *options: str) -> float:
    """Returns the processor's time for one collection."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    args = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *options]
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ratio(rounds: int) -> float:
    """Returns how long pytest collects ten files with the plugin beside without it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n")
        for number in range(10):
            (folder / f"test_{number}.py").write_text(TESTS)
        seconds(folder)
        pairs = [(seconds(folder), seconds(folder, "-p", "no:preflight")) for _ in range(rounds)]
    return statistics.median(a for a, _ in pairs) / statistics.median(b for _, b in pairs)


def printed(code: str) -> float:
    """Returns the number that a program of Python prints."""
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)

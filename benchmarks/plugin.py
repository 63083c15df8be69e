"""What the plugin costs a suite that does not use it: `pytest --collect-only` with and without it, in turn.

Seconds are those of the processor, which other programs disturb less; the ratio counts.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TARGET = 1.05
TESTS = "import pytest\n\n@pytest.mark.parametrize('number', range(20))\ndef test_it(number):\n    assert number >= 0\n"


def seconds(folder: Path, *options: str) -> float:
    """Returns the processor's time for one collection."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    args = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *options]
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n")
        for number in range(10):
            (folder / f"test_{number}.py").write_text(TESTS)
        seconds(folder)
        pairs = [(seconds(folder), seconds(folder, "-p", "no:preflight")) for _ in range(rounds)]
    ratio = statistics.median(a for a, _ in pairs) / statistics.median(b for _, b in pairs)
    print(f"collection: median {statistics.median(a for a, _ in pairs):.3f} s with the plugin, {statistics.median(b for _, b in pairs):.3f} s without")
    print(f"ratio {ratio:.3f} (target at most {TARGET})")
    return 0 if ratio <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())

"""Speed, both sides in one run: lint and comply against the bare cfn-lint command on the same files.

The ratios count; seconds are printed for information.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPTS = Path(sysconfig.get_path("scripts"))
TARGET = 1.15


def seconds(*args: str) -> float:
    """Returns the wall time of a command that has to succeed."""
    started = time.perf_counter()
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    return time.perf_counter() - started


def paired(ours: list[str], theirs: list[str], rounds: int) -> tuple[list[float], list[float]]:
    """Returns the times of both commands in turn, after a warm-up of each."""
    seconds(*ours)
    seconds(*theirs)
    pairs = [(seconds(*ours), seconds(*theirs)) for _ in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    preflight, cfn_lint = str(SCRIPTS / "preflight"), str(SCRIPTS / "cfn-lint")
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "cfn").glob("*.yaml"))

    ours, theirs = paired([preflight, "check", "--stage", "lint,comply"], [cfn_lint, *files], rounds)
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    print(f"lint + comply: median {statistics.median(ours):.2f} s; cfn-lint alone: {statistics.median(theirs):.2f} s")
    print(f"ratio {ratio:.2f} (target at most {TARGET})")

    starts = [seconds(preflight, "--help") for _ in range(rounds)]
    print(f"preflight --help: median {statistics.median(starts):.3f} s (aim 0.25)")
    whole = [seconds(preflight, "check", "--allow-standins") for _ in range(3)]
    print(f"preflight check with containers: median {statistics.median(whole):.1f} s (aim 8)")
    return 0 if ratio <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())

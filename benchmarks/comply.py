"""Speed of the comply stage, both sides in one run: preflight against bare cfn-guard on the same files and rules.

The 500 templates are variations of those in cfn/. The ratios count; seconds are for information.
The raw pass takes the templates as written; both passes also the resolved documents, waivers and Python rules.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from preflight.comply import cfn_guard_binary, ruleset

ROOT = Path(__file__).parents[1]
COUNT = 500
RAW_TARGET = 1.2
BOTH_TARGET = 2.4
RAW = """
import sys
from pathlib import Path
from preflight.comply import cfn_guard, cfn_guard_binary, guard_documents, ruleset
from preflight.templates import template
paths = sorted(Path(sys.argv[1]).glob("*.yaml"))
templates = {path: template.load(path) for path in paths}
cfn_guard.start(cfn_guard_binary.find(), ruleset.chosen(()).asked, guard_documents.as_written(templates)).findings()
"""


def variations(folder: Path, count: int) -> None:
    """Templates that differ in every name, and in the values of some parameters."""
    sources = sorted((ROOT / "cfn").glob("*.yaml"))
    for number in range(count):
        source = sources[number % len(sources)]
        text = source.read_text().replace("fa-018", f"fa-{number:03d}").replace("10.0.", f"10.{number % 250}.")
        (folder / f"{number:03d}-{source.name}").write_text(text)


def seconds(*args: str) -> float:
    """Wall time of a command that ends with a verdict."""
    started = time.perf_counter()
    done = subprocess.run(args, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    if done.returncode not in {0, 1, 19}:
        msg = f"{args[:4]} ended with {done.returncode}"
        raise SystemExit(msg)
    return time.perf_counter() - started


def bare(folder: Path) -> list[str]:
    """Returns the command of cfn-guard alone, with the rules that are on."""
    files = sorted({str(rule.file) for rule in ruleset.chosen(()).asked})
    options = ["--structured", "--output-format", "json", "--show-summary", "none"]
    return [str(cfn_guard_binary.find().path), "validate", *options, "--rules", *files, "--data", *map(str, sorted(folder.iterdir()))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=COUNT)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        variations(folder, args.count)
        commands = {
            "cfn-guard": bare(folder),
            "raw pass": [sys.executable, "-c", RAW, temporary],
            "both passes": [sys.executable, "-m", "preflight", "comply", temporary],
        }
        rounds = [{name: seconds(*command) for name, command in commands.items()} for _ in range(args.rounds)]
    ruled = len(ruleset.chosen(()).asked)
    print(f"{args.count} templates, {ruled} rules")
    print(f"cfn-guard alone: median {statistics.median(r['cfn-guard'] for r in rounds):.2f} s")
    is_met = True
    for name, target in (("raw pass", RAW_TARGET), ("both passes", BOTH_TARGET)):
        ratio = statistics.median(r[name] / r["cfn-guard"] for r in rounds)
        print(f"{name}: median {statistics.median(r[name] for r in rounds):.2f} s, ratio {ratio:.2f} (target at most {target})")
        is_met = is_met and ratio <= target
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())

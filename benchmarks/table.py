"""The table of speed: for each kind of work the figure, its target, and whether that is met.

A ratio compares two commands that ran in turn, so that other programs disturb both; seconds are for information.
`--only` takes a part of the name of a row; rows that need containers or checkov are measured with `--all`.
"""

from __future__ import annotations

import argparse
import functools
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import comply
import deploy
import plugin
import stack
import update
from measure import ROOT, Cost, Pair, cost, pair

from preflight.comply import cfn_guard_binary

SCRIPTS = Path(sysconfig.get_path("scripts"))
PREFLIGHT, CFN_LINT = [sys.executable, "-m", "preflight"], str(SCRIPTS / "cfn-lint")
MANY = 200


@dataclass(frozen=True)
class Row:
    """What one kind of work took, as text and as the number that its target bounds."""

    figure: str
    value: float
    target: float


@dataclass(frozen=True)
class Benchmark:
    """A kind of work; one that `needs_more` than this package is measured only on request."""

    work: str
    rows: Callable[[int], Row]
    needs_more: bool = False


def _ratio(measured: Pair, target: float, *, by: str = "wall") -> Row:
    return Row(str(measured), getattr(measured, by), target)


def _own(command: Sequence[str], rounds: int, target: float) -> Row:
    """The stages lint and comply over this repository beside cfn-lint alone."""
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "cfn").glob("*.yaml"))
    ours, theirs = functools.partial(cost, [*PREFLIGHT, *command]), functools.partial(cost, [CFN_LINT, *files])
    ours()
    return _ratio(pair(ours, theirs, rounds), target, by="cpu")


def cold(rounds: int) -> Row:
    return _own(("check", "--stage", "lint,comply", "--no-cache"), rounds, 1.05)


def unchanged(rounds: int) -> Row:
    return _own(("check", "--stage", "lint,comply"), rounds, 0.12)


def lint_of_many(rounds: int) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        comply.variations(Path(folder), MANY)
        files = sorted(map(str, Path(folder).iterdir()))
        ours, theirs = [*PREFLIGHT, "lint", "--no-cache", folder], [CFN_LINT, *files]
        return _ratio(pair(lambda: cost(ours), lambda: cost(theirs), min(rounds, 2)), 0.55)


def comply_of_many(rounds: int) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        comply.variations(Path(folder), MANY)
        ours, theirs = [*PREFLIGHT, "comply", "--no-cache", folder], comply.bare(Path(folder))
        return _ratio(pair(lambda: cost(ours), lambda: cost(theirs), min(rounds, 3)), 0.6)


def one_changed(rounds: int) -> Row:
    """Both stages over many templates of which one changed, beside the same without a cache."""
    with tempfile.TemporaryDirectory() as name:
        folder, cache = Path(name) / "templates", {"XDG_CACHE_HOME": str(Path(name) / "cache")}
        folder.mkdir()
        comply.variations(folder, MANY)
        env = {**cache, cfn_guard_binary.VARIABLE: str(cfn_guard_binary.find().path)}

        def both(*options: str) -> Cost:
            costs = [cost([*PREFLIGHT, stage, *options, str(folder)], env) for stage in ("lint", "comply")]
            return Cost(sum(c.cpu for c in costs), sum(c.wall for c in costs))

        def after_change() -> Cost:
            first = min(folder.iterdir())
            first.write_text(f"{first.read_text()}# changed\n")
            return both()

        both()
        return _ratio(pair(after_change, lambda: both("--no-cache"), min(rounds, 2)), 0.03)


def containers(rounds: int) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        program = str(deploy.checkov(Path(folder)))
        scan = [program, "--directory", str(ROOT / "cfn"), "--framework", "cloudformation", "--quiet", "--compact"]
        whole = [*PREFLIGHT, "check", "--allow-standins"]
        cost(whole)
        return _ratio(pair(lambda: cost(whole), lambda: cost(scan), min(rounds, 3)), 1.0)


def update_under_traffic(rounds: int) -> Row:
    return _ratio(update.beside_check(min(rounds, 3)), 2.0)


def nth_stack(_rounds: int) -> Row:
    seconds = stack.services(30)
    first, last = min(seconds[:3]), min(seconds[-3:])
    return Row(f"{last / first:.2f} x ({first:.2f} s to {last:.2f} s)", last / first, 1.2)


def resources(rounds: int) -> Row:
    ratio, ours, memory = stack.beside_calls(min(rounds, 3))
    return Row(f"{ratio:.2f} x wall ({ours:.2f} s; the server has {memory:.0f} MB)", ratio, 0.8)


def _start(command: Sequence[str], rounds: int) -> Row:
    seconds = min((cost(command) for _ in range(max(rounds, 5))), key=lambda c: c.cpu)
    return Row(f"{seconds.wall:.3f} s, {seconds.cpu:.3f} s CPU", seconds.cpu, 0.05)


def start(rounds: int) -> Row:
    return _start([*PREFLIGHT, "--help"], rounds)


def plugin_import(rounds: int) -> Row:
    """What the plugin's import takes beyond that of pytest, which is there already."""
    code = "import time, pytest; began = time.process_time(); import preflight.pytest_plugin; print(time.process_time() - began)"
    seconds = min(plugin.printed(code) for _ in range(max(rounds, 5)))
    return Row(f"{seconds:.3f} s CPU", seconds, 0.05)


def collection(rounds: int) -> Row:
    ratio = plugin.ratio(max(rounds, 9))
    return Row(f"{ratio:.3f} x CPU", ratio, 1.05)


BENCHMARKS = (
    Benchmark("lint + comply of this repository, nothing kept, beside cfn-lint alone", cold),
    Benchmark("the same, nothing changed since the last run", unchanged),
    Benchmark(f"lint of {MANY} templates, beside cfn-lint on one core", lint_of_many),
    Benchmark(f"comply of {MANY} templates, both passes, beside bare cfn-guard, one pass", comply_of_many),
    Benchmark("both stages, one template changed, beside all again", one_changed),
    Benchmark("preflight check with containers, beside checkov's scan", containers, needs_more=True),
    Benchmark("an update under traffic, another page in the image, beside preflight check", update_under_traffic, needs_more=True),
    Benchmark("the 30th stack with a service on one serve, beside the first", nth_stack),
    Benchmark("500 resources, beside the same calls by boto3", resources),
    Benchmark("preflight --help", start),
    Benchmark("import preflight.pytest_plugin", plugin_import),
    Benchmark("pytest's collection with the plugin, beside one without it", collection),
)


def _lines(benchmarks: Sequence[Benchmark], rounds: int) -> Iterator[tuple[str, bool]]:
    for benchmark in benchmarks:
        row = benchmark.rows(rounds)
        is_met = row.value <= row.target
        yield f"{benchmark.work:<76} {row.figure:<56} {row.target:>5}  {'met' if is_met else 'NOT MET'}", is_met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", metavar="TEXT")
    parser.add_argument("--all", action="store_true")
    args = parser.parse_args()
    chosen = [b for b in BENCHMARKS if args.only in b.work and (args.all or args.only or not b.needs_more)]
    print(f"{'work':<76} {'figure':<56} {'most':>5}")
    verdicts = []
    for line, is_met in _lines(chosen, args.rounds):
        print(line, flush=True)
        verdicts.append(is_met)
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())

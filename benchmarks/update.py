"""An update of this repository's deployment under traffic, a new page in the image, beside a check of the same folder."""

from __future__ import annotations

import functools
import json
import shutil
import sys
import tempfile
from pathlib import Path

from measure import ROOT, Cost, Pair, cost, pair

COPIED, PLAN = ("cfn", "docker", "rules"), "preflight.yaml"
PAGE, OLD, NEW = Path("docker", "index.html"), "<h1>fa-018 index.html</h1>", "<h1>fa-018 index.html, again</h1>"
CHECK = (sys.executable, "-m", "preflight", "check", "--allow-standins", "--format", "json")
TARGETS = 2  # both services have a smoke entry


def beside_check(rounds: int) -> Pair:
    """Returns the pairs of an update and a check, once lint and comply have nothing new to look at."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        old, new = _copies(folder)
        check = functools.partial(_cost, folder / "check", new)
        check()
        return pair(lambda: _updated(folder / "update", old, new), check, rounds)


def _copies(folder: Path) -> tuple[Path, Path]:
    """Returns two copies of the deployment: what runs today, and the same with another page."""
    old, new = folder / "old", folder / "new"
    for copy in (old, new):
        for name in COPIED:
            shutil.copytree(ROOT / name, copy / name)
        shutil.copy(ROOT / PLAN, copy)
    page = (old / PAGE).read_text()
    (new / PAGE).write_text(page.replace(OLD, NEW))
    return old, new


def _updated(output: Path, old: Path, new: Path) -> Cost:
    """Returns the cost of an update; ends the program if a service was not asked or a request failed."""
    seconds = _cost(output, new, "--from", str(old))
    traffic = json.loads((output / "preflight.json").read_text())["update"]["traffic"]
    if len(traffic) != TARGETS or not all(target["sent"] and not target["failed"] for target in traffic):
        msg = f"not all requests were answered: {traffic}"
        raise SystemExit(msg)
    return seconds


def _cost(output: Path, new: Path, *options: str) -> Cost:
    """Returns the cost of a check that passes."""
    seconds = cost([*CHECK, *options, "--output-dir", str(output), str(new)])
    report = json.loads((output / "preflight.json").read_text())
    if any(finding["severity"] == "error" for finding in report["findings"]):
        msg = f"the deployment does not pass: {report['findings']}"
        raise SystemExit(msg)
    return seconds

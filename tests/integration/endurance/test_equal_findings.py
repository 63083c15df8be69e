"""Findings over a corpus of templates: equal with and without the cache, and on one processor and on two.

Run by `tox -e endurance`; PREFLIGHT_CASES names the corpus (../shared/cases). JSON is compared as it is, but for times.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from preflight.plan import plan
from preflight.system import processes, run_folders

ROOT = Path(__file__).parents[3]
CASES = Path(os.environ.get("PREFLIGHT_CASES", ROOT.parent / "shared" / "cases"))
PARTS = ("cloudformation", "odd", "pairs", "proven", "reports", "strangers")
# `-c` searches the current folder for modules first, and that is the checkout.
PROGRAM = "import os, sys; sys.path[:] = filter(None, sys.path); os.cpu_count = lambda: {}; from preflight import cli; sys.exit(cli.main(sys.argv[1:]))"
TIMES = re.compile(r'"(started|run|seconds)": [^,\n]+')
pytestmark = [pytest.mark.endurance, pytest.mark.guard]


@pytest.fixture(scope="module", params=PARTS)
def templates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the templates of a part of the corpus."""
    source, folder = CASES / request.param, tmp_path_factory.mktemp(request.param)
    if not source.is_dir():
        pytest.skip(f"there is no corpus at {source}. Next: name one by PREFLIGHT_CASES")
    (folder / ".git").mkdir()
    if request.param == "pairs":
        write_pairs(source, folder / "templates")
    else:
        for template in plan.templates_in(source):
            place = folder / "templates" / template.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(template, place)
    return folder


def write_pairs(source: Path, folder: Path) -> None:
    """Write the two templates of each pair to a file each."""
    for file in source.rglob("*.json"):
        pair = json.loads(file.read_text())
        for kind in ("refused", "accepted"):
            place = folder / file.relative_to(source).with_suffix(f".{kind}.json")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(pair[kind], indent=1))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder in which there is cfn-guard, and no result."""
    folder = tmp_path_factory.mktemp("cache")
    (folder / run_folders.NAME).mkdir(mode=0o700)
    for binary in (Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / run_folders.NAME).glob("cfn-guard-*"):
        shutil.copy(binary, folder / run_folders.NAME / binary.name)
    return folder


def report(stage: str, folder: Path, cache: Path, *options: str, cores: int = 2) -> str:
    """Returns the JSON report of a stage over the templates, without its times and the name of the run."""
    command = (sys.executable, "-c", PROGRAM.format(cores), stage, "templates", "--format", "json", *options)
    done = processes.run(*command, cwd=folder, env={"XDG_CACHE_HOME": str(cache)}, timeout=3600)
    assert done.code in {0, 1, 2}, done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout)["stages"] != []
    return TIMES.sub(r'"\1": 0', done.stdout)


def results(cache: Path) -> int:
    return len(list((cache / run_folders.NAME / "results").glob("*")))


@pytest.mark.parametrize("stage", ["lint", "comply"])
def test_findings_are_equal_with_and_without_the_cache_and_on_one_processor_and_on_two(stage: str, templates: Path, cache: Path) -> None:
    plain = report(stage, templates, cache, "--no-cache")
    kept = results(cache)

    on_one = report(stage, templates, cache, "--no-cache", cores=1)
    first = report(stage, templates, cache)
    again = report(stage, templates, cache)

    assert results(cache) > kept
    assert on_one == plain
    assert first == plain
    assert again == plain
    assert json.loads(plain)["findings"] != []


@pytest.mark.parametrize("stage", ["lint", "comply"])
def test_one_more_template_takes_the_others_from_the_cache_and_changes_none_of_their_findings(stage: str, templates: Path, cache: Path) -> None:
    before: list[Any] = json.loads(report(stage, templates, cache))["findings"]
    more = templates / "templates" / f"zz-{stage}.yaml"
    more.write_text("Resources:\n  A: {Type: AWS::ECR::Repository, Properties: {Wrong: 1}}\n")

    with_cache, without = report(stage, templates, cache), report(stage, templates, cache, "--no-cache")
    more.unlink()

    assert with_cache == without
    assert [finding for finding in json.loads(with_cache)["findings"] if more.name not in str(finding["file"])] == before

"""The article as it is printed deploys, and both of its pages answer."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from preflight.comply import ruleset
from preflight.system import processes

ARTICLE = Path(__file__).parent / "article"
pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def report() -> dict[str, list[dict[str, str]]]:
    command = (sys.executable, "-m", "preflight", "check", str(ARTICLE), "--allow-standins", "--format", "json")
    loaded: dict[str, list[dict[str, str]]] = json.loads(processes.run(*command, timeout=300).stdout)
    return loaded


@pytest.mark.parametrize("stage", ["lint", "rehearse", "smoke"])
def test_a_stage_passes(report: dict[str, list[dict[str, str]]], stage: str) -> None:
    assert {s["name"]: s["outcome"] for s in report["stages"]}[stage] == "pass", report["findings"]


def test_only_controls_of_the_other_tiers_are_not_kept(report: dict[str, list[dict[str, str]]]) -> None:
    fargate = {rule.name for rule in ruleset.chosen([]).every if rule.tier == "fargate"}
    checks = {finding["check"] for finding in report["findings"] if finding["stage"] == "comply"}

    assert checks
    assert checks & fargate == set()

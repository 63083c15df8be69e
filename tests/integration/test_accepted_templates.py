"""Templates as others wrote them, which AWS deploys: nothing says that AWS refuses them, or that they never run.

Controls of the tiers security and practice may not be kept. Run by `tox -e faults`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from preflight import model
from preflight.comply import ruleset
from preflight.model import Severity
from preflight.system import processes

FOLDER = Path(__file__).parent / "accepted"
# What AWS itself says of some of them; a stack that AWS completes is complete here, too.
EXPECTED = {
    "image-step-to-no-repository": {"PushRefused"},
    "nlb-without-ingress": {"TargetUnhealthy"},
}
pytestmark = pytest.mark.faults


def errors(folder: Path) -> tuple[set[str], dict[str, Any]]:
    """The errors of a check without containers, but for those of the tiers security and practice, and its report."""
    tiers = {rule.name: rule.tier for rule in ruleset.chosen([]).every}
    assert {"fargate", "security", "practice"} == set(model.TIERS)
    command = (sys.executable, "-m", "preflight", "check", str(folder), "--containers", "off", "--format", "json")
    report = json.loads(processes.run(*command, timeout=300).stdout)
    found = {f["check"] for f in report["findings"] if f["severity"] == Severity.ERROR.value}
    return {check for check in found if tiers.get(check, "fargate") == "fargate"}, report


@pytest.mark.parametrize("name", sorted(folder.name for folder in FOLDER.iterdir()))
def test_a_template_that_aws_deploys_is_taken(name: str) -> None:
    found, report = errors(FOLDER / name)

    assert found == EXPECTED.get(name, set()), report["findings"]
    assert "error" not in [stage["outcome"] for stage in report["stages"]], report["stages"]

"""An update on a real account, over an endpoint: the old is deployed, updated under traffic, drilled, and deleted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from preflight.model import JsonObject
from tests.integration import emulator
from tests.integration.emulator import Emulator

pytestmark = [pytest.mark.containers, pytest.mark.faults]
FOREIGN = {"Resources": {"Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": "theirs"}}}}
DRILLS = "drills: [task-lost]\nupdate: {traffic: {rate: 10}}\n"
REGION = "eu-west-1"


def updated(account: Emulator, folder: Path) -> tuple[int, JsonObject, str]:
    """Returns the exit code, the report and what was said of an update of the deployment with a load balancer."""
    for side in ("old", "new"):
        shutil.copytree(Path(__file__).with_name("balanced"), folder / side)
        template = folder / side / "app.yaml"
        template.write_text(template.read_text().replace("DesiredCount: 1", "DesiredCount: 2"))
    template, plan = folder / "new" / "app.yaml", folder / "new" / "preflight.yaml"
    template.write_text(template.read_text().replace('Default: "1"', 'Default: "2"'))
    plan.write_text(plan.read_text() + DRILLS)
    options = ("--from", str(folder / "old"), "--target", "aws", "--account", emulator.ACCOUNT, "--yes")
    stages = ("--stage", "rehearse,update,smoke", "--format", "json", "--allow-standins")
    done = emulator.run(account.endpoint, "check", str(folder / "new"), *options, *stages, timeout=500)
    return done.code, json.loads(done.stdout), done.stderr


def test_an_update_on_an_account_runs_under_traffic_and_touches_only_its_own(account: Emulator, tmp_path: Path) -> None:
    stacks = account.client("cloudformation", REGION)
    stacks.create_stack(StackName="theirs", TemplateBody=json.dumps(FOREIGN))
    stacks.get_waiter("stack_create_complete").wait(StackName="theirs", WaiterConfig={"Delay": 1})
    before = account.resources(REGION)

    code, report, said = updated(account, tmp_path)

    requests = report["update"]["traffic"]
    assert code == 0, [finding["message"] for finding in report["findings"]]
    assert sum(target["sent"] for target in requests) > 50
    assert [finding for finding in report["findings"] if finding["check"].startswith("DRILL")]
    assert "what runs today is deployed first" in said
    assert account.resources(REGION) == before

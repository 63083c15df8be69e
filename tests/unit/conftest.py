"""The repository's own files, the pretended account without containers, and templates with one change."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from preflight.commands import known_reports
from preflight.comply import cfn_guard_binary
from preflight.comply.cfn_guard_binary import Binary
from preflight.plan import reader, resolved_stacks
from preflight.plan.resolved_stacks import ResolvedStacks
from preflight.rehearsal import server
from preflight.rehearsal.cloudformation.resources import ecs
from preflight.rehearsal.server import Server
from preflight.system import waiting
from preflight.templates import template
from tests.unit.rehearsal.iam import callers

ROOT = Path(__file__).parents[2]
REGION = "ap-northeast-1"
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def guard() -> Binary:
    return cfn_guard_binary.find()


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks why tasks stop, so a service that cannot become steady is given up at once."""
    monkeypatch.setattr(ecs, "GRACE", 0.0)


@pytest.fixture(autouse=True)
def _no_known_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test makes its own reports."""
    monkeypatch.setattr(known_reports, "can_be_kept", lambda _: False)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Server]:
    """A fresh account on loopback, in which tasks are assumed to run."""
    with server.running(folder=tmp_path) as running:
        yield running


@pytest.fixture
def client(account: Server) -> Callable[[str], Any]:
    """boto3 clients of that account, one for each service and region: to make one takes longer than most requests."""

    @functools.cache
    def make(service: str, region: str = REGION) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=account.address,
            aws_access_key_id="rehearsal",
            aws_secret_access_key="rehearsal",  # noqa: S106 - opens nothing
        )

    return make


@pytest.fixture
def deploy(account: Server, client: Callable[[str], Any]) -> Callable[..., dict[str, Any]]:
    """Create a stack from a template's text and wait for its end; the stack as described."""

    def run(body: str, *, name: str = "s", **given: Any) -> dict[str, Any]:
        cloudformation = client("cloudformation")
        arn = cloudformation.create_stack(StackName=name, TemplateBody=body, **given)["StackId"]
        stacks = {stack.id: stack for stack in account.parts.cloudformation.stacks.all()}
        waiting.until(
            lambda: not stacks[arn].status.endswith("_IN_PROGRESS"), what=f"stack {name}", timeout=60, interval=0.02
        )
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=arn)["Stacks"][0]
        return stack

    return run


@pytest.fixture(scope="session")
def own() -> Callable[[str], dict[str, Any]]:
    """The data of one of the repository's templates, to be changed at will."""

    def read(name: str) -> dict[str, Any]:
        return copy.deepcopy(template.load(ROOT / "cfn" / name).data)

    return read


@pytest.fixture
def make_estate(tmp_path: Path) -> Callable[..., ResolvedStacks]:
    """The estate of templates by their texts; with a plan whose only stack is made of `root`, or without one."""

    def make(*, has_plan: bool = True, parameters: dict[str, str] | None = None, **texts: str) -> ResolvedStacks:
        folder = tmp_path / "cfn"
        folder.mkdir(exist_ok=True)
        for name, text in texts.items():
            (folder / f"{name}.yaml").write_text(text)
        templates = {path: template.load(path, name=path.name) for path in sorted(folder.iterdir())}
        if not has_plan:
            return resolved_stacks.of_templates(templates)
        step = {"stack": "{prefix}", "template": "cfn/root.yaml", "parameters": parameters or {}}
        written = {"version": 1, "name": "demo", "region": "eu-west-1", "templates": "cfn", "steps": [step]}
        (tmp_path / "preflight.yaml").write_text(json.dumps(written))
        return resolved_stacks.of_plan(reader.load(tmp_path / "preflight.yaml"), templates, run="run1")

    return make


@pytest.fixture
def ci_role(client: Callable[[str], Any], deploy: Callable[..., dict[str, Any]]) -> str:
    """The role of cfn/fa-018-ci.yaml, deployed on the account as its administrator would; its ARN."""
    provider = client("iam").create_open_id_connect_provider(Url=callers.ISSUER, ClientIDList=["sts.amazonaws.com"])
    values = {"OIDCProviderArn": provider["OpenIDConnectProviderArn"], "Repository": "owner/name"}
    made = deploy(
        (callers.ROOT / "cfn" / "fa-018-ci.yaml").read_text(),
        name="fa-018-ci",
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    return str(made["Outputs"][0]["OutputValue"])

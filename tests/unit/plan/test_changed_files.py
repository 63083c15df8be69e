from __future__ import annotations

import json
from pathlib import Path

import pytest

from preflight.plan import changed_files
from preflight.plan.draft import discovery

CHILD = 'AWSTemplateFormatVersion: "2010-09-09"\nResources:\n  Topic:\n    Type: AWS::SNS::Topic\n'


def nesting(*names: str) -> str:
    stacks = {f"S{n}": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": f"https://b.s3.amazonaws.com/x/{name}"}} for n, name in enumerate(names)}
    return json.dumps({"Resources": stacks})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository: `top` nests `middle` and `other`, `middle` nests `child`; `alone` is of another stack."""
    for name, text in {
        "top.json": nesting("middle.json", "other.yaml"),
        "middle.json": nesting("child.yaml"),
        "child.yaml": CHILD,
        "other.yaml": CHILD,
        "alone.yaml": CHILD,
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def names(root: Path, *changed: str) -> list[str]:
    return [path.name for path in changed_files.templates([root / name for name in changed], root)]


def test_a_change_of_a_nested_template_is_one_of_its_parents_and_of_what_these_nest(root: Path) -> None:
    assert names(root, "child.yaml") == ["child.yaml", "middle.json", "other.yaml", "top.json"]


def test_a_template_that_no_other_nests_is_alone(root: Path) -> None:
    assert names(root, "alone.yaml") == ["alone.yaml"]


OTHERS = {
    "docker-compose.yaml": "services:\n  web:\n    image: nginx\n",
    "deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\n---\nkind: Service\nResources: {}\n",
    "workflow.yml": "on: push\njobs:\n  a:\n    steps:\n      - run: |\n          AWSTemplateFormatVersion: x\n          Resources:\n            A: {Type: AWS::SNS::Topic}\n",
    "serverless.yml": "service: x\nresources:\n  Resources:\n    A:\n      Type: AWS::SNS::Topic\n",
    "chart.yaml": "{{- if .Values.x }}\nkind: Deployment\n  Resources: {}\n",
    "package.json": '{"name": "x", "Resources": ["a"]}',
    "preflight.yaml": "version: 1\n",
    "parameters.json": '[{"ParameterKey": "Type", "ParameterValue": "AWS::SNS::Topic"}]',
    "notes.md": CHILD,
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_that_is_no_template_is_left_out(root: Path, name: str) -> None:
    (root / name).write_text(OTHERS[name])

    assert names(root, name) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(CHILD + "  : [\n", id="with the format's version"),
        pytest.param("Resources:\n  A:\n    Type: AWS::SNS::Topic\n  : [\n", id="with a resource"),
        pytest.param('{\n  "Resources": {"A": {"Type": "AWS::SNS::Topic"},}\n', id="JSON"),
    ],
)
def test_a_template_that_cannot_be_read_stays_for_the_check_to_say_so(root: Path, text: str) -> None:
    (root / "broken.yaml").write_text(text)

    assert names(root, "broken.yaml") == ["broken.yaml"]


PLAN = "version: 1\nname: demo\nregion: eu-west-1\nsteps:\n  - image: 'x:{run}'\n    build: web\n  - stack: x\n    template: top.json\n"


@pytest.mark.parametrize(
    ("changed", "is_concerned"),
    [
        pytest.param("preflight.yaml", True, id="the plan itself"),
        pytest.param("top.json", True, id="its template"),
        pytest.param("web/index.html", True, id="a file of an image"),
        pytest.param("README.md", False, id="another file"),
        pytest.param("web.yaml", False, id="a file whose name begins like the folder's"),
    ],
)
def test_a_plan_is_concerned_by_what_it_deploys(root: Path, changed: str, *, is_concerned: bool) -> None:
    (root / "web").mkdir()
    (root / "web" / "Dockerfile").write_text("FROM scratch\n")
    (root / "preflight.yaml").write_text(PLAN)
    (root / changed).touch()

    assert changed_files.plans([root / changed], root) == ([root / "preflight.yaml"] if is_concerned else [])


def test_a_plan_that_cannot_be_read_is_concerned_by_what_is_below_it(root: Path) -> None:
    (root / "preflight.yaml").write_text("version: [\n")

    assert changed_files.plans([root / "top.json"], root) == [root / "preflight.yaml"]


@pytest.fixture
def deployed(tmp_path: Path) -> Path:
    """A repository whose plan `service.yaml` has a parameter file, a baseline, an image, and a stack of CDK with an asset."""
    for name, text in {
        "service.yaml": "version: 1\nname: demo\nregion: eu-west-1\nbaseline: known.json\nsteps:\n"
        "- {stack: a, template: a.yaml, parameters: values.json}\n- {image: 'a:1', build: web}\n- {stack: b, template: cdk.out/b.template.json}\n",
        "a.yaml": CHILD,
        "values.json": '["A=1"]',
        "known.json": "{}",
        "other.json": "{}",
        "web/Dockerfile": "FROM scratch\n",
        "cdk.out/b.template.json": '{"Resources": {}}',
        "cdk.out/b.assets.json": '{"version": "44.0.0", "files": {}, "dockerImages": {}}',
        "cdk.out/asset.1/Dockerfile": "FROM scratch\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", ["service.yaml", "a.yaml", "values.json", "known.json", "web/Dockerfile", "cdk.out/asset.1/Dockerfile"])
def test_a_change_of_what_a_plan_uses_concerns_it(deployed: Path, name: str) -> None:
    assert changed_files.plans([deployed / name], deployed) == [deployed / "service.yaml"]


@pytest.mark.hostile
def test_a_file_that_a_link_out_of_the_repository_leads_to_is_no_plan(deployed: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "plan.yaml"
    outside.write_text((deployed / "service.yaml").read_text())
    (deployed / "service.yaml").unlink()
    (deployed / "linked.yaml").symlink_to(outside)

    assert changed_files.plans([deployed / "a.yaml"], deployed) == []


def test_in_a_repository_of_very_many_files_the_plan_above_is_looked_at(deployed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "MOST_FILES", 1)
    (deployed / "service.yaml").rename(deployed / "preflight.yaml")

    assert changed_files.plans([deployed / "web" / "Dockerfile"], deployed) == [deployed / "preflight.yaml"]


def test_a_change_of_another_file_concerns_no_plan(deployed: Path) -> None:
    assert changed_files.plans([deployed / "other.json"], deployed) == []

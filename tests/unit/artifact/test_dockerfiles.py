"""docker/ and cfn/ agree: the port, the page, and what the stand-in is laid out like."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from preflight.templates import template

ROOT = Path(__file__).parents[3]


def test_the_exposed_port_is_the_port_of_the_templates() -> None:
    exposed = re.findall(r"(?m)^EXPOSE (\d+)$", (ROOT / "docker" / "Dockerfile").read_text())
    declared = {
        str(template.load(path).data["Parameters"]["HTTPPort"]["Default"])
        for path in ((ROOT / "cfn" / "fa-018.yaml"), (ROOT / "cfn" / "fa-018-fargate.yaml"))
    }

    assert set(exposed) == declared


def test_the_page_is_the_one_that_the_plan_expects() -> None:
    asked = yaml.safe_load((ROOT / "preflight.yaml").read_text())["smoke"][1]

    assert f"<h1>{asked['contains']}</h1>" in (ROOT / "docker" / "index.html").read_text()


def test_both_tasks_are_built_on_the_same_nginx() -> None:
    base = re.findall(r"(?m)^FROM (\S+)$", (ROOT / "docker" / "Dockerfile").read_text())
    image = template.load(ROOT / "cfn" / "fa-018-fargate.yaml").data["Resources"]["TaskDefinition1"]["Properties"][
        "ContainerDefinitions"
    ][0]["Image"]

    assert base == [image]


def test_no_image_is_latest() -> None:
    text = "".join(path.read_text() for path in (ROOT / "docker").rglob("Dockerfile")) + (ROOT / "cfn" / "fa-018-fargate.yaml").read_text()

    assert "latest" not in text


def test_the_stand_in_is_never_named_like_the_official_image() -> None:
    from preflight.container_engine import standins  # noqa: PLC0415 - one test needs it

    assert standins.PREFIX.startswith("localhost/preflight-standin/")


def test_the_base_of_the_program_can_be_replaced() -> None:
    text = (ROOT / "docker" / "preflight" / "Dockerfile").read_text()

    assert re.findall(r"(?m)^FROM (.*)$", text) == ["${BASE}"]


def test_only_the_wheel_and_its_packages_are_sent_to_the_build_of_the_program() -> None:
    assert (ROOT / ".dockerignore").read_text().split() == ["*", "!dist/*.whl", "!docker/preflight/containers.conf", "!requirements.txt"]


def test_only_the_page_is_sent_to_the_build() -> None:
    assert (ROOT / "docker" / ".dockerignore").read_text().split() == ["*", "!index.html"]

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
    text = (ROOT / "docker" / "Dockerfile").read_text() + (ROOT / "cfn" / "fa-018-fargate.yaml").read_text()

    assert "latest" not in text


def test_the_stand_in_is_never_named_like_the_official_image() -> None:
    from preflight.container_engine import standins  # noqa: PLC0415 - one test needs it

    assert standins.PREFIX.startswith("localhost/preflight-standin/")


def test_only_the_page_is_sent_to_the_build() -> None:
    assert (ROOT / "docker" / ".dockerignore").read_text().split() == ["*", "!index.html"]

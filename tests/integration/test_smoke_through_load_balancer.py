"""Smoke requests to a service without public addresses: through its load balancer, and from inside."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from preflight.system import http, processes

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "tests" / "unit" / "artifact" / "rules" / "good" / "alb-http.yaml"
PLAN = """\
version: 1
name: smoke-requests
region: ap-northeast-1
templates: cfn
steps:
  - stack: "{prefix}"
    template: cfn/alb-http.yaml
    capabilities: [CAPABILITY_IAM]
smoke:
  - {service: Service, contains: nginx}
  - {url: "{output.Url}", contains: nginx}
  - {service: Service, from: inside, contains: nginx}
standins: {public.ecr.aws/nginx/nginx: standin}
"""
pytestmark = pytest.mark.containers


def written(folder: Path, old: str = "", new: str = "") -> None:
    """Writes the plan, its template with one change, and its stand-in."""
    (folder / "cfn").mkdir()
    text = TEMPLATE.read_text()
    assert old in text
    (folder / "cfn" / TEMPLATE.name).write_text(text.replace(old, new, 1) if old else text)
    shutil.copytree(ROOT / "docker" / "nginx-standin", folder / "standin")
    (folder / "preflight.yaml").write_text(PLAN)


def rehearsed(folder: Path, old: str = "", new: str = "") -> tuple[int, dict[str, Any]]:
    written(folder, old, new)
    command = (sys.executable, "-m", "preflight", "rehearse", str(folder), "--allow-standins", "--format", "json")
    done = processes.run(*command, timeout=300)
    assert "Traceback" not in done.stderr
    return done.code, json.loads(done.stdout)


def test_a_private_service_answers_through_its_load_balancer_and_from_inside(tmp_path: Path) -> None:
    code, report = rehearsed(tmp_path)

    assert code == 0
    assert report["findings"] == []
    assert [answer["status"] for answer in report["deployment"]["smoke"]] == [200, 200, 200, 200]


def test_with_keep_an_internal_load_balancer_and_its_tasks_have_addresses_that_answer(tmp_path: Path) -> None:
    written(tmp_path, "Scheme: internet-facing", "Scheme: internal")
    command = (sys.executable, "-m", "preflight", "rehearse", str(tmp_path), "--allow-standins", "--keep")
    running = processes.start("sh", "-c", 'exec "$@" 2>&1', "sh", *command)
    try:
        lines = [running.line(timeout=300)]
        while "AWS CLI: " not in lines[-1]:
            lines.append(running.line(timeout=300))
        shown = [match for line in lines if (match := re.search(r"(\S+): curl (http://127\S+)", line))]
        pages = [http.fetch(match[2]).text for match in shown]
    finally:
        os.kill(running.pid, signal.SIGINT)
        running.result(timeout=120)

    assert len({match[1] for match in shown}) == 2
    assert ["Welcome to nginx" in page for page in pages] == [True, True, True]


def test_a_load_balancer_that_admits_no_caller_is_named(tmp_path: Path) -> None:
    open_ = "          FromPort: 80\n          ToPort: 80\n          CidrIp: 0.0.0.0/0\n"
    code, report = rehearsed(tmp_path, open_, open_.replace("0.0.0.0/0", "192.0.2.0/24"))

    finding = report["findings"][0]
    assert code == 1
    assert finding["check"] == "SMOKE_GET"
    assert finding["resource"] == "LoadBalancerSecurityGroup"
    assert finding["property"] == "SecurityGroupIngress"

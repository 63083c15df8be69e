"""An emoji in a template, as itself and as JSON's two escapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from preflight import cli
from preflight.templates import json_text, template
from preflight.templates.template import UnreadableError

ROCKET = "\N{ROCKET}"
JSON = json.dumps({"Description": ROCKET, "Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": ROCKET}}}})
YAML = f"Description: {ROCKET}\nResources:\n  P:\n    Type: AWS::SSM::Parameter\n    Properties: {{Type: String, Value: {ROCKET}}}\n"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param(r"\ud83d\ude80", ROCKET, id="in small letters"),
        pytest.param(r"\uD83D\uDE80", ROCKET, id="in capitals"),
        pytest.param(r"\\ud83d\\ude80", r"\\ud83d\\ude80", id="backslashes"),
        pytest.param(r"\\\ud83d\ude80", rf"\\{ROCKET}", id="after a backslash"),
        pytest.param(r"\ud83d\ude80\ud83d\ude80", ROCKET + ROCKET, id="two"),
        pytest.param(r"\ud83d", r"\ud83d", id="half of one"),
        pytest.param(r"\u0041", r"\u0041", id="one escape"),
    ],
)
def test_a_pair_becomes_its_character(text: str, read: str) -> None:
    assert json_text.joined(text) == read


def test_yaml_keeps_what_only_looks_like_a_pair() -> None:
    assert template.parse(r"A: \ud83d\ude80").data == {"A": r"\ud83d\ude80"}


def test_a_template_of_json_is_read() -> None:
    assert template.parse(JSON).data == json.loads(JSON)


def test_half_a_pair_is_refused_with_its_place() -> None:
    with pytest.raises(UnreadableError, match="line 1, column 10"):
        template.parse(r'{"A": "\ud83d"}')


@pytest.mark.guard
@pytest.mark.parametrize("stage", ["lint", "comply"])
@pytest.mark.parametrize("text", [pytest.param(JSON, id="JSON"), pytest.param(YAML, id="YAML")])
def test_each_tool_reads_it(tmp_path: Path, capsys: pytest.CaptureFixture[str], stage: str, text: str) -> None:
    (tmp_path / "t.yaml").write_text(text, encoding="utf-8")

    assert cli.main([stage, "--no-cache", "--format", "json", str(tmp_path / "t.yaml")]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert report["verdict"] == "pass"

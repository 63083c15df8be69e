"""Keys that occur twice, of which AWS takes the last."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.lint import cfn_lint, duplicate_keys
from preflight.model import Finding, Severity
from preflight.templates import template

BLOCK = """\
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: many
      QueueName: a
      VisibilityTimeout: 30
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: a}}
  Topic: {Type: AWS::SNS::Topic, Properties: {Nonsense: a}}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("A: 1\nB: 2\n", "A: 1\nB: 2\n", id="no key twice"),
        pytest.param("A: 1\nA: 2\n", "    \nA: 2\n", id="a block"),
        pytest.param("A: {B: 1, B: 2}\n", "A: {      B: 2}\n", id="a flow"),
        pytest.param('{"A": [1,\r\n 2], "A": 3}', '{        \r\n     "A": 3}', id="JSON over two lines"),
        pytest.param("A:\n- B: 1\n  B: 2\n", "A:\n-     \n  B: 2\n", id="an item of a list"),
        pytest.param("A: 1\nA: 2\nA: 3\n", "    \n    \nA: 3\n", id="three times"),
    ],
)
def test_replaced_keys_are_blanked(text: str, expected: str) -> None:
    assert duplicate_keys.without_replaced(text) == expected


def findings(folder: Path, text: str) -> list[Finding]:
    path = folder / "t.yaml"
    path.write_text(text)
    return cfn_lint.check({path: template.load(path, name="t.yaml")})


def test_a_replaced_key_is_a_warning_with_both_lines(tmp_path: Path) -> None:
    replaced = [finding for finding in findings(tmp_path, BLOCK) if finding.check == "ReplacedKey"]

    assert [(finding.line, finding.resource, finding.severity) for finding in replaced] == [
        (5, "Queue", Severity.WARNING),
        (8, "Topic", Severity.WARNING),
    ]
    assert "in lines 5 and 7; AWS takes the last one" in replaced[0].message


def test_cfn_lint_reads_what_aws_reads(tmp_path: Path) -> None:
    errors = [finding for finding in findings(tmp_path, BLOCK) if finding.severity is Severity.ERROR]

    assert [(finding.check, finding.line) for finding in errors] == [("E3002", 9)]

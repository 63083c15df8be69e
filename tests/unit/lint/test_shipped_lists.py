from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest

from preflight.lint import shipped_lists

SCHEMAS = resources.files("cfnlint") / "data" / "schemas" / "extensions"
LISTS = ["aws_rds_dbcluster", "aws_rds_dbinstance", "aws_elasticache_cachecluster"]


def versions(value: Any) -> Iterator[str]:
    """Yields the versions in a list of cfn-lint."""
    if isinstance(value, dict):
        yield from (text for text in value.get("enum", ()) if re.match(r"\d", text))
        yield from (text for item in value.values() for text in versions(item))
    elif isinstance(value, list):
        yield from (text for item in value for text in versions(item))


@pytest.mark.parametrize("folder", LISTS)
def test_every_version_that_cfn_lint_lists_has_the_form_of_one(folder: str) -> None:
    listed = set(versions(json.loads((SCHEMAS / folder / "engine_version.json").read_text())))

    assert listed
    assert not {text for text in listed if shipped_lists._VERSION.fullmatch(text) is None}


@pytest.mark.parametrize(
    ("check", "value", "listed"),
    [
        pytest.param("E3691", "5.7.44-rds.20261119", "5.7.44-rds.20260902", id="another build of a version"),
        pytest.param("E3690", "8.0.mysql_aurora.3.11.0.1", "8.0.mysql_aurora.3.05.0.1", id="a patch of Aurora"),
        pytest.param("E3670", "mq.m8g.2xl", "mq.m7g.2xl", id="a class of a broker"),
    ],
)
def test_a_later_value_may_be_new(check: str, value: str, listed: str) -> None:
    assert shipped_lists.may_be_new(check, f"'{value}' is not one of ['{listed}']", [])


@pytest.mark.hostile(
    12,
    input="a version, a class or a runtime of a hundred thousand characters that has nearly the form of one",
    happens="an error at once: a form matches in linear time, and no value of AWS is that long",
)
@pytest.mark.parametrize("check", ["E3025", "E3062", "E3691"])
@pytest.mark.parametrize("value", ["1" + "_a" * 50_000 + "!", "db.a" + "1" * 100_000, "1" + ".1" * 50_000, "1" + "_a" * 28 + "!", "1" + ".x" * 20 + "!"])
def test_a_value_that_nearly_has_a_form_takes_no_time(check: str, value: str) -> None:
    assert not shipped_lists.may_be_new(check, f"'{value}' is not one of ['8.0.46', 'db.t3.micro']", [])

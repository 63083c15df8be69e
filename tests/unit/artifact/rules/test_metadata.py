"""The data file of tier fargate says of every rule what it is for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight.comply import rules

FOLDER = Path(__file__).parents[4] / "rules" / "fargate"
DATA: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / "rules.yaml").read_text())
RULES = {rule.name: rule for rule in rules.rules_below([FOLDER])}


def test_the_data_names_every_rule_in_order() -> None:
    assert list(DATA) == sorted(RULES)


@pytest.mark.parametrize("name", DATA)
def test_the_data_of_a_rule_is_complete(name: str) -> None:
    assert set(DATA[name]) - {"enabled"} == {"title", "why", "types", "controls", "sources"}


@pytest.mark.parametrize("name", DATA)
def test_the_title_is_one_sentence_and_the_reason_one_or_two(name: str) -> None:
    ends = [re.findall(r"\.(?= [A-Z]|$)", DATA[name][key]) for key in ("title", "why")]

    assert len(ends[0]) == 1
    assert len(ends[1]) in {1, 2}


@pytest.mark.parametrize("name", DATA)
def test_the_rule_looks_at_each_type(name: str) -> None:
    text = RULES[name].file.read_text()

    assert [kind for kind in DATA[name]["types"] if kind not in text] == []


@pytest.mark.parametrize("name", DATA)
def test_the_sources_are_documentation_of_aws(name: str) -> None:
    assert [s for s in DATA[name]["sources"] if not s.startswith("https://docs.aws.amazon.com/")] == []


@pytest.mark.parametrize("name", DATA)
def test_the_rule_has_a_source(name: str) -> None:
    assert DATA[name]["sources"]

"""Templates that cfn-lint reads from files of our own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from preflight.lint import written_template


@pytest.mark.parametrize("text", ["\N{ROCKET}", "\\\N{ROCKET}", "\\ud83d\\ude80", "\x7f", "\x85", "é", "a\n"])
def test_a_text_is_the_same_in_yaml_and_in_json(tmp_path: Path, text: str) -> None:
    file = written_template.write(tmp_path / "t.json", {"Description": text})

    assert yaml.safe_load(file.read_text(encoding="utf-8")) == json.loads(file.read_text(encoding="utf-8")) == {"Description": text}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = written_template.write(tmp_path_factory.getbasetemp() / "t.json", {"Description": text})

    assert yaml.safe_load(file.read_text(encoding="utf-8")) == {"Description": text}

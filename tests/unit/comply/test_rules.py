from __future__ import annotations

from pathlib import Path

import pytest

from preflight.comply import rules, ruleset
from preflight.comply.rules import RuleMetadata
from preflight.errors import UsageError
from preflight.model import Severity

RULE = "rule %s when %%x !empty {\n}\n"
BOOK = """\
A:
  title: What it says.
  why: >
    Because
    it is so.
  types: [AWS::ECS::Service]
  controls: [ECS.1]
  sources: [https://one, https://two]
  enabled: false
  off_because: It costs money.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tier = tmp_path / "rules" / "practice"
    tier.mkdir(parents=True)
    (tier / "a.guard").write_text(RULE % "A")
    (tier / "rules.yaml").write_text(BOOK)
    return tmp_path / "rules"


def test_a_rule_has_what_its_book_says(folder: Path) -> None:
    rule = rules.rules_below([folder])[0]

    assert rule.name == "A"
    assert rule.severity == Severity.WARNING
    assert rule.source == "https://one"
    assert not rule.is_on
    assert rule.entry.why == "Because it is so."
    assert rule.entry.off_because == "It costs money."


@pytest.mark.parametrize(
    "text", [pytest.param(None, id="no book"), pytest.param("# nothing yet\n\n", id="an empty one"), pytest.param("B: {title: x}\n", id="another rule's")]
)  # fmt: skip
def test_a_rule_without_an_entry_has_its_name_alone(folder: Path, text: str | None) -> None:
    book = folder / "practice" / "rules.yaml"
    book.unlink()
    if text is not None:
        book.write_text(text)

    assert rules.rules_below([folder])[0].entry == RuleMetadata()


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        pytest.param("A: [x]\n", 1, "expected a map", id="an entry that is a list"),
        pytest.param("A: 3\n", 1, "expected a map", id="an entry that is a number"),
        pytest.param("A:\n", 1, "expected a map", id="an entry that is nothing"),
        pytest.param("A:\n  titel: x\n", 2, "unknown key 'titel', did you mean 'title'", id="a key that nobody knows"),
        pytest.param("A:\n  title: [x]\n", 2, "title: expected text", id="a title that is a list"),
        pytest.param("A:\n  title: 3\n", 2, "title: expected text", id="a title that is a number"),
        pytest.param("A:\n  why: ~\n", 2, "why: expected text", id="a reason that is nothing"),
        pytest.param("A:\n  controls: ECS.1\n", 2, "controls: expected a list", id="controls that are text"),
        pytest.param("A:\n  sources: [1]\n", 2, "sources: expected a list of texts", id="a source that is a number"),
        pytest.param("A:\n  types: {a: b}\n", 2, "types: expected a list", id="types that are a map"),
        pytest.param("A:\n  enabled: maybe\n", 2, "enabled: expected true or false", id="a switch that is neither"),
        pytest.param("A:\n  tier: gold\n", 2, "tier: expected fargate", id="a tier that nobody knows"),
        pytest.param("A: {\n", 2, "cannot be read", id="no YAML"),
        pytest.param("- A\n", 1, "cannot be read", id="a list"),
        pytest.param("A: !!python/object/apply:os.system ['true']\n", 1, "cannot be read", id="a tag that would run code"),
        pytest.param("A: " + "[" * 3000 + "]" * 3000, 1, "cannot be read", id="nested too deeply"),
    ],
)  # fmt: skip
def test_a_book_that_cannot_be_used_is_refused_with_file_and_line(folder: Path, text: str, line: int, said: str) -> None:
    book = folder / "practice" / "rules.yaml"
    book.write_text(text)

    with pytest.raises(UsageError) as caught:
        rules.rules_below([folder])

    assert said in str(caught.value), str(caught.value)
    assert f"rules.yaml:{line}:" in str(caught.value), str(caught.value)


def test_a_book_that_is_no_text_is_refused_at_its_first_line(folder: Path) -> None:
    (folder / "practice" / "rules.yaml").write_bytes(b"A: \xff")

    with pytest.raises(UsageError, match=r"rules\.yaml:1: .*not UTF-8"):
        rules.rules_below([folder])


def test_a_folder_that_is_named_twice_counts_once(folder: Path) -> None:
    found = rules.rules_below([folder, folder / "practice", folder / ".." / "rules"])

    assert [rule.name for rule in found] == ["A"]


def test_two_rules_of_one_name_are_refused(folder: Path) -> None:
    (folder / "practice" / "b.guard").write_text(RULE % "A")

    with pytest.raises(UsageError, match="two rules have one name: A"):
        rules.rules_below([folder])


def test_a_rule_that_is_no_text_is_refused(folder: Path) -> None:
    (folder / "practice" / "b.guard").write_bytes(b"rule \xff\xfe")

    with pytest.raises(UsageError, match="cannot be read"):
        rules.rules_below([folder])


def test_every_shipped_rule_has_a_title_and_a_source() -> None:
    shipped = [*rules.rules_below([ruleset.shipped_rules()]), *rules.python_rules_below(ruleset.shipped_rules())]
    named = {rule.name for rule in shipped if rule.source is not None}

    assert [r.name for r in shipped if not r.entry.title or r.name not in named] == []


def test_every_entry_has_its_rule() -> None:
    names = {rule.name for rule in rules.rules_below([ruleset.shipped_rules()])}
    entries = {name for file in ruleset.shipped_rules().rglob(rules.RULES_FILE) for name in rules.read(file)}

    assert entries - names == set()


def test_what_ships_off_says_why() -> None:
    shipped = [*rules.rules_below([ruleset.shipped_rules()]), *rules.python_rules_below(ruleset.shipped_rules())]

    assert [rule.name for rule in shipped if rule.is_on == bool(rule.entry.off_because)] == []

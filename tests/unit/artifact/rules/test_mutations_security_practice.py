"""Every rule of the tiers security and practice bites: a change to a good template turns it red, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from preflight.comply import cfn_guard, guard_documents, rules
from preflight.comply.cfn_guard_binary import Binary
from preflight.lint import cfn_lint
from preflight.model import Finding, Severity
from preflight.templates import template
from tests.unit.artifact.rules import mutations_practice, mutations_security
from tests.unit.artifact.rules.mutation import Mutation

ROOT = Path(__file__).parents[4]
TIERS = ("security", "practice")
RULES = rules.rules_below([ROOT / "rules" / tier for tier in TIERS])
ABOUT = {tier: yaml.safe_load((ROOT / "rules" / tier / "rules.yaml").read_text()) for tier in TIERS}
ENTRIES = {name: entry for tier in TIERS for name, entry in ABOUT[tier].items()}
KEYS = {"title", "why", "types", "controls", "sources"}
pytestmark = pytest.mark.guard


REDS = (*mutations_security.REDS, *mutations_practice.REDS)
SECURE = ROOT / mutations_security.SECURE


def case(number: int, red: Mutation) -> str:
    same = [other for other in REDS[:number] if other.rule == red.rule]
    return f"{red.rule}-{len(same) + 1}-{Path(red.file).stem}"


def findings(guard: Binary, path: Path) -> list[Finding]:
    return cfn_guard.start(guard, RULES, guard_documents.as_written({path: template.load(path)})).findings()


@pytest.fixture(scope="module")
def before(guard: Binary) -> dict[str, set[str]]:
    """The rules that are red already in each of the unchanged files: those that ship off."""
    files = sorted({red.file for red in REDS})
    return {file: {finding.check for finding in findings(guard, ROOT / file)} for file in files}


def test_the_secure_template_passes_every_rule(guard: Binary) -> None:
    assert findings(guard, SECURE) == []


def test_the_secure_template_passes_cfn_lint() -> None:
    found = cfn_lint.check({SECURE: template.load(SECURE)})

    assert [finding for finding in found if finding.severity is Severity.ERROR] == []


@pytest.mark.parametrize("path", sorted((ROOT / "cfn").glob("*.yaml")), ids=lambda path: path.name)
def test_our_templates_fail_no_rule_that_ships_on(guard: Binary, path: Path) -> None:
    found = {finding.check for finding in findings(guard, path)}

    assert {name for name in found if ENTRIES[name].get("enabled", True)} == set()


@pytest.mark.parametrize("red", [pytest.param(red, id=case(number, red)) for number, red in enumerate(REDS)])
def test_one_change_turns_the_rule_red(
    guard: Binary, before: dict[str, set[str]], tmp_path: Path, red: Mutation
) -> None:
    text = (ROOT / red.file).read_text()
    assert red.old in text
    path = tmp_path / "changed.yaml"
    path.write_text(text.replace(red.old, red.new))

    found = {finding.check for finding in findings(guard, path)}

    assert found - (before[red.file] - {red.rule}) == {red.rule, *red.also}


def test_no_red_begins_with_its_rule_red(before: dict[str, set[str]]) -> None:
    assert [red for red in REDS if red.rule in before[red.file]] == []


def test_every_rule_has_a_red() -> None:
    assert {red.rule for red in REDS} == {rule.name for rule in RULES}


@pytest.mark.parametrize("tier", TIERS)
def test_the_data_file_of_a_tier_tells_of_its_rules_in_order(tier: str) -> None:
    assert list(ABOUT[tier]) == sorted(rule.name for rule in RULES if rule.tier == tier)


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_an_entry_says_what_why_where_and_by_whom(name: str) -> None:
    entry = ENTRIES[name]
    wanted = KEYS | ({"enabled", "off_because"} if entry.get("enabled") is False else set())

    assert set(entry) == wanted
    assert all(entry[key] for key in wanted - {"enabled", "controls"})


def test_sources_are_pages_of_aws() -> None:
    sources = {source for entry in ENTRIES.values() for source in entry["sources"]}

    assert [source for source in sources if not source.startswith("https://docs.aws.amazon.com/")] == []

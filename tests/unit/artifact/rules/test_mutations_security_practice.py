"""Every rule of the tiers security and practice bites: a change to a good template turns it red, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
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
OWN = sorted((ROOT / "cfn").glob("*.yaml"))
UNCHANGED = sorted({SECURE, *OWN, *(ROOT / red.file for red in REDS)})


def case(number: int, red: Mutation) -> str:
    same = [other for other in REDS[:number] if other.rule == red.rule]
    return f"{red.rule}-{len(same) + 1}-{Path(red.file).stem}"


def findings(guard: Binary, paths: Iterable[Path]) -> dict[Path, list[Finding]]:
    """What the rules find in each template: one run for all of them."""
    documents = guard_documents.as_written({path: template.load(path) for path in paths})
    return dict(cfn_guard.start(guard, RULES, documents).by_document())


def checks(found: Iterable[Finding]) -> set[str]:
    return {finding.check for finding in found}


@pytest.fixture(scope="module")
def before(guard: Binary) -> dict[Path, list[Finding]]:
    """What the rules find in each of the unchanged files: those that ship off are red in some."""
    return findings(guard, UNCHANGED)


@pytest.fixture(scope="module")
def after(guard: Binary, tmp_path_factory: pytest.TempPathFactory) -> dict[Mutation, set[str]]:
    """The rules that are red in each changed template."""
    folder = tmp_path_factory.mktemp("reds")
    paths = {red: folder / f"{number}.yaml" for number, red in enumerate(REDS)}
    for red, path in paths.items():
        path.write_text((ROOT / red.file).read_text().replace(red.old, red.new))
    found = findings(guard, paths.values())
    return {red: checks(found[path]) for red, path in paths.items()}


def test_the_secure_template_passes_every_rule(before: dict[Path, list[Finding]]) -> None:
    assert before[SECURE] == []


def test_the_secure_template_passes_cfn_lint() -> None:
    found = cfn_lint.check({SECURE: template.load(SECURE)})

    assert [finding for finding in found if finding.severity is Severity.ERROR] == []


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_our_templates_fail_no_rule_that_ships_on(before: dict[Path, list[Finding]], path: Path) -> None:
    assert {name for name in checks(before[path]) if ENTRIES[name].get("enabled", True)} == set()


@pytest.mark.parametrize("red", [pytest.param(red, id=case(number, red)) for number, red in enumerate(REDS)])
def test_one_change_turns_the_rule_red(
    before: dict[Path, list[Finding]], after: dict[Mutation, set[str]], red: Mutation
) -> None:
    assert red.old in (ROOT / red.file).read_text()
    assert after[red] - (checks(before[ROOT / red.file]) - {red.rule}) == {red.rule, *red.also}


def test_no_red_begins_with_its_rule_red(before: dict[Path, list[Finding]]) -> None:
    assert [red for red in REDS if red.rule in checks(before[ROOT / red.file])] == []


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

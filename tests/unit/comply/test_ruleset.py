from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from preflight.comply import rules, ruleset
from preflight.errors import UsageError
from preflight.plan.rule_settings import RuleSettings, RuleSwitch

SHIPPED = rules.rules_below([ruleset.shipped_rules()])
FIRST = "ECS_TASKDEF_NETWORK_MODE_AWSVPC"
JOIN = "EC2_PUBLIC_SUBNET_ROUTE"
SOFT = "ECR_SCAN_ON_PUSH"


def switched(rule: str, to: str) -> RuleSettings:
    return RuleSettings("preflight.yaml", switches=(RuleSwitch(rule, to, 7),))


def folder(tmp_path: Path, *names: str) -> Path:
    own = tmp_path / "acme"
    own.mkdir(exist_ok=True)
    for name in names:
        (own / f"{name.lower()}.guard").write_text(f"rule {name} when %x !empty {{\n}}\n")
    return own


def test_own_rules_are_added_to_the_pack(tmp_path: Path) -> None:
    found = ruleset.chosen([folder(tmp_path, "ACME")])

    assert {rule.name for rule in found.guard} == {rule.name for rule in SHIPPED} | {"ACME"}


def test_a_rule_of_the_same_name_takes_the_place_of_ours(tmp_path: Path) -> None:
    found = ruleset.chosen([folder(tmp_path, SOFT)])

    assert [rule.file.parent.name for rule in found.guard if rule.name == SOFT] == ["acme"]
    assert found.replaced == (SOFT,)


@pytest.mark.hostile(
    11,
    "rules",
    input="a rule of the checkout has the name of one of tier fargate",
    happens="a finding; ours stays, unless the caller passes `--allow-rule-changes`",
)
@pytest.mark.parametrize("name", [pytest.param(FIRST, id="of cfn-guard"), pytest.param(JOIN, id="in Python")])
def test_a_rule_of_tier_fargate_keeps_its_place(tmp_path: Path, name: str) -> None:
    found = ruleset.chosen([folder(tmp_path, name)])

    assert not [rule for rule in found.guard if rule.file.parent.name == "acme"]
    assert [finding.check for finding in found.refusals] == [ruleset.REPLACED]
    assert found.replaced == ()


def test_a_copy_of_the_pack_replaces_nothing(tmp_path: Path) -> None:
    shutil.copytree(ruleset.shipped_rules(), tmp_path / "rules")
    (tmp_path / "rules" / "fargate" / "rules.yaml").write_text(f"{FIRST}: {{enabled: false, off_because: I say so.}}\n")

    found = ruleset.chosen([tmp_path / "rules"])

    assert FIRST in found.on
    assert found.replaced == ()
    assert found.refusals == ()


def test_the_caller_may_allow_a_replacement(tmp_path: Path) -> None:
    found = ruleset.chosen([folder(tmp_path, FIRST)], allows_changes=True)

    assert found.replaced == (FIRST,)


@pytest.mark.hostile(
    11,
    "rules",
    input="`checks` of a plan switch rules of tier fargate off, or into another tier",
    happens="a finding; they stay, and the last line counts what is off",
)
@pytest.mark.parametrize("to", ["off", "practice", "security"])
def test_a_rule_of_tier_fargate_stays_on_and_where_it_is(to: str) -> None:
    found = ruleset.chosen([], switched(FIRST, to))

    assert found.on[FIRST].tier == "fargate"
    assert [(finding.check, finding.file, finding.line) for finding in found.refusals] == [(ruleset.SWITCHED, "preflight.yaml", 7)]


def test_a_rule_that_is_off_is_listed() -> None:
    assert ruleset.chosen([], switched(SOFT, "off")).switched_off == (SOFT,)


def test_the_pack_itself_named_as_a_folder_counts_once() -> None:
    assert len(ruleset.chosen([ruleset.shipped_rules()]).guard) == len(SHIPPED)


@pytest.mark.parametrize("name", [pytest.param(FIRST, id="of cfn-guard"), pytest.param(JOIN, id="in Python")])
def test_a_rule_that_is_switched_off_is_not_run(name: str) -> None:
    found = ruleset.chosen([], switched(name, "off"), allows_changes=True)

    assert name not in found.on
    assert name not in [rule.name for rule in found.asked]
    assert name in [r.name for r in found.every]


def test_a_rule_that_ships_off_can_be_switched_on(tmp_path: Path) -> None:
    own = folder(tmp_path, "ACME")
    (own / "rules.yaml").write_text("ACME: {enabled: false, off_because: It costs money.}\n")

    states = ["ACME" in ruleset.chosen([own], asked).on for asked in (None, switched("ACME", "on"), switched("ACME", "practice"))]
    assert states == [False, True, True]


def test_a_rule_that_is_off_in_a_file_with_one_that_is_on_is_asked_but_not_on(tmp_path: Path) -> None:
    own = folder(tmp_path)
    (own / "two.guard").write_text("rule A when %x !empty {\n}\nrule B when %x !empty {\n}\n")

    found = ruleset.chosen([own], switched("A", "off"))

    assert "A" in [rule.name for rule in found.asked]
    assert "A" not in found.on
    assert "B" in found.on


def test_a_tier_that_is_changed_changes_severity_and_waivability() -> None:
    rule = ruleset.chosen([], switched(FIRST, "practice"), allows_changes=True).on[FIRST]

    assert rule.tier == "practice"
    assert rule.severity.value == "warning"
    assert rule.is_waivable


def test_a_check_in_python_has_the_entry_of_the_rule_that_it_completes() -> None:
    found = ruleset.chosen([])
    name = "IAM_ECS_ROLE_TRUST_ECS_TASKS"

    entries = [rule.entry for rule in (*found.guard, *found.python_rules) if rule.name == name]
    assert len(entries) == 2
    assert entries[0] == entries[1]
    assert [r.name for r in found.every].count(name) == 1


def test_a_rule_that_nobody_knows_is_refused_with_a_near_one() -> None:
    with pytest.raises(UsageError, match=r"preflight\.yaml:7: .*did you mean 'EC2_PUBLIC_SUBNET_ROUTE'"):
        ruleset.chosen([], switched("EC2_PUBLIC_SUBNET_ROUTES", "off"))


def test_the_pack_is_read_once_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = ruleset.chosen([])
    monkeypatch.setattr(rules, "rules_below", lambda folders: [] if not folders else pytest.fail(f"read again: {folders}"))

    assert ruleset.chosen([]) == expected

"""What an export of the rules has, what it leaves out and why, and what the command says of it."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from preflight import cli
from preflight.comply import ruleset
from preflight.comply.rule_export import config_policy, export, guard_hook
from preflight.comply.rule_export.export import Export, NotExportableError
from preflight.plan.rule_settings import RuleSettings, RuleSwitch

HEAD = "let tasks = Resources.*[ Type == 'AWS::ECS::TaskDefinition' ]\n\nrule R when %tasks !empty {\n  %tasks {\n"
TAIL = "\n  }\n}\n"


def rule(body: str) -> str:
    """Returns a rule on task definitions that does this."""
    return f"{HEAD}    {body}{TAIL}"


def two_rules(tmp_path: Path) -> Path:
    """A folder with one file that has the rules R and S."""
    second = rule("Properties.Memory exists").replace("rule R", "rule S").partition("\n\n")[2]
    (tmp_path / "mine.guard").write_text(rule("Properties.Cpu exists") + second)
    return tmp_path


def reasons(exported: Export, target: str) -> dict[str, str]:
    return {entry.rule: entry.reason for entry in exported.left_out if entry.target == target}


@pytest.mark.parametrize("module", [guard_hook, config_policy], ids=["guard-hook", "config"])
def test_every_rule_is_exported_or_left_out_with_a_reason(module: object) -> None:
    chosen = ruleset.chosen([])
    exported: Export = module.of(chosen)  # type: ignore[attr-defined] # both have it

    for target, count in exported.counts.items():
        against = reasons(exported, target)
        whole = {name for name, reason in against.items() if reason != export.IN_PART}
        assert count + len(whole) == len(chosen.every)
        assert all(against.values())


def test_archives_are_by_target_and_severity_and_equal_each_time() -> None:
    chosen = ruleset.chosen([])

    first, second = guard_hook.of(chosen).files, guard_hook.of(chosen).files

    assert sorted(first) == ["resource-error.zip", "resource-warning.zip", "stack-error.zip", "stack-warning.zip"]
    assert first == second


def test_a_rule_that_a_plan_switches_off_is_left_out() -> None:
    switched = RuleSettings(switches=(RuleSwitch("ECR_SCAN_ON_PUSH", "off", 1),))

    exported = guard_hook.of(ruleset.chosen([], switched))

    names = {name for data in exported.files.values() for name in zipfile.ZipFile(io.BytesIO(data)).namelist()}
    assert "ECR_SCAN_ON_PUSH.guard" not in names
    assert reasons(exported, "stack")["ECR_SCAN_ON_PUSH"] == "is off"


def test_a_rule_beside_one_that_is_off_is_left_out(tmp_path: Path) -> None:
    switched = RuleSettings(switches=(RuleSwitch("S", "off", 1),))

    exported = guard_hook.of(ruleset.chosen([two_rules(tmp_path)], switched))

    assert reasons(exported, "stack")["R"] == "stands in one file with S, which is off"


@pytest.mark.parametrize(("warning", "error"), [("R", "S"), ("S", "R")])
def test_a_rule_beside_one_that_only_warns_is_among_the_warnings_and_listed(tmp_path: Path, warning: str, error: str) -> None:
    switched = RuleSettings(switches=(RuleSwitch(warning, "practice", 1), RuleSwitch(error, "security", 2)))

    exported = guard_hook.of(ruleset.chosen([two_rules(tmp_path)], switched))

    archives = {name for name, data in exported.files.items() if "R.guard" in zipfile.ZipFile(io.BytesIO(data)).namelist()}
    assert archives == {"stack-warning.zip", "resource-warning.zip"}
    because = f"since it stands in one file with {warning}, whose severity is warning"
    assert reasons(exported, "stack")[error] == f"is only in stack-warning.zip, {because}"
    assert reasons(exported, "resource")[error] == f"is only in resource-warning.zip, {because}"
    assert warning not in reasons(exported, "stack")


def test_config_counts_rules_and_not_files(tmp_path: Path) -> None:
    without = config_policy.of(ruleset.chosen([])).counts["config"]

    assert config_policy.of(ruleset.chosen([two_rules(tmp_path)])).counts["config"] == without + 2


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param("DependsOn exists", "reads DependsOn, which is no property", id="an attribute beside the properties"),
        pytest.param("Properties.Cpu in Parameters.Cpu.AllowedValues", "reads Parameters of the template", id="parameters"),
        pytest.param("Properties.Cpu in Resources.*.Properties.Cpu", "looks at several resources together", id="other resources"),
        pytest.param("let n = count(Properties.Volumes[*])\n %n < 2", "uses count(), a function of Guard 3; AWS Config runs Guard 2", id="a function"),
        pytest.param("Properties.Cpu != /^(?!256)/", "has a pattern with look-around, which Guard 2 lacks; AWS Config runs Guard 2", id="look-around"),
        pytest.param("Properties.Tags exists", "reads Tags, which AWS Config's schema of AWS::ECS::TaskDefinition does not have", id="not recorded"),
        pytest.param("%tasks[*].Cpu exists", "uses the resources that it selects in a way that an item does not allow", id="the selection again"),
    ],
)
def test_what_config_cannot_take_is_said(body: str, reason: str) -> None:
    with pytest.raises(NotExportableError) as caught:
        config_policy.adapted(rule(body), ["R"])

    assert str(caught.value) == reason


def test_a_type_that_config_records_otherwise_is_said() -> None:
    with pytest.raises(NotExportableError, match="looks at AWS::EC2::VPC, which AWS Config does not record"):
        config_policy.adapted(rule("Properties.CidrBlock exists").replace("ECS::TaskDefinition", "EC2::VPC"), ["R"])


def test_a_property_that_aws_sets_itself_is_said() -> None:
    with pytest.raises(NotExportableError, match="reads Role, which AWS gives to services"):
        config_policy.adapted(rule("Properties.Role not exists").replace("TaskDefinition", "Service"), ["R"])


def test_a_rule_that_is_too_long_for_config_is_said() -> None:
    with pytest.raises(NotExportableError, match="characters, and AWS Config takes 10,000"):
        config_policy.adapted(rule("\n".join(["Properties.Cpu exists"] * 500)), ["R"])


def test_a_rule_becomes_one_on_an_item_and_its_texts_stay() -> None:
    text, types = config_policy.adapted(rule("Properties.Cpu == 'Properties' << Properties of Resources >>"), ["R"])

    assert types == ["AWS::ECS::TaskDefinition"]
    assert "configuration.Cpu == 'Properties' << Properties of Resources >>" in text
    assert "Resources.*" not in text


def test_a_property_is_spelt_as_config_records_it() -> None:
    text, _ = config_policy.adapted(rule("some Properties.Volumes[*].EFSVolumeConfiguration exists"), ["R"])

    assert "configuration.Volumes[*].EfsVolumeConfiguration exists" in text


def test_the_conditions_of_a_selection_become_conditions_of_the_rule() -> None:
    selected = rule("Properties.Cpu exists").replace("Definition' ]", "Definition'\n  some Properties.RequiresCompatibilities[*] == 'FARGATE'\n]")

    text, _ = config_policy.adapted(selected, ["R"])

    assert "rule R when resourceType == 'AWS::ECS::TaskDefinition'\n  some configuration.RequiresCompatibilities[*] == 'FARGATE'" in text


@pytest.mark.parametrize("engine", ["guard-hook", "config"])
def test_the_command_writes_the_files_and_says_what_is_left_out(engine: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out"

    assert cli.main(["rules", "export", "--for", engine, "--output-dir", str(folder)]) == 0

    said = capfd.readouterr()
    listed = (folder / export.LEFT_OUT).read_text().splitlines()
    assert [line.removeprefix("left out: ") for line in said.err.splitlines()] == listed
    assert str(folder) in said.out
    assert len(list(folder.iterdir())) > 1


def test_the_file_of_a_rule_is_what_put_config_rule_takes(tmp_path: Path) -> None:
    botocore = pytest.importorskip("botocore.session")
    validate = pytest.importorskip("botocore.validate")
    shape = botocore.get_session().get_service_model("config").operation_model("PutConfigRule").input_shape

    for data in config_policy.of(ruleset.chosen([])).files.values():
        validate.validate_parameters({"ConfigRule": json.loads(data)}, shape)


@pytest.mark.parametrize(
    "words", [["rules", "export"], ["rules", "--for", "config"], ["rules", "ECR_SCAN_ON_PUSH", "--output-dir", "x"]], ids=" ".join
)
def test_options_that_do_not_fit_are_refused_with_the_next_step(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 2

    assert "Next: `preflight rules export --for guard-hook`" in capfd.readouterr().err


def test_the_page_has_the_numbers() -> None:
    chosen = ruleset.chosen([])
    counts = {**guard_hook.of(chosen).counts, **config_policy.of(chosen).counts}
    page = Path(__file__).parents[3] / "docs" / "rule-export.md"

    assert f"| {counts['stack']} | {counts['resource']} | {counts['config']} |" in page.read_text()

"""What a rule is not given changes no finding: over every template of the repository, and over the rules' own cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from preflight.comply import cfn_guard, guard_batches, guard_documents, rules, ruleset
from preflight.comply.cfn_guard_binary import Binary
from preflight.comply.guard_documents import GuardDocument
from preflight.plan import resolved_stacks
from preflight.templates import template
from preflight.templates.template import Template

ROOT = Path(__file__).parents[3]
RULES = ruleset.chosen(()).guard
FOLDERS = ("cfn", "tests/integration/accepted", "tests/integration/article/cfn", "tests/unit/artifact/rules/good")
TEMPLATES = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".yaml", ".json"} and b"Resources" in path.read_bytes() and path.name != "preflight.yaml"
)
CASES = sorted((ROOT / "rules").rglob("*_tests.y*ml"))


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A patch under which every rule is given all of every document."""
    monkeypatch.setattr(guard_batches, "_scope", lambda _rule: None)
    return monkeypatch


def documents(templates: dict[Path, Template]) -> dict[Path, GuardDocument]:
    """The templates as written, those of deployments resolved too, as data throughout: cfn-guard's own reader is not what is tested."""
    written = {path: GuardDocument(known, known.data) for path, known in templates.items()}
    deployed = {path: known for path, known in templates.items() if "artifact" not in path.parts}
    resolved = guard_documents.resolved(resolved_stacks.of_templates(deployed))
    return {**written, **{key: document for key, (_, document) in resolved.items()}}


@pytest.mark.guard
def test_templates_get_the_findings_of_all_rules(guard: Binary, whole: pytest.MonkeyPatch) -> None:
    checked = documents({path: template.load(path, name=str(path)) for path in TEMPLATES})
    expected = cfn_guard.start(guard, RULES, checked).by_document()
    whole.undo()

    assert cfn_guard.start(guard, RULES, checked).by_document() == expected


@pytest.mark.guard
@pytest.mark.parametrize("file", CASES, ids=lambda path: path.stem)
def test_the_cases_of_a_rule_get_the_findings_of_all_rules(guard: Binary, whole: pytest.MonkeyPatch, file: Path) -> None:
    inputs = [case["input"] for case in yaml.safe_load(file.read_text()) if case.get("input")]
    checked = {Path(f"{n}.json"): GuardDocument(template.Template("case", {}), json.loads(json.dumps(data))) for n, data in enumerate(inputs)}
    rule = [rule for rule in RULES if rule.file.stem == file.stem.removesuffix("_tests")]
    expected = cfn_guard.start(guard, rule, checked).by_document()
    whole.undo()

    assert cfn_guard.start(guard, rule, checked).by_document() == expected


def test_few_rules_are_given_every_document() -> None:
    kept = {rule.name for rule in RULES if (scope := guard_batches._scope(rule)) is None or scope.needs is None}

    assert kept == {"CFN_NO_SECRET_DEFAULTS", "CFN_PARAMETERS_CONSTRAINED"}


def batches(folder: Path, rule_text: str, **texts: str) -> list[guard_batches.Batch]:
    (folder / "a.guard").write_text(rule_text)
    known = {Path(name): template.parse(text, name=name) for name, text in texts.items()}
    written = {path: GuardDocument(read, read.data) for path, read in known.items()}
    return guard_batches.of(rules.rules_below([folder]), written)


RULE = "let queues = Resources.*[ Type == 'AWS::SQS::Queue' ]\nrule A when %queues !empty {\n  %queues { Properties exists }\n}\n"
QUEUE = "Resources: {Q: {Type: 'AWS::SQS::Queue'}, T: {Type: 'AWS::SNS::Topic'}}"
TOPIC = "Resources: {T: {Type: 'AWS::SNS::Topic'}}"


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(ruleset, "shipped_rules", lambda: tmp_path)
    return tmp_path


def test_a_rule_of_the_pack_runs_where_its_types_occur(pack: Path) -> None:
    assert [list(batch.texts.values()) for batch in batches(pack, RULE, q=QUEUE, t=TOPIC)] == [[[Path("q")]]]


def test_a_rule_of_the_pack_is_given_the_resources_of_its_types(pack: Path) -> None:
    (batch,) = batches(pack, RULE, q=QUEUE)

    assert [list(json.loads(text)["Resources"]) for text in batch.texts] == [["Q"]]


def test_documents_whose_part_is_the_same_are_checked_once(pack: Path) -> None:
    (batch,) = batches(pack, RULE, a=QUEUE, b=QUEUE)

    assert list(batch.texts.values()) == [[Path("a"), Path("b")]]


def test_a_rule_from_elsewhere_is_given_everything(tmp_path: Path) -> None:
    (batch,) = batches(tmp_path, RULE, q=QUEUE, t=TOPIC)

    assert [list(json.loads(text)["Resources"]) for text in batch.texts] == [["Q", "T"], ["T"]]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("let a = Resources.*[ Type == 'A' or Type == 'B' ]\nrule R when %a !empty {\n}\n", id="one of two types by or"),
        pytest.param("let a = Resources.*[ Type == 'A' ]\nrule R when %a !empty or\n  Parameters exists {\n}\n", id="or something else"),
        pytest.param("let a = Resources.*[ Type == 'A' ]\nrule R {\n}\n", id="no condition"),
        pytest.param("let a = Resources.*[ Type == 'A' ]\nrule R when %a empty {\n}\n", id="none of the type"),
        pytest.param("let a = count(Resources.*[ Type == 'A' ])\nrule R when %a !empty {\n}\n", id="a function"),
        pytest.param("let a = Resources.*\nrule R when %a !empty {\n}\n", id="all resources"),
        pytest.param(RULE + "rule B {\n}\n", id="a second rule without a condition"),
    ],
)
def test_a_rule_without_a_condition_on_types_runs_everywhere(pack: Path, text: str) -> None:
    assert {path for batch in batches(pack, text, t=TOPIC) for paths in batch.texts.values() for path in paths} == {Path("t")}


def test_a_rule_that_looks_at_resources_by_name_is_given_all(pack: Path) -> None:
    text = RULE.replace("Properties exists", "some Resources.%names exists")
    (batch,) = batches(pack, text, q=QUEUE)

    assert [list(json.loads(text)["Resources"]) for text in batch.texts] == [["Q", "T"]]


def test_a_batch_has_few_documents(pack: Path) -> None:
    texts = {f"t{n}": QUEUE.replace("Q:", f"Q{n}:") for n in range(guard_batches.MAX_DOCUMENTS + 1)}

    assert sorted(len(batch.texts) for batch in batches(pack, RULE, **texts)) == [1, guard_batches.MAX_DOCUMENTS]


@pytest.mark.guard
def test_findings_are_the_same_on_one_processor_and_on_two(guard: Binary, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = documents({path: template.load(path) for path in TEMPLATES[:20]})
    found = []
    for count in (1, 2):
        monkeypatch.setattr("os.cpu_count", lambda count=count: count)
        found.append(list(cfn_guard.start(guard, RULES, checked).by_document().items()))

    assert found[0] == found[1]


@pytest.mark.guard
def test_a_run_that_is_killed_leaves_no_process(guard: Binary) -> None:
    run = cfn_guard.start(guard, RULES, documents({path: template.load(path) for path in TEMPLATES}))

    run.kill()

    assert [process for process in run._running if process._started.poll() is None] == []

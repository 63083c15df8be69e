"""Many plans: those of a shard are checked, and their reports merged."""

from __future__ import annotations

import dataclasses
import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from preflight import cli
from preflight.errors import UsageError
from preflight.model import Outcome, Report, StageResult
from preflight.plan import shards
from preflight.plan.shards import Shard
from preflight.report import FORMATS, json_reader
from preflight.report import json as json_report
from tests.unit.report.regions import large

ROOT = Path(__file__).parents[3]
PLAN = "version: 1\nname: demo\nregion: eu-west-1\nsteps:\n  - {stack: demo, template: t.yaml}\n"
WRONG = 'Resources:\n  Topic: {Type: "AWS::SNS::Topic", Properties: {Nope: 1}}\n'
RIGHT = 'Resources:\n  Topic: {Type: "AWS::SNS::Topic"}\n'


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with five plans, of which one has an error."""
    (tmp_path / ".git").mkdir()
    for name in ("a", "b", "c/d", "c/e", ".hidden", "f"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "preflight.yaml").write_text(PLAN)
        (tmp_path / name / "t.yaml").write_text(WRONG if name == "b" else RIGHT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(*options: str) -> int:
    return cli.main(["check", "--stage", "lint", "--format", "json", "--output-dir", "reports", *options])


def merged(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    capsys.readouterr()
    cli.main(["report", "--merge", "reports", "--format", "json", *options])
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
def test_every_plan_is_in_one_shard(many: Path, count: int) -> None:
    parts = [shards.plans([many], Shard(number, count)) for number in range(1, count + 1)]

    assert sorted(path.parent.relative_to(many).as_posix() for part in parts for path in part) == ["a", "b", "c/d", "c/e", "f"]


def test_a_plan_that_is_named_twice_is_checked_once(many: Path) -> None:
    assert shards.plans([many / "a", many / "b", many / "a" / "preflight.yaml"], None) == [many / "a" / "preflight.yaml", many / "b" / "preflight.yaml"]


def test_a_folder_without_a_plan_below_it_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no preflight\.yaml"):
        shards.plans([tmp_path], Shard(1, 2))


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "a/b", "1/2/3"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(SystemExit):
        cli.main(["check", "--shard", text])


def test_the_shards_reports_merge_into_one(many: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes = [check("--shard", f"{number}/2", ".") for number in (1, 2)]
    report = merged(capsys)

    assert codes == [0, 1]
    assert report["verdict"] == "fail"
    assert [finding["file"] for finding in report["findings"] if finding["severity"] == "error"] == ["b/t.yaml"]
    assert len(list((many / "reports").rglob("preflight.json"))) == 5


def test_a_plan_that_cannot_be_read_is_an_error_of_the_merged_report(many: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (many / "c" / "d" / "preflight.yaml").write_text("version: 2\n")

    assert check("--shard", "1/1", ".") == 2
    assert merged(capsys)["verdict"] == "error"
    assert len(list((many / "reports").rglob("preflight.json"))) == 5


def test_json_of_several_plans_goes_to_files(many: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--stage", "lint", "--format", "json", "a", "b"]) == 2
    assert "--output-dir" in capsys.readouterr().err


def test_each_report_of_several_plans_comes_after_the_name_of_its_plan(many: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--stage", "lint", "--no-cache", "a", "f"]) == 0

    assert capsys.readouterr().err.splitlines() == ["preflight: a/preflight.yaml", "preflight: lint", "preflight: f/preflight.yaml", "preflight: lint"]


def test_a_shard_without_plans_passes(many: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check("--shard", "2/2", "a") == 0
    assert "no plan in this shard" in capsys.readouterr().err


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    report = large(tmp_path)

    assert json.loads(json_report.render(json_reader.read(json_report.render(report), "r"))) == json.loads(json_report.render(report))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"format": "other"}', '{"format": "preflight-report/1"}', "[" * 100_000],
    ids=["nothing", "a list", "half an object", "another format", "no fields", "deep"],
)
def test_another_file_is_no_report(text: str) -> None:
    with pytest.raises(UsageError, match="this is not a report"):
        json_reader.read(text, "r")


def test_a_report_with_a_field_of_another_type_is_none(tmp_path: Path) -> None:
    data = json.loads(json_report.render(large(tmp_path)))
    data["findings"][0]["line"] = "one"

    with pytest.raises(UsageError, match="this is not a report"):
        json_reader.read(json.dumps(data), "r")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("baseline", {"file": "b", "hidden": 10**12, "gone": []}, id="findings that no memory holds"),
        *(
            pytest.param("stages", [{"name": "lint", "outcome": "pass", "seconds": seconds, "reason": None}], id=f"{seconds!s:.9} seconds")
            for seconds in (float("nan"), float("inf"), 10**400)
        ),
        pytest.param("deployment", {"events": [{"stack": "s", "resource": "R", "kind": "K", "status": "S", "time": "noon"}]}, id="a time that is none"),
        pytest.param("update", {"from": {}, "commit": None, "changes": [], "traffic": []}, id="a revision that is no text"),
        pytest.param("update", {"from": "main", "commit": None, "changes": [], "traffic": [{}]}, id="traffic without a target"),
    ],
)
def test_a_report_with_values_that_none_has_is_none(key: str, value: object) -> None:
    report = Report("rehearsal", "0123abcd", (StageResult("lint", Outcome.PASS),))
    data = {**json.loads(json_report.render(report)), key: value}

    with pytest.raises(UsageError, match="this is not a report"):
        json_reader.read(json.dumps(data), "r")


def test_a_report_that_is_not_utf_8_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "preflight.json").write_bytes(b"\xff")

    assert cli.main(["report", "--merge", str(tmp_path)]) == 2
    assert f"{tmp_path / 'preflight.json'}: this is not a report" in capsys.readouterr().err


def test_no_stage_is_lost_in_the_merged_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, outcome in (("lint", "pass"), ("later", "fail")):
        report = Report("rehearsal", "0123abcd", (StageResult(name, Outcome(outcome)),))
        (tmp_path / f"{name}.json").write_text(json_report.render(report))

    assert cli.main(["report", "--merge", str(tmp_path / "lint.json"), str(tmp_path / "later.json")]) == 1
    assert "verdict: fail" in capsys.readouterr().out


def small(report: Report) -> Report:
    """A report with some of everything that another one has."""
    stages = tuple(dataclasses.replace(stage, findings=stage.findings[:20], waived=stage.waived[:5]) for stage in report.stages)
    deployment = dataclasses.replace(report.deployment, events=report.deployment.events[:20])
    return dataclasses.replace(report, stages=stages, ledger=report.ledger[:50], deployment=deployment)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_merged_report_has_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    report = small(large(tmp_path))
    for number in range(2):
        (tmp_path / f"{number}.json").write_text(json_report.render(report))
    cli.main(["report", "--merge", str(tmp_path / "0.json"), str(tmp_path / "1.json"), "--format", name])
    shown, said = capsys.readouterr()

    assert said == ""
    assert "fail" in shown
    if name == "junit":
        ET.fromstring(shown)  # noqa: S314 - our own
    if name == "json":
        jsonschema.validate(json.loads(shown), json.loads((ROOT / "docs" / "report.schema.json").read_text()))


def test_a_report_that_is_no_plain_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "preflight.json")

    assert cli.main(["report", "--merge", str(tmp_path)]) == 2
    assert "it is no plain file" in capsys.readouterr().err

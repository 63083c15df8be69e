"""Findings about the requests of an update."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from unittest import mock

from preflight.deploy.declared_resources import DeclaredResource
from preflight.model import Severity
from preflight.templates import template
from preflight.traffic import findings
from preflight.traffic.record import TargetRecord, TrafficRecord
from tests.unit.traffic.test_causes import OLD, RESET, WEB, at

RECORD = TrafficRecord(
    (TargetRecord("web", sent=100, answered=98, failures=(RESET, replace(RESET, failed_at=at(11.5))), asks_tasks=True),),
    started_at=at(0),
    ended_at=at(60),
)
NONE = mock.Mock(of_kind=lambda _kind: [])


def with_target(**changes: object) -> TrafficRecord:
    return replace(RECORD, targets=(replace(RECORD.targets[0], **changes),))  # type: ignore[arg-type]


def test_requests_that_failed_for_one_reason_are_one_error() -> None:
    found = [f for f in findings.findings(RECORD, [WEB], NONE, "preflight.yaml") if f.severity is Severity.ERROR]

    assert [finding.check for finding in found] == ["TRAFFIC_FAILED"]
    assert found[0].message.startswith("web: 2 of 100 requests failed; the first at 00:00:11.0 UTC (update), after 2.0 s")


def test_an_error_stands_at_the_service(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("Resources:\n  Web:\n    Type: AWS::ECS::Service\n")
    known = template.load(tmp_path / "t.yaml", name="t.yaml")
    declared = DeclaredResource(known, "Web", "arn:aws:ecs:eu-west-1:1:service/c/web", "AWS::ECS::Service")

    found = findings.findings(RECORD, [WEB], mock.Mock(of_kind=lambda _kind: [declared]), "preflight.yaml")

    assert found[0].resource == "Web"
    assert found[0].file == "t.yaml"


def test_changed_addresses_of_tasks_are_no_error() -> None:
    found = findings.findings(with_target(failures=(), answered=100), [WEB], NONE, "preflight.yaml")

    assert [finding.check for finding in found] == ["TRAFFIC_ADDRESS"]
    assert found[0].severity is Severity.INFO


def test_an_update_that_exchanges_no_task_changes_no_address() -> None:
    before = replace(WEB, tasks=(replace(OLD, stopping_at=at(-60), ended_at=at(-50)),))

    assert findings.findings(with_target(failures=(), answered=100), [before], NONE, "preflight.yaml") == []


def test_requests_to_addresses_that_were_given_up_do_not_count_as_failed() -> None:
    late = replace(RESET, sent_at=at(10.5))

    settled = findings.settled(with_target(failures=(RESET, late)), [WEB]).targets[0]

    assert settled.failures == (RESET,)
    assert settled.failed == settled.moved == 1


def test_the_report_has_what_became_of_the_requests() -> None:
    shown = RECORD.targets[0].to_json()

    assert shown["failed"] == 2
    assert shown["failures"][0]["failed_at"] == dt.datetime(2026, 1, 1, 0, 0, 11, tzinfo=dt.timezone.utc).isoformat()

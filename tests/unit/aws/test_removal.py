from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from preflight import errors
from preflight.aws import deployment, removal, tags
from preflight.aws import session as sessions
from preflight.rehearsal import server

REGION = "ap-northeast-1"
MARKS = tags.of("fa-018", run="0a1b2c3d", now=dt.datetime(2030, 1, 1, tzinfo=dt.timezone.utc))
TEMPLATE = {"Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}}}


@pytest.fixture
def session(account: server.Server) -> sessions.Session:
    return sessions.rehearsal(REGION, account.address)


def test_a_stack_whose_id_nobody_knows_is_deleted_by_its_name(
    session: sessions.Session, deploy: Callable[..., dict[str, Any]]
) -> None:
    """Its run was not told the id, because the answer was lost for good."""
    deploy(json.dumps(TEMPLATE), name="s", Tags=[{"Key": k, "Value": v} for k, v in MARKS.items()])

    kept = removal.Removal(session, lambda _: None).stack("s")

    assert (kept, session.client("cloudformation").describe_stacks()["Stacks"]) == ([], [])


def test_a_log_group_that_the_last_task_made_goes_with_the_cluster(
    session: sessions.Session, deploy: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody had tagged it when the deletion began."""
    cluster = {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": "c"}}
    deploy(json.dumps({"Resources": {"C": cluster}}), name="s", Tags=[{"Key": k, "Value": v} for k, v in MARKS.items()])
    logs, remover = session.client("logs"), removal.Removal(session, lambda _: None)
    delete = remover._delete

    def late(stack: str) -> None:
        logs.create_log_group(logGroupName=removal.INSIGHTS.format("c"))
        delete(stack)

    monkeypatch.setattr(remover, "_delete", late)
    remover.stack("s")

    assert logs.describe_log_groups()["logGroups"] == []


def test_who_is_asked_to_stop_while_he_cleans_up_cleans_up_first() -> None:
    one = mock.Mock()
    one.down.side_effect = [errors.StopRequested(143), []]

    with pytest.raises(errors.StopRequested):
        deployment._undo(one, [], None)

    assert one.down.call_count == 2

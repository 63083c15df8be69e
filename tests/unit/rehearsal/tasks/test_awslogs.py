from __future__ import annotations

import pytest
from moto.logs.models import logs_backends
from moto.server import DomainDispatcherApplication, create_backend_app

from preflight.rehearsal.account import Account
from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.tasks import awslogs
from preflight.rehearsal.tasks.awslogs import Logs


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        pytest.param("1970-01-01T00:00:01.234567890Z", 1234, id="nanoseconds, Zulu"),
        pytest.param("1970-01-01T01:00:01.5+01:00", 1500, id="another zone"),
    ],
)
def test_the_moment_of_a_log_line(moment: str, found: int) -> None:
    assert awslogs.milliseconds(moment) == found


def test_a_stream_keeps_its_last_mebibyte() -> None:
    account = Account(DomainDispatcherApplication(create_backend_app))
    client = account.client("logs", "eu-west-1")
    client.create_log_group(logGroupName="g")
    client.create_log_stream(logGroupName="g", logStreamName="p/c/t")
    options = {"awslogs-group": "g", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "p"}
    container = {"name": "c", "image": "i", "logConfiguration": {"logDriver": "awslogs", "options": options}}
    definition = {"family": "f", "revision": 1, "containerDefinitions": [container]}
    spec = task_spec.from_task_definition(definition).containers[0]
    logs = Logs(account)

    for batch in range(3):
        lines = [("2026-01-02T03:04:05Z", f"{batch} {n} {'x' * 9_974}") for n in range(90)]
        logs.write(spec, task="t", lines=lines)

    messages = [event.message for event in logs_backends[account.id]["eu-west-1"].groups["g"].streams["p/c/t"].events]
    assert messages[-1].startswith("2 89 ")
    assert sum(len(message) + 26 for message in messages) <= 1 << 20
    assert len(messages) > 100

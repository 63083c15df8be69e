"""Requests of a run on an account that go wrong: the most important cases of `tox -e request-faults`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from preflight.system.processes import CompletedProcess
from tests.integration import emulator
from tests.integration.emulator import Emulator
from tests.integration.request_faults.fault import Fault, Kind

if TYPE_CHECKING:
    from tests.integration.request_faults.proxy import Proxy

pytestmark = pytest.mark.containers


def checked(between: Proxy, case: Fault) -> CompletedProcess:
    """Returns a run with a fault."""
    between.arm(case)
    return emulator.run(between.address, *emulator.CHECK, env={"AWS_MAX_ATTEMPTS": "3"})


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(Fault(Kind.LOST, "cloudformation:ExecuteChangeSet", 2), id="the answer of an execution is lost"),
        pytest.param(Fault(Kind.BROKEN, "registry:PUT manifests"), id="the registry breaks at the last moment", marks=pytest.mark.request_faults),
    ],
)
def test_a_run_heals(account: Emulator, between: Proxy, case: Fault) -> None:
    done = checked(between, case)

    assert done.code == 0, done.stderr
    assert between.faults == 1
    assert account.resources() == []


@pytest.mark.parametrize(
    ("case", "message", "advice"),
    [
        pytest.param(
            Fault(Kind.BROKEN_FOR_GOOD, "cloudformation:CreateChangeSet"),
            "CreateChangeSet: InternalFailure",
            "try again",
            id="change sets cannot be created",
            marks=pytest.mark.request_faults,
        ),
        pytest.param(
            Fault(Kind.EXPIRED, "ecr:GetAuthorizationToken"),
            "GetAuthorizationToken: ExpiredTokenException",
            "renew the credentials",
            id="credentials expire before the push",
            marks=pytest.mark.request_faults,
        ),
        pytest.param(
            Fault(Kind.EXPIRED, "cloudformation:DeleteStack"),
            "may still be there: DeleteStack: ExpiredToken",
            "preflight sweep --target aws --account 123456789012",
            id="credentials expire in the teardown",
        ),
    ],
)
def test_a_run_that_cannot_go_on_says_why_and_the_sweep_removes_the_rest(
    account: Emulator, between: Proxy, case: Fault, message: str, advice: str
) -> None:
    done = checked(between, case)
    swept = emulator.run(account.endpoint, *emulator.SWEEP, "--older-than", "0s")

    assert done.code in {1, 2}
    assert message in done.stdout
    assert advice in done.stdout
    assert "Traceback" not in done.stderr
    assert swept.code == 0
    assert account.resources() == []


def test_a_sweep_whose_account_breaks_is_finished_by_the_next(account: Emulator, between: Proxy) -> None:
    checked(between, Fault(Kind.EXPIRED, "cloudformation:DeleteStack"))
    between.arm(Fault(Kind.BROKEN_FOR_GOOD, "cloudformation:DeleteStack"))

    first = emulator.run(between.address, *emulator.SWEEP, "--older-than", "0s", env={"AWS_MAX_ATTEMPTS": "2"})
    again = emulator.run(account.endpoint, *emulator.SWEEP, "--older-than", "0s")

    assert first.code == 1, first.stderr
    assert "is still there" in first.stderr
    assert again.code == 0, again.stderr
    assert account.resources() == []

"""Requests of a run on an account that go wrong: the most telling cases of `tox -e request-faults`."""

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
    """What a run brings that is hit."""
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

    assert (done.code, between.struck, account.resources()) == (0, 1, []), done.stderr


@pytest.mark.parametrize(
    ("case", "said", "advice"),
    [
        pytest.param(
            Fault(Kind.BROKEN_FOR_GOOD, "cloudformation:CreateChangeSet"),
            "CreateChangeSet: InternalFailure",
            "try again",
            id="change sets cannot be made",
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
    account: Emulator, between: Proxy, case: Fault, said: str, advice: str
) -> None:
    done = checked(between, case)
    swept = emulator.run(account.endpoint, *emulator.SWEEP, "--older-than", "0s")

    is_told = (said in done.stdout, advice in done.stdout, "Traceback" in done.stderr)
    assert (done.code in {1, 2}, is_told, swept.code, account.resources()) == (True, (True, True, False), 0, []), done.stdout


def test_a_sweep_whose_account_breaks_is_finished_by_the_next(account: Emulator, between: Proxy) -> None:
    checked(between, Fault(Kind.EXPIRED, "cloudformation:DeleteStack"))
    between.arm(Fault(Kind.BROKEN_FOR_GOOD, "cloudformation:DeleteStack"))

    first = emulator.run(between.address, *emulator.SWEEP, "--older-than", "0s", env={"AWS_MAX_ATTEMPTS": "2"})
    again = emulator.run(account.endpoint, *emulator.SWEEP, "--older-than", "0s")

    assert (first.code, "is still there" in first.stderr, again.code, account.resources()) == (1, True, 0, []), first.stderr

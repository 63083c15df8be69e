"""The live suite needs a container engine; where there is none it is skipped, loudly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.container_engine import engine
from preflight.errors import PreflightError
from preflight.plan import plan
from preflight.plan.plan import Plan
from tests.integration import lasting
from tests.integration.lasting import Account
from tests.integration.request_faults import proxy
from tests.integration.request_faults.proxy import Proxy

ROOT = Path(__file__).parents[2]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On an account run what was written for both targets, and nothing else."""
    if config.getoption("--preflight-target") == "rehearsal":
        return
    both = [i for i in items if i.get_closest_marker("live") and not i.get_closest_marker("rehearsal")]
    config.hook.pytest_deselected(items=[item for item in items if item not in both])
    items[:] = both


@pytest.fixture(scope="session", autouse=True)
def _engine_works() -> None:
    try:
        engine.find()
    except PreflightError as error:
        pytest.skip(f"no container engine: {error}")


@pytest.fixture(scope="session")
def preflight_plan() -> Plan:
    """The plan of this repository, wherever the tests are started."""
    return plan.load(ROOT / plan.FILE)


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """A pretended account that stays, as a real one does, while runs come and go."""
    with lasting.serving() as served:
        yield served


@pytest.fixture(scope="module")
def between(account: Account) -> Iterator[Proxy]:
    """What lies between a run and its account, and can break its requests."""
    with proxy.running(account.endpoint) as running:
        yield running

"""The live suite needs a container engine; without one it is skipped, loudly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.container_engine import engine
from preflight.errors import PreflightError
from preflight.plan import plan, reader
from preflight.plan.plan import Plan
from tests.integration import emulator
from tests.integration.emulator import Emulator
from tests.integration.request_faults import proxy
from tests.integration.request_faults.proxy import Proxy

ROOT = Path(__file__).parents[2]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a real account, run only the tests written for both targets."""
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
    return reader.load(ROOT / plan.FILE)


@pytest.fixture(scope="module")
def account() -> Iterator[Emulator]:
    """An emulated account that stays, as a real one does, while runs come and go."""
    with emulator.running() as running:
        yield running


@pytest.fixture(scope="module")
def between(account: Emulator) -> Iterator[Proxy]:
    """A proxy between a run and its account, which can break its requests."""
    with proxy.running(account.endpoint) as running:
        yield running

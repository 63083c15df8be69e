from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from preflight.errors import UsageError
from preflight.pytest_plugin.workers import MadeElsewhereError, Workers
from preflight.system import processes


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Workers, Workers]]:
    """Two workers of one session."""
    folder = tmp_path / "session"
    folder.mkdir()
    workers = Workers(folder), Workers(folder)
    yield workers
    for worker in workers:
        worker.leave()


def test_the_second_worker_gets_what_the_first_one_made(both: tuple[Workers, Workers]) -> None:
    make = mock.Mock()

    made = both[0].once("deployment", lambda: {"run": "1"})
    seen = both[1].once("deployment", make)

    assert made == seen == {"run": "1"}
    make.assert_not_called()


def test_the_second_worker_fails_with_the_reason_of_the_first_one(both: tuple[Workers, Workers]) -> None:
    with pytest.raises(UsageError):
        both[0].once("deployment", mock.Mock(side_effect=UsageError("no such plan")))

    with pytest.raises(MadeElsewhereError, match="no such plan"):
        both[1].once("deployment", mock.Mock())


def test_the_folder_is_removed_by_the_last_worker_only(both: tuple[Workers, Workers]) -> None:
    both[0].leave()
    assert both[1].folder.exists()
    both[1].leave()

    assert not both[1].folder.exists()


def test_the_plugin_imports_nothing_slow_until_it_is_used() -> None:
    script = "import sys, preflight.pytest_plugin; print([m for m in ('yaml', 'boto3', 'moto', 'cfnlint', 'testinfra', 'json.decoder', 'urllib.request') if m in sys.modules and m not in before])"

    done = processes.run(sys.executable, "-c", f"import sys, pytest; before = set(sys.modules); {script}", timeout=60)

    assert done.stdout.strip() == "[]"

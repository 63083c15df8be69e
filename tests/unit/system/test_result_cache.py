from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from preflight.system import result_cache, run_folders
from preflight.system.result_cache import ResultCache

KEY = result_cache.key("a")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `of_user` keeps results."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / run_folders.NAME / "results"


def test_a_result_is_kept(folder: Path) -> None:
    result_cache.of_user().put(KEY, [1, "é", None])

    assert result_cache.of_user().get(KEY) == [1, "é", None]


def test_what_was_not_kept_is_absent(folder: Path) -> None:
    assert result_cache.of_user().get(KEY) is None


def test_parts_of_a_key_do_not_run_together() -> None:
    assert result_cache.key("ab", "c") != result_cache.key("a", "bc")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: data.replace(b"[1]", b"[2]"), id="another result"),
        pytest.param(lambda data: data[:-1], id="a part"),
        pytest.param(lambda _: b"", id="nothing"),
        pytest.param(lambda _: b"\xff\xfe\n[1]", id="bytes"),
        pytest.param(lambda _: b"[" * 5_000_000, id="too much"),
    ],
)
def test_a_changed_entry_counts_as_absent(folder: Path, change: object) -> None:
    result_cache.of_user().put(KEY, [1])
    file = folder / KEY
    file.write_bytes(change(file.read_bytes()))  # type: ignore[operator]

    assert result_cache.of_user().get(KEY) is None


def test_an_entry_of_another_key_counts_as_absent(folder: Path) -> None:
    cache, other = result_cache.of_user(), result_cache.key("b")
    cache.put(KEY, [1])
    (folder / KEY).rename(folder / other)

    assert cache.get(other) is None


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    cache = result_cache.of_user()
    cache.put(KEY, [1])
    (folder / KEY).rename(tmp_path / "elsewhere")
    (folder / KEY).symlink_to(tmp_path / "elsewhere")

    assert cache.get(KEY) is None


def test_a_pipe_in_the_place_of_an_entry_is_not_waited_for(folder: Path) -> None:
    cache = result_cache.of_user()
    os.mkfifo(folder / KEY)

    assert cache.get(KEY) is None


@pytest.mark.parametrize("mode", [pytest.param(0o755, id="open to read"), pytest.param(0o777, id="open to write")])
def test_a_folder_that_is_open_to_others_is_not_used(folder: Path, mode: int) -> None:
    folder.mkdir(parents=True)
    folder.chmod(mode)

    assert not result_cache.of_user().is_kept


def test_a_link_to_a_folder_is_not_used(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "private").mkdir(mode=0o700)
    folder.parent.mkdir()
    folder.symlink_to(tmp_path / "private")

    assert not result_cache.of_user().is_kept


def test_without_a_place_for_the_folder_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    cache = result_cache.of_user()

    cache.put(KEY, [1])

    assert cache.get(KEY) is None


def test_a_folder_that_vanishes_is_no_error(folder: Path) -> None:
    cache = result_cache.of_user()
    folder.rmdir()

    cache.put(KEY, [1])
    cache.trim()

    assert cache.get(KEY) is None


def test_the_oldest_entries_go_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_cache, "MAX_BYTES", 1000)
    monkeypatch.setattr(result_cache, "KEPT_BYTES", 700)
    cache, keys = result_cache.of_user(), [result_cache.key(str(n)) for n in range(4)]
    for age, name in enumerate(reversed(keys)):
        cache.put(name, "x" * 250)
        os.utime(folder / name, (time.time() - age, time.time() - age))

    cache.trim()

    assert [name for name in keys if cache.get(name)] == keys[2:]


def test_what_killed_runs_left_is_removed(folder: Path) -> None:
    cache = result_cache.of_user()
    for name, age in (("old.new", 2 * result_cache.STALE), ("young.new", 0)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age, time.time() - age))

    cache.put(KEY, [1])
    cache.trim()

    assert sorted(path.name for path in folder.glob("*.new")) == ["young.new"]


def test_entries_are_closed_to_others(folder: Path) -> None:
    result_cache.of_user().put(KEY, [1])

    assert (folder / KEY).stat().st_mode & 0o077 == 0


def keep_without_end(cache: ResultCache) -> None:
    """What a child does until it is killed."""
    number = 0
    while True:
        number += 1
        cache.put(result_cache.key(str(number % 5)), {"number": number % 5, "text": "x" * 100_000})
        cache.trim()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of forks beside threads: the child runs no other thread's code
def test_writers_that_are_killed_at_fifty_moments_leave_entries_that_are_right_or_absent(folder: Path) -> None:
    cache, chance, found = result_cache.of_user(), random.Random(18), []  # noqa: S311 - moments, not secrets
    for _ in range(50):
        child = os.fork()
        if child == 0:
            keep_without_end(cache)
        time.sleep(chance.random() / 50)  # noqa: TID251 - the moment of the kill is what varies
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

        found = [cache.get(result_cache.key(str(number))) for number in range(5)]
        assert [result for number, result in enumerate(found) if result not in (None, {"number": number, "text": "x" * 100_000})] == []

    assert any(found)

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from preflight.rehearsal.containers import log_reader
from preflight.rehearsal.containers.log_reader import EngineLogReader, LogReader

MEBIBYTE = 1 << 20
TIME = "2026-01-02T03:04:05Z"


def test_log_lines_are_joined_and_kept_in_order(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "2026-01-02T03:04:05.000000001Z stdout F one\n"
        "2026-01-02T03:04:06Z stdout P begun \n"
        "2026-01-02T03:04:07Z stderr F between\n"
        "2026-01-02T03:04:08Z stdout F ended\n"
        "2026-01-02T03:04:09Z stdout P open\n"
    )

    lines = LogReader(log).read(has_ended=True)

    assert [text for _, text in lines] == ["one", "between", "begun ended", "open"]


def test_only_a_line_feed_ends_a_line_of_a_log(tmp_path: Path) -> None:
    text = "10%\r2020-01-01T00:00:00Z stdout F forged\x0c\u2028end"
    (tmp_path / "log").write_bytes(f"{TIME} stdout F {text}\n".encode())

    assert LogReader(tmp_path / "log").read() == [(TIME, text)]


def test_each_line_is_read_once_and_one_that_is_not_complete_later(tmp_path: Path) -> None:
    log = tmp_path / "log"
    reader = LogReader(log)

    log.write_text(f"{TIME} stdout F one\n{TIME} stdout P beg")
    first = reader.read()
    with log.open("a") as file:
        file.write(f"un \n{TIME} stdout F ended\n")

    assert first == [(TIME, "one")]
    assert reader.read() == [(TIME, "begun ended")]
    assert reader.read() == []


def test_a_log_that_its_engine_begins_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    log, successor = tmp_path / "log", tmp_path / "log.tmp"
    reader = LogReader(log)
    log.write_text(f"{TIME} stdout F one\n")
    reader.read()

    successor.write_text(f"{TIME} stdout F two\n{TIME} stdout F three\n")
    successor.rename(log)

    assert [text for _, text in reader.read()] == ["two", "three"]


@pytest.mark.hostile(
    8,
    "hog-logline1",
    "hog-loglines",
    input="a container logs one line of 500 MB, or 700 MB of lines",
    happens="the last MiB is kept, in events of 256 KiB",
    limit="16 MB on disk, a few MB of memory",
)
def test_a_line_of_100_mib_is_cut_at_the_size_of_an_event_in_a_few_mib_of_memory(tmp_path: Path) -> None:
    log = tmp_path / "log"
    piece = f"{TIME} stdout P {'A' * 8192}\n".encode() * 128
    with log.open("wb") as file:
        for _ in range(100):
            file.write(piece)
        file.write(f"{TIME} stdout F end\n".encode())

    tracemalloc.start()
    lines = LogReader(log).read()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert {len(text) for _, text in lines[:-1]} == {log_reader.MAX_MESSAGE}
    assert lines[-1][1].endswith("Aend")
    assert peak < 20 * MEBIBYTE


def test_bytes_that_are_no_text_do_not_make_an_event_too_long(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(TIME.encode() + b" stdout F " + b"\xff" * 200_000 + b"\n")

    lines = LogReader(tmp_path / "log").read()

    assert max(len(text.encode()) for _, text in lines) <= log_reader.MAX_MESSAGE
    assert sum(len(text) for _, text in lines) >= 199_998


def test_what_an_engine_prints_again_is_read_once() -> None:
    reader = EngineLogReader()
    first = "2026-01-02T03:04:05.000000001Z one\n"

    assert [text for _, text in reader.read(first)] == ["one"]
    assert [text for _, text in reader.read(f"{first}2026-01-02T03:04:05.000000002Z two\n")] == ["two"]

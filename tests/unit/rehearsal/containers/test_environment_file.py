from __future__ import annotations

import stat
from pathlib import Path

import pytest

from preflight.rehearsal.containers import environment_file


def test_values_are_in_a_file_that_only_this_user_reads(tmp_path: Path) -> None:
    with environment_file.written(tmp_path, {"PASSWORD": "s3cret = #1", "EMPTY": ""}) as options:
        file = Path(options[0].removeprefix("--env-file="))
        mode, text = stat.S_IMODE(file.stat().st_mode), file.read_text()

    assert mode == 0o600
    assert text == "PASSWORD=s3cret = #1\nEMPTY=\n"
    assert not any("s3cret" in option for option in options)


def test_the_file_ends_with_the_start_of_the_container(tmp_path: Path) -> None:
    with environment_file.written(tmp_path, {"A": "1"}):
        pass

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("KEY", "line 1\nline 2", id="several lines"),
        pytest.param("KEY", "x" * 70_000, id="more than engines read"),
        pytest.param("#KEY", "x", id="a comment in the file"),
    ],
)
def test_what_the_format_does_not_have_is_an_option(tmp_path: Path, name: str, value: str) -> None:
    with environment_file.written(tmp_path, {name: value}) as options:
        assert options[1:] == [f"--env={name}={value}"]

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from preflight.rehearsal.containers import environment_file


def test_values_are_in_a_file_that_only_this_user_reads(tmp_path: Path) -> None:
    with environment_file.written(tmp_path, {"PASSWORD": "s3cret = #1", "EMPTY": ""}, store=None) as options:
        file = Path(options[0].removeprefix("--env-file="))
        mode, text = stat.S_IMODE(file.stat().st_mode), file.read_text()

    assert mode == 0o600
    assert text == "PASSWORD=s3cret = #1\nEMPTY=\n"
    assert not any("s3cret" in option for option in options)


def test_the_file_ends_with_the_start_of_the_container(tmp_path: Path) -> None:
    with environment_file.written(tmp_path, {"A": "1"}, store=None):
        pass

    assert list(tmp_path.iterdir()) == []


CASES = [
    pytest.param("KEY", "-----BEGIN KEY-----\nline 2", id="several lines"),
    pytest.param("KEY", "a\rb", id="a carriage return"),
    pytest.param("KEY", "x" * 70_000, id="more than engines read"),
]


@pytest.mark.parametrize(("name", "value"), CASES)
def test_what_the_format_does_not_have_is_a_secret_of_the_engine(tmp_path: Path, name: str, value: str) -> None:
    stored: list[str] = []

    def store(value: str) -> str:
        stored.append(value)
        return "preflight-r-1"

    with environment_file.written(tmp_path, {name: value}, store=store) as options:
        assert options[1:] == [f"--secret=preflight-r-1,type=env,target={name}"]

    assert stored == [value]


@pytest.mark.parametrize(("name", "value"), CASES)
def test_an_engine_without_secrets_gets_it_as_an_option(tmp_path: Path, name: str, value: str) -> None:
    with environment_file.written(tmp_path, {name: value}, store=None) as options:
        assert options[1:] == [f"--env={name}={value}"]


@pytest.mark.parametrize("name", ["#KEY", "A B", "A,target=PATH"])
def test_a_name_that_would_be_an_option_of_a_secret_is_none(tmp_path: Path, name: str) -> None:
    with environment_file.written(tmp_path, {name: "1\n2"}, store=lambda _value: "s") as options:
        assert options[1:] == [f"--env={name}=1\n2"]

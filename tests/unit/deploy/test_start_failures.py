from __future__ import annotations

from pathlib import Path

import pytest

from preflight.deploy import start_failures

MISSING = "exec /app/run.sh: no such file or directory"
FORMAT = "exec /app/run.sh: exec format error"


@pytest.mark.parametrize(
    ("said", "script", "fix"),
    [
        pytest.param(MISSING, b"#!/bin/sh\r\necho a\r\n", "line ends of Windows", id="a script from Windows"),
        pytest.param(MISSING, b"#!/bin/bash\necho a\n", "the interpreter /bin/bash", id="an interpreter that is missing"),
        pytest.param(MISSING, b"#!/usr/bin/env python3\n", "the interpreter /usr/bin/env", id="an interpreter with an argument"),
        pytest.param(MISSING, None, "There is no /app/run.sh", id="a file that is missing"),
        pytest.param(FORMAT, b"echo a\n", "no first line", id="a script without a first line"),
        pytest.param(FORMAT, b"\x7fELF\x02", "another architecture", id="a program"),
        pytest.param(FORMAT, None, "another architecture", id="a program of the base image"),
        pytest.param('exec: "/app/run.sh": permission denied', b"#!/bin/sh\n", "not executable", id="no x bit"),
        pytest.param('exec: "/app/run.sh": stat /app/run.sh: no such file or directory', None, "There is no", id="in runc's words"),
    ],
)
def test_the_same_answer_of_the_kernel_has_different_causes(
    tmp_path: Path, said: str, script: bytes | None, fix: str
) -> None:
    if script is not None:
        (tmp_path / "run.sh").write_bytes(script)

    assert fix in str(start_failures.advice(["starting", said], [tmp_path]))


def test_another_end_says_nothing_of_the_program(tmp_path: Path) -> None:
    assert start_failures.advice(["Error: connect ECONNREFUSED"], [tmp_path]) is None

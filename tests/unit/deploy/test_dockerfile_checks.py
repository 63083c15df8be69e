"""Builds that a podman with CVE-2024-1753 must not run."""

from __future__ import annotations

from unittest import mock

import pytest

from preflight.container_engine.engine import Engine
from preflight.deploy import dockerfile_checks
from preflight.deploy.dockerfile_checks import UnsafeBuildError

OLD = Engine("podman", "4.3.1")


@pytest.mark.hostile(
    3,
    "build1",
    input="a `RUN --mount` writes on the machine through a link (CVE-2024-1753), also in two lines, in quotes, with escapes, behind other flags or for the next build",
    happens="the finding `UnsafeBuild` with podman before 4.9.4, before anything is built",
)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("FROM a AS b\nRUN --mount=type=bind,from=b,source=/x,target=/y ls\n", id="a bind mount"),
        pytest.param("FROM a\nrun --mount=type=cache,target=/y ls\n", id="lower case"),
        pytest.param("FROM a\nRUN \\\n  --mount=type=bind,target=/y ls\n", id="on the next line"),
        pytest.param("FROM a\nRUN \\\n# comment\n\n --mount=type=bind,target=/y ls\n", id="behind a comment"),
        pytest.param("# escape=`\nFROM a\nRUN `\n --mount=type=bind,target=/y ls\n", id="another escape character"),
        pytest.param("FROM a\nRUN --network=none --mount=type=bind,target=/y ls\n", id="behind another flag"),
        pytest.param("FROM a\nONBUILD RUN --mount=type=bind,target=/y ls\n", id="for the next build"),
        pytest.param("FROM a\nonbuild \\\n run --mount=type=bind,target=/y ls\n", id="for the next build, in two lines"),
        pytest.param("FROM a\nRUN --mo\\\nunt=type=bind,target=/y ls\n", id="a flag in two lines"),
        pytest.param("FROM a\nRU\\\nN --mount=type=bind,target=/y ls\n", id="an instruction in two lines"),
        pytest.param("FROM a\nRUN --m\\ount=type=bind,target=/y ls\n", id="a flag with an escape"),
        pytest.param("FROM a\nRUN --'mount'=type=bind,target=/y ls\n", id="a flag in quotes"),
        pytest.param('FROM a\nRUN --network="a b" --mount=type=bind,target=/y ls\n', id="behind a flag with a space"),
        pytest.param("FROM a\nRUN\t--mount=type=bind,target=/y ls\n", id="behind a tab"),
        pytest.param("FROM a\nRUN\v--mount=type=bind,target=/y ls\n", id="behind a vertical tab"),
        pytest.param("FROM a\nRUN echo a\\\\\nRUN --mount=type=bind,target=/y ls\n", id="behind two backslashes"),
        pytest.param("# escape=`\nFROM a\nRUN echo c:\\\nRUN --mount=type=bind,target=/y ls\n", id="behind no escape character"),
        pytest.param("FROM a\nRUN echo `\nRUN --mount=type=bind,target=/y ls\n", id="behind a backtick"),
        pytest.param("FROM a\r\nRUN \\\r\n --mount=type=bind,target=/y ls\r\n", id="with line ends of Windows"),
        pytest.param("\ufeffFROM a\nRUN --mount=type=secret,id=x ls\n", id="a secret"),
        pytest.param("FROM a\nRUN --mount=type=tmpfs,target=/y ls\n", id="memory"),
    ],
)
def test_a_mount_is_refused_below_the_fixed_version(text: str) -> None:
    with pytest.raises(UnsafeBuildError, match="CVE-2024-1753"):
        dockerfile_checks.check(OLD, text)


def test_the_line_is_that_of_the_instruction() -> None:
    with pytest.raises(UnsafeBuildError) as caught:
        dockerfile_checks.check(OLD, "FROM a\n\nRUN \\\n --mount=type=bind,target=/y ls\n")

    assert caught.value.line == 3


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("FROM a\nRUN apt-get --mount x\n", id="a flag of the program"),
        pytest.param("FROM a\n# RUN --mount=type=bind,target=/y ls\n", id="a comment"),
        pytest.param("FROM a\nRUN --network=none ls\n", id="another flag"),
    ],
)
def test_other_instructions_are_built(text: str) -> None:
    dockerfile_checks.check(OLD, text)


@pytest.mark.parametrize(
    ("engine", "is_flawed"),
    [
        pytest.param(OLD, True, id="podman of Debian 12"),
        pytest.param(Engine("podman", "4.9.3"), True, id="the last one with the flaw"),
        pytest.param(Engine("podman", "4.9.4"), False, id="the first one without"),
        pytest.param(Engine("podman", "5.4.2"), False, id="a newer one"),
        pytest.param(Engine("podman", "dev"), True, id="an unknown version"),
        pytest.param(Engine("docker", "20.10"), False, id="docker"),
    ],
)
def test_the_flaw_is_known_by_version(engine: Engine, *, is_flawed: bool) -> None:
    assert dockerfile_checks.is_flawed(engine) is is_flawed


def test_a_base_image_that_mounts_in_the_next_build_is_refused() -> None:
    engine = mock.Mock(program="podman", version="4.3.1")
    engine.run.return_value = mock.Mock(code=0, stdout='["RUN --mount=type=bind,target=/y ls"]\n')

    with pytest.raises(UnsafeBuildError, match="ONBUILD instruction of evil:1"):
        dockerfile_checks.check_base(engine, "evil:1")

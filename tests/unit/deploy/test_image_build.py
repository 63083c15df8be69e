from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from preflight.container_engine import engine as engines
from preflight.container_engine import standins, unfinished_builds
from preflight.container_engine.standins import Standins
from preflight.deploy.dockerfile_checks import UnsafeBuildError
from preflight.deploy.image_build import Builder, NoBaseError
from preflight.errors import ToolBrokeError
from preflight.system.processes import CompletedProcess

STANDIN = f"{standins.PREFIX}nginx:1"
Commands = list[tuple[str, ...]]


@dataclass(frozen=True)
class Engine(engines.Engine):
    """An engine that notes what it is asked; `built` are the platforms of its images, one after another."""

    program: str = "podman"
    version: str = "5.0"
    is_local: bool = False
    built: list[str] = field(default_factory=list)
    code: int = 0
    said: str = ""
    asked: Commands = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def run(self, *args: str, **options: Any) -> CompletedProcess:
        self.asked.append(args)
        self.texts.extend(filter(None, [options.get("input_text")]))
        is_own = args[:2] == ("image", "inspect") and args[-1].startswith("h")  # "host/app:1", not a base image
        stdout = self.built.pop(0) if is_own else ""
        return CompletedProcess((self.program, *args), self.code if args[0] == "build" else 0, stdout, self.said)

    def must(self, *args: str, **_options: Any) -> str:
        return self.run(*args).stdout

    def commands(self, name: str) -> Commands:
        return [args for args in self.asked if args[0] == name]


class Base(Standins):
    """Has a stand-in for nginx, and other images are there; `asked` are the names and platforms."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    def image(self, name: str, platform: str | None = None) -> str:
        self.asked.append((name, platform))
        if name == "gone":
            raise LookupError("manifest unknown")
        return STANDIN if name.startswith("nginx") else name


def builder(engine: engines.Engine, folder: Path, text: str = "FROM nginx:1\n", base: Any = None) -> Builder:
    (folder / "Dockerfile").write_text(text)
    return Builder(engine, folder, run="run1", base=base)


def test_files_come_from_the_stand_in_of_an_image_and_it_is_not_pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(built=["linux/arm64"])
    monkeypatch.setattr(Engine, "platform_of", lambda _engine, _name: None)
    monkeypatch.setattr(Builder, "_is_for", lambda *_args: True)
    text = "FROM nginx:1\nCOPY --from=nginx:1 /a /a\nCOPY --from=docker.io/other:1 /b /b\n"

    with builder(engine, tmp_path, text, Base()).built("host/app:1", "linux/arm64"):
        pass

    assert [args[-1] for args in engine.commands("pull")] == ["docker.io/other:1"]
    assert f"--build-context=nginx:1=container-image://{STANDIN}" in engine.commands("build")[0]


def test_a_build_names_platform_and_dockerfile_and_gets_no_proxy_variables(tmp_path: Path) -> None:
    engine = Engine(built=["linux/arm64"])

    with builder(engine, tmp_path).built("host/app:1", "linux/arm64"):
        pass

    label = "--label=preflight.run=run1"
    assert engine.commands("build") == [
        (
            *("build", "--quiet", "--http-proxy=false", "--layers=false", *unfinished_builds.mark(engine), label),
            *("--platform", "linux/arm64", "--tag", "host/app:1"),
            *("--file", str(tmp_path / "Dockerfile"), str(tmp_path)),
        )
    ]


def test_a_build_may_have_no_network(tmp_path: Path) -> None:
    engine = Engine(built=["linux/arm64"])
    (tmp_path / "Dockerfile").write_text("FROM nginx:1\n")

    with Builder(engine, tmp_path, run="run1", base=None, network="none").built("host/app:1", "linux/arm64"):
        pass

    assert engine.commands("build")[0][1] == "--network=none"


def test_an_image_out_of_the_cache_of_another_platform_is_built_anew(tmp_path: Path) -> None:
    engine = Engine(built=["linux/amd64", "linux/arm64"])

    with builder(engine, tmp_path).built("host/app:1", "linux/arm64"):
        pass

    assert ["--no-cache" in args for args in engine.commands("build")] == [False, True]


def test_an_image_that_stays_of_another_platform_is_no_answer(tmp_path: Path) -> None:
    engine = Engine(built=["linux/amd64", "linux/amd64"])

    with (
        pytest.raises(ToolBrokeError, match=r"for another platform than linux/arm64\. Next: "),
        builder(engine, tmp_path).built("host/app:1", "linux/arm64"),
    ):
        pass


@pytest.mark.parametrize(
    ("program", "tags"),
    [
        pytest.param("podman", ["host/app:1-linux-amd64", "host/app:1-linux-arm64"], id="podman builds each and lists them"),
        pytest.param("docker", ["host/app:1"], id="docker builds all at once"),
    ],
)
def test_an_image_for_two_platforms_has_both(tmp_path: Path, program: str, tags: list[str]) -> None:
    engine = Engine(built=["linux/amd64", "linux/arm64"], program=program)

    with builder(engine, tmp_path).built("host/app:1", "linux/amd64,linux/arm64"):
        pass

    built = [args[args.index("--tag") + 1] for args in engine.commands("build")]
    removed = [name for args in engine.commands("rmi") for name in args[2:]]
    assert built == tags
    assert removed == tags


def test_the_image_is_removed_in_any_case(tmp_path: Path) -> None:
    engine = Engine(built=["linux/arm64"])

    with pytest.raises(KeyError), builder(engine, tmp_path).built("host/app:1", "linux/arm64"):
        raise KeyError

    assert engine.commands("rmi") == [("rmi", "--force", "host/app:1")]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        pytest.param("exec /bin/sh: exec format error", r"cannot be built for linux/s390x.*: exec /bin/sh.* Next: .*qemu-user-static", id="foreign programs"),
        pytest.param("COPY x: no such file", "^podman build .* ended with 1: COPY x: no such file$", id="anything else"),
    ],
)  # fmt: skip
def test_a_build_that_fails_says_why(tmp_path: Path, said: str, shown: str) -> None:
    engine = Engine(code=1, said=said)

    with (
        pytest.raises(ToolBrokeError, match=shown),
        builder(engine, tmp_path).built("host/app:1", "linux/s390x"),
    ):
        pass


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        pytest.param("FROM nginx:1\n", [("nginx:1", "linux/arm64")], id="one base"),
        pytest.param("FROM scratch\nCOPY a /\n", [], id="none"),
        pytest.param("FROM a AS one\nFROM one\nFROM b\n", [("a", "linux/arm64"), ("b", "linux/arm64")], id="stages of its own"),
        pytest.param("FROM a as One\nFROM one\n", [("a", "linux/arm64")], id="stages in another case"),
        pytest.param("ARG V\nFROM nginx:$V\n", [], id="a name that nobody knows"),
        pytest.param("FROM --platform=linux/s390x a\n", [("a", "linux/s390x")], id="a platform of its own"),
        pytest.param("FROM --platform=$TARGETPLATFORM a\n", [("a", "linux/arm64")], id="the platform it is for"),
        pytest.param("FROM --platform=$BUILDPLATFORM a\n", [("a", "here")], id="the platform it is built on"),
    ],
)
def test_base_images_are_asked_for_by_platform(tmp_path: Path, text: str, asked: list[tuple[str, str]]) -> None:
    base, engine = Base(), Engine()

    builder(engine, tmp_path, text, base).replacements("linux/arm64")

    assert base.asked == [(name, engine.platform if platform == "here" else platform) for name, platform in asked]


def test_podman_gets_stand_ins_as_build_contexts(tmp_path: Path) -> None:
    engine = Engine(built=["linux/arm64"])

    with builder(engine, tmp_path, "FROM nginx:1 AS x\nFROM other\n", Base()).built("host/app:1", "linux/arm64"):
        pass

    assert f"--build-context=nginx:1=container-image://{STANDIN}" in engine.commands("build")[0]


def test_docker_gets_a_dockerfile_that_builds_on_the_stand_ins(tmp_path: Path) -> None:
    engine = Engine("docker", built=["linux/arm64"])

    with builder(engine, tmp_path, "FROM nginx:1 AS x\nFROM other\n", Base()).built("host/app:1", "linux/arm64"):
        pass

    assert engine.texts == [f"FROM {STANDIN} AS x\nFROM other\n"]


def test_a_base_image_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoBaseError, match="the base image gone cannot be pulled: manifest unknown"):
        builder(Engine(), tmp_path, "FROM gone\n", Base()).replacements("linux/amd64")


@pytest.mark.hostile(
    14,
    "transport",
    input="a Dockerfile takes files of this machine as images (`dir:`, `oci-archive:`), by FROM, COPY, ADD or variables, in any spelling that a builder reads",
    happens="invalid reference format, before anything is built",
)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("FROM dir:/etc\n", id="a folder"),
        pytest.param("FROM dir:image\n", id="a folder beside it"),
        pytest.param("FROM docker-archive:/root/x.tar\n", id="an archive"),
        pytest.param("FROM containers-storage:secret\n", id="an image of this machine"),
        pytest.param("\ufeffFROM dir:/etc\n", id="behind a byte order mark"),
        pytest.param("FROM di\\\nr:/etc\n", id="in two lines"),
        pytest.param("FR\\\nOM dir:/etc\n", id="by an instruction in two lines"),
        pytest.param("FROM nginx AS dir:/etc\nFROM dir:/etc\n", id="with the name of a stage"),
        pytest.param('FROM "dir:/etc"\n', id="in quotes"),
        pytest.param('ARG B=d"ir:/etc"\nFROM $B\n', id="a variable with quotes inside"),
        pytest.param("ARG A=nginx B=dir:/etc\nFROM $B\n", id="the second variable of a line"),
        pytest.param("ARG B=nginx\nARG B\\\n=dir:/etc\nFROM $B\n", id="a variable in two lines"),
        pytest.param("ARG B=dir:/etc\nFROM $B\nARG B=nginx\n", id="a variable that is set again later"),
        pytest.param("FROM nginx\nCOPY  --from=dir:/etc / /\n", id="files, after two spaces"),
        pytest.param("FROM nginx\nCOPY \\\n --from=dir:/etc / /\n", id="files, on the next line"),
        pytest.param("FROM nginx\nCOPY --fr\\om=dir:/etc / /\n", id="files, by a flag with an escape"),
        pytest.param("FROM nginx\nADD --'from'=dir:/etc / /\n", id="files, by a flag in quotes"),
        pytest.param("FROM nginx\nCOPY --from='dir:/etc' / /\n", id="files of a folder in quotes"),
        pytest.param("FROM nginx\nONBUILD COPY --from=oci:/etc / /\n", id="files, in the next build"),
        pytest.param("FROM nginx\nRUN echo \\\\\nCOPY --from=dir:/etc / /\n", id="behind two backslashes"),
        pytest.param("# escape=`\nFROM nginx\nRUN echo \\\nCOPY --from=dir:/etc / /\n", id="behind no escape character"),
        pytest.param("ARG BASE=oci-archive:/root/x.tar\nFROM $BASE\n", id="an archive by a variable"),
        pytest.param("FROM ${BASE:-dir:/etc}\n", id="a default of a variable"),
        pytest.param("FROM ${BASE:+dir:/etc}\n", id="a variable that cannot be read"),
        pytest.param("FROM nginx:1\nCOPY --from=dir:/etc / /\n", id="files of a folder"),
    ],
)
def test_a_dockerfile_that_names_files_of_this_machine_is_refused(tmp_path: Path, text: str) -> None:
    engine = Engine()

    with pytest.raises(NoBaseError, match="invalid reference format"), builder(engine, tmp_path, text).built("h/a:1", "linux/amd64"):
        pass

    assert engine.commands("build") == []


@pytest.mark.hostile(
    3,
    input="a base image has an ONBUILD instruction that mounts, or takes files of this machine",
    happens="the finding `UnsafeBuild`, on a real account too",
)
@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        pytest.param("RUN --mount=type=bind,target=/y ls", "CVE-2024-1753", id="a mount"),
        pytest.param("COPY --from=dir:/etc / /", "takes files from dir:/etc", id="files of this machine"),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("FROM evil\n", id="a base that no stand-in replaces"),
        pytest.param("FROM scratch\nRUN echo \\\\\nFROM evil\n", id="a base that some builder reads"),
    ],
)
def test_a_base_image_adds_no_instruction_that_reads_or_writes_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, trigger: str, said: str
) -> None:
    """On a real account no image has a stand-in, so none was looked at before the build."""

    def run(self: Engine, *args: str, **_options: Any) -> CompletedProcess:
        self.asked.append(args)
        return CompletedProcess(args, 0, json.dumps([trigger]) if "OnBuild" in str(args) else "linux/amd64", "")

    monkeypatch.setattr(Engine, "run", run)
    engine = Engine(version="4.3.1")

    with pytest.raises(UnsafeBuildError, match=said), builder(engine, tmp_path, text).built("h/a:1", "linux/amd64"):
        pass

    assert engine.commands("build") == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("ARG V=1.28.0\nFROM nginx:${V}\n", id="a tag by a variable"),
        pytest.param("FROM nginx:1-${TARGETARCH}\n", id="a variable of the engine"),
        pytest.param("FROM nginx:1 AS b\nFROM scratch\nCOPY --from=b / /\nCOPY --from=0 / /\n", id="stages"),
        pytest.param("FROM docker:27-dind\n", id="an image that is named like a transport"),
        pytest.param("FROM \\\n nginx:1\nCOPY --chown=0:0 --from=nginx:1 / /\n", id="in two lines"),
    ],
)
def test_a_dockerfile_with_images_of_registries_is_built(tmp_path: Path, text: str) -> None:
    engine = Engine(built=["linux/amd64"])

    with builder(engine, tmp_path, text).built("h/a:1", "linux/amd64"):
        pass

    assert len(engine.commands("build")) == 1

"""Images are built for the tasks that run them, on a machine that runs programs of one platform only."""

from __future__ import annotations

import base64
import json
import shutil
import struct
import sys
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight.container_engine import engine as container_engine
from preflight.container_engine.standins import Standins
from preflight.deploy import image_push
from preflight.deploy.session import Session, rehearsal_session
from preflight.errors import ToolBrokeError
from preflight.system import processes
from tests.integration import emulator

ROOT = Path(__file__).parents[2]
RUN = "platforms"
BOTH = "linux/amd64,linux/arm64"
FAMILY2 = '      Family: !Sub "${Prefix}-task2"\n'
ON_ARM = FAMILY2 + "      RuntimePlatform: {CpuArchitecture: ARM64}\n"
Push = Callable[[Path, str], list[str]]
pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """A session with an emulated account that has a repository."""
    with emulator.running() as running:
        running.client("ecr").create_repository(repositoryName="app")
        yield rehearsal_session(emulator.REGION, running.endpoint, "any")


@pytest.fixture
def push(session: Session) -> Push:
    """Pushes a folder for platforms and returns the platforms that the registry has then."""
    engine = container_engine.find()
    base = Standins(engine, {"nginx": ROOT / "docker" / "nginx-standin"})

    def make(folder: Path, platform: str) -> list[str]:
        name = f"app:{uuid.uuid4().hex}"
        image_push.push(session, engine, folder=folder, name=name, platform=platform, run=RUN, base=base)
        return pushed(session, name)

    return make


def pushed(session: Session, name: str) -> list[str]:
    host, credentials, _ = image_push.login(session)
    manifest = read(host, credentials, f"manifests/{name.partition(':')[2]}")
    platforms = [member["platform"] for member in manifest.get("manifests", [])]
    platforms = platforms or [read(host, credentials, f"blobs/{manifest['config']['digest']}")]
    return [f"{platform['os']}/{platform['architecture']}" for platform in platforms]


def read(host: str, credentials: str, path: str) -> dict[str, Any]:
    headers = {"Authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}"}
    request = urllib.request.Request(f"http://{host}/v2/app/{path}", headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as response:
        return dict(json.load(response))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Dockerfile that builds on nothing and runs nothing."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY page /\n")
    (tmp_path / "page").write_text("a page")
    return tmp_path


def foreign_program() -> bytes:
    """A program that only a machine of another platform loads: a header of ELF."""
    kind = 183 if container_engine.find().platform == "linux/amd64" else 62  # AArch64, x86-64
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, kind, 1, 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return ident + header + struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 0x80, 0x80, 0x1000) + bytes(8)


@pytest.mark.request_faults
def test_an_image_is_built_for_one_platform_after_another(push: Push, folder: Path) -> None:
    platforms = [push(folder, "linux/arm64"), push(folder, "linux/amd64")]

    assert platforms == [["linux/arm64"], ["linux/amd64"]]


@pytest.mark.request_faults
@pytest.mark.parametrize("platform", [pytest.param("linux/arm64", id="one"), pytest.param(BOTH, id="two at once")])
def test_an_image_on_a_stand_in_is_built_for_other_platforms_too(push: Push, platform: str) -> None:
    assert push(ROOT / "docker", platform) == platform.split(",")


def test_a_build_for_a_platform_that_does_not_run_here_says_what_to_do(push: Push, folder: Path) -> None:
    other = "linux/arm64" if container_engine.find().platform == "linux/amd64" else "linux/amd64"
    if other in container_engine.find().platforms:
        pytest.skip(f"this machine runs programs of {other}")
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY sh /bin/sh\nRUN echo built\n")
    (folder / "sh").write_bytes(foreign_program())
    (folder / "sh").chmod(0o755)

    with pytest.raises(ToolBrokeError, match=rf"(?s)cannot be built for {other}.* Next: .*qemu-user-static"):
        push(folder, other)


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Checks a copy of the repository's deployment with another text in one template."""

    def make(*changes: tuple[str, str]) -> tuple[int, dict[str, Any]]:
        for name in ("cfn", "rules", "docker"):
            shutil.copytree(ROOT / name, tmp_path / name)
        shutil.copy(ROOT / "preflight.yaml", tmp_path)
        file = tmp_path / "cfn" / "fa-018-fargate.yaml"
        for old, new in changes:
            assert old in file.read_text()
            file.write_text(file.read_text().replace(old, new))
        command = (sys.executable, "-m", "preflight", "check", str(tmp_path), "--allow-standins", "--format", "json")
        done = processes.run(*command, "--stage", "rehearse,smoke", timeout=300)
        assert "Traceback" not in done.stderr
        return done.code, json.loads(done.stdout)

    return make


def test_a_plan_with_a_task_on_arm64_passes(check: Callable[..., tuple[int, dict[str, Any]]]) -> None:
    if "linux/arm64" in container_engine.find().platforms:
        pytest.skip("this machine runs programs of linux/arm64, so the task would not be assumed to run")

    code, report = check((FAMILY2, ON_ARM))

    assert code == 0
    assert report["findings"] == []
    assert [answer["target"] for answer in report["deployment"]["smoke"]] == ["fa-018-service1"]


@pytest.mark.request_faults
def test_a_task_on_arm64_whose_image_is_of_x86_64_only_is_refused(check: Callable[..., tuple[int, dict[str, Any]]]) -> None:
    hidden = "Parameters:\n  Kind: {Type: String, NoEcho: true, Default: ARM64}\n"

    code, report = check(("Parameters:\n  Prefix", f"{hidden}  Prefix"), (FAMILY2, ON_ARM.replace("ARM64", "!Ref Kind")))

    messages = " ".join(finding["message"] for finding in report["findings"])
    assert code == 1
    assert "does not contain descriptor matching platform 'linux/arm64'" in messages

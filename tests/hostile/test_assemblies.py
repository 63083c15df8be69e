"""What the output of CDK in a checkout can do, and what `init`, the hooks and the caches do with the files of one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.plan import cdk_assets
from preflight.system import processes, result_cache, run_folders
from tests.hostile.conftest import PLAN, TEMPLATE, Ended

pytestmark = pytest.mark.hostile
IMAGE: dict[str, Any] = {"source": {"directory": "asset.x"}, "destinations": {"d": {"repositoryName": "r", "imageTag": "t"}}}
IGNORED = [f"{file}.{kind}ignore" for file in ("", "Dockerfile") for kind in ("docker", "container")]


@pytest.fixture
def assembly(checkout: Path) -> Path:
    """A `cdk.out` whose only stack has an image asset."""
    out = checkout / "cdk.out"
    (out / "asset.x").mkdir(parents=True)
    (out / "asset.x" / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    (out / "A.template.json").write_text('{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}')
    publish(out, dockerImages={"h": IMAGE})
    (checkout / "preflight.yaml").write_text(PLAN.replace("t.yaml", "cdk.out/A.template.json"))
    return out


def publish(out: Path, **assets: Any) -> None:
    (out / "A.assets.json").write_text(json.dumps({"version": "36.0.0", **assets}))


@pytest.mark.hostile(
    13,
    input="the folder of an image asset of CDK has a Dockerfile or a `.dockerignore` that is a device, a FIFO or a link out",
    happens="exit code 2 with its path; nothing of it is read, not by the engine either",
)
@pytest.mark.parametrize(
    ("name", "target"),
    [("Dockerfile", "/dev/zero"), ("Dockerfile", "fifo"), ("Dockerfile", "../../../outside.yaml"), *((name, "/dev/zero") for name in IGNORED)],
)
def test_the_files_of_a_build_of_cdk_are_plain_ones_of_the_checkout(
    checkout: Path, assembly: Path, preflight: Callable[..., Ended], name: str, target: str
) -> None:
    (assembly / "asset.x" / name).unlink(missing_ok=True)
    os.mkfifo(assembly / "asset.x" / "fifo")
    (assembly / "asset.x" / name).symlink_to(target)

    ended = preflight("check", "--stage", "rehearse", "--containers", "off", timeout=60)

    assert ended.returncode == 2
    assert f"asset.x/{name}: it " in ended.stderr


@pytest.mark.hostile(
    12,
    input="a manifest of CDK publishes one file three thousand times",
    happens="exit code 2; nothing is published",
    limit="256 MB of all files of a template",
)
def test_the_files_of_a_manifest_have_a_bound_together(assembly: Path, preflight: Callable[..., Ended]) -> None:
    (assembly / "big.zip").write_bytes(b"x" * (4 << 20))
    places = {str(n): {"bucketName": "cdk-b", "objectKey": f"k{n}"} for n in range((cdk_assets.MOST_BYTES >> 22) + 1)}
    publish(assembly, files={"a": {"source": {"path": "big.zip", "packaging": "file"}, "destinations": places}})

    ended = preflight("check", "--stage", "rehearse", "--containers", "off", timeout=60)

    assert ended.returncode == 2
    assert "MiB together" in ended.stderr


@pytest.mark.parametrize("key", ["repositoryName", "imageTag", "platform", "directory"])
def test_no_value_of_a_manifest_is_an_internal_error(assembly: Path, preflight: Callable[..., Ended], key: str) -> None:
    places = {"d": {**IMAGE["destinations"]["d"], **({key: [1]} if "N" in key or "T" in key else {})}}
    source = {**IMAGE["source"], **({key: [1]} if key in {"platform", "directory"} else {})}
    publish(assembly, dockerImages={"h": {"source": source, "destinations": places}})

    ended = preflight("check", "--stage", "rehearse", "--containers", "off", timeout=60)

    assert ended.returncode == 2
    assert "it is not a manifest of the CDK" in ended.stderr


def write_manifest(out: Path, artifacts: dict[str, Any]) -> None:
    (out / "cdk.out").write_text("{}")
    (out / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))


@pytest.mark.hostile(
    12,
    input="a manifest of CDK whose stacks depend on each other in a chain of thirty thousand, or which nests itself",
    happens="`init` writes a plan, or says that it is no manifest",
)
@pytest.mark.parametrize(
    ("artifacts", "said"),
    [
        pytest.param({str(n): {"type": "x", "dependencies": [str(n + 1)]} for n in range(30_000)}, "stacks: 1", id="a chain"),
        pytest.param({name: {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}} for name in "ab"}, "it is not a manifest", id="itself"),
    ],
)
def test_no_manifest_of_cdk_keeps_init_busy(assembly: Path, preflight: Callable[..., Ended], artifacts: dict[str, Any], said: str) -> None:
    write_manifest(assembly, artifacts)

    ended = preflight("init", "--force", timeout=30)

    assert said in ended.stderr


def test_no_assembly_is_read_twice(assembly: Path, preflight: Callable[..., Ended]) -> None:
    folder = assembly
    for _ in range(40):  # read as often as they are named, they would be two to the power of forty
        write_manifest(folder, {name: {"type": "cdk:cloud-assembly", "properties": {"directoryName": "a"}} for name in "bc"})
        folder /= "a"
        folder.mkdir()
    write_manifest(folder, {})

    ended = preflight("init", "--force", timeout=30)

    assert ended.returncode == 2
    assert "it is not a manifest" in ended.stderr


def test_init_leaves_out_a_name_that_no_plan_can_have(checkout: Path, preflight: Callable[..., Ended]) -> None:
    Path(os.fsdecode(bytes(checkout) + b"/\xff.yaml")).write_text(TEMPLATE)

    ended = preflight("init", "--force")

    assert ended.returncode == 0
    assert "is left out: its name is not UTF-8" in ended.stderr


def test_stacks_of_cdk_come_after_those_they_depend_on(checkout: Path, assembly: Path, preflight: Callable[..., Ended]) -> None:
    stacks = {"A": ["B"], "C": ["A"], "B": ["C"], "D": []}  # with a circle
    write_manifest(assembly, {
        name: {"type": "aws:cloudformation:stack", "properties": {"templateFile": f"{name}.template.json"}, "dependencies": others}
        for name, others in stacks.items()
    })  # fmt: skip
    for name in "BCD":
        (assembly / f"{name}.template.json").write_text((assembly / "A.template.json").read_text())

    assert preflight("init", "--force").returncode == 0

    plan = (checkout / "preflight.yaml").read_text()
    assert plan.index("B.template") < plan.index("A.template")


@pytest.mark.hostile(
    13,
    input="a FIFO, a device or a link out lies where `init` and the hooks look for templates",
    happens="left out, by `init` with its name; nothing waits for it",
)
@pytest.mark.parametrize(
    ("command", "names", "said"),
    [
        (("init", "--force"), (), "a.yaml is left out: it is no plain file\nb.yaml is left out: it leads outside"),
        (("hook-lint",), ("a.yaml", "b.yaml", "t.yaml"), "preflight: lint\n"),
        (("hook-check", "--stage", "lint"), ("a.yaml", "b.yaml", "t.yaml"), "preflight: lint\n"),
    ],
    ids=["init", "the hook of lint", "the hook of check"],
)
def test_nothing_waits_for_a_fifo(checkout: Path, preflight: Callable[..., Ended], command: tuple[str, ...], names: tuple[str, ...], said: str) -> None:
    os.mkfifo(checkout / "a.yaml")
    os.mkfifo(checkout / "Dockerfile")
    (checkout / "b.yaml").symlink_to("/dev/zero")

    ended = preflight(*command, *names, timeout=60)

    assert ended.returncode == 0
    assert said in ended.stderr


@pytest.mark.hostile(
    13,
    input="the plan that a changed file concerns is a FIFO, a device or a link out of the repository",
    happens="exit code 2 of the hook, with its path; nothing of it is read",
)
@pytest.mark.parametrize("target", ["fifo", "/dev/zero", "../../other.yaml"])
def test_a_plan_that_a_hook_finds_is_a_plain_file(checkout: Path, tmp_path: Path, preflight: Callable[..., Ended], target: str) -> None:
    (tmp_path / "other.yaml").write_text(PLAN)
    (checkout / "inner").mkdir()
    os.mkfifo(checkout / "inner" / "fifo")
    (checkout / "inner" / "preflight.yaml").symlink_to(target)

    ended = preflight("hook-check", "--stage", "lint", "t.yaml", timeout=60)

    assert ended.returncode == 2
    assert "inner/preflight.yaml: it " in ended.stderr


@pytest.mark.hostile(
    10,
    input="`XDG_CACHE_HOME` of a CI system lies in the checkout, where links and results stand in the place of the program's own",
    happens="another folder is used, which belongs to the user alone, by the programs that it starts too",
)
def test_a_cache_in_the_checkout_is_not_used(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = checkout / ".cache" / run_folders.NAME
    own.mkdir(parents=True)
    (own / "results").mkdir(mode=0o700)
    (own / "builds.lock").symlink_to(tmp_path / "outside.yaml")
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("XDG_CACHE_HOME", str(checkout / ".cache"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))

    (run_folders.cache() / "builds.lock").write_text("written")

    assert (tmp_path / "outside.yaml").read_text() == TEMPLATE
    assert not run_folders.is_in_checkout(result_cache.folder())
    assert run_folders.cache().parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("is_pytest", [False, True])
def test_no_schemas_of_the_checkout_are_those_of_cfn_lint(checkout: Path, tmp_path: Path, preflight: Callable[..., Ended], *, is_pytest: bool) -> None:
    schemas = checkout / ".cache" / "aws" / "cfn-lint" / "schemas"
    (schemas / "providers").mkdir(parents=True)
    (schemas / "version.json").write_text('{"schema_date": "2999-01-01T00:00:00Z"}')
    (schemas / "providers" / "us-east-1.json").write_text("{}")
    env = {"XDG_CACHE_HOME": str(checkout / ".cache"), "TMPDIR": str(tmp_path)}

    if is_pytest:
        (checkout / "preflight.yaml").write_text("version: 1\nname: demo\nregion: us-east-1\nsteps: [{stack: a, template: t.yaml}]\n")
        run = processes.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "preflight.yaml::lint", cwd=checkout, env=env, timeout=120)
        code, output = run.code, run.stdout
    else:
        ended = preflight("lint", "t.yaml", env=env)
        code, output = ended.returncode, ended.stdout

    assert code == 0, output

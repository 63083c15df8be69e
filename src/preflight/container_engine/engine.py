"""The container engine of this machine: podman or docker, by its command line."""

from __future__ import annotations

import json
import os
import platform
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from preflight.container_engine import pause_image
from preflight.container_engine.engine_info import KeptInfo
from preflight.errors import PreflightError, ToolBrokeError, ToolMissingError
from preflight.system import processes, run_folders, waiting
from preflight.system.processes import CompletedProcess, Trouble

ADVICE = "install podman (preflight doctor --fix does it on Debian and Ubuntu), or go on without: --containers off"
IN_CONTAINER = "start this container with --privileged, or go on without containers: --containers off"
RUN_LABEL = "preflight.run"
OWNER_LABEL = "preflight.owner"
TASK_LABEL = "preflight.task"
NAME_LABEL = "preflight.container"
HOLDER = "~pause"
TRIES, PAUSE = 10, 0.5  # seconds
# podman lists no container or image while one is being removed: its network namespace is gone first, or itself between two reads.
_PASSING = ("unknown FS magic", "container not known", "locating image with ID")
KINDS = {"x86_64": "amd64", "aarch64": "arm64"}
# For machines where the defaults of podman fail: crun cannot work with hybrid cgroups, and without
# CAP_SYS_RESOURCE the hard limits of the defaults cannot be set.
_FALLBACK = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]

[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
"""


@dataclass(frozen=True)
class Engine:
    """An engine that was seen to run a container."""

    program: str
    version: str
    env: Mapping[str, str] = field(default_factory=dict)
    is_local: bool = True
    namespace: Path | None = None  # the network namespace that it runs in, if not this process's
    kept: KeptInfo = field(default_factory=KeptInfo, compare=False, repr=False)

    @property
    def name(self) -> str:
        """Name and version, for reports."""
        return f"{self.program} {self.version}"

    @property
    def shares_network_namespaces(self) -> bool:
        """Whether this process can enter a container's network namespace.

        It can as root on Linux. Then containers get no network but their task's own, and nothing
        of them can leave the machine. Otherwise the engine publishes ports.
        """
        return self.is_local and platform.system() == "Linux" and os.geteuid() == 0 and _may_enter()

    @property
    def platforms(self) -> frozenset[str]:
        """The platforms whose containers run here, as `linux/amd64`: this machine's, and emulated ones."""
        registered = Path("/proc/sys/fs/binfmt_misc")
        emulated = [kind for kind in KINDS if (registered / f"qemu-{kind}").exists()] if self.is_local else []
        return frozenset({self.platform, *(f"linux/{KINDS[kind]}" for kind in emulated)})

    @property
    def platform(self) -> str:
        """The platform of this machine itself."""
        kind = _canonical(platform.machine())
        return f"linux/{KINDS.get(kind, kind)}"

    def platform_of(self, image: str) -> str | None:
        """The platform of an image in the store, None where there is no such image."""
        completed = self.run("image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", image)
        return completed.stdout.strip() if completed.code == 0 else None

    def run(
        self,
        *args: str,
        timeout: float = 120,
        input_text: str | None = None,
        tail: int = 0,
        trouble: Trouble = lambda: None,
    ) -> CompletedProcess:
        """Run one of the engine's commands; the caller judges the exit code."""
        return processes.run(
            *self._command, *args, timeout=timeout, env=self.env, input_text=input_text, tail=tail, trouble=trouble
        )

    def must(self, *args: str, timeout: float = 120) -> str:
        """Standard output of a command that has to succeed.

        Raises:
            ToolBrokeError: it did not.
        """
        completed = self.run(*args, timeout=timeout)
        for _ in range(TRIES):
            if not any(text in completed.stderr for text in _PASSING):
                break
            waiting.pause(PAUSE)
            completed = self.run(*args, timeout=timeout)
        if completed.code != 0:
            is_corrupt = "the image to resolve" in completed.stderr  # with one such image, podman lists none
            raise ToolBrokeError(f"{completed}{'. Next: preflight sweep' if is_corrupt else ''}")
        return completed.stdout.strip()

    def inside(self, namespace: Path) -> Engine:
        """Returns the engine as it runs in a network namespace, with its pulls and downloads."""
        return replace(self, namespace=namespace)

    @property
    def _command(self) -> tuple[str, ...]:
        inside = ("nsenter", f"--net={self.namespace}") if self.namespace is not None else ()
        return (*inside, self.program)

    @property
    def insecure(self) -> tuple[str, ...]:
        """What lets push and pull speak plain HTTP; docker does so on loopback by itself."""
        return ("--tls-verify=false",) if self.program == "podman" else ()


def _canonical(machine: str) -> str:
    return {"amd64": "x86_64", "AMD64": "x86_64", "arm64": "aarch64"}.get(machine, machine)


def _may_enter() -> bool:
    """Whether this process has CAP_SYS_ADMIN, which entering a namespace takes."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> 21 & 1)
    return False


def find() -> Engine:
    """The engine that `PREFLIGHT_ENGINE` names, else podman, else docker; proved by a container.

    Raises:
        ToolMissingError: neither is installed.
        ToolBrokeError: it is installed, but runs no container.
    """
    program = os.environ.get("PREFLIGHT_ENGINE")
    names = [program] if program else [n for n in ("podman", "docker") if processes.which(n)]
    if not names:
        msg = f"no container engine: neither podman nor docker is on PATH. Next: {ADVICE}"
        raise ToolMissingError(msg)
    trouble = []
    for name in names:
        try:
            return _proved(name)
        except PreflightError as error:  # noqa: PERF203 - two engines at the most
            trouble.append(str(error))
    msg = f"no working container engine: {'; '.join(trouble)}. Next: {IN_CONTAINER if _is_in_container() else ADVICE}"
    raise ToolBrokeError(msg)


def _is_in_container() -> bool:
    """Whether podman or docker runs this program in a container: each leaves a file there."""
    return any(Path(mark).exists() for mark in ("/run/.containerenv", "/.dockerenv"))


def _proved(program: str) -> Engine:
    version = _version(program)
    remembered = _remembered(program, version)
    if remembered is not None and remembered.run("image", "inspect", pause_image.IMAGE).code == 0:
        return remembered
    plain = Engine(program, version)
    trouble = _trouble_of(plain)
    if trouble and program == "podman":
        plain = Engine(program, version, {"CONTAINERS_CONF": str(_fallback_file())})
        trouble = _trouble_of(plain)
    if trouble:
        raise ToolBrokeError(trouble)
    proved = Engine(program, version, plain.env, is_local=_is_local(plain))
    memory = _key(version) | {"env": dict(proved.env), "is_local": proved.is_local}
    _memory(program).write_text(json.dumps(memory), encoding="utf-8")
    return proved


def _version(program: str) -> str:
    field_name = "{{.Client.Version}}" if program == "podman" else "{{.Server.Version}}"
    completed = processes.run(program, "version", "--format", field_name, timeout=30)
    if completed.code != 0:
        raise ToolBrokeError(str(completed))
    lines = completed.stdout.strip().splitlines()
    if not lines:
        raise ToolBrokeError(f"{program} does not say its version")
    return lines[-1]


def _trouble_of(engine: Engine) -> str | None:
    if engine.run("image", "inspect", pause_image.IMAGE).code != 0:
        build(engine)
    completed = engine.run(
        "run", "--rm", "--network", "none", "--label", f"{RUN_LABEL}=probe", pause_image.IMAGE, "/pause", "probe"
    )
    return None if completed.code == 0 else str(completed)


def _is_local(engine: Engine) -> bool:
    """Whether the process ids that the engine tells are those of this machine."""
    run = f"probe-{secrets.token_hex(4)}"
    container = f"preflight-{run}"  # known before it is made, as this process may be stopped in between
    labels = (f"--label={RUN_LABEL}={run}", f"--label={OWNER_LABEL}={run_folders.owner_name()}")
    try:
        engine.must("run", "--detach", f"--name={container}", "--network=none", *labels, pause_image.IMAGE)
        pid = engine.must("inspect", "--type", "container", "--format", "{{.State.Pid}}", container)
        command = Path(f"/proc/{pid}/cmdline")
        return command.exists() and command.read_bytes().startswith(b"/pause")
    finally:
        engine.run("rm", "--force", container)


def build(engine: Engine) -> None:
    """Put the pause image into the engine's store."""
    file = run_folders.cache() / f"pause-{os.getpid()}.tar"
    file.write_bytes(pause_image.archive())
    try:
        engine.must("import", "--change", 'CMD ["/pause"]', str(file), pause_image.IMAGE)
    finally:
        file.unlink()


def _fallback_file() -> Path:
    path = run_folders.cache() / "containers.conf"
    path.write_text(_FALLBACK, encoding="utf-8")
    return path


def _memory(program: str) -> Path:
    return run_folders.cache() / f"engine-{program}.json"


def _key(version: str) -> dict[str, str]:
    boot = Path("/proc/sys/kernel/random/boot_id")
    return {"version": version, "boot": boot.read_text().strip() if boot.exists() else ""}


def _remembered(program: str, version: str) -> Engine | None:
    try:
        memory = json.loads(_memory(program).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    env, is_local = memory.pop("env", {}), bool(memory.pop("is_local", False))
    is_whole = all(Path(path).exists() for path in env.values())
    return Engine(program, version, env, is_local) if memory == _key(version) and is_whole else None


def end_monitors(engine: Engine, containers: Sequence[str]) -> None:
    """End the monitors of removed containers, by their whole ids, and the processes that these watch.

    An engine that was killed after it had made a container, and before it noted that, does not end them with it.
    """
    if containers and engine.is_local and engine.program == "podman":
        processes.kill_with_children(*containers)


def remove_run(engine: Engine, run: str, *, images: Sequence[str] = ()) -> int:
    """Remove the containers and images labelled with `run`, and more `images`; return how many there were.

    Containers that hold a network namespace go last, as the others depend on them.
    """
    ours = f"label={RUN_LABEL}={run}"
    listing = ("ps", "--all", "--quiet", "--no-trunc", "--filter")
    containers = engine.must(*listing, ours).split()
    holders = engine.must(*listing, ours, "--filter", f"label={NAME_LABEL}={HOLDER}").split() if containers else []
    at_once = ("--time=0",) if engine.program == "podman" else ()
    for batch in ([c for c in containers if c not in holders], holders):
        if batch:
            engine.run("rm", "--force", *at_once, "--volumes", *batch, timeout=300)
    end_monitors(engine, containers)
    unwanted = sorted({*engine.must("images", "--all", "--quiet", "--no-trunc", "--filter", ours).split(), *images})
    if unwanted:
        engine.run("rmi", "--force", *unwanted)
    return len(containers) + len(unwanted)

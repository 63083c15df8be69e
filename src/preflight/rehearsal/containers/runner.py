"""Runs the containers of tasks with podman or docker, and removes every one of them."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from preflight.container_engine import build_network, engine_secrets, image_pull, pause_image
from preflight.container_engine import engine as engines
from preflight.container_engine.engine import Engine
from preflight.errors import PreflightError, ToolBrokeError
from preflight.rehearsal.containers import environment_file, log_reader, oom_kills
from preflight.rehearsal.containers.log_reader import EngineLogReader, Line, LogReader
from preflight.rehearsal.containers.process_exits import ProcessExits
from preflight.rehearsal.containers.task_spec import ContainerSpec, TaskSpec
from preflight.rehearsal.containers.volumes import Volumes
from preflight.rehearsal.network import namespace
from preflight.system import run_folders

DEFAULT_LIMITS = {"nofile": "1024:1024", "nproc": "1024:1024"}  # of machines that cannot raise limits
RESOLV_CONF = "resolv.conf"  # no volume can have that name: it has a dot
COMMAND_OUTPUT = 500  # bytes of each stream of a command in a container
TAIL = 20_000  # lines of a log that an engine prints
EXIT_CODE_WITHIN = 10.0  # seconds in which an engine records how a container ended


@dataclass(frozen=True)
class NamespaceContainer:
    """The container that holds a task's network namespace; `pid` is 0 if it cannot be entered."""

    task: str
    container: str
    pid: int
    folder: Path

    @property
    def resolvers(self) -> Path:
        """The file with the DNS server of its containers; if it does not exist, the engine's own is used."""
        return self.folder / RESOLV_CONF


@dataclass(frozen=True)
class ContainerExit:
    """How a container ended."""

    code: int
    was_out_of_memory: bool


class ContainerRunner:
    """Containers of one run, all labelled with it."""

    def __init__(self, engine: Engine, *, run: str, folder: Path, has_egress: bool = False) -> None:
        self.engine = engine
        self.run = run
        self._folder = folder
        self.has_egress = has_egress
        self.volumes = Volumes(engine, run=run, folder=folder)
        self._exits = ProcessExits()
        self._log_readers: dict[str, LogReader | EngineLogReader] = {}
        self._pulled: list[str] = []  # they carry the labels of their builds

    def open(self) -> None:
        """Start to wait for the ends of containers."""
        self._exits.start()

    def hold(
        self, task: str, spec: TaskSpec, *, address: str, publish: Sequence[tuple[str, int]] = ()
    ) -> NamespaceContainer:
        """Creates the network namespace of a task, with its address, and returns the container that holds it."""
        can_enter = self.engine.shares_network_namespaces
        network = ["--network=none"] if can_enter and not self.has_egress else []
        ports = [] if can_enter else [f"--publish={host}:{port}:{port}" for host, port in publish]
        controls = [f"--sysctl={k}={v}" for c in spec.containers for k, v in c.system_controls.items()]
        container = self.engine.must(
            "run", "--detach", *network, *ports, *controls, *self._labels(task, engines.HOLDER), pause_image.IMAGE
        ).splitlines()[-1]
        try:
            folder = self._folder / "tasks" / task
            folder.mkdir(parents=True)
            pid = self._pid(container) if can_enter else 0
            if pid:
                namespace.assign(pid, address)
            if pid and self.has_egress:
                build_network.close_machine(Path(f"/proc/{pid}/ns/net"))
        except BaseException:
            self.remove([container])
            raise
        return NamespaceContainer(task, container, pid, folder)

    def pull(self, image: str, *, credentials: str | None = None) -> str | None:
        """Pulls an image. Returns None, or the engine's error."""
        options = self.engine.insecure if credentials else ()
        self._pulled.append(image)
        with self._logged_in(image.partition("/")[0], credentials) as engine:
            process = image_pull.pull(engine, image, *options, is_own=bool(credentials))
        return None if process.code == 0 else (process.stderr or process.stdout).strip()

    @contextlib.contextmanager
    def _logged_in(self, host: str, credentials: str | None) -> Iterator[Engine]:
        """Yields the engine with credentials (user:password) for a registry, which are on no command line.

        podman keeps them in a file of its own that ends with the block; docker in the user's configuration.
        """
        if credentials is None:
            yield self.engine
            return
        user, _, password = credentials.partition(":")
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            own = {"REGISTRY_AUTH_FILE": f"{folder}/auth.json"} if self.engine.program == "podman" else {}
            engine = dataclasses.replace(self.engine, env={**self.engine.env, **own})
            engine.run("login", "--username", user, "--password-stdin", *self.engine.insecure, host, input_text=password)
            yield engine

    def start(
        self,
        holder: NamespaceContainer,
        spec: ContainerSpec,
        *,
        image: str,
        task: TaskSpec,
        environment: Mapping[str, str],
    ) -> str:
        """Starts one container of a task and returns its ID.

        Raises:
            ToolBrokeError: the engine could not; the message is its error.
        """
        args = self._args(holder, spec, task)
        own = ("--http-proxy=false",) if self.engine.program == "podman" else ()  # proxies come with their passwords
        store = (lambda value: engine_secrets.create(self.engine, self.run, value)) if own else None
        with environment_file.written(holder.folder, {**environment, **spec.environment}, store=store) as variables:
            process = self.engine.run("run", "--detach", *own, *args, *variables, image, *_command(spec))
        if process.code != 0:
            raise ToolBrokeError((process.stderr or process.stdout).strip())
        return process.stdout.strip().splitlines()[-1]

    def _args(self, holder: NamespaceContainer, spec: ContainerSpec, task: TaskSpec) -> list[str]:
        args = [f"--network=container:{holder.container}", *self._labels(holder.task, spec.name)]
        if task.shares_processes:
            args.append(f"--pid=container:{holder.container}")
        log_driver = "k8s-file" if self.engine.program == "podman" else "json-file"
        args += [f"--log-driver={log_driver}", f"--log-opt=max-size={log_reader.MAX_FILE}"]
        args += ["--pull=never", *spec.options, *self._limits(spec)]
        if "--read-only" in spec.options and self.engine.program == "podman":
            args.append("--read-only-tmpfs=false")  # Fargate adds no tmpfs of its own
        args += [self.volumes.option(holder.folder, mount, task) for mount in spec.mounts]
        args += [f"--volume={holder.resolvers}:/etc/{RESOLV_CONF}"] if holder.resolvers.exists() else []
        memory = min(m for m in (spec.memory, task.memory or None) if m) if spec.memory or task.memory else 0
        args += [f"--memory={memory}m"] if memory else []
        cpus = min(task.cpu, float(os.cpu_count() or 1))
        args += [f"--cpus={cpus:g}"] if cpus else []
        if spec.entry_point:
            args.append(f"--entrypoint={spec.entry_point[0]}")
        return args

    def _limits(self, spec: ContainerSpec) -> list[str]:
        """Returns limits that a container does not set itself, if the engine cannot use its own defaults."""
        is_set = any(option.startswith("--ulimit=") for option in spec.options)
        if not is_set or not self.engine.env:
            return []
        missing = [n for n in DEFAULT_LIMITS if not any(o.startswith(f"--ulimit={n}=") for o in spec.options)]
        return [f"--ulimit={name}={DEFAULT_LIMITS[name]}" for name in missing]

    def _labels(self, task: str, name: str) -> list[str]:
        pairs = (
            (engines.RUN_LABEL, self.run),
            (engines.OWNER_LABEL, run_folders.owner_name()),
            (engines.TASK_LABEL, task),
            (engines.NAME_LABEL, name),
        )
        return [f"--label={key}={value}" for key, value in pairs]

    def _pid(self, container: str) -> int:
        text = self.engine.must("inspect", "--type", "container", "--format", "{{.State.Pid}}", container)
        return int(text) if text.isdigit() else 0

    def when_ended(self, container: str, *, at_once: Callable[[], None], then: Callable[[ContainerExit], None]) -> None:
        """Call `at_once` when the container ends, and `then` once its exit code is known; both in other threads."""
        pid = self._pid(container)
        counter = oom_kills.counter_of(pid)

        def ended() -> None:
            is_killed = oom_kills.kills(counter) > 0  # read first: the engine is about to remove the group
            at_once()
            threading.Thread(target=lambda: then(self.exit_of(container, is_killed=is_killed)), daemon=True).start()

        if pid == 0:
            ended()
        elif Path(f"/proc/{pid}").exists() and hasattr(os, "pidfd_open"):
            self._exits.watch(pid, ended)
        else:
            threading.Thread(target=lambda: self._wait(container, then), daemon=True).start()

    def _wait(self, container: str, then: Callable[[ContainerExit], None]) -> None:
        with contextlib.suppress(PreflightError):
            self.engine.run("wait", container, timeout=86_400)
        then(self.exit_of(container))

    def exit_of(self, container: str, *, is_killed: bool = False) -> ContainerExit:
        """Returns how a container ended; the code is 137 if it was not recorded, as when its monitor was killed."""
        try:  # returns once the engine has recorded the end
            code = self.engine.run("wait", container, timeout=EXIT_CODE_WITHIN).stdout.strip()
        except ToolBrokeError:
            code = ""
        oom = self.engine.run("inspect", "--format", "{{.State.OOMKilled}}", container).stdout.strip()
        exit_code = int(code) if code.lstrip("-").isdigit() else 137
        return ContainerExit(exit_code, oom == "true" or (is_killed and exit_code != 0))

    def logs(self, container: str, *, has_ended: bool = False) -> list[Line]:
        """Returns the lines that a container wrote to both streams since the last call, each with its time."""
        reader = self._log_reader(container)
        if isinstance(reader, LogReader):
            return reader.read(has_ended=has_ended)
        process = self.engine.run("logs", "--timestamps", f"--tail={TAIL}", container)
        if process.code != 0:
            return []  # it was removed, after its last lines were read
        return reader.read(f"{process.stdout}\n{process.stderr}")

    def _log_reader(self, container: str) -> LogReader | EngineLogReader:
        """Returns what reads a container's log: from its file, if podman writes one that can be read here."""
        reader = self._log_readers.get(container)
        if reader is None:
            path = self._log_path(container)
            reader = self._log_readers.setdefault(container, LogReader(path) if path else EngineLogReader())
        return reader

    def _log_path(self, container: str) -> Path | None:
        if self.engine.program != "podman" or not self.engine.is_local:
            return None
        template = "{{.HostConfig.LogConfig.Type}} {{.HostConfig.LogConfig.Path}}"
        driver, _, path = self.engine.run("inspect", "--format", template, container).stdout.strip().partition(" ")
        return Path(path) if driver == "k8s-file" and path else None

    def execute(self, container: str, command: Sequence[str], *, timeout: float) -> tuple[int, str]:
        """Runs a command inside a container. Returns its exit code, 124 if it took too long, and the end of its output."""
        try:
            process = self.engine.run("exec", container, *command, timeout=timeout, tail=COMMAND_OUTPUT)
        except ToolBrokeError:
            return 124, f"no answer within {timeout:g} s"
        return process.code, f"{process.stdout}\n{process.stderr}".strip()

    def written_paths(self, container: str) -> tuple[str, ...]:
        """Returns the folders of this machine to which a container writes: its layer, and its volumes."""
        template = "{{.GraphDriver.Data.UpperDir}}{{range .Mounts}}\n{{.Source}}{{end}}"
        lines = self.engine.must("inspect", "--type", "container", "--format", template, container).splitlines()
        return tuple(line for line in lines if line.startswith("/") and Path(line).is_dir())

    def kill(self, containers: Sequence[str]) -> None:
        """Kill containers at once."""
        self.engine.run("kill", "--signal=KILL", *containers)

    @property
    def folder(self) -> Path:
        """The run's folder, on the disk that its volumes are on."""
        return self._folder

    def restart(self, container: str) -> bool:
        """Starts a container again that ended. Returns True on success."""
        return self.engine.run("start", container).code == 0

    def stop(self, container: str, *, timeout: float) -> None:
        """Send SIGTERM (or the image's stop signal), and SIGKILL after `timeout` seconds."""
        self.engine.run("stop", "--time", f"{timeout:g}", container, timeout=timeout + 60)

    def remove(self, containers: Sequence[str]) -> None:
        """Kill and remove containers, the last first."""
        for container in reversed(containers):
            self.engine.run("rm", "--force", *self._at_once, "--volumes", container)

    @property
    def _at_once(self) -> tuple[str, ...]:
        return ("--time=0",) if self.engine.program == "podman" else ()

    def close(self) -> None:
        """Remove every container of this run."""
        self._exits.close()
        engines.remove_run(self.engine, self.run, images=self._pulled)
        engine_secrets.remove(self.engine, self.run)
        run_folders.remove(self._folder / "tasks")


def _command(spec: ContainerSpec) -> list[str]:
    rest = list(spec.entry_point[1:]) if spec.entry_point else []
    return rest + list(spec.command or ())

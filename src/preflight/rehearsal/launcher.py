"""Takes tasks from PROVISIONING to RUNNING and to STOPPED, as Fargate does.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html.
"""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from preflight import errors, reachability, vpc
from preflight.rehearsal import account as accounts
from preflight.rehearsal import admission, containers, health, interfaces, ledger, logs, relay
from preflight.rehearsal.fargate import dependencies, launch
from preflight.rehearsal.services import registry as registries
from preflight.rehearsal.services.ecs import state as states
from preflight.standins import Standins

WORKERS = 8
PUBLISHED_RANGE = 16
STOP_CAP = 3.0  # seconds until SIGKILL: AWS waits for up to 120, and nothing depends on how long


class Running:
    """What runs of one task."""

    def __init__(self, plan: launch.TaskPlan) -> None:
        self.plan = plan
        self.holder: containers.Holder | None = None
        self.interface: str | None = None
        self.face: reachability.Interface | None = None
        self.public: str | None = None
        self.ids: dict[str, str] = {}
        self.started: dict[str, float] = {}
        self.relays: dict[int, relay.Relay] = {}
        self.watches: list[health.Watch] = []
        self.lock = threading.Lock()


class Launcher:
    """Launches and stops tasks; without a runner they are assumed to run."""

    def __init__(
        self,
        state: states.State,
        account: accounts.Account,
        *,
        registry: registries.Registry,
        port: int,
        runner: containers.Runner | None,
        standins: Standins | None,
        book: ledger.Ledger,
        asked: tuple[int, ...] = (),
    ) -> None:
        self._state = state
        self._account = account
        self._registry = registry
        self._port = port
        self._runner = runner
        self._standins = standins
        self._book = book
        self._asked = asked
        self._interfaces = interfaces.Interfaces(account)
        self._admission = admission.Admission(account, digest=registry.digest)
        self._logs = logs.Logs(account)
        self._running: dict[str, Running] = {}
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="launch")
        self._images = threading.Lock()
        self._relays = threading.Lock()

    def begin(self, task: states.Task) -> None:
        """Begin to launch a task."""
        self._running[task.id] = Running(launch.plan_of(task.definition.api, task.api["overrides"]))
        self._workers.submit(self._launch, task)

    def stop(self, task: states.Task, *, code: str, reason: str) -> None:
        """Begin to stop a task; the first reason counts."""
        with self._state.changed:
            if task.is_stopping or task.status == "STOPPED":
                return
            task.is_stopping = True
            task.api.update(desiredStatus="STOPPED", stopCode=code, stoppedReason=reason, stoppingAt=states.now())
            self._state.changed.notify_all()
        self._workers.submit(self._stop, task)

    def close(self) -> None:
        """Stop every task and wait for it."""
        for running in list(self._running.values()):
            for opened in running.relays.values():
                opened.close()
        self._workers.shutdown(wait=True, cancel_futures=True)
        if self._runner is not None:
            self._runner.close()

    def _launch(self, task: states.Task) -> None:
        running = self._running[task.id]
        with running.lock:  # a task is not stopped while it is half launched
            if not task.is_stopping:
                self._try(task, running)

    def _try(self, task: states.Task, running: Running) -> None:
        try:
            self._admission.assume(task)
            self._provision(task, running)
            self._say(task, "PENDING")
            secrets = self._admission.prepare(task, running.plan, self._face(running))
            self._start(task, running, secrets)
        except admission.LaunchFailedError as failure:
            self._failed(task, failure)
        except ClientError as error:  # something that the task needs was deleted meanwhile
            self._failed(task, admission.LaunchFailedError(str(error)))
        except interfaces.NoFreeAddressError:
            reason = "Timeout waiting for network interface provisioning to complete."
            self._failed(task, admission.LaunchFailedError(reason))
        except errors.PreflightError as trouble:
            self._book.trouble(str(trouble))
            self._failed(task, admission.LaunchFailedError(f"the rehearsal could not go on: {trouble}"))
        except Exception as error:  # noqa: BLE001 - a fault of ours must not look like a stopped task
            traceback.print_exc()
            self._book.trouble(f"the rehearsal broke while it launched a task: {error!r}")
            self._failed(task, admission.LaunchFailedError("the rehearsal broke"))

    @staticmethod
    def _face(running: Running) -> reachability.Interface:
        if running.face is None:
            raise admission.LaunchFailedError("the task has no network interface")
        return running.face

    def _provision(self, task: states.Task, running: Running) -> None:
        running.interface, running.public, running.face = self._interfaces.create(
            task.region, task.network, task=task.id
        )
        details = {
            "subnetId": running.face.subnet,
            "networkInterfaceId": running.interface,
            "privateIPv4Address": running.face.address,
        }
        task.api["attachments"] = [
            {
                "id": states.new_id(),
                "type": "ElasticNetworkInterface",
                "status": "ATTACHED",
                "details": [{"name": name, "value": value} for name, value in details.items()],
            }
        ]
        for container in task.api["containers"]:
            container["networkInterfaces"] = [
                {"attachmentId": task.api["attachments"][0]["id"], "privateIpv4Address": running.face.address}
            ]

    def _start(self, task: states.Task, running: Running, secrets: dict[str, dict[str, str]]) -> None:
        if self._runner is not None:
            task.api["pullStartedAt"] = states.now()
            images = {plan.name: self._image(plan.image, task.region) for plan in running.plan.containers}
            task.api["pullStoppedAt"] = states.now()
            face = self._face(running)
            publish = [(self._host(running), port) for port in self._admitted(task, running)]
            running.holder = self._runner.hold(task.id, address=face.address, publish=publish)
            self._start_containers(task, running, images, secrets)
        for container in task.api["containers"]:
            container.setdefault("runtimeId", task.id)
        self._ran(task)

    @staticmethod
    def _host(running: Running) -> str:
        return running.public or "127.0.0.1"

    def _ran(self, task: states.Task) -> None:
        with self._state.changed:
            if task.is_stopping:
                return
            task.api.update(lastStatus="RUNNING", startedAt=states.now(), connectivityAt=states.now())
            for container in task.api["containers"]:
                if container["lastStatus"] == "PENDING":
                    container["lastStatus"] = "RUNNING"
            if self._runner is None:
                self._assume_health(task)
            task.ran_since = time.monotonic()
            self._state.changed.notify_all()
        what = f"task definition {task.definition.family}:{task.definition.api['revision']}"
        self._book.enter(what, None, "assumed" if self._runner is None else "run")
        self.refresh(task.region)

    @staticmethod
    def _assume_health(task: states.Task) -> None:
        """Where nothing runs, what is checked is assumed to be well."""
        checked = {c["name"] for c in task.definition.api["containerDefinitions"] if c.get("healthCheck")}
        for container in task.api["containers"]:
            if container["name"] in checked:
                container["healthStatus"] = task.api["healthStatus"] = "HEALTHY"

    def _image(self, name: str, region: str) -> str:
        """What to run for an image name; it is in the store then."""
        if self._runner is None:
            return name
        image = admission.ecr_image(name)
        with self._images:
            if image is None:
                return self._public(name)
            digest = self._admission.digest(image)
            local = f"127.0.0.1:{self._port}/{image.repository}@{digest}"
            credentials = f"{registries.USER}:{self._registry.password(region)}"
            said = self._runner.pull(local, credentials=credentials)
            if said is not None:
                msg = f"{self._runner.engine.program} could not pull {name} from the rehearsal's registry: {said}"
                raise errors.ToolBrokeError(msg)
            return local

    def _public(self, name: str) -> str:
        if self._standins is None:
            return name
        try:
            found = self._standins.image(name)
        except LookupError as said:
            start = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref"
            raise admission.LaunchFailedError(f"{start} {admission.full_name(name)}: {said}") from None
        if name in self._standins.used:
            self._book.note(f"{name} is a stand-in ({found}): its registry could not be reached")
        return found

    def _start_containers(
        self, task: states.Task, running: Running, images: dict[str, str], secrets: dict[str, dict[str, str]]
    ) -> None:
        environment = {
            "AWS_REGION": task.region,
            "AWS_DEFAULT_REGION": task.region,
            "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
        }
        pending = list(running.plan.containers)
        while pending and not task.is_stopping:
            ready = [plan for plan in pending if self._may_start(task, running, plan)]
            for plan in ready:
                pending.remove(plan)
                own = {**environment, **secrets[plan.name]}
                self._start_container(task, running, plan, images[plan.name], own)
            if not ready:
                with self._state.changed:
                    self._state.changed.wait(0.1)

    @staticmethod
    def _may_start(task: states.Task, running: Running, plan: launch.ContainerPlan) -> bool:
        shown = {container["name"]: container for container in task.api["containers"]}
        late = dependencies.overdue(running.plan.containers, running.started, time.monotonic())
        answer = dependencies.may_start(plan, shown, running.started, late)
        if answer is dependencies.Answer.NEVER:
            names = ", ".join(f"{name} ({condition})" for name, condition in plan.depends_on)
            raise admission.LaunchFailedError(
                f"Container {plan.name} was never started: its dependency {names} failed, or did not come in time"
            )
        return answer is dependencies.Answer.START

    def _start_container(
        self, task: states.Task, running: Running, plan: launch.ContainerPlan, image: str, environment: dict[str, str]
    ) -> None:
        if self._runner is None or running.holder is None:
            return
        try:
            container = self._runner.start(
                running.holder, plan, image=image, task=running.plan, environment=environment
            )
        except errors.ToolBrokeError as error:
            self._shown(task, plan.name).update(lastStatus="STOPPED", reason=f"CannotStartContainerError: {error}")
            raise admission.LaunchFailedError(f"CannotStartContainerError: {error}") from None
        running.ids[plan.name] = container
        running.started[plan.name] = time.monotonic()
        if plan.health is not None:
            running.watches.append(
                health.Watch(
                    self._runner, container, plan.health, lambda status: self._felt(task, running, plan, status)
                )
            )
        self._shown(task, plan.name).update(lastStatus="RUNNING", runtimeId=container)
        self._runner.when_ended(
            container,
            at_once=lambda: self._doubt(task, plan),
            then=lambda ended: self._ended(task, plan, container, ended),
        )

    def _felt(self, task: states.Task, running: Running, plan: launch.ContainerPlan, status: str) -> None:
        """A container's health has changed."""
        with self._state.changed:
            self._shown(task, plan.name)["healthStatus"] = status
            essential = {c.name for c in running.plan.containers if c.is_essential}
            checked = {c.name for c in running.plan.containers if c.health is not None}
            task.api["healthStatus"] = health.of_task(task.api["containers"], essential, checked)
            self._state.changed.notify_all()

    def _doubt(self, task: states.Task, plan: launch.ContainerPlan) -> None:
        """An essential container has ended: the task counts no longer, whatever its code will be."""
        if plan.is_essential:
            with self._state.changed:
                task.is_healthy = False

    @staticmethod
    def _shown(task: states.Task, name: str) -> dict[str, Any]:
        return next(c for c in task.api["containers"] if c["name"] == name)

    def _ended(self, task: states.Task, plan: launch.ContainerPlan, container: str, ended: containers.Ended) -> None:
        shown = self._shown(task, plan.name)
        shown.update(lastStatus="STOPPED", exitCode=ended.code)
        if ended.was_out_of_memory:
            shown["reason"] = "OutOfMemoryError: Container killed due to memory usage"
        if self._runner is not None:
            with contextlib.suppress(errors.PreflightError):
                self._logs.write(plan, task=task.id, text=self._runner.logs(container))
        if plan.is_essential:
            self.stop(task, code="EssentialContainerExited", reason="Essential container in task exited")

    def _say(self, task: states.Task, status: str) -> None:
        with self._state.changed:
            task.api["lastStatus"] = status
            self._state.changed.notify_all()

    def _failed(self, task: states.Task, failure: admission.LaunchFailedError) -> None:
        if task.service is not None:
            words = (
                "failed to launch a task with (error {}).".format
                if not failure.is_task_made
                else ("was unable to place a task. Reason: {}.".format)
            )
            task.service.say(words(failure.reason.rstrip(".")))
        self.stop(task, code="TaskFailedToStart", reason=failure.reason)

    def _stop(self, task: states.Task) -> None:
        running = self._running.pop(task.id, None)
        if running is None:
            return
        self._say(task, "STOPPING")
        with running.lock:
            self._take_down(task, running)

    def _take_down(self, task: states.Task, running: Running) -> None:
        for watch in running.watches:
            watch.close()
        with self._relays:
            for opened in running.relays.values():
                opened.close()
        self._stop_containers(task, running)
        self._say(task, "DEPROVISIONING")
        if running.interface is not None:
            self._interfaces.delete(task.region, running.interface)
        with self._state.changed:
            for attachment in task.api["attachments"]:
                attachment["status"] = "DELETED"
            for container in task.api["containers"]:
                container["lastStatus"] = "STOPPED"
            task.api.update(lastStatus="STOPPED", stoppedAt=states.now(), executionStoppedAt=states.now())
            self._state.changed.notify_all()

    def _stop_containers(self, task: states.Task, running: Running) -> None:
        if self._runner is None:
            return
        for plan in reversed(running.plan.containers):
            container = running.ids.get(plan.name)
            if container is not None:
                if self._shown(task, plan.name)["lastStatus"] == "RUNNING":
                    self._runner.stop(container, timeout=min(plan.stop_timeout, STOP_CAP))
                with contextlib.suppress(errors.PreflightError):
                    self._logs.write(plan, task=task.id, text=self._runner.logs(container))
        held = [running.holder.container] if running.holder else []
        self._runner.remove([*held, *running.ids.values()])

    def flush(self) -> None:
        """Write what the containers said so far to their log streams."""
        for task, running in list(self._running.items()):
            for plan in running.plan.containers:
                if self._runner is not None and plan.name in running.ids:
                    self._logs.write(plan, task=task, text=self._runner.logs(running.ids[plan.name]))

    def refresh(self, region: str) -> None:
        """Open and close the ports of running tasks, as routes and security groups now have it."""
        for task_id, running in list(self._running.items()):
            task = self._state.tasks[task_id]
            if task.region == region and task.ran_since is not None and not task.is_stopping:
                self._relay(task, running)

    def _relay(self, task: states.Task, running: Running) -> None:
        if running.holder is None or running.holder.pid == 0 or running.face is None or running.public is None:
            return
        wanted = set(self._admitted(task, running))
        with self._relays:
            for port in set(running.relays) - wanted:
                running.relays.pop(port).close()
            for port in wanted - set(running.relays):
                if not task.is_stopping:
                    outside, inside = (running.public, port), (running.face.address, port)
                    try:
                        running.relays[port] = relay.Relay(outside, inside, pid=running.holder.pid)
                    except OSError as error:
                        what = f"port {port} of {running.public} cannot be opened: {error.strerror}"
                        self._book.trouble(f"{what}. Next: stop what listens on port {port} of all addresses here")

    def _admitted(self, task: states.Task, running: Running) -> list[int]:
        """The TCP ports of a task that answer from the internet."""
        face = self._face(running)
        if not face.has_public_address:
            return []
        network = vpc.describe(self._account.client("ec2", task.region), face.vpc)
        declared = {port for plan in running.plan.containers for port, kind in plan.ports if kind == "tcp"}
        declared |= set(self._asked)
        for group in face.groups:
            for rule in network.group(group).get("IpPermissions", []):
                first, last = rule.get("FromPort", 0), rule.get("ToPort", 65535)
                if 0 < first <= last < first + PUBLISHED_RANGE:
                    declared |= set(range(first, last + 1))
        return sorted(p for p in declared if reachability.from_internet(network, face, p) is None)

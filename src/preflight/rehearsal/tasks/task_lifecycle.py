"""Takes tasks from PROVISIONING to RUNNING and to STOPPED, as Fargate does.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html.
"""

from __future__ import annotations

import contextlib
import functools
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws.reachability import Interface
from preflight.errors import PreflightError
from preflight.rehearsal.connectivity.cloud_map import CloudMapInstances
from preflight.rehearsal.connectivity.public_ports import PublicPorts
from preflight.rehearsal.connectivity.vpc_traffic import VpcTraffic
from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.containers.runner import ContainerRunner
from preflight.rehearsal.containers.running_task import RunningTask, RunningTasks
from preflight.rehearsal.containers.stubs import Stubs
from preflight.rehearsal.containers.task_spec import ContainerSpec
from preflight.rehearsal.ecs import container_insights
from preflight.rehearsal.ecs import state as states
from preflight.rehearsal.ecs.state import State, Task
from preflight.rehearsal.ecs.validation import runtime_platform
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.load_balancing.targets import Targets
from preflight.rehearsal.network import metadata_endpoint, namespace
from preflight.rehearsal.network.interfaces import Interfaces, NoFreeAddressError
from preflight.rehearsal.network.metadata_endpoint import MetadataEndpoint
from preflight.rehearsal.tasks import metadata, role_credentials
from preflight.rehearsal.tasks.awslogs import Logs
from preflight.rehearsal.tasks.container_start import ContainerStarter
from preflight.rehearsal.tasks.image_pull import Pulls
from preflight.rehearsal.tasks.launch_checks import LaunchChecks, LaunchFailedError
from preflight.rehearsal.tasks.role_credentials import Credentials

WORKERS = 8
Step = Callable[[Task, RunningTask], None]
NO_ADDRESS = "Timeout waiting for network interface provisioning to complete."


@dataclass(frozen=True)
class TaskServices:
    """Who does what for a task; the launcher says when."""

    interfaces: Interfaces
    admission: LaunchChecks
    doors: PublicPorts
    targets: Targets
    registries: CloudMapInstances
    credentials: Credentials
    stubs: Stubs


@dataclass(frozen=True)
class ContainerBackend:
    """What it takes to really run a task."""

    runner: ContainerRunner
    pulls: Pulls
    endpoint: MetadataEndpoint
    neighbours: VpcTraffic
    logs: Logs


class TaskLauncher:
    """Launches and stops tasks; without means they are assumed to run."""

    def __init__(
        self,
        state: State,
        runs: RunningTasks,
        staff: TaskServices,
        ledger: Ledger,
        means: ContainerBackend | None,
    ) -> None:
        self._state = state
        self._runs = runs
        self._staff = staff
        self._ledger = ledger
        self._means = means
        self._starter = ContainerStarter(state, means.runner, means.logs, self.stop) if means else None
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="launch")

    def start(self) -> None:
        """Start what containers need around them."""
        if self._means is not None:
            self._means.runner.open()
            self._means.endpoint.start()
            self._means.neighbours.start()

    def begin(self, task: Task) -> None:
        """Begin to launch a task."""
        spec = task_spec.from_task_definition(task.definition.api, task.api["overrides"])
        self._runs.add(task.id, RunningTask(self._staff.stubs.stubbed(spec), declared=spec))
        self._workers.submit(self._launch, task)

    def stop(self, task: Task, *, code: str, reason: str) -> None:
        """Begin to stop a task; the first reason counts."""
        with self._state.changed:
            if task.is_stopping or task.status == "STOPPED":
                return
            task.is_stopping = True
            task.api.update(desiredStatus="STOPPED", stopCode=code, stoppedReason=reason, stoppingAt=states.now())
            self._state.changed.notify_all()
        with contextlib.suppress(RuntimeError):  # the account closes, and takes every task down itself
            self._workers.submit(self._stop, task)

    def refresh(self) -> None:
        """Rules of networks or load balancers have changed: tasks reach others than before."""
        if self._means is not None:
            self._means.neighbours.refresh()

    def close(self) -> None:
        """End every launch, let nothing of a task go on, and remove every container."""
        with self._state.changed:  # a launch that waits for a container of its task waits no longer
            for task in list(self._state.tasks.values()):
                task.is_stopping = True
            self._state.changed.notify_all()
        self._workers.shutdown(wait=True, cancel_futures=True)
        self._staff.targets.close()
        self._staff.doors.close_all()
        for run in self._runs.values():
            run.close()
        if self._means is not None:
            self._means.neighbours.close()
            self._means.endpoint.close()
            self._means.runner.close()

    def _launch(self, task: Task) -> None:
        run = self._runs.get(task.id)
        if run is None:
            return
        with run.lock:  # a task is not stopped while it is half launched
            if not task.is_stopping:
                self._try(task, run)

    def _try(self, task: Task, run: RunningTask) -> None:
        try:
            self._staff.admission.assume(task)
            self._provision(task, run)
            self._say(task, "PENDING")
            given = self._staff.admission.prepare(task, run.declared, self._interface(run))
            self._start(task, run, given)
            self._activate(task, run)
        except LaunchFailedError as failure:
            self._failed(task, failure)
        except ClientError as error:  # something that the task needs was deleted meanwhile
            self._failed(task, LaunchFailedError(str(error)))
        except NoFreeAddressError:
            self._failed(task, LaunchFailedError(NO_ADDRESS))
        except PreflightError as trouble:
            self._ledger.trouble(str(trouble))
            self._failed(task, LaunchFailedError(f"the rehearsal could not go on: {trouble}"))
        except Exception as error:  # noqa: BLE001 - a fault of ours must not look like a stopped task
            traceback.print_exc()
            self._ledger.trouble(f"the rehearsal broke while it launched a task: {error!r}")
            self._failed(task, LaunchFailedError("the rehearsal broke"))

    @staticmethod
    def _interface(run: RunningTask) -> Interface:
        if run.interface is None:
            raise LaunchFailedError("the task has no network interface")
        return run.interface

    def _provision(self, task: Task, run: RunningTask) -> None:
        made = self._staff.interfaces.create(task.region, task.network, task=task.id)
        run.interface_id, run.public, run.interface = made.id, made.public, made.interface
        details = {
            "subnetId": made.interface.subnet,
            "networkInterfaceId": made.id,
            "privateIPv4Address": made.interface.address,
        }
        attachment = {
            "id": states.new_id(),
            "type": "ElasticNetworkInterface",
            "status": "ATTACHED",
            "details": [{"name": name, "value": value} for name, value in details.items()],
        }
        task.api["attachments"] = [attachment]
        for container in task.api["containers"]:
            container["networkInterfaces"] = [
                {"attachmentId": attachment["id"], "privateIpv4Address": made.interface.address}
            ]

    def _start(self, task: Task, run: RunningTask, given: Mapping[str, Mapping[str, str]]) -> None:
        if self._means is None or self._starter is None or not self._can_run(task, run, self._means):
            task.is_assumed = True
            return
        task.api["pullStartedAt"] = states.now()
        images = {c.name: self._image(c, task.region) for c in run.spec.containers}
        task.api["pullStoppedAt"] = states.now()
        run.holder = self._means.runner.hold(
            task.id, run.spec, address=self._interface(run).address, publish=self._published(task, run)
        )
        self._starter.start(task, run, images, self._environments(task, run, given))

    def _image(self, spec: ContainerSpec, region: str) -> str:
        return spec.image if spec.is_stub or self._means is None else self._means.pulls.image(spec.image, region)

    def _published(self, task: Task, run: RunningTask) -> list[tuple[str, int]]:
        """Address and port of every door, for engines whose network namespaces cannot be entered."""
        if self._means is None or self._means.runner.engine.shares_network_namespaces:
            return []
        return [(run.public or "127.0.0.1", port) for port in self._staff.doors.admitted(task, run)]

    def _can_run(self, task: Task, run: RunningTask, means: ContainerBackend) -> bool:
        """Whether this machine can run a task; if not, the ledger says why it is only assumed to run."""
        what = task.definition.label
        wanted = runtime_platform.wanted(task.definition.api)
        cached = [c.image for c in run.spec.containers if not c.is_stub and means.pulls.is_elsewhere(c.image)]
        reason = None
        if wanted not in means.runner.engine.platforms:
            reason = f"{what} wants {wanted}, which this machine cannot run"
        elif cached:
            reason = f"{what} gets {cached[0]} through a pull-through cache, and its upstream is not asked here"
        if reason is not None:
            self._ledger.skip(task.definition.arn, reason)
        return reason is None

    def _environments(
        self, task: Task, run: RunningTask, given: Mapping[str, Mapping[str, str]]
    ) -> dict[str, dict[str, str]]:
        """What each container finds in its environment besides what its definition says."""
        if run.holder is None or not run.pid or self._means is None:
            return {name: dict(values) for name, values in given.items()}
        run.closers.append(self._means.endpoint.open(run.pid, lambda asked: self._answer(task, run, asked)))
        run.closers.append(self._means.neighbours.open(task, run.holder, self._interface(run)))
        variables = functools.partial(
            metadata_endpoint.variables,
            credentials=self._staff.credentials.path(task),
            region=task.region,
            has_way_to_aws=self._staff.admission.has_way_to_aws(task, self._interface(run)),
            is_at_80=self._means.endpoint.lead(run.pid),
        )
        return {c["name"]: {**variables(_key(c)), **given[c["name"]]} for c in task.api["containers"]}

    def _answer(self, task: Task, run: RunningTask, path: str) -> dict[str, Any] | None:
        """What the endpoint inside a task says to a path."""
        with contextlib.suppress(ClientError):  # its subnet or its role is gone
            return self._found(task, run, path)
        return None

    def _found(self, task: Task, run: RunningTask, path: str) -> dict[str, Any] | None:
        if path.startswith(role_credentials.PATH):
            return self._staff.credentials.answer(task, path)
        parts = path.strip("/").split("/")
        own = next((c["name"] for c in task.api["containers"] if len(parts) > 1 and _key(c) == parts[1]), None)
        if own is None or parts[0] not in {"v3", "v4"} or run.interface is None:
            return None
        block, zone = self._staff.admission.place(task, run.interface)
        if parts[2:] == ["task"]:
            return metadata.task(task.api, run.spec, run.ids, block=block, zone=zone)
        if not parts[2:]:
            return metadata.container(task.api, run.spec, run.ids, own, block=block)
        return {} if parts[2:] in (["stats"], ["task", "stats"]) else None

    def _activate(self, task: Task, run: RunningTask) -> None:
        """What comes once the containers run: registration, and the doors."""
        if task.is_stopping:
            return
        given = (task.deployment or task.service.primary).given if task.service is not None else {}
        if given.get("loadBalancers") or given.get("serviceRegistries"):
            self._say(task, "ACTIVATING")
        self._staff.registries.register(task, self._interface(run))
        self._staff.targets.register(task, run)
        container_insights.create_log_group(self._state, task)
        self._ran(task)
        self._staff.doors.open(task, run)

    def _ran(self, task: Task) -> None:
        with self._state.changed:
            if task.is_stopping:
                return
            task.api.update(lastStatus="RUNNING", startedAt=states.now(), connectivityAt=states.now())
            for container in task.api["containers"]:
                container.setdefault("runtimeId", task.id)
                if container["lastStatus"] == "PENDING":
                    container["lastStatus"] = "RUNNING"
            if task.is_assumed:
                _assume_health(task)
            task.ran_since = time.monotonic()
            self._state.changed.notify_all()
        self._enter(task)

    def _enter(self, task: Task) -> None:
        what = task.definition.label
        self._ledger.enter(what, None, "assumed" if task.is_assumed else "run")
        run = self._runs.get(task.id)
        for spec in run.spec.containers if run is not None else ():
            if spec.is_stub:
                self._ledger.enter(what, f"ContainerDefinitions.{spec.name}", "stubbed")
                self._ledger.note(f"container {spec.name} of {what} is a stub")

    def _say(self, task: Task, status: str) -> None:
        with self._state.changed:
            task.api["lastStatus"] = status
            self._state.changed.notify_all()

    def _failed(self, task: Task, failure: LaunchFailedError) -> None:
        if task.service is not None:
            words = (
                "failed to launch a task with (error {}).".format
                if not failure.is_task_made
                else ("was unable to place a task. Reason: {}.".format)
            )
            task.service.say(words(failure.reason.rstrip(".")))
        self.stop(task, code="TaskFailedToStart", reason=failure.reason)

    def _stop(self, task: Task) -> None:
        run = self._runs.pop(task.id)
        if run is None:
            return
        with run.lock:
            for step in (self._leave, self._clear, self._release):
                self._surely(step, task, run)
            self._end(task)

    def _surely(self, step: Step, task: Task, run: RunningTask) -> None:
        """Take one step down; where it fails the next ones are taken all the same, and the task ends."""
        try:
            step(task, run)
        except ClientError:
            pass  # what it was taken from is gone already
        except Exception as error:  # noqa: BLE001 - a task that never ends would hold its service, and its stack
            self._ledger.trouble(f"task {task.id} could not be taken down: {error}")

    def _leave(self, task: Task, run: RunningTask) -> None:
        """No load balancer asks it any more, and nobody asks how its containers are."""
        run.close_watches()
        self._staff.registries.deregister(task)
        if task.targets:
            self._say(task, "DEACTIVATING")
            self._staff.targets.deregister(task)

    def _clear(self, task: Task, run: RunningTask) -> None:
        """Nobody at all asks it any more, and its containers end."""
        self._say(task, "STOPPING")
        self._staff.doors.close(task)
        if self._starter is not None:
            self._starter.take_down(task, run)

    def _release(self, task: Task, run: RunningTask) -> None:
        """Its credentials and its network go."""
        self._staff.credentials.forget(task)
        run.close()
        self._say(task, "DEPROVISIONING")
        if run.interface_id is not None:
            self._staff.interfaces.delete(task.region, run.interface_id)

    def _end(self, task: Task) -> None:
        with self._state.changed:
            for attachment in task.api["attachments"]:
                attachment["status"] = "DELETED"
            for container in task.api["containers"]:
                container["lastStatus"] = "STOPPED"
            task.api.update(lastStatus="STOPPED", stoppedAt=states.now(), executionStoppedAt=states.now())
            self._state.changed.notify_all()

    def is_serving(self, task: Task) -> bool:
        """Whether every essential container names its TCP ports, and something listens on all of them."""
        run = self._runs.get(task.id)
        if run is None or not run.pid:
            return task.is_assumed
        essential = [spec for spec in run.spec.containers if spec.is_essential and not spec.is_stub]
        named = [{port for port, kind in spec.ports if kind == "tcp"} for spec in essential]
        return all(named) and set().union(*named) <= namespace.listening(run.pid)

    def flush(self) -> None:
        """Write what the containers said so far to their log streams."""
        for task, run in self._runs.items():
            for spec in run.spec.containers:
                if self._starter is not None and spec.name in run.ids:
                    self._starter.write_log(self._state.tasks[task], spec, run.ids[spec.name])


def _key(shown: dict[str, Any]) -> str:
    """The id by which the metadata endpoint knows a container."""
    return str(shown["containerArn"]).rpartition("/")[2]


def _assume_health(task: Task) -> None:
    """Where nothing runs, what is checked is assumed to be well."""
    checked = {c["name"] for c in task.definition.api["containerDefinitions"] if c.get("healthCheck")}
    for container in task.api["containers"]:
        if container["name"] in checked:
            container["healthStatus"] = task.api["healthStatus"] = "HEALTHY"

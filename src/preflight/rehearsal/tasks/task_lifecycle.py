"""Takes tasks from PROVISIONING to RUNNING and to STOPPED, as Fargate does: `_launch` and `_stop` list the steps.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html.
"""

from __future__ import annotations

import contextlib
import functools
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from botocore.exceptions import ClientError

from preflight.aws.network import Interface
from preflight.errors import PreflightError
from preflight.rehearsal import protocol
from preflight.rehearsal.connectivity.cloud_map_registration import CloudMapInstances
from preflight.rehearsal.connectivity.public_ports import PublicPorts
from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.containers.running_task import RunningTask, RunningTasks
from preflight.rehearsal.containers.stubs import Stubs
from preflight.rehearsal.ecs import container_insights
from preflight.rehearsal.ecs.state import State, Task, new_id
from preflight.rehearsal.iam.infrastructure_role import RoleNotAssumedError
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.load_balancing.targets import Targets
from preflight.rehearsal.network import namespace
from preflight.rehearsal.network.interfaces import Interfaces, NoFreeAddressError
from preflight.rehearsal.tasks import container_environment, metadata_endpoint_v4
from preflight.rehearsal.tasks.container_backend import ContainerBackend
from preflight.rehearsal.tasks.container_start import ContainerStarter
from preflight.rehearsal.tasks.disk_limit import DiskLimit
from preflight.rehearsal.tasks.launch_checks import LaunchChecks, LaunchFailedError
from preflight.rehearsal.tasks.metadata_endpoint_v4 import MetadataAnswers
from preflight.rehearsal.tasks.role_credentials import Credentials

THREADS = 8
NO_ADDRESS = "Timeout waiting for network interface provisioning to complete."
Step = Callable[[Task, RunningTask], None]


@dataclass(frozen=True)
class TaskServices:
    """What a task needs from the account, whether or not its containers run."""

    interfaces: Interfaces
    launch_checks: LaunchChecks
    public_ports: PublicPorts
    targets: Targets
    cloud_map: CloudMapInstances
    credentials: Credentials
    stubs: Stubs


class TaskLauncher:
    """Launches and stops tasks; without a backend for containers, tasks are assumed to run."""

    def __init__(
        self,
        state: State,
        running_tasks: RunningTasks,
        services: TaskServices,
        ledger: Ledger,
        backend: ContainerBackend | None,
    ) -> None:
        self._state = state
        self._running_tasks = running_tasks
        self._services = services
        self._ledger = ledger
        self._backend = backend
        self._starter = ContainerStarter(state, backend.runner, backend.logs, self.stop) if backend else None
        self._disk_limit = DiskLimit(state, running_tasks, backend.runner, self.stop) if backend else None
        self._metadata = MetadataAnswers(state.account, services.credentials)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="launch")

    def start(self) -> None:
        """Start the threads that containers depend on."""
        if self._backend is not None:
            self._backend.start()
        if self._disk_limit is not None:
            self._disk_limit.start()

    def begin(self, task: Task) -> None:
        """Begin to launch a task."""
        spec = task_spec.from_task_definition(task.definition.api, task.api["overrides"])
        self._running_tasks.add(task.id, RunningTask(self._services.stubs.stubbed(spec), declared=spec))
        self._threads.submit(self._launch_safely, task)

    def stop(self, task: Task, *, code: str, reason: str) -> None:
        """Begin to stop a task; the first reason counts."""
        with self._state.changed:
            if task.is_stopping or task.status == "STOPPED":
                return
            task.is_stopping = True
            task.api.update(desiredStatus="STOPPED", stopCode=code, stoppedReason=reason, stoppingAt=protocol.utc_now())
            self._state.changed.notify_all()
        with contextlib.suppress(RuntimeError):  # the account closes, and stops every task itself
            self._threads.submit(self._stop, task)

    # The steps of a launch

    def _launch(self, task: Task, running: RunningTask) -> None:
        self._assume_roles(task)
        self._provision(task, running)
        self._check(task, running)
        self._pull_images(task, running)
        self._start_containers(task, running)
        if not task.is_stopping:
            self._register(task, running)
            self._mark_running(task, running)
            self._services.public_ports.open(task, running)

    def _assume_roles(self, task: Task) -> None:
        self._services.launch_checks.assume(task)

    def _provision(self, task: Task, running: RunningTask) -> None:
        created = self._services.interfaces.create(task.region, task.network, task=task.id)
        running.interface_id, running.public, running.interface = created.id, created.public, created.interface
        details = {
            "subnetId": created.interface.subnet,
            "networkInterfaceId": created.id,
            "privateIPv4Address": created.interface.address,
        }
        attachment = {
            "id": new_id(),
            "type": "ElasticNetworkInterface",
            "status": "ATTACHED",
            "details": [{"name": name, "value": value} for name, value in details.items()],
        }
        task.api["attachments"] = [attachment]
        for container in task.api["containers"]:
            container["networkInterfaces"] = [
                {"attachmentId": attachment["id"], "privateIpv4Address": created.interface.address}
            ]

    def _check(self, task: Task, running: RunningTask) -> None:
        self._set_status(task, "PENDING")
        checks = self._services.launch_checks
        prepared = checks.prepare(task, running.declared, _interface(running))
        running.environments, running.obstacle = prepared.environments, prepared.obstacle
        running.spec = replace(running.spec, file_systems=prepared.file_systems)

    def _pull_images(self, task: Task, running: RunningTask) -> None:
        """Pull the images, or assume that the task runs if this machine cannot run it."""
        if self._backend is not None and running.obstacle is None:
            running.obstacle = self._backend.obstacle(task.definition, running.spec)
        if running.obstacle is not None:
            self._ledger.skip(task.definition.arn, running.obstacle)
        if self._backend is None or running.obstacle is not None:
            task.is_assumed = True
            return
        task.api["pullStartedAt"] = protocol.utc_now()
        running.images = self._backend.pull(running.spec, task.region)
        task.api["pullStoppedAt"] = protocol.utc_now()

    def _start_containers(self, task: Task, running: RunningTask) -> None:
        if self._backend is None or self._starter is None or task.is_assumed:
            return
        runner = self._backend.runner
        ports: list[tuple[str, int]] = []
        if not runner.engine.shares_network_namespaces:  # then the engine itself publishes them
            public_ports = self._services.public_ports.admitted(task, running)
            ports = [(running.public or "127.0.0.1", port) for port in public_ports]
        address = _interface(running).address
        running.holder = runner.hold(task.id, running.spec, address=address, publish=ports)
        if running.pid:
            self._connect(task, running, self._backend)
        self._starter.start(task, running)

    def _connect(self, task: Task, running: RunningTask, backend: ContainerBackend) -> None:
        """Open the metadata endpoint and the network of the VPC in the namespace of a task."""
        if running.holder is None:
            return
        interface = _interface(running)
        answer = functools.partial(self._metadata.answer, task, running)
        running.closers.append(backend.task_listener.open(running.pid, answer))
        running.closers.append(backend.task_connections.open(task, running.holder, interface))
        credentials = self._services.credentials.path(task)
        can_reach_aws = self._services.launch_checks.can_reach_aws(task, interface)
        is_at_port_80 = backend.task_listener.redirect_port_80(running.pid)
        for container in task.api["containers"]:
            variables = container_environment.variables(
                metadata_endpoint_v4.container_id(container),
                credentials,
                task.region,
                can_reach_aws=can_reach_aws,
                is_at_port_80=is_at_port_80,
            )
            running.environments[container["name"]] = {**variables, **running.environments[container["name"]]}

    def _register(self, task: Task, running: RunningTask) -> None:
        settings = (task.deployment or task.service.primary).request if task.service is not None else {}
        if settings.get("loadBalancers") or settings.get("serviceRegistries"):
            self._set_status(task, "ACTIVATING")
        self._services.cloud_map.register(task, _interface(running))
        self._services.targets.register(task, running)
        container_insights.create_log_group(self._state, task)

    def _mark_running(self, task: Task, running: RunningTask) -> None:
        with self._state.changed:
            if task.is_stopping:
                return
            task.api.update(lastStatus="RUNNING", startedAt=protocol.utc_now(), connectivityAt=protocol.utc_now())
            for container in task.api["containers"]:
                container.setdefault("runtimeId", task.id)
                if container["lastStatus"] == "PENDING":
                    container["lastStatus"] = "RUNNING"
            if task.is_assumed:
                _assume_health(task)
            task.ran_since = time.monotonic()
            self._state.changed.notify_all()
        self._enter_in_ledger(task, running)

    def _enter_in_ledger(self, task: Task, running: RunningTask) -> None:
        label = task.definition.label
        self._ledger.enter(label, None, "assumed" if task.is_assumed else "run", running.obstacle)
        for container in running.spec.containers:
            if container.is_stub:
                self._ledger.enter(label, f"ContainerDefinitions.{container.name}", "stubbed")
                self._ledger.note(f"container {container.name} of {label} is a stub")

    # The steps of a stop

    def _stop(self, task: Task) -> None:
        running = self._running_tasks.get(task.id)
        if running is None:
            return
        with running.lock:
            for step in (self._deregister, self._stop_containers, self._remove_containers, self._release_network):
                self._run_safely(step, task, running)
            self._mark_stopped(task)

    def _deregister(self, task: Task, running: RunningTask) -> None:
        """Stop health checks, and deregister from load balancers; requests in flight have their time to end."""
        running.close_watches()
        self._services.cloud_map.deregister(task)
        if task.targets:
            self._set_status(task, "DEACTIVATING")
            self._services.targets.deregister(task)

    def _stop_containers(self, task: Task, running: RunningTask) -> None:
        """Stop the containers of a task, which stays reachable meanwhile."""
        self._set_status(task, "STOPPING")
        if self._starter is not None:
            self._starter.stop_all(task, running)

    def _remove_containers(self, task: Task, running: RunningTask) -> None:
        """Close the task's ports and remove its containers."""
        task.api["executionStoppedAt"] = protocol.utc_now()
        self._services.public_ports.close(task)
        self._running_tasks.remove(task.id)
        if self._starter is not None:
            self._starter.remove_all(running)

    def _release_network(self, task: Task, running: RunningTask) -> None:
        """Revoke the task's credentials and delete its network interface."""
        self._services.credentials.forget(task)
        running.close()
        self._set_status(task, "DEPROVISIONING")
        if running.interface_id is not None:
            self._services.interfaces.delete(task.region, running.interface_id)

    def _mark_stopped(self, task: Task) -> None:
        with self._state.changed:
            for attachment in task.api["attachments"]:
                attachment["status"] = "DELETED"
            for container in task.api["containers"]:
                container["lastStatus"] = "STOPPED"
            task.api.update(lastStatus="STOPPED", stoppedAt=protocol.utc_now())
            self._state.changed.notify_all()

    # Failures

    def _launch_safely(self, task: Task) -> None:
        """Launch a task, and stop it if a step fails."""
        running = self._running_tasks.get(task.id)
        if running is None:
            return
        with running.lock:  # a task is not stopped while it is half launched
            if task.is_stopping:
                return
            try:
                self._launch(task, running)
            except LaunchFailedError as failure:
                self._fail(task, failure)
            except (ClientError, RoleNotAssumedError) as error:  # something that the task needs was deleted, or is denied
                self._fail(task, LaunchFailedError(str(error)))
            except NoFreeAddressError:
                self._fail(task, LaunchFailedError(NO_ADDRESS))
            except PreflightError as error:
                self._ledger.trouble(str(error))
                self._fail(task, LaunchFailedError(f"the rehearsal could not go on: {error}"))
            except Exception as error:  # noqa: BLE001 - an internal error must not look like a stopped task
                traceback.print_exc()
                self._ledger.trouble(f"internal error while launching a task: {error!r}")
                self._fail(task, LaunchFailedError("internal error in the emulated account"))

    def _fail(self, task: Task, failure: LaunchFailedError) -> None:
        reason = failure.reason.rstrip(".")
        if task.service is not None and failure.is_task_made:
            task.service.add_event(f"was unable to place a task. Reason: {reason}.")
        elif task.service is not None:
            task.service.add_event(f"failed to launch a task with (error {reason}).")
        self.stop(task, code="TaskFailedToStart", reason=failure.reason)

    def _run_safely(self, step: Step, task: Task, running: RunningTask) -> None:
        """Run a step of a stop; if it fails, the next ones run all the same, and the task ends."""
        try:
            step(task, running)
        except (ClientError, RoleNotAssumedError):
            pass  # what the task was registered with was deleted, or is denied
        except Exception as error:  # noqa: BLE001 - a task that never ends would block its service, and its stack
            self._ledger.trouble(f"task {task.id} could not be stopped: {error}")

    def _set_status(self, task: Task, status: str) -> None:
        with self._state.changed:
            task.api["lastStatus"] = status
            self._state.changed.notify_all()

    # What others ask of running tasks

    def is_serving(self, task: Task) -> bool:
        """Whether every essential container declares its TCP ports, and something listens on all of them."""
        running = self._running_tasks.get(task.id)
        if running is None or not running.pid:
            return task.is_assumed
        essential = [c for c in running.spec.containers if c.is_essential and not c.is_stub]
        ports = [{port for port, protocol in c.ports if protocol == "tcp"} for c in essential]
        return all(ports) and set().union(*ports) <= namespace.listening(running.pid)

    def is_listening(self, task: Task) -> bool:
        """Whether something listens on every TCP port that the containers of a task declare."""
        running = self._running_tasks.get(task.id)
        if running is None or not running.pid:
            return task.is_assumed
        containers = [c for c in running.spec.containers if not c.is_stub]
        ports = {port for container in containers for port, protocol in container.ports if protocol == "tcp"}
        return ports <= namespace.listening(running.pid)

    def flush(self) -> None:
        """Write what the containers logged so far to their log streams."""
        if self._starter is None:
            return
        for task_id, running in self._running_tasks.items():
            for container in running.spec.containers:
                if container.name in running.ids:
                    self._starter.write_log(self._state.tasks[task_id], container, running.ids[container.name])

    def refresh(self) -> None:
        """Let tasks reach what they now may, after rules of networks or load balancers changed."""
        if self._backend is not None:
            self._backend.task_connections.refresh()

    def close(self) -> None:
        """Stop every launch and every thread of a task, and remove every container."""
        with self._state.changed:  # ends the wait for a container that another depends on
            for task in list(self._state.tasks.values()):
                task.is_stopping = True
            self._state.changed.notify_all()
        if self._disk_limit is not None:
            self._disk_limit.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._services.targets.close()
        self._services.public_ports.close_all()
        for running in self._running_tasks.values():
            running.close()
        if self._backend is not None:
            self._backend.close()


def _interface(running: RunningTask) -> Interface:
    if running.interface is None:
        raise LaunchFailedError("the task has no network interface")
    return running.interface


def _assume_health(task: Task) -> None:
    """Mark the containers that have a health check as healthy."""
    checked = {c["name"] for c in task.definition.api["containerDefinitions"] if c.get("healthCheck")}
    for container in task.api["containers"]:
        if container["name"] in checked:
            container["healthStatus"] = task.api["healthStatus"] = "HEALTHY"

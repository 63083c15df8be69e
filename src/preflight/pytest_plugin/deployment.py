"""What tests see of a deployment; docs/pytest.md documents it."""

from __future__ import annotations

import functools
import shlex
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from preflight.container_engine import engine as container_engine
from preflight.container_engine.engine import Engine
from preflight.deploy import session as sessions
from preflight.deploy.load_balancers import PublicLoadBalancers
from preflight.deploy.stacks import Stacks
from preflight.deploy.tasks import ServiceTask, Tasks
from preflight.errors import UsageError
from preflight.model import JsonObject
from preflight.plan import placeholders
from preflight.system import extras

if TYPE_CHECKING:
    from preflight.deploy.lifecycle import Live
    from preflight.deploy.session import Session


@dataclass(frozen=True)
class _DeployedService:
    """A service of the deployment: the logical id of its resource, its name and its cluster's."""

    logical: str
    name: str
    cluster: str


class PreflightDeployment:
    """A deployed plan, until the end of the session.

    A service is named as in the plan's smoke entries: by its name, which may have placeholders such as {prefix}, or
    by the logical id of its resource. `values` are those of the placeholders; `live` is None in a worker of
    pytest-xdist that did not deploy.
    """

    def __init__(self, session: Session, stacks: tuple[str, ...], values: Mapping[str, str], live: Live | None = None) -> None:
        self._session = session
        self.stacks = stacks
        self.values = values
        self.live = live

    @classmethod
    def of(cls, live: Live) -> PreflightDeployment:
        """Returns what tests see of a deployment of this process."""
        return cls(live.deployment.session, live.deployment.stack_names, live.values, live)

    def to_json(self) -> JsonObject:
        """Returns what another process needs to see the same; credentials of a real account stay in the environment."""
        credentials, endpoint = self._session.boto.get_credentials(), self._session.endpoint
        key = credentials.access_key if endpoint is not None and credentials is not None else None
        return {"region": self._session.region, "endpoint": endpoint, "key": key, "stacks": self.stacks, "values": dict(self.values)}

    @classmethod
    def from_json(cls, values: JsonObject) -> PreflightDeployment:
        """Returns the deployment of another process, from an object made by `to_json`."""
        region, endpoint = values["region"], values["endpoint"]
        is_emulated = endpoint is not None
        session = sessions.rehearsal_session(region, endpoint, values["key"]) if is_emulated else sessions.account_session(region, stop=threading.Event())
        return cls(session, tuple(values["stacks"]), values["values"])

    def client(self, service: str) -> Any:
        """Returns a boto3 client of the account, in the plan's region."""
        return self._session.client(service)

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of all stacks of the plan; of two with the same name, that of the later stack."""
        stacks = Stacks(self._session)
        return {name: value for stack in self.stacks for name, value in stacks.outputs(stack).items()}

    @property
    def services(self) -> tuple[str, ...]:
        """The names of all services."""
        return tuple(service.name for service in self._services)

    @property
    def tasks(self) -> tuple[ServiceTask, ...]:
        """The running tasks of all services, each with `id`, `arn`, `service`, `private` and `public` (an address, or None)."""
        return tuple(task for service in self._services for task in self._tasks(service))

    @property
    def logs(self) -> Mapping[str, list[str]]:
        """The lines that the running tasks of a service wrote to CloudWatch Logs, by the service."""
        return _ServiceLogs(self)

    def url(self, service: str, path: str = "/", *, port: int | None = None) -> str:
        """Returns where the internet finds a service: at its load balancer, else at a task with a public address.

        Raises:
            UsageError: the service has neither.
        """
        deployed = self._find(service)
        balancers = PublicLoadBalancers(self._session)
        listeners = [e for e in balancers.entrances(deployed.cluster, deployed.name) if e.is_public and port in {None, e.port}]
        for listener in sorted(listeners, key=lambda listener: listener.port):
            address = balancers.address(listener.host)  # of the rehearsal: no DNS knows the name
            return listener.url(path).replace(listener.host, address or listener.host, 1)
        for task in self._tasks(deployed):
            if task.public is not None:
                number = port or self._port(task)
                return f"http://{task.public}{'' if number == 80 else f':{number}'}{path}"
        at = f" at port {port}" if port is not None else ""
        msg = f"service {deployed.name} has no public load balancer{at} and no running task with a public address. Next: send the request from inside with .host(), or give the service one"
        raise UsageError(msg)

    def host(self, service: str, container: str | None = None, *, task: str | None = None) -> Any:
        """Returns the testinfra host of a container (default: the first one) of a running task (default: any).

        Raises:
            UsageError: the service has no such task or container here; on a real account, nothing has.
        """
        extras.require("pytest", ".host()")
        import testinfra  # noqa: PLC0415 - the one place that needs it

        if not self._session.has_loopback_only:
            msg = "containers on a real account cannot be inspected. Next: skip this test there, as docs/pytest.md shows"
            raise UsageError(msg)
        deployed = self._find(service)
        tasks = [t for t in self._tasks(deployed) if task in {None, t.id}]
        if not tasks:
            msg = f"service {deployed.name} has no running task{f' {task}' if task else ''}"
            raise UsageError(msg)
        engine = self._engine
        host = testinfra.get_host(f"{engine.program}://{self._container(engine, tasks[0], container)}")
        local = host.backend.run_local
        settings = shlex.join(["env", *(f"{name}={value}" for name, value in engine.env.items())])
        host.backend.run_local = lambda command, *args: local(f"{settings} {command}", *args)
        return host

    def _container(self, engine: Engine, task: ServiceTask, container: str | None) -> str:
        """Returns the engine's id of a container of a task."""
        name = container or str(self._definitions(task)[0]["name"])
        labels = (f"label={container_engine.TASK_LABEL}={task.id}", f"label={container_engine.NAME_LABEL}={name}")
        ids = engine.must("ps", "--quiet", "--no-trunc", *(part for label in labels for part in ("--filter", label))).split()
        if not ids:
            there = ", ".join(str(definition["name"]) for definition in self._definitions(task))
            msg = f"container {name} does not run in task {task.id} of {task.service}; its task definition has {there}"
            raise UsageError(msg)
        return ids[0]

    @functools.cached_property
    def _engine(self) -> Engine:
        return container_engine.find()

    @functools.cached_property
    def _services(self) -> tuple[_DeployedService, ...]:
        """Every service of the plan's stacks and of those nested in them."""
        return tuple(service for stack in self.stacks for service in self._declared(stack))

    def _declared(self, stack: str) -> Iterator[_DeployedService]:
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        for resource in (resource for page in pages for resource in page["StackResourceSummaries"]):
            kind, physical = resource["ResourceType"], resource.get("PhysicalResourceId", "")
            if kind == "AWS::CloudFormation::Stack" and physical:
                yield from self._declared(physical)
            elif kind == "AWS::ECS::Service" and physical.count("/") == 2:
                _, cluster, name = physical.split("/")
                yield _DeployedService(resource["LogicalResourceId"], name, cluster)

    def _find(self, service: str) -> _DeployedService:
        """Returns a service by its name, else by its logical id.

        Raises:
            UsageError: there is none, or several have that logical id.
        """
        name = placeholders.fill(service, self.values)
        services = [s for s in self._services if s.name == name] or [s for s in self._services if s.logical == name]
        if len(services) != 1:
            there = ", ".join(f"{s.name} ({s.logical})" for s in services or self._services) or "none"
            msg = f"{service!r} names {len(services) or 'no'} service{'s' if services else ''} of the deployment, which has: {there}"
            raise UsageError(msg)
        return services[0]

    def _tasks(self, service: _DeployedService) -> list[ServiceTask]:
        return Tasks(self._session).running(service.cluster, service.name)

    def _definitions(self, task: ServiceTask) -> list[dict[str, Any]]:
        described = self.client("ecs").describe_task_definition(taskDefinition=task.definition)
        return list(described["taskDefinition"]["containerDefinitions"])

    def _port(self, task: ServiceTask) -> int:
        """Returns the first port that a container of a task declares, 80 if none does."""
        mappings = [mapping for definition in self._definitions(task) for mapping in definition.get("portMappings") or []]
        return int(mappings[0]["containerPort"]) if mappings else 80

    def _log(self, service: _DeployedService) -> list[str]:
        logs, lines = self.client("logs"), []
        for task in self._tasks(service):
            for definition in self._definitions(task):
                options = (definition.get("logConfiguration") or {}).get("options") or {}
                if "awslogs-group" in options:
                    stream = f"{options.get('awslogs-stream-prefix', 'ecs')}/{definition['name']}/{task.id}"
                    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=options["awslogs-group"], logStreamNames=[stream])
                    lines += [event["message"] for page in pages for event in page["events"]]
        return lines


class _ServiceLogs(Mapping[str, "list[str]"]):
    """Log lines by service, asked for anew each time."""

    def __init__(self, deployment: PreflightDeployment) -> None:
        self._deployment = deployment

    def __getitem__(self, service: str) -> list[str]:
        return self._deployment._log(self._deployment._find(service))  # noqa: SLF001 - one interface in two classes

    def __iter__(self) -> Iterator[str]:
        return iter(self._deployment.services)

    def __len__(self) -> int:
        return len(self._deployment.services)

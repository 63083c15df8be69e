"""Builds the parts of an emulated account, and connects them."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from moto.core import responses, utils
from moto.core.base_backend import BackendDict, backend_lock
from werkzeug.wrappers import Request, Response

from preflight.container_engine.standins import Standins
from preflight.rehearsal.account import Account
from preflight.rehearsal.cloudformation import scheduled_tasks
from preflight.rehearsal.cloudformation.api import Api
from preflight.rehearsal.cloudformation.container_instances import ContainerInstances
from preflight.rehearsal.cloudformation.programs import Programs
from preflight.rehearsal.cloudformation.resources import catalog
from preflight.rehearsal.cloudformation.scheduled_tasks import ScheduledTasks
from preflight.rehearsal.cloudformation.unfinished import UnfinishedResources
from preflight.rehearsal.connectivity import inside_requests
from preflight.rehearsal.connectivity.addresses import Addresses
from preflight.rehearsal.connectivity.cloud_map_registration import CloudMapInstances
from preflight.rehearsal.connectivity.public_ports import PublicPorts, SmokeTarget
from preflight.rehearsal.connectivity.task_connections import TaskConnections
from preflight.rehearsal.containers.runner import ContainerRunner
from preflight.rehearsal.containers.running_task import RunningTasks
from preflight.rehearsal.containers.stubs import Stubs
from preflight.rehearsal.dispatch import Dispatcher
from preflight.rehearsal.ecs import api
from preflight.rehearsal.ecs.state import State
from preflight.rehearsal.iam import request_filter
from preflight.rehearsal.iam.authentication import Authenticator
from preflight.rehearsal.iam.authorization import Authorizer
from preflight.rehearsal.iam.principals import Principals
from preflight.rehearsal.iam.resource_policies import ResourcePolicies
from preflight.rehearsal.iam.temporary_credentials import TemporaryCredentials
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.load_balancing.load_balancers import LoadBalancers
from preflight.rehearsal.load_balancing.targets import Targets
from preflight.rehearsal.network.interfaces import Interfaces
from preflight.rehearsal.network.task_listener import TaskListener
from preflight.rehearsal.services import (
    ServiceEmulation,
    application_autoscaling,
    deliveries,
    ec2,
    ec2_address_blocks,
    ec2_flow_logs,
    ec2_key_pairs,
    ecr,
    efs,
    elbv2,
    event_patterns,
    iam,
    kms,
    logs,
    resourcegroupstagging,
    route53,
    s3,
    servicediscovery,
    sts,
)
from preflight.rehearsal.services.ecr_registry import Registry
from preflight.rehearsal.tasks.awslogs import Logs
from preflight.rehearsal.tasks.container_backend import ContainerBackend
from preflight.rehearsal.tasks.deployment_alarms import DeploymentAlarms
from preflight.rehearsal.tasks.image_pull import Pulls
from preflight.rehearsal.tasks.launch_calls.absent_images import AbsentImages, Replacements
from preflight.rehearsal.tasks.launch_checks import LaunchChecks
from preflight.rehearsal.tasks.listener_weights import ListenerWeights
from preflight.rehearsal.tasks.role_credentials import Credentials
from preflight.rehearsal.tasks.service_scheduler import Scheduler
from preflight.rehearsal.tasks.task_lifecycle import TaskLauncher, TaskServices
from preflight.rehearsal.tasks.traffic_shifts import TrafficShifts

LOOPBACK = "127.0.0.1"
OBSERVATIONS = "/_preflight/observations"
OPEN_PORTS = "/_preflight/open-ports"
SLOW = {"ec2", "iam"}  # services of moto that read files of a megabyte when they begin


@dataclass(frozen=True)
class TaskOptions:
    """What the plan says of tasks: the ports that smoke tests request, and the containers that are stubbed or run another image."""

    smoke_targets: tuple[SmokeTarget, ...] = ()
    stubs: tuple[str, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)  # what runs in the place of images, by pattern


@dataclass(frozen=True)
class EmulationOptions:
    """The port and the folder of an account, and how its tasks run; without a runner they are assumed to."""

    port: int
    folder: Path
    runner: ContainerRunner | None = None
    standins: Standins | None = None
    tasks: TaskOptions = field(default_factory=TaskOptions)
    administrator: str | None = None  # the access key; None: any key that was not issued


@dataclass(frozen=True)
class Core:
    """What most parts of an account work on."""

    account: Account
    ledger: Ledger
    principals: Principals
    registry: Registry
    state: State
    running_tasks: RunningTasks
    interfaces: Interfaces


@dataclass(frozen=True)
class Parts:
    """The parts of an account that its server uses."""

    core: Core
    authenticator: Authenticator
    load_balancers: LoadBalancers
    launcher: TaskLauncher
    scheduler: Scheduler
    alarms: DeploymentAlarms
    cloudformation: Api
    dispatcher: Dispatcher

    def start(self) -> None:
        """Start to schedule services and to run tasks."""
        self.launcher.start()
        self.scheduler.start()
        self.alarms.start()

    def close(self) -> None:
        """Stop every task and remove every container."""
        self.core.account.closing.set()
        self.cloudformation.close()
        self.alarms.close()
        self.scheduler.close()
        self.load_balancers.close()
        self.launcher.close()


def assemble(account: Account, options: EmulationOptions) -> Parts:
    """Returns the parts of a fresh account, none of them started."""
    core = _core(account, options.folder)
    authorizer = Authorizer(core.principals, ResourcePolicies(account))
    account.judge = authorizer.judge
    load_balancers = LoadBalancers(
        account,
        core.interfaces,
        core.running_tasks,
        core.ledger,
        targets=lambda group: targets.in_group(group),  # noqa: PLW0108 - `targets` needs the load balancers
    )
    targets = Targets(core.state, account, load_balancers.interfaces)
    public_ports = PublicPorts(core.state, account, core.running_tasks, core.ledger, options.tasks.smoke_targets)
    cloudformation = Api(account, catalog.types(), core.ledger)
    task_services = _task_services(core, public_ports, targets, options, Programs(cloudformation.stacks))
    containers = _container_backend(core, load_balancers, options)
    launcher = TaskLauncher(core.state, core.running_tasks, task_services, core.ledger, containers)
    _show_stacks_to_services(core.state, cloudformation)
    services = [
        ServiceEmulation("cloudformation", operations=cloudformation.operations(), uses_moto=False),
        ServiceEmulation("ecs", operations=api.operations(core.state, launch=launcher.begin, stop=launcher.stop), uses_moto=False),
        *_moto_services(
            core, launcher, load_balancers=load_balancers, public_ports=public_ports, targets=targets, port=options.port
        ),
    ]
    return Parts(
        core=core,
        authenticator=Authenticator(account, core.principals, authorizer, administrator=options.administrator),
        load_balancers=load_balancers,
        launcher=launcher,
        scheduler=Scheduler(core.state, launcher, core.ledger, TrafficShifts(core.state, ListenerWeights(account), core.ledger)),
        alarms=DeploymentAlarms(core.state),
        cloudformation=cloudformation,
        dispatcher=_dispatcher(core, cloudformation, services, public_ports, load_balancers),
    )


def _show_stacks_to_services(state: State, cloudformation: Api) -> None:
    """Let ECS see what else the stacks of the account have, and have still to create."""
    state.instances = ContainerInstances(cloudformation.stacks)
    state.can_be_helped = UnfinishedResources(cloudformation.stacks).can_help


def _core(account: Account, folder: Path) -> Core:
    return Core(
        account=account,
        ledger=Ledger(),
        principals=Principals(account.id, TemporaryCredentials()),
        registry=Registry(account, folder / "registry"),
        state=State(account),
        running_tasks=RunningTasks(),
        interfaces=Interfaces(account),
    )


def _task_services(
    core: Core, public_ports: PublicPorts, targets: Targets, options: EmulationOptions, programs: Programs
) -> TaskServices:
    absent = AbsentImages(Replacements(options.tasks.images), programs)
    return TaskServices(
        interfaces=core.interfaces,
        launch_checks=LaunchChecks(core.account, core.registry, absent),
        public_ports=public_ports,
        targets=targets,
        cloud_map=CloudMapInstances(core.account),
        credentials=Credentials(core.principals),
        stubs=Stubs(options.tasks.stubs),
    )


def _container_backend(
    core: Core, load_balancers: LoadBalancers, options: EmulationOptions
) -> ContainerBackend | None:
    runner = options.runner
    if runner is None:
        return None
    return ContainerBackend(
        runner=runner,
        pulls=Pulls(
            core.registry,
            runner,
            core.ledger,
            port=options.port,
            standins=options.standins,
            replacements=Replacements(options.tasks.images),
        ),
        task_listener=TaskListener(port=options.port),
        task_connections=TaskConnections(
            core.state, core.running_tasks, load_balancers, core.ledger, has_egress=runner.has_egress
        ),
        logs=Logs(core.account),
    )


def _moto_services(
    core: Core,
    launcher: TaskLauncher,
    *,
    load_balancers: LoadBalancers,
    public_ports: PublicPorts,
    targets: Targets,
    port: int,
) -> list[ServiceEmulation]:
    """Returns the services that moto emulates in part."""

    def load_balancers_changed(region: str, name: str) -> None:
        load_balancers.refresh(region, lambda arn, _: bool(name) and f"/{name}" in arn)
        launcher.refresh()

    def network_changed(region: str, vpc: str | None) -> None:
        public_ports.refresh(region, vpc)
        load_balancers.refresh(region, lambda _, own: vpc in {None, own})
        launcher.refresh()

    account = core.account
    return [
        ServiceEmulation("pricing", uses_moto=False),  # no price is emulated, so every operation is refused
        application_autoscaling.SERVICE,
        ec2.service(account, network_changed),
        ecr.service(account, core.registry, f"http://{LOOPBACK}:{port}"),
        efs.SERVICE,
        elbv2.service(account, targets, load_balancers_changed),
        iam.service(account, core.ledger),
        kms.SERVICE,
        logs.service(launcher.flush),
        s3.service(account),
        servicediscovery.SERVICE,
        sts.service(account, core.principals),
    ]


def _dispatcher(
    core: Core, cloudformation: Api, services: list[ServiceEmulation], public_ports: PublicPorts, load_balancers: LoadBalancers
) -> Dispatcher:
    def observations(_request: Request) -> Response:
        cloudformation.audit()
        return Response(json.dumps(core.ledger.observations().to_json()), content_type="application/json")

    def inside_request(request: Request) -> Response:
        return inside_requests.answer(request, core.running_tasks)

    def open_ports(_request: Request) -> Response:
        return Response(json.dumps(sorted(public_ports.places() | load_balancers.places())), content_type="application/json")

    scheduled = ScheduledTasks(core.account, core.principals, cloudformation.stacks)
    paths = {
        OBSERVATIONS: observations,
        inside_requests.PATH: inside_request,
        OPEN_PORTS: open_ports,
        request_filter.ADDRESSES: Addresses(core.state, core.running_tasks, public_ports, load_balancers).answer,
        scheduled_tasks.PATH: scheduled.answer,
    }
    return Dispatcher(core.account, core.ledger, services=services, paths=paths, registry=core.registry.answer)


def prepare_moto() -> None:
    """Correct what moto does in all accounts, and drop what it keeps of an account before.

    BackendDict.reset builds every service anew; the two that take a second for that are dropped instead.
    """
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "false"  # `iam_managed_policies` is quicker
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # no task on Fargate has one
    responses.method_names_from_class = functools.cache(utils.method_names_from_class)  # moto asks for every request
    s3.apply_bucket_policies()
    elbv2.allow_what_aws_takes()
    application_autoscaling.allow_forecasts()
    ec2_flow_logs.take_any_bucket()
    ec2_key_pairs.take_every_format()
    ec2_address_blocks.take_several_ipv6_blocks()
    ecr.take_lifecycle_policies()
    iam.take_stand_ins()
    resourcegroupstagging.find_all_resources()
    route53.give_zones_ids_of_aws()
    deliveries.keep_inside()
    event_patterns.match_in_one_pass()
    with backend_lock:
        for backends in BackendDict._instances:  # noqa: SLF001 - moto has no other way to drop them
            if backends.service_name in SLOW:
                backends.clear()
    BackendDict.reset()

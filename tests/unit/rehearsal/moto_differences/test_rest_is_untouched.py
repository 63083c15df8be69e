"""What we do not stand in front of answers as bare moto does: one reading operation of every service it has."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.session import get_session
from moto import backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from preflight.rehearsal import server
from preflight.rehearsal.account import Account
from preflight.rehearsal.server import Server

Application = Callable[..., Any]
REGION = "eu-west-1"
# Services that answer none of their operations without input.
SILENT = frozenset(
    {
        "apigatewaymanagementapi",
        "budgets",
        "ce",
        "codecommit",
        "connectcampaigns",
        "dsql",
        "ebs",
        "glacier",
        "identitystore",
        "meteringmarketplace",
        "personalize",
        "rekognition",
        "route53resolver",
        "s3control",
        "sagemaker",
        "ssm",
        "support",
        "swf",
        "textract",
        "workspaces",
    }
)
# Services, by signing name, of which something is emulated in front of moto.
FRONTED = frozenset(
    {
        "application-autoscaling",
        "cloudformation",
        "ec2",
        "ecr",
        "ecs",
        "elasticfilesystem",
        "elasticloadbalancing",
        "iam",
        "kms",
        "logs",
        "pricing",
        "s3",
        "servicediscovery",
        "sts",
    }
)
TRIES = 6  # moto has not every operation of every service
# Ids of requests, and moments in time.
VARIES = re.compile(
    r"[a-z0-9]{14}-ats|[0-9A-Za-z]{52}|[0-9a-f]{8}-[0-9a-f-]{27,}|\d{4}-\d\d-\d\dT[\d:.]+(Z|\+\d\d:\d\d)?|\d{10}\.\d+"
)


def reading(service: str) -> list[str]:
    """Operations that only read and need nothing."""
    model = get_session().get_service_model(service)
    shapes = {name: model.operation_model(name).input_shape for name in model.operation_names}
    return [
        name
        for name, shape in shapes.items()
        if name.startswith(("List", "Describe", "Get"))
        and not name.endswith(("RandomPassword", "AuthorizationToken", "SessionToken"))
        and not (shape and shape.required_members)
    ]


def services() -> list[str]:
    known = set(get_session().get_available_services()) - {"cloudformation", "ecs"}
    return sorted(known & set(backends.list_of_moto_modules()))


@pytest.fixture(scope="module")
def applications(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Application, Application]]:
    with server.running(folder=tmp_path_factory.mktemp("account")) as running:
        yield running.application, DomainDispatcherApplication(create_backend_app)


def answer(client: Any, operation: str) -> str:
    """Status and body of what an application answers; empty where it breaks."""
    seen: list[str] = []
    client.meta.events.register("response-received", lambda **event: seen.append(shown(event)))
    with contextlib.suppress(Exception):  # what matters is that both say the same
        client._make_api_call(operation, {})
    is_broken = not seen or seen[0].startswith("500 ")
    return "" if is_broken else VARIES.sub("", seen[0])


def shown(event: dict[str, Any]) -> str:
    answered = event["response_dict"]
    return f"{answered['status_code']} {answered['body']!r}"


def case(service: str) -> Any:
    """Returns a service as a parameter: those in front of moto always, the others in the long campaign."""
    return pytest.param(service, marks=() if service in FRONTED else pytest.mark.request_faults)


@pytest.mark.parametrize("service", [case(service) for service in services()])
def test_a_service_answers_as_bare_moto_does(applications: tuple[Application, Application], service: str) -> None:
    ours, bare = (Account(application).client(service, REGION) for application in applications)
    known = [operation for operation in reading(service)[:TRIES] if answer(bare, operation)]

    assert bool(known) == (service not in SILENT)
    assert [answer(ours, operation) for operation in known] == [answer(bare, operation) for operation in known]


def test_few_services_are_emulated_in_front_of_moto(account: Server) -> None:
    assert set(account.parts.dispatcher.services) == FRONTED

"""A run of this repository's plan by the client of a real account, without containers: what it says where it fails."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import boto3
from botocore.exceptions import ClientError
from tests.unit.rehearsal.iam import callers as people

from preflight import model
from preflight.aws import describe_network as vpc
from preflight.deploy import deployment as deployments
from preflight.deploy import run_tags as tags
from preflight.deploy import session as sessions
from preflight.plan import placeholders, plan
from preflight.sweep import leftovers

RUN = "1a2b3c4d"


def attempt(keys: people.Keys) -> list[str]:
    """Deploy the plan, look at its tasks, delete it and look for leftovers; whatever was said of what went wrong."""
    own = plan.load(people.ROOT / plan.FILE)
    boto = boto3.Session(keys.key, keys.secret, keys.token, region_name=own.region)
    session = sessions.Session(own.region, boto, keys.address, interval=0.05, has_loopback_only=True)
    remains: list[model.Finding] = []
    said: list[str] = []
    try:
        said += _run(session, own, remains)
    except deployments.FailedError as error:
        remains += error.findings
    except ClientError as error:
        said.append(str(error))
    return [*said, *(finding.message for finding in remains)]


def _run(session: sessions.Session, own: plan.Plan, remains: list[model.Finding]) -> Iterator[str]:
    values = placeholders.of(own, run=RUN, account=session.account, is_shared=True)
    marks = tags.of(own.name, run=RUN, now=dt.datetime.now(dt.timezone.utc))
    order = deployments.Order(own, values, marks, engine=None, base=None, names={}, is_told=True)
    ec2 = session.client("ec2")
    with deployments.deployed(session, order, lambda _line: None, remains=remains) as deployed:
        for arn, cluster in deployed.services.items():
            for task in deployed.tasks.running(cluster, arn.rpartition("/")[2]):
                face = ec2.describe_network_interfaces(NetworkInterfaceIds=[task.interface])["NetworkInterfaces"][0]
                vpc.describe(ec2, face["VpcId"])
    for leftover in leftovers.Leftovers(session, lambda _line: None).found():
        yield f"{leftover.kind} {leftover.name} is left"


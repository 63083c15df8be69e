"""Imports ahead of need: services take seconds to import, which is time to spend before the first request."""

from __future__ import annotations

import contextlib
import threading

import moto.backends

from preflight.rehearsal import protocol
from preflight.rehearsal.account import Account
from preflight.templates import schemas

SERVICES = ("sts", "s3", "ecr", "ec2", "iam", "logs")  # in the order in which a deployment needs them


def preload(account: Account) -> threading.Thread:
    """Import the services that every deployment uses, in the background."""
    thread = threading.Thread(target=_warm, args=(account,), daemon=True, name="warm")
    thread.start()
    return thread


def _warm(account: Account) -> None:
    with contextlib.suppress(Exception):  # who needs it next gets the same error, in the open
        for service in SERVICES:
            moto.backends.get_backend(service)
        for service in ("cloudformation", "ecs", "ecr", "ec2", "iam", "logs"):
            protocol.model_of(service)
        schemas.of("AWS::ECS::Service")
        for service in ("ec2", "iam", "ecr", "s3", "logs", "ecs"):
            account.client(service, "us-east-1")

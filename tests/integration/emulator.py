"""A pretended account in a process of its own, and boto3's clients of it."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from preflight.container_engine import engine
from preflight.system import run_folders
from preflight.system.processes import ServerProcess

REGION = "ap-northeast-1"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_STANDIN = Path(__file__).parents[2] / "docker" / "nginx-standin"


@dataclass(frozen=True)
class Served:
    """The account: its process, and its address."""

    pid: int
    endpoint: str

    def client(self, service: str) -> Any:
        """A client of one of its services."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id="rehearsal",
            aws_secret_access_key="rehearsal",  # noqa: S106 - opens nothing
        )


@contextlib.contextmanager
def account(run: str, *options: str, patience: float = 60) -> Iterator[Served]:
    """An account that nobody else uses; what it does not clean up within `patience` seconds is removed."""
    standin = f"nginx={_STANDIN}"
    args = ("serve", "--run", run, "--until-eof", "--standin", standin, *options)
    service = ServerProcess(sys.executable, "-m", "preflight", *args)
    try:
        yield Served(service.pid, json.loads(service.first_line(timeout=60))["endpoint"])
    finally:
        if not service.stop(timeout=patience):
            engine.remove_run(engine.find(), run)
            run_folders.remove(run_folders.runs() / run)

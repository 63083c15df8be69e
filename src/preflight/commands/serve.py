"""`preflight serve`: the emulated account until Ctrl-C."""

from __future__ import annotations

import argparse
from pathlib import Path

from preflight.model import Say
from preflight.pipeline.request import new_run
from preflight.plan import plan
from preflight.rehearsal import serve
from preflight.rehearsal.assembly import TaskOptions
from preflight.rehearsal.connectivity import addresses, public_ports
from preflight.rehearsal.iam import request_filter
from preflight.rehearsal.serve import ServeOptions
from preflight.rehearsal.server import Server

REGION = "us-east-1"


def run(args: argparse.Namespace, say: Say) -> int:
    """Serve the emulated account."""
    administrator = None if args.any_credentials else request_filter.new_key()
    served = ServeOptions(
        port=args.port,
        run=args.run or new_run(),
        has_containers=args.containers == "auto",
        standins=dict(map(plan.standin, args.standin)),
        ends_with_input=args.until_eof,
        administrator=administrator,
        has_egress=args.egress,
        tasks=TaskOptions(tuple(map(public_ports.smoke_target, args.asked)), tuple(args.stub), dict(map(plan.replacement, args.image))),
    )

    def greet(server: Server, docker: Path | None) -> None:
        say(f"preflight: serving at {server.address}, until Ctrl-C; for the AWS CLI, boto3, CDK, SAM and others:")
        say(f"export AWS_ENDPOINT_URL={server.address} AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION}")
        say(f"export AWS_ACCESS_KEY_ID={administrator or 'any'} AWS_SECRET_ACCESS_KEY=any")
        if docker is not None:
            say(f"export CDK_DOCKER={docker}")
            say(f"preflight: services and load balancers, for your browser: {addresses.page_url(server.address, administrator)}")

    def announce(server: Server, docker: Path | None) -> None:
        serve.announce(server, docker, administrator=administrator)

    serve.serve(served, announce if args.until_eof else greet)
    return 0

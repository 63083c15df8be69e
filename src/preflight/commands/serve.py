"""`preflight serve`: the emulated account until Ctrl-C."""

from __future__ import annotations

import argparse

from preflight.model import Say
from preflight.pipeline.request import new_run
from preflight.plan import plan
from preflight.rehearsal import serve
from preflight.rehearsal.assembly import TaskOptions
from preflight.rehearsal.connectivity import public_ports
from preflight.rehearsal.iam import request_filter
from preflight.rehearsal.serve import ServeOptions
from preflight.rehearsal.server import Server


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

    def greet(server: Server) -> None:
        say(f"preflight: serving at {server.address}, until Ctrl-C; for the AWS CLI or boto3:")
        say(f"export AWS_ENDPOINT_URL={server.address} AWS_DEFAULT_REGION=us-east-1")
        say(f"export AWS_ACCESS_KEY_ID={administrator or 'any'} AWS_SECRET_ACCESS_KEY=any")

    def announce(server: Server) -> None:
        serve.announce(server, administrator=administrator)

    serve.serve(served, announce if args.until_eof else greet)
    return 0

"""`preflight serve`: the emulated account until Ctrl-C."""

from __future__ import annotations

import argparse

from preflight.model import Say
from preflight.pipeline.request import new_run
from preflight.plan import plan
from preflight.rehearsal import serve
from preflight.rehearsal.assembly import TaskOptions
from preflight.rehearsal.connectivity import public_ports
from preflight.rehearsal.serve import ServeOptions
from preflight.rehearsal.server import Server


def run(args: argparse.Namespace, say: Say) -> int:
    """Serve the emulated account."""
    served = ServeOptions(
        port=args.port,
        run=args.run or new_run(),
        has_containers=args.containers == "auto",
        standins=dict(map(plan.standin, args.standin)),
        ends_with_input=args.until_eof,
        has_egress=args.egress,
        tasks=TaskOptions(tuple(map(public_ports.smoke_target, args.asked)), tuple(args.stub)),
    )

    def greet(server: Server) -> None:
        say(f"preflight: serving at {server.address}, until Ctrl-C")
        say(f"preflight: aws --endpoint-url {server.address} cloudformation list-stacks")

    serve.serve(served, serve.announce if args.until_eof else greet)
    return 0

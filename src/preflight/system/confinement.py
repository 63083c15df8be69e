"""Keeps paths that a checkout names inside the checkout: plain files and folders, no larger than expected."""

from __future__ import annotations

import enum
import os
import stat
from pathlib import Path

from preflight.system import files_read

MAX_BYTES = 4_194_304
_BUILD_FILES = ("Dockerfile", *(f"{file}.{kind}ignore" for file in ("", "Dockerfile") for kind in ("docker", "container")))


class Kind(enum.Enum):
    """What a path has to lead to."""

    FILE = "file"
    FOLDER = "folder"


def root_of(folder: Path) -> Path:
    """Returns the root of the git repository that contains a folder, else the folder itself."""
    here = folder.resolve()
    return next((above for above in (here, *here.parents) if files_read.look_for(above / ".git").exists()), here)


def build_files(folder: Path) -> list[Path]:
    """Returns the files of a build that this program or an engine reads outside of any container, as far as they are there."""
    return [folder / name for name in _BUILD_FILES if os.path.lexists(files_read.look_for(folder / name))]


def problem(path: Path, root: Path, *, kind: Kind = Kind.FILE, limit: int = MAX_BYTES) -> str | None:
    """Returns why a path cannot be used, or None; nothing of what it leads to is read."""
    try:
        target = files_read.look_for(path).resolve(strict=True)
        if not target.is_relative_to(root):
            return f"it leads outside {root}. Next: move it into that folder"
        status = target.stat()
    except FileNotFoundError:
        return "there is no such file or folder"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    except (RuntimeError, ValueError) as error:  # a loop of symbolic links, a NUL
        return f"it is no path: {error}"
    return _problem_of_kind(target, status, kind, limit)


def _problem_of_kind(target: Path, status: os.stat_result, kind: Kind, limit: int) -> str | None:
    is_file, is_folder = stat.S_ISREG(status.st_mode), stat.S_ISDIR(status.st_mode)
    if not (is_file if kind is Kind.FILE else is_folder):
        return f"it is no plain {kind.value}"
    if is_file and status.st_size > limit:
        return f"it has {status.st_size} bytes, more than {limit}"
    if not os.access(target, os.R_OK | (os.X_OK if is_folder else 0)):
        return "it cannot be read: Permission denied"
    return None

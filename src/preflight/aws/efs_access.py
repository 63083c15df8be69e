"""Folders of EFS: who owns them, and who may write to them. Pure.

Sources: https://docs.aws.amazon.com/efs/latest/ug/accessing-fs-nfs-permissions.html (a new file system has its root
alone, to which only root may write) and
https://docs.aws.amazon.com/efs/latest/ug/efs-access-points.html (an access point creates its folder with the owner
and the permissions of its CreationInfo, and its PosixUser replaces the user of every client).
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

ANONYMOUS = 65534  # whom EFS takes root for if the client has no root access


@dataclass(frozen=True)
class Folder:
    """A folder of a file system: its path, its owner and its permissions."""

    path: str
    uid: int
    gid: int
    mode: int


@dataclass(frozen=True)
class Rights:
    """What a client that mounts a file system may do beyond reading: write, and act as root."""

    can_write: bool = True
    is_root: bool = True


ROOT = Folder("/", 0, 0, 0o755)


def normal(path: str | None) -> str:
    """Returns the path of a folder, from the root of the file system."""
    return posixpath.normpath("/" + (path or "").lstrip("/"))


def created(path: str, creation: Mapping[str, Any]) -> Folder:
    """Returns the folder that an access point with this CreationInfo creates."""
    return Folder(path, int(creation["OwnerUid"]), int(creation["OwnerGid"]), int(str(creation["Permissions"]), 8))


def seen(folder: Folder, user: Mapping[str, Any] | None, rights: Rights) -> tuple[Folder, bool]:
    """Returns the folder as containers find it by an access point with this PosixUser, and whether it is read-only.

    A container's own user counts only without a PosixUser. With one the folder is open to all users or to none,
    as the PosixUser may write to it or not.
    """
    if user is None:
        is_roots = not rights.is_root and folder.uid == 0 and not folder.mode & 0o022
        return folder, is_roots or not rights.can_write
    uid, gids = int(user["Uid"]), {int(user["Gid"]), *map(int, user.get("SecondaryGids") or ())}
    if uid == 0 and not rights.is_root:
        uid, gids = ANONYMOUS, {ANONYMOUS}
    if not rights.can_write or not _may_write(folder, uid, gids):
        return folder, True
    return replace(folder, mode=folder.mode | 0o777), False


def _may_write(folder: Folder, uid: int, gids: set[int]) -> bool:
    """Whether a user may create files: root may, others need the bits for writing and for entering."""
    shift = 6 if uid == folder.uid else 3 if folder.gid in gids else 0
    return uid == 0 or folder.mode >> shift & 0o3 == 0o3

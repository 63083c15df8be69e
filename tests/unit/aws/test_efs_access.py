from __future__ import annotations

from typing import Any

import pytest

from preflight.aws import efs_access
from preflight.aws.efs_access import ROOT, Folder, Rights

OWNED = Folder("/site", 1000, 1000, 0o755)
USER = {"Uid": 1000, "Gid": 1000}


@pytest.mark.parametrize(
    ("folder", "user", "rights", "is_read_only"),
    [
        pytest.param(OWNED, USER, Rights(), False, id="the owner"),
        pytest.param(ROOT, USER, Rights(), True, id="the root of a file system is root's"),
        pytest.param(ROOT, {"Uid": 0, "Gid": 0}, Rights(), False, id="root"),
        pytest.param(ROOT, {"Uid": 0, "Gid": 0}, Rights(is_root=False), True, id="root without root access"),
        pytest.param(OWNED, {"Uid": 2000, "Gid": 1000}, Rights(), True, id="a group that may not write"),
        pytest.param(Folder("/s", 1, 1000, 0o775), {"Uid": 2, "Gid": 1000}, Rights(), False, id="a group that may write"),
        pytest.param(
            Folder("/s", 1, 7, 0o775), {**USER, "SecondaryGids": [7]}, Rights(), False, id="a secondary group that may write"
        ),
        pytest.param(Folder("/s", 1000, 1000, 0o577), USER, Rights(), True, id="the bits of the owner count for the owner"),
        pytest.param(Folder("/s", 1, 1, 0o777), USER, Rights(), False, id="everyone may write"),
        pytest.param(Folder("/s", 1, 1, 0o776), USER, Rights(), True, id="writing without entering"),
        pytest.param(OWNED, USER, Rights(can_write=False), True, id="no right to write"),
        pytest.param(OWNED, None, Rights(), False, id="no PosixUser: the container's own user counts"),
        pytest.param(ROOT, None, Rights(is_root=False), True, id="only root could write, and has no root access"),
        pytest.param(OWNED, None, Rights(is_root=False), False, id="the owner may write, whatever root may"),
    ],
)  # fmt: skip
def test_an_access_point_is_read_only_if_its_user_may_not_write(
    folder: Folder, user: dict[str, Any] | None, rights: Rights, *, is_read_only: bool
) -> None:
    assert efs_access.seen(folder, user, rights)[1] == is_read_only


def test_a_posix_user_that_may_write_stands_for_the_users_of_all_containers() -> None:
    assert efs_access.seen(OWNED, USER, Rights())[0].mode == 0o777


def test_a_path_is_the_same_with_and_without_slashes() -> None:
    assert {efs_access.normal(path) for path in ("/site", "site", "/site/", "//site")} == {"/site"}


@pytest.mark.parametrize("path", ["/", "", None])
def test_the_root_has_one_name(path: str | None) -> None:
    assert efs_access.normal(path) == "/"

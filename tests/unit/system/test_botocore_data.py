"""The sessions of a process share what botocore reads from its data files."""

from __future__ import annotations

import botocore.session
import pytest

from preflight.system import botocore_data


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.session, "create_loader", botocore.session.create_loader)  # set back afterwards
    botocore_data.share()


def loader() -> object:
    return botocore.session.Session().get_component("data_loader")


@pytest.mark.usefixtures("shared")
def test_sessions_share_a_loader() -> None:
    assert loader() is loader()


@pytest.mark.usefixtures("shared")
def test_sessions_with_other_folders_of_data_have_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    first = loader()

    monkeypatch.setenv("AWS_DATA_PATH", "/elsewhere")

    assert loader() is not first

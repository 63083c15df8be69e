"""Changes to the role of the integration workflow."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def without(client: Callable[[str], Any], ci_role: str) -> Callable[[str], None]:
    """Take one statement of that role away, by its Sid."""

    def take(sid: str) -> None:
        iam, name = client("iam"), ci_role.rpartition("/")[2]
        document = iam.get_role_policy(RoleName=name, PolicyName="run")["PolicyDocument"]
        document["Statement"] = [one for one in document["Statement"] if one["Sid"] != sid]
        iam.put_role_policy(RoleName=name, PolicyName="run", PolicyDocument=json.dumps(document))

    return take

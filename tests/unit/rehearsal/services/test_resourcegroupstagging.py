from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MARK = {"preflight:run": "0a1b2c3d"}


@pytest.fixture
def tagged(client: Callable[[str], Any]) -> Any:
    """The tagging service of an account with a repository and a log group that carry a tag."""
    client("ecr").create_repository(repositoryName="web", tags=[{"Key": k, "Value": v} for k, v in MARK.items()])
    client("logs").create_log_group(logGroupName="web", tags=MARK)
    return client("resourcegroupstaggingapi")


@pytest.mark.parametrize(
    ("kind", "end"),
    [pytest.param("ecr:repository", ":repository/web", id="a repository"), pytest.param("logs:log-group", ":web", id="a log group")],
)  # fmt: skip
def test_what_carries_a_tag_is_found_by_its_type(tagged: Any, kind: str, end: str) -> None:
    found = tagged.get_resources(TagFilters=[{"Key": "preflight:run"}], ResourceTypeFilters=[kind])

    arns = [one["ResourceARN"] for one in found["ResourceTagMappingList"]]
    assert [arn.removesuffix(":*").endswith(end) for arn in arns] == [True]


def test_what_carries_another_tag_is_not_found(tagged: Any) -> None:
    found = tagged.get_resources(TagFilters=[{"Key": "preflight:plan"}])

    assert found["ResourceTagMappingList"] == []


def test_a_log_group_has_no_tags_of_one_that_was_deleted(client: Callable[[str], Any]) -> None:
    logs = client("logs")
    logs.create_log_group(logGroupName="web", tags={"a": "1"})
    logs.delete_log_group(logGroupName="web")
    logs.create_log_group(logGroupName="web", tags={"b": "2"})

    arn = logs.describe_log_groups()["logGroups"][0]["arn"].removesuffix(":*")

    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}

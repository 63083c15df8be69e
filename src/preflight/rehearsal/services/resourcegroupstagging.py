"""What GetResources finds: moto knows no repositories there, and calls log groups by another type.

Source: https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/supported-services.html
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from moto.core import resource_tagging
from moto.ecr.models import ecr_backends
from moto.resourcegroupstaggingapi import models

RENAMED = {"logs:loggroup": "logs:log-group"}


def find_all_resources() -> None:
    """Let GetResources find what it finds on AWS."""
    models.ResourceGroupsTaggingAPIBackend._get_resources_generator = _found  # noqa: SLF001 - moto has no other way


def _found(
    self: Any,
    tag_filters: list[dict[str, Any]] | None = None,
    resource_type_filters: list[str] | None = None,
    resource_arn_list: list[str] | None = None,
) -> Iterator[Any]:
    fits = resource_tagging.make_tag_matcher(tag_filters)
    for one in _every(self.account_id, self.region_name):
        is_shown = bool(one.tags) or one.extra.get("include_untagged")
        is_typed = resource_tagging.match_resource_type(one.resource_type, resource_type_filters)
        is_named = not resource_arn_list or one.arn in resource_arn_list
        if is_shown and is_typed and is_named and fits(one.tags):
            yield one


def _every(account: str, region: str) -> Iterator[Any]:
    for backend in resource_tagging.iter_taggable_backends(account, region):
        for one in backend.iter_tagged_resources():
            yield dataclasses.replace(one, resource_type=RENAMED.get(one.resource_type, one.resource_type))
    repositories = ecr_backends[account][region]
    for repository in repositories.repositories.values():
        tags = repositories.tagger.get_tag_dict_for_resource(repository.arn)
        yield resource_tagging.TaggedResource(arn=repository.arn, tags=tags, resource_type="ecr:repository")

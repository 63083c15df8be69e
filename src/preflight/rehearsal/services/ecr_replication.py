"""Where the images of a registry are copied to, kept by us: moto takes one rule only.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutReplicationConfiguration.html; moto/ecr/models.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.protocol import Call, Operation, Refusal


def operations(registry: str) -> Mapping[str, Operation]:
    """Put and Describe, of one configuration a region."""
    configurations: dict[str, Any] = {}

    def put(call: Call) -> dict[str, Any]:
        configuration = call.parameters["replicationConfiguration"]
        for rule in configuration["rules"]:
            if {"region": call.region, "registryId": registry} in rule["destinations"]:
                raise Refusal(
                    "InvalidParameterException",
                    "Invalid parameter at 'replicationConfiguration' failed to satisfy constraint: "
                    "'Replication destination cannot be the same as the source registry'",
                )
        configurations[call.region] = configuration
        return {"replicationConfiguration": configuration}

    def describe(call: Call) -> dict[str, Any]:
        return {"registryId": registry, "replicationConfiguration": configurations.get(call.region, {"rules": []})}

    return {"PutReplicationConfiguration": put, "DescribeRegistry": describe}

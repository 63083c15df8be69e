"""Flow logs to any bucket, where moto knows those of its own account alone, and no folders."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.flow_logs import FlowLogsBackend


def take_any_bucket() -> None:
    """Lets moto take a bucket of another account, and a folder in one.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html; moto/ec2/models/flow_logs.py.
    """
    create = FlowLogsBackend.create_flow_logs

    def create_without_its_bucket(backend: Any, *positional: Any, log_destination_type: str | None = None, **keywords: Any) -> Any:
        kind = "kinesis-data-firehose" if log_destination_type == "s3" else log_destination_type
        created, unsuccessful = create(backend, *positional, log_destination_type=kind, **keywords)
        for flow_log in created:
            flow_log.log_destination_type = log_destination_type or flow_log.log_destination_type
        return created, unsuccessful

    if create.__name__ != create_without_its_bucket.__name__:
        FlowLogsBackend.create_flow_logs = create_without_its_bucket

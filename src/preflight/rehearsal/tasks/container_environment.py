"""The environment variables that Fargate adds to those of a container definition. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html.
"""

from __future__ import annotations

from preflight.rehearsal.network import task_listener


def variables(
    container_id: str, credentials: str | None, region: str, *, can_reach_aws: bool, is_at_port_80: bool
) -> dict[str, str]:
    """Returns the variables by which a container finds the metadata endpoint, its credentials and the emulated AWS.

    They name the endpoint's real port unless connections to port 80 are redirected to it.
    """
    base = f"http://{task_listener.ADDRESS}"
    if not is_at_port_80:
        base += f":{task_listener.PORT}"
    environment = {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
        "ECS_CONTAINER_METADATA_URI": f"{base}/v3/{container_id}",
        "ECS_CONTAINER_METADATA_URI_V4": f"{base}/v4/{container_id}",
        "ECS_AGENT_URI": f"{base}/api/{container_id}",
    }
    if credentials and is_at_port_80:
        environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = credentials
    elif credentials:
        environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = base + credentials
    if can_reach_aws:
        environment["AWS_ENDPOINT_URL"] = f"http://{task_listener.ADDRESS}:{task_listener.AWS_PORT}"
    return environment

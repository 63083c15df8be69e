"""Secrets and parameters in the environment of containers.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from botocore.exceptions import ClientError

from preflight.model import JsonObject
from preflight.rehearsal.tasks.launch_calls import caller as callers
from preflight.rehearsal.tasks.launch_calls import decryption
from preflight.rehearsal.tasks.launch_calls.caller import ExecutionRoleCaller, LaunchFailedError

RESOURCE = callers.AUTH + "execution resource retrieval failed: "
ASM = RESOURCE + "unable to retrieve secret from asm: "
SSM = RESOURCE + "unable to retrieve secrets from ssm: "


def value(caller: ExecutionRoleCaller, reference: str) -> str:
    """Returns the value of a secret or parameter.

    Raises:
        LaunchFailedError: it cannot be read.
    """
    parts = reference.split(":")
    if len(parts) > 5 and parts[2] == "secretsmanager":
        return _from_secrets_manager(caller, reference)
    return _from_parameter_store(caller, reference)


def _from_secrets_manager(caller: ExecutionRoleCaller, reference: str) -> str:
    parts = reference.split(":")
    arn = ":".join(parts[:7])
    key, stage, version = (*parts[7:10], "", "", "")[:3]
    if caller.blocker_to("secretsmanager"):
        raise LaunchFailedError(
            callers.AUTH + "unable to retrieve secret from asm: There is a connection issue between the task "
            "and AWS Secrets Manager. Check your task network configuration."
        )
    denied = caller.denial("secretsmanager:GetSecretValue", arn)
    if denied:
        raise LaunchFailedError(
            f"{ASM}service call has been retried 1 time(s): failed to fetch secret {arn} from secrets "
            f"manager: AccessDeniedException: {denied} status code: 400, request id: {uuid.uuid4()}"
        )
    client = caller.client("secretsmanager", parts[3])
    selection = {"VersionStage": stage} if stage else {"VersionId": version} if version else {}
    try:
        secret = str(client.get_secret_value(SecretId=arn, **selection)["SecretString"])
        key_id = client.describe_secret(SecretId=arn).get("KmsKeyId")
    except (ClientError, KeyError):
        raise LaunchFailedError(
            callers.AUTH + "The task can't pull the secret from Secrets Manager. The task can't retrieve the "
            f"secret with ARN '{arn}' from Secrets Manager. Check whether the secret exists in the "
            "specified Region. ResourceNotFoundException: Secrets Manager can't find the specified secret."
        ) from None
    decryption.check(caller, key_id, service="secretsmanager", start=ASM)
    return secret if not key else _json_key(secret, key)


def _from_parameter_store(caller: ExecutionRoleCaller, reference: str) -> str:
    is_arn = reference.startswith("arn:")
    name = reference.partition(":parameter")[2] if is_arn else reference
    path = name if name.startswith("/") else f"/{name}"
    account = caller.task.arn.split(":")[4]
    arn = reference if is_arn else f"arn:{caller.partition}:ssm:{caller.task.region}:{account}:parameter{path}"
    if caller.blocker_to("ssm"):
        raise LaunchFailedError(
            callers.AUTH + "unable to retrieve secrets from ssm: The task cannot pull secrets from AWS Systems "
            "Manager. There is a connection issue between the task and AWS Systems Manager Parameter "
            "Store. Check your task network configuration."
        )
    denied = caller.denial("ssm:GetParameters", arn)
    if denied:
        raise LaunchFailedError(
            f"{SSM}service call has been retried 1 time(s): AccessDeniedException: {denied} "
            f"status code: 400, request id: {uuid.uuid4()}"
        )
    ssm = caller.client("ssm", reference.split(":")[3] if is_arn else None)
    parameter = _parameter(ssm, name)
    if parameter is None:
        raise LaunchFailedError(
            f"{SSM}service call has been retried 1 time(s): InvalidParameter: invalid ssm parameters: {name}"
        )
    if parameter["Type"] == "SecureString":
        decryption.check(caller, _key_of(ssm, str(parameter["Name"])), service="ssm", start=SSM)
    return str(parameter["Value"])


def _parameter(client: Any, name: str) -> JsonObject | None:
    for candidate in (name, name.removeprefix("/")):
        parameters = client.get_parameters(Names=[candidate], WithDecryption=True)["Parameters"]
        if parameters:
            return dict(parameters[0])
    return None


def _key_of(client: Any, name: str) -> str | None:
    filters = [{"Key": "Name", "Values": [name]}]
    parameters = client.describe_parameters(ParameterFilters=filters)["Parameters"]
    return str(parameters[0]["KeyId"]) if parameters and parameters[0].get("KeyId") else None


def _json_key(text: str, key: str) -> str:
    try:
        value = json.loads(text)[key]
    except ValueError as error:
        raise LaunchFailedError(f"{ASM}{_not_json(error)}") from None
    except (KeyError, TypeError):
        msg = f"{ASM}retrieved secret from Secrets Manager did not contain json key {key}"
        raise LaunchFailedError(msg) from None
    return value if isinstance(value, str) else json.dumps(value)


def _not_json(error: ValueError) -> str:
    """Returns what the decoder of ECS says of a text that is no JSON, with the character at which it gave up."""
    text, position = getattr(error, "doc", ""), getattr(error, "pos", 0)
    if not text[position:].strip():
        return "unexpected end of JSON input"
    place = "object key string" if "property name" in str(error) else "value"
    return f"invalid character {text[position]!r} looking for beginning of {place}"

"""Dynamic references: values of Systems Manager and Secrets Manager, looked up when a resource is created.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html.
"""

from __future__ import annotations

import json
import re
from typing import Any

from botocore.exceptions import ClientError

from preflight.rehearsal import protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.cloudformation import public_parameters
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError

_REFERENCE = re.compile(r"\{\{resolve:(?P<service>ssm|ssm-secure|secretsmanager):(?P<rest>[^{}]+)\}\}")


def resolve(value: Any, account: Account, region: str) -> Any:
    """Returns `value` with every dynamic reference replaced by the value that it names.

    Raises:
        ResourceFailedError: there is no such value, or the caller may not read it.
    """
    if isinstance(value, dict):
        return {key: resolve(item, account, region) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, account, region) for item in value]
    if not isinstance(value, str):
        return value
    return _REFERENCE.sub(lambda match: _value(match["service"], match["rest"], account, region), value)


def _value(service: str, rest: str, account: Account, region: str) -> str:
    try:
        if service == "secretsmanager":
            return _secret(rest, account.client("secretsmanager", region))
        name = rest.rpartition(":")[0] if rest.rpartition(":")[2].isdigit() else rest
        public = public_parameters.value(name, region)
        if public is not None:
            return public
        response = account.client("ssm", region).get_parameter(Name=name, WithDecryption=True)
        return str(response["Parameter"]["Value"])
    except (ClientError, KeyError, ValueError) as error:
        denied = protocol.denial(error) if isinstance(error, ClientError) else None
        if denied is not None:
            raise ResourceFailedError(denied, "AccessDenied") from None
        msg = f"Could not resolve the dynamic reference {{{{resolve:{service}:{rest}}}}}"
        raise ResourceFailedError(msg, "NotFound", is_whole=True) from None


def _secret(rest: str, client: Any) -> str:
    parts = rest.split(":")
    size = 7 if rest.startswith("arn:") else 1
    name, (_, key, *_rest) = ":".join(parts[:size]), [*parts[size:], "", ""]
    text = str(client.get_secret_value(SecretId=name)["SecretString"])
    return str(json.loads(text)[key]) if key else text

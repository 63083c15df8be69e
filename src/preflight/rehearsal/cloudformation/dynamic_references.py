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
from preflight.rehearsal.cloudformation import parameter_store
from preflight.rehearsal.cloudformation.parameter_store import UnknownValueError
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.ledger import Ledger

_REFERENCE = re.compile(r"\{\{resolve:(?P<service>ssm|ssm-secure|secretsmanager):(?P<rest>[^{}]+)\}\}")


def resolve(value: Any, account: Account, region: str, ledger: Ledger) -> Any:
    """Returns `value` with every dynamic reference replaced by the value that it names.

    Raises:
        ResourceFailedError: there is no such value, the caller may not read it, or it is not known here.
    """
    if isinstance(value, dict):
        return {key: resolve(item, account, region, ledger) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, account, region, ledger) for item in value]
    if not isinstance(value, str):
        return value
    return _REFERENCE.sub(lambda match: _value(match["service"], match["rest"], account, region, ledger), value)


def _value(service: str, rest: str, account: Account, region: str, ledger: Ledger) -> str:
    try:
        if service == "secretsmanager":
            return _secret(rest, account.client("secretsmanager", region))
        stored = parameter_store.value(rest, account, region, ledger)
    except UnknownValueError as error:
        raise ResourceFailedError(error.message, is_whole=True) from None
    except (ClientError, KeyError, ValueError) as error:
        denied = protocol.denial(error) if isinstance(error, ClientError) else None
        if denied is not None:
            raise ResourceFailedError(denied, "AccessDenied") from None
        stored = None
    if stored is None:
        msg = f"Could not resolve the dynamic reference {{{{resolve:{service}:{rest}}}}}"
        raise ResourceFailedError(msg, "NotFound", is_whole=True)
    return stored


def _secret(rest: str, client: Any) -> str:
    parts = rest.split(":")
    size = 7 if rest.startswith("arn:") else 1
    name, (_, key, *_rest) = ":".join(parts[:size]), [*parts[size:], "", ""]
    text = str(client.get_secret_value(SecretId=name)["SecretString"])
    return str(json.loads(text)[key]) if key else text

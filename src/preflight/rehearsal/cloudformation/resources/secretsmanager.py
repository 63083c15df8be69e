"""Secrets of Secrets Manager."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
)

PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def _create_secret(place: HandlerContext, given: Properties) -> CreatedResource:
    value = given.get("SecretString")
    if value is None and "GenerateSecretString" in given:
        value = generated(given["GenerateSecretString"])
    asked = {"Name": given.get("Name") or place.name(most=256)}
    asked |= {key: given[key] for key in ("Description", "KmsKeyId") if key in given}
    tags = place.all_tags(given.get("Tags"))
    made = place.ask(
        "secretsmanager",
        "CreateSecret",
        **asked,
        **({"SecretString": value} if value is not None else {}),
        **({"Tags": tags} if tags else {}),
    )
    for key in given:
        is_kept = key in {"Name", "Description", "KmsKeyId", "SecretString", "GenerateSecretString", "Tags"}
        place.note(key, "stored" if is_kept else "ignored")
    return CreatedResource(made["ARN"], {"Id": made["ARN"]})


def generated(rules: Mapping[str, Any]) -> str:
    """A secret made by the rules of GenerateSecretString.

    Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html.
    """
    kinds = (
        ("ExcludeLowercase", string.ascii_lowercase),
        ("ExcludeUppercase", string.ascii_uppercase),
        ("ExcludeNumbers", string.digits),
        ("ExcludePunctuation", PUNCTUATION),
    )
    letters = "".join(letters for rule, letters in kinds if not rules.get(rule))
    letters = "".join(letter for letter in letters if letter not in str(rules.get("ExcludeCharacters", "")))
    password = "".join(secrets.choice(letters or "x") for _ in range(int(rules.get("PasswordLength") or 32)))
    if not rules.get("GenerateStringKey"):
        return password
    return json.dumps({**json.loads(rules.get("SecretStringTemplate") or "{}"), rules["GenerateStringKey"]: password})


def _delete_secret(place: HandlerContext, arn: str, _given: Properties) -> None:
    place.ask("secretsmanager", "DeleteSecret", SecretId=arn, ForceDeleteWithoutRecovery=True)


def _update_secret(place: HandlerContext, arn: str, _old: Properties, new: Properties) -> CreatedResource:
    changed = {key: new[key] for key in ("Description", "KmsKeyId", "SecretString") if key in new}
    place.call("secretsmanager", "UpdateSecret", {"SecretId": arn, **changed})
    return CreatedResource(arn, {"Id": arn})


def _read_secret(place: HandlerContext, arn: str, given: Properties) -> dict[str, Any]:
    kept = place.ask("secretsmanager", "DescribeSecret", SecretId=arn)
    has_value = any("AWSCURRENT" in stages for stages in kept.get("VersionIdsToStages", {}).values())
    value = place.ask("secretsmanager", "GetSecretValue", SecretId=arn)["SecretString"] if has_value else None
    return {
        **kept,
        "SecretString": value,
        "GenerateSecretString": given.get("GenerateSecretString") if value else None,
    }


TYPES: Mapping[str, Handler] = {
    "AWS::SecretsManager::Secret": Handler(_create_secret, _delete_secret, _update_secret, _read_secret),
}

"""What CloudWatch Logs refuses of its policies: data protection, policies of an account, and policies of access."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import unresolved
from preflight.aws.constraints import Constraint, Fault, equal, get, items, lacks, matches, unequal, value
from preflight.aws.refusals import json_documents
from preflight.aws.refusals.iam_policy_conditions import CONDITION_RULES
from preflight.aws.refusals.iam_policy_documents import SYNTAX_RULES
from preflight.aws.refusals.iam_policy_principals import PRINCIPAL_RULES
from preflight.aws.refusals.json_documents import Document, DocumentRule

_API = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference"
_ACCOUNT = f"{_API}/API_PutAccountPolicy.html"
_PROTECTION = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch-logs-data-protection-policies.html"
_INVALID = "InvalidParameterException"
_ACCESS = (
    "Error occurred while parsing accessPolicy. Please check if the accessPolicy has been constructed correctly using IAM grammar."
)
_EMAIL = "arn:aws:dataprotection::aws:data-identifier/EmailAddress"


def access(name: str) -> tuple[Constraint, ...]:
    """Returns the rows of a policy that lets others write to this account."""
    return json_documents.rows((*SYNTAX_RULES, *CONDITION_RULES, *PRINCIPAL_RULES), name, code=_INVALID, sentence=_ACCESS)


def _statements(document: Document) -> list[Mapping[str, Any]]:
    statements = items(document, "Statement")
    return [] if unresolved.contains_function(statements) else [item for item in statements if isinstance(item, Mapping)]


def _operation(statement: Mapping[str, Any]) -> str:
    operation = statement.get("Operation")
    return str(next(iter(operation), "")) if isinstance(operation, Mapping) else ""


def _version(document: Document) -> Iterator[Fault]:
    if not unresolved.is_function(document.get("Version")) and str(document.get("Version")) != "2021-06-01":
        yield Fault(("Version",), document.get("Version"))


def _two(document: Document) -> Iterator[Fault]:
    statements = _statements(document)
    if statements and sorted(map(_operation, statements)) != ["Audit", "Deidentify"]:
        yield Fault(("Statement",), len(statements))


def _same(document: Document) -> Iterator[Fault]:
    listed = [sorted(map(str, items(statement, "DataIdentifier"))) for statement in _statements(document)]
    if len(listed) == 2 and listed[0] != listed[1]:
        yield Fault(("Statement", 1, "DataIdentifier"))


def _identifiers(document: Document) -> Iterator[Fault]:
    if unresolved.contains_function(document.get("Configuration")):
        return
    names = {str(item.get("Name")) for item in items(document, "Configuration.CustomDataIdentifier") if isinstance(item, Mapping)}
    for number, statement in enumerate(_statements(document)):
        for identifier in map(str, items(statement, "DataIdentifier")):
            if not identifier.startswith("arn:") and identifier not in names:
                yield Fault(("Statement", number, "DataIdentifier"), identifier)


def _masks(document: Document) -> Iterator[Fault]:
    for number, statement in enumerate(_statements(document)):
        mask = get(statement, "Operation.Deidentify.MaskConfig")
        keys = mask if isinstance(mask, Mapping) else ()
        yield from (Fault(("Statement", number, "Operation", "Deidentify", "MaskConfig"), key) for key in keys)


def _policy(*identifiers: str, version: str = "2021-06-01", mask: Document | None = None, number: int = 2) -> Document:
    audit = {"DataIdentifier": [_EMAIL], "Operation": {"Audit": {"FindingsDestination": {}}}}
    masked = {"DataIdentifier": list(identifiers) or [_EMAIL], "Operation": {"Deidentify": {"MaskConfig": mask or {}}}}
    return {"Version": version, "Statement": [audit, masked, audit][:number]}


_CUSTOM = {
    **_policy("Employee"),
    "Configuration": {"CustomDataIdentifier": [{"Name": "Employee", "Regex": "E-[0-9]+"}]},
}
PROTECTION = json_documents.rows(
    (
        DocumentRule(
            _version, "Policy Version must be 2021-06-01", _PROTECTION, (_policy(),), (_policy(version="2012-10-17"),)
        ),
        DocumentRule(
            _two,
            "Policy can only have two statements. One for Audit Operation and one for Deidentify Operation",
            _PROTECTION,
            (_policy(),),
            (_policy(number=1), _policy(number=3)),
        ),
        DocumentRule(
            _same,
            "Audit Statement and Deidentify Statement must have the same Data Identifiers",
            _PROTECTION,
            (_policy(),),
            (_policy("arn:aws:dataprotection::aws:data-identifier/Name"),),
        ),
        DocumentRule(
            _identifiers,
            "{value} is not a valid Data Identifier",
            _PROTECTION,
            (_policy(), _CUSTOM, {**_policy("Employee"), "Configuration": {"Ref": "Configuration"}}),
            (_policy("Email"),),
        ),
        DocumentRule(_masks, "{value} is not a valid field", _PROTECTION, (_policy(),), (_policy(mask={"Character": "#"}),)),
    ),
    "DataProtectionPolicy",
    code=_INVALID,
)


def _no_destination(document: Document) -> Iterator[Fault]:
    if "DestinationArn" not in document:
        yield Fault(())


def _criteria(kind: str, pattern: str, *, taken: str, refused: str) -> Constraint:
    return Constraint(
        value("SelectionCriteria", matches(rf"(?is)\s*{pattern}", taken=(taken,), refused=(refused,))),
        _INVALID,
        "Invalid selection criteria provided: {value}",
        _ACCOUNT,
        when=equal("PolicyType", kind),
    )


_NOT_IN, _PREFIX = 'LogGroupName NOT IN ["/a"]', 'LogGroupNamePrefix = "/a"'
ACCOUNT: tuple[Constraint, ...] = (
    Constraint(
        json_documents.is_object("PolicyDocument"),
        _INVALID,
        "The policy document is not a JSON object",
        _ACCOUNT,
        when=unequal("PolicyType", "TRANSFORMER_POLICY", example="FIELD_INDEX_POLICY"),
    ),
    Constraint(
        json_documents.is_list("PolicyDocument"),
        _INVALID,
        "Invalid json transformer config provided: the policy document is a list of processors",
        _ACCOUNT,
        when=equal("PolicyType", "TRANSFORMER_POLICY"),
    ),
    *json_documents.rows(
        (
            DocumentRule(
                _no_destination,
                "The policy document of a subscription filter must have a DestinationArn",
                _ACCOUNT,
                ({"DestinationArn": "a"},),
                ({"FilterPattern": ""},),
            ),
        ),
        "PolicyDocument",
        code=_INVALID,
        when=equal("PolicyType", "SUBSCRIPTION_FILTER_POLICY"),
    ),
    _criteria("SUBSCRIPTION_FILTER_POLICY", r"LogGroupName\s+NOT\s+IN\s*\[.*", taken=_NOT_IN, refused=_PREFIX),
    _criteria("TRANSFORMER_POLICY", "LogGroupNamePrefix.*", taken=_PREFIX, refused=_NOT_IN),
    _criteria("FIELD_INDEX_POLICY", "(LogGroupNamePrefix|DataSource(Name|Type)).*", taken=_PREFIX, refused=_NOT_IN),
    Constraint(
        lacks("SelectionCriteria", shows="PolicyType"),
        _INVALID,
        "SelectionCriteria is not yet supported for the {value} policy type.",
        _ACCOUNT,
        when=equal("PolicyType", "DATA_PROTECTION_POLICY"),
    ),
)

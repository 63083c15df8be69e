"""What services refuse of the tags of a resource: reserved, long and repeated keys, and too many of them.

Only the tags of a template are checked: requests also have those that CloudFormation adds, whose keys begin with aws:.
Source: https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html#id_tags_naming_best_practices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    count,
    items,
    known,
    length,
    unique,
    value,
)

_PAGE = "https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html"
_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html"
_MOST = 50
# The error codes of services for keys that are not valid, and for one that is there twice.
_CODES: Mapping[str, tuple[str, str]] = {
    "EC2": ("InvalidParameterValue", "InvalidParameterValue"),
    "ECR": ("InvalidTagParameterException", "InvalidTagParameterException"),
    "ElasticLoadBalancingV2": ("ValidationError", "DuplicateTagKeys"),
    "IAM": ("InvalidInput", "InvalidInput"),
    "KMS": ("TagException", "TagException"),
    "S3": ("InvalidTag", "InvalidTag"),
    "SNS": ("InvalidParameter", "InvalidParameter"),
    "SecretsManager": ("InvalidRequestException", "InvalidRequestException"),
}
_NO_LIST = {"AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"}
_FREE = Predicate(lambda key: not str(key).startswith("aws:"), ("team", "awsome", "AWS:team"), ("aws:team",))


def _repeated(part: Object) -> Iterator[Fault]:
    """The keys of IAM are the same in upper and lower case."""
    seen: set[str] = set()
    for number, tag in enumerate(items(part, "Tags")):
        key = known(tag, "Key") if isinstance(tag, Mapping) else None
        if key is not None and str(key).lower() in seen:
            yield Fault(("Tags", number, "Key"), key)
        seen.add(str(key).lower() if key is not None else "")


_REPEATED = Test(_repeated, ({"Tags": [{"Key": "a"}, {"Key": "b"}]},), ({"Tags": [{"Key": "a"}, {"Key": "A"}]},))


def rows(kind: str) -> tuple[Constraint, ...]:
    """Returns the rows of a resource type, none if its service's tags are not known."""
    service = kind.split("::")[1] if kind.startswith("AWS::") else ""
    if service not in _CODES or kind in _NO_LIST:
        return ()
    invalid, duplicate = _CODES[service]
    alike = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
    return (
        Constraint(count("Tags", 0, _MOST), "LimitExceeded", f"A resource can have at most {_MOST} tags, not {{value}}", _PAGE),
        Constraint(value("Key", _FREE), invalid, "Tag keys starting with 'aws:' are reserved for internal use: {value}", _PAGE, "Tags[]"),
        Constraint(value("Key", length(1, 128)), invalid, "A tag key has from 1 to 128 characters: {value}", _PAGE, "Tags[]"),
        Constraint(value("Value", length(0, 256)), invalid, "A tag value has up to 256 characters: {value}", _PAGE, "Tags[]"),
        Constraint(_REPEATED, duplicate, alike, _IAM)
        if service == "IAM"
        else Constraint(unique("Tags", "Key"), duplicate, "Duplicate tag key '{value}' specified.", _PAGE),
    )

"""The resources that IAM's policies of identities name.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from preflight.aws.refusals.iam_policy_documents import USER_GUIDE, of_statements, with_any, without_all, wrong_texts

_PAGE = f"{USER_GUIDE}/reference_policies_elements_resource.html"
_NAMES = ("Resource", "NotResource")
# Of S3, only these have a region: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html.
_IN_REGIONS = ("accesspoint/", "access-grants/", "async-request/", "job/", "storage-lens/", "storage-lens-group/")


def _parts(text: str) -> list[str]:
    """Returns partition, service, region, account and resource of an ARN, as many as it has."""
    return text.split(":", 5)[1:]


def _is_arn(text: str) -> bool:
    return text == "*" or ":" in text


def _has_partition(text: str) -> bool:
    return text == "*" or ":" not in text or re.fullmatch(r"\*|aws(-[a-z*-]+)?|aws\*", _parts(text)[0]) is not None


def _has_service(text: str) -> bool:
    """Whether the service of an ARN with all of its parts is named in full."""
    return text.count(":") < 5 or not set(_parts(text)[1]) & {"*", "?"}


def _has_segments(text: str) -> bool:
    """Whether an ARN has its six parts; IAM reads fewer if none of them is empty, and no part is needed for patterns."""
    if not text.startswith("arn:"):
        return True
    return text.count(":") >= 5 or ("::" not in text and text.count(":") >= 2)


def _lacks_region(service: str, *, except_for: tuple[str, ...] = ()) -> Callable[[str], bool]:
    """Returns whether an ARN of a service that has none has no region."""

    def fits(text: str) -> bool:
        parts = _parts(text)
        if not text.startswith("arn:") or len(parts) < 3 or parts[1] != service or parts[2] in {"", "*"}:
            return True
        return len(parts) == 5 and parts[4].startswith((*except_for, "*"))

    return fits


NEEDS_RESOURCE = of_statements(
    without_all(*_NAMES),
    "Policy statement must contain resources.",
    _PAGE,
    right=({"Resource": "*"}, {"NotResource": ["arn:aws:s3:::b"]}),
    wrong=({"Effect": "Allow"}, {"Resource": []}),
)
RESOURCE_RULES = (
    of_statements(
        with_any("Principal", "NotPrincipal"),
        "Policy document should not specify a principal.",
        f"{USER_GUIDE}/reference_policies_elements_principal.html",
        right=({"Resource": "*"},),
        wrong=({"Principal": "*"}, {"NotPrincipal": {"AWS": "*"}}),
    ),
    NEEDS_RESOURCE,
    of_statements(
        wrong_texts(_is_arn, *_NAMES),
        'Resource {value} must be in ARN format or "*".',
        _PAGE,
        right=({"Resource": "*"}, {"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}),
        wrong=({"Resource": "mybucket"}, {"NotResource": ["mybucket/*"]}),
    ),
    of_statements(
        wrong_texts(_has_partition, *_NAMES),
        'The partition is not valid for resource "{value}".',
        f"{USER_GUIDE}/reference-arns.html",
        right=({"Resource": "arn:aws-cn:s3:::b"}, {"Resource": "arn:*:s3:::b"}),
        wrong=({"Resource": "arn:amazon:s3:::b"}, {"Resource": "arn::s3:::b"}),
    ),
    of_statements(
        wrong_texts(_has_service, *_NAMES),
        "Resource vendor must be fully qualified and cannot contain regexes.",
        _PAGE,
        right=({"Resource": "arn:aws:s3:::*"}, {"Resource": "arn:*"}, {"Resource": "arn:aws:ecs:*"}),
        wrong=({"Resource": "arn:aws:*:::b"}, {"NotResource": "arn:aws:s?:::b"}),
        cure="Write the service of the resource without wildcards.",
    ),
    of_statements(
        wrong_texts(_has_segments, *_NAMES),
        "The policy failed legacy parsing",
        f"{USER_GUIDE}/reference-arns.html",
        right=({"Resource": "arn:aws:sqs:us-east-1:123456789012:q"}, {"Resource": "arn:aws:ecs:*"}),
        wrong=({"Resource": "arn:aws:s3::b"}, {"Resource": "arn:aws"}),
    ),
    of_statements(
        wrong_texts(_lacks_region("s3", except_for=_IN_REGIONS), *_NAMES),
        "Resource {value} can not contain region information.",
        _PAGE,
        right=({"Resource": "arn:aws:s3:::b"}, {"Resource": "arn:aws:s3:us-east-1:123456789012:accesspoint/x"}),
        wrong=({"Resource": "arn:aws:s3:us-east-1::b"}, {"Resource": "arn:aws:s3:b"}),
    ),
    of_statements(
        wrong_texts(_lacks_region("iam"), *_NAMES),
        "IAM resource {value} cannot contain region information.",
        _PAGE,
        right=({"Resource": "arn:aws:iam::123456789012:role/x"},),
        wrong=({"Resource": "arn:aws:iam:us-east-1:123456789012:role/x"},),
    ),
)

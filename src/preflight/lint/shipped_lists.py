"""Lists that cfn-lint ships and AWS makes longer: instance classes, versions of engines, runtimes.

cfn-lint collects them from AWS's price lists and APIs when it is released. A value of the form of such a list that is
not in it may be newer, and so is a warning; of another form it is a mistake.
Sources: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.html and
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-types.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from preflight.aws import growing_lists

_MISSING = re.compile(r"'(?P<value>[^']*)' is not one of \[")
_SIZES = r"(nano|micro|small|medium|large|\d*xlarge|metal(-\d+xl)?)"
_INSTANCE_TYPE = re.compile(rf"([a-z]+\.)?[a-z]+\d+[a-z0-9-]*\.{_SIZES}(\.[a-z0-9]+)*")
_VERSION = re.compile(r"\d+(\.\w+)*([._-]\w+)*")
ENUM = "E3030"
_ANY = re.compile(r".+")
_OF_CLASSES = (
    *("E3025", "E3617", "E3620", "E3621", "E3628", "E3635", "E3640", "E3641", "E3642", "E3643", "E3644", "E3647", "E3652"),
    *("E3653", "E3667", "E3670", "E3672", "E3675", "E3694"),
)
_FORMS: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(_OF_CLASSES, _INSTANCE_TYPE),
    "E3062": _ANY,  # the classes of one engine and version: each is of E3025's list
    **dict.fromkeys(("E3690", "E3691", "E3695"), _VERSION),
}
NOTE = "(AWS may have made the list longer since)"


def may_be_new(check: str, message: str, path: Sequence[str]) -> bool:
    """Whether a check of cfn-lint only says that a value is not in a list, which AWS may have made longer."""
    match = _MISSING.match(message)
    if match is None:
        return False
    if check == ENUM:
        return growing_lists.may_be_new(path[-1] if path else "", match["value"], re.findall(r"'([^']*)'", message[match.end() :]))
    form = _FORMS.get(check)
    return form is not None and form.fullmatch(match["value"]) is not None

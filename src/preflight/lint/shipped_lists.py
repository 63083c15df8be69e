"""Lists that cfn-lint ships and AWS makes longer: instance classes, versions of engines, runtimes.

cfn-lint collects them from AWS's price lists and APIs when it is released. A value of the form of such a list that is
not in it may be newer, and so is a warning; of another form it is a mistake.
Sources: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.html and
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-types.html.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from preflight.aws import growing_lists

_MISSING = re.compile(r"'(?P<value>[^']*)' is not one of \[")
_LONGEST = 128  # characters of a value, about twice the longest that AWS has
_SIZES = r"(nano|micro|small|medium|large|\d{0,3}xl(arge)?|metal(-\d{1,3}xl)?)"
_CLASS = re.compile(rf"([a-z]+\.)?(?P<series>[a-z]+)(?P<generation>\d{{1,3}})([a-z-][a-z0-9-]{{0,20}})?\.{_SIZES}(\.[a-z0-9]+){{0,3}}")
_VERSION = re.compile(
    r"\d{1,2}(\.(\d{1,6}|x)){0,4}"
    r"(\.mysql_aurora(\.\d{1,3}){2,4}|-rds\.\d{8}|-R\d{1,2}|-limitless|\.v\d{1,2}|\.sb\d{8}\.r\d{1,2}|\.ru-[0-9a-z.-]{1,40})?"
)
ENUM = "E3030"
_OF_CLASSES = (
    *("E3025", "E3617", "E3620", "E3621", "E3628", "E3635", "E3640", "E3641", "E3642", "E3643", "E3644", "E3647", "E3652"),
    *("E3653", "E3667", "E3670", "E3672", "E3675", "E3694"),
)
_OF_VERSIONS = ("E3690", "E3691", "E3695")
_ENGINES = "E3062"  # the classes of one engine and version
NOTE = "(AWS may have added it since)"


def may_be_new(check: str, message: str, path: Sequence[str]) -> bool:
    """Whether a check of cfn-lint only says that a value is not in a list, which AWS may have made longer."""
    match = _MISSING.match(message)
    if match is None or len(match["value"]) > _LONGEST:
        return False
    values = re.findall(r"'([^']*)'", message[match.end() :])
    if check == ENUM:
        return growing_lists.may_be_new(path[-1] if path else "", match["value"], values)
    if check in _OF_VERSIONS:
        return _VERSION.fullmatch(match["value"]) is not None and _follows(_numbers(match["value"]), [_numbers(value) for value in values])
    return check in (*_OF_CLASSES, _ENGINES) and _is_of_new_generation(match["value"], values)


def _is_of_new_generation(value: str, values: Sequence[str]) -> bool:
    """Whether no class of its series in the list is of a later generation only: AWS adds no old ones."""
    match = _CLASS.fullmatch(value)
    if match is None:
        return False
    listed = (_CLASS.fullmatch(text) for text in values)
    generations = [int(other["generation"]) for other in listed if other and other["series"] == match["series"]]
    return int(match["generation"]) >= min(generations, default=0)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def _follows(version: tuple[int, ...], listed: Sequence[tuple[int, ...]]) -> bool:
    """Whether a version is later than those that share its first numbers, as 8.0.50 is later than 8.0.46, or stands for them, as 8.0 does."""
    for number, part in enumerate(version):
        same = {other[number] for other in listed if other[:number] == version[:number] and len(other) > number}
        if part not in same:
            return part > max(same, default=-1)
    return True

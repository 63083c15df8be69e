"""Enumerations that AWS makes longer: a value of their form that is no known one misspelt may be newer than this program.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html,
https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html and
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from preflight.aws import spelling

# By the name of the property. Lambda has few languages, and adds versions of them.
_FORMS: Mapping[str, re.Pattern[str]] = {
    "PredefinedMetricType": re.compile(r"[A-Z][A-Za-z0-9]{9,99}"),
    "Runtime": re.compile(r"nodejs\d+\.x|python3\.\d+|java\d+(\.\w+)?|ruby\d\.\d|dotnet\d+|provided\.al\d+"),
    "UpstreamRegistry": re.compile(r"[a-z][a-z0-9-]{1,49}"),
}


def may_be_new(name: str, value: Any, values: Collection[str]) -> bool:
    """Whether AWS may have added a value to the values of a property."""
    form = _FORMS.get(name)
    return form is not None and form.fullmatch(str(value)) is not None and not spelling.is_near(str(value), values)

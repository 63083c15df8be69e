"""The partition, the domain and the zones of a region.

Source: https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
"""

from __future__ import annotations

import re

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


def is_region(text: str) -> bool:
    """Whether a text has the form of a region's name."""
    return _REGION.fullmatch(text) is not None


def partition_of(region: str) -> tuple[str, str]:
    """Partition and domain suffix of a region."""
    if region.startswith("cn-"):
        return "aws-cn", "amazonaws.com.cn"
    return ("aws-us-gov" if region.startswith("us-gov-") else "aws"), "amazonaws.com"


def zones(region: str) -> int:
    """Returns how many zones of a region every account can use.

    Source: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html
    """
    return 2 if region == "us-west-1" else 3

"""Route 53: ids of hosted zones begin with Z, as templates expect; moto's begin with any character.

Source: https://docs.aws.amazon.com/Route53/latest/APIReference/API_HostedZone.html.
"""

from __future__ import annotations

import functools
import uuid

from moto.utilities.id_generator import IdSourceContext, moto_id_manager

LENGTH = 20  # of what follows the Z


@functools.cache  # the process has one manager of ids
def give_zones_ids_of_aws() -> None:
    """Let new hosted zones have ids in AWS's form."""
    moto_id_manager.add_id_source(_zone_id)


def _zone_id(context: IdSourceContext) -> str | None:
    identifier = context["resource_identifier"]
    is_zone = (identifier.service, identifier.resource) == ("route53", "hosted_zone")
    return f"Z{uuid.uuid4().hex.upper()[:LENGTH]}" if is_zone else None

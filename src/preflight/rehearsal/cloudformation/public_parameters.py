"""Values of the public parameters that AWS publishes in Systems Manager, as far as their form is documented.

Sources: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-finding-public-parameters.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/retrieve-ecs-optimized_AMI.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/retrieve-ecs-optimized_windows_AMI.html,
https://docs.aws.amazon.com/eks/latest/userguide/retrieve-windows-ami-id.html,
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/macos-ami-ids-parameter-store.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/firelens-using-fluentbit.html.
"""

from __future__ import annotations

import hashlib
import re

PREFIX = "/aws/service/"
_FLUENT_BIT = re.compile(r"/aws/service/aws-for-fluent-bit/(?P<tag>[A-Za-z0-9][A-Za-z0-9._-]*)")
_MACHINE_IMAGE = re.compile(
    r"/aws/service/(?:ami-(?:amazon-linux|windows)-latest/(?![^/]*E[CK]S_Optimized)[^/]+"
    r"|ami-windows-latest/[^/]*E[CK]S_Optimized[^/]*/image_id"  # without /image_id the value is a JSON document
    r"|ec2-macos/[^/]+/[^/]+/[^/]+/image_id"
    r"|ecs/optimized-(?:ami|bottlerocket)/.+/(?:image_id|recommended/image_id)"
    r"|bottlerocket/[^/]+/[^/]+/[^/]+/image_id"
    r"|eks/optimized-ami/.+/image_id"
    r"|canonical/ubuntu/.+/ami-id"
    r"|debian/release/[^/]+/[^/]+/[^/]+"
    r"|suse/sles/.+)"
)


def value(name: str, region: str) -> str | None:
    """Returns a value in the form of a public parameter's, or None if its form is not known.

    Which image a parameter names today is unknown here: ids of machine images are made up.
    """
    fluent_bit = _FLUENT_BIT.fullmatch(name)
    if fluent_bit is not None:
        return f"public.ecr.aws/aws-observability/aws-for-fluent-bit:{fluent_bit['tag']}"
    if _MACHINE_IMAGE.fullmatch(name):
        return f"ami-{hashlib.sha256(f'{region} {name}'.encode()).hexdigest()[:17]}"
    return None

"""What Elastic Load Balancing refuses of a listener rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.aws.constraints import Constraint, equal, lacks, length, needs, unequal, unique, value
from preflight.aws.refusals import listener_actions, listener_conditions

SERVICE = "elasticloadbalancing"
_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
_TRANSFORM = f"{_API}/API_RuleTransform.html"


def _transforms() -> Iterator[Constraint]:
    yield Constraint(
        unique("Transforms", "Type"),
        "ValidationError",
        "A rule can only have one '{value}' transform",
        f"{_API}/API_CreateRule.html",
    )
    for kind, config in (("host-header-rewrite", "HostHeaderRewriteConfig"), ("url-rewrite", "UrlRewriteConfig")):
        yield Constraint(
            needs(config),
            "ValidationError",
            f"'{config}' must be specified for a transform of type '{kind}'",
            _TRANSFORM,
            at="Transforms[]",
            when=equal("Type", kind),
        )
        yield Constraint(
            lacks(config, shows="Type"),
            "ValidationError",
            f"'{config}' cannot be specified for a transform of type '{{value}}'",
            _TRANSFORM,
            at="Transforms[]",
            when=unequal("Type", kind),
        )
        for name in ("Regex", "Replace"):
            yield Constraint(
                value(name, length(0, 1024)),
                "ValidationError",
                f"The '{name}' value is too long; the limit is '1024'",
                f"{_API}/API_RewriteConfig.html",
                at=f"Transforms[].{config}.Rewrites[]",
            )


TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::ElasticLoadBalancingV2::ListenerRule": (
        *listener_conditions.ROWS,
        *_transforms(),
        *listener_actions.rows("Actions"),
    )
}
OPERATIONS: Mapping[str, str] = dict.fromkeys(("CreateRule", "ModifyRule"), "AWS::ElasticLoadBalancingV2::ListenerRule")

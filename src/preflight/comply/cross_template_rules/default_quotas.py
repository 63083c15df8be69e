"""What the templates create is within the quotas of a new account.

AWS raises these quotas on request, so this is a practice, and only what the templates exceed by themselves is reported. Source:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html and
https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import constraints
from preflight.comply.cross_template_rules import violation
from preflight.comply.cross_template_rules.violation import Violation
from preflight.plan.resolved_stacks import ResolvedStacks

POLICIES = 10  # managed policies of a role
PER_REGION = {"AWS::EC2::VPC": (5, "VPCs"), "AWS::EC2::EIP": (5, "elastic IP addresses")}
RULES = 60  # of a security group, in each direction and for each version of IP
_FIX = "Create fewer, or request a quota increase in Service Quotas before the deployment."


def check(stacks: ResolvedStacks) -> Iterator[Violation]:
    """Yields the roles with too many managed policies, security groups with too many rules, and the first resource of each type beyond its quota."""
    for document in stacks.documents:
        for logical, role in document.of_type("AWS::IAM::Role"):
            policies = role.get("ManagedPolicyArns")
            if isinstance(policies, list) and len(policies) > POLICIES:
                message = f"the role has {len(policies)} managed policies; the default quota is {POLICIES}."
                yield Violation(document, violation.at(logical, "ManagedPolicyArns"), message, _FIX)
        for logical, group in document.of_type("AWS::EC2::SecurityGroup"):
            for name in ("SecurityGroupIngress", "SecurityGroupEgress"):
                count, version = max(_rules(group, name))
                if count > RULES:
                    message = f"the security group has {count} rules for {version}; the default quota is {RULES} in each direction."
                    yield Violation(document, violation.at(logical, name), message, _FIX)
    if stacks.is_closed:
        yield from _per_region(stacks)


def _rules(group: Mapping[str, Any], name: str) -> Iterator[tuple[int, str]]:
    """Yields how many rules each version of IP has; one that names no block, such as a security group, counts for both."""
    for version, other in (("IPv4", "CidrIpv6"), ("IPv6", "CidrIp")):
        yield sum(not isinstance(rule, dict) or other not in rule for rule in constraints.items(group, name)), version


def _per_region(stacks: ResolvedStacks) -> Iterator[Violation]:
    for kind, (most, name) in PER_REGION.items():
        places = [(document, logical) for document in stacks.documents for logical, _ in document.of_type(kind)]
        if len(places) > most:
            document, logical = places[most]
            message = f"the plan creates {len(places)} {name}; the default quota of a region is {most}, which includes those of other stacks."
            yield Violation(document, ("Resources", logical), message, _FIX)

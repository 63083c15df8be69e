"""STS actions. GetCallerIdentity and GetSessionToken need no permission.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html.
"""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.iam.actions.request import Permissions, for_resources

# https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html and API_GetSessionToken.html:
# no permissions are needed. Who may assume a role, its trust policy decides, which STS itself reads.
FREE = ("GetCallerIdentity", "GetSessionToken", "AssumeRole", "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML")
TABLE: Mapping[str, Permissions] = {
    **dict.fromkeys(FREE, lambda _question: ()),
    "GetFederationToken": for_resources(
        lambda q: [f"arn:{q.partition}:sts::{q.account}:federated-user/{q.get('name')}"],
    ),
}

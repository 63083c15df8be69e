"""Parameters of Systems Manager as CloudFormation reads them: for its caller, who needs ssm:GetParameters.

Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/systems-manager-parameter-types.html.
"""

from __future__ import annotations

import re

from preflight.rehearsal.account import Account
from preflight.rehearsal.cloudformation import public_parameters
from preflight.rehearsal.ledger import Ledger

# https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html: every template of the CDK requires this version.
_BOOTSTRAP = re.compile(r"/cdk-bootstrap/[a-z0-9]+/version")
BOOTSTRAP_VERSION = "30"
_VERSION = re.compile(r":[0-9]+$")


class UnknownValueError(Exception):
    """The value of a public parameter is not known here, which says nothing about the template."""

    def __init__(self, name: str) -> None:
        self.message = f"the value of the public parameter {name} is not known here, so the stack cannot be rehearsed"
        super().__init__(self.message)


def value(name: str, account: Account, region: str, ledger: Ledger) -> str | None:
    """Returns the value of the parameter NAME or NAME:VERSION, or None if there is none.

    Values that only AWS has are assumed if their form is documented; the ledger receives them.

    Raises:
        ClientError: the caller may not read it, or it has no valid name.
        UnknownValueError: AWS publishes it, but its value is not known here.
    """
    response = account.client("ssm", region).get_parameters(Names=[name], WithDecryption=True)
    if response["Parameters"]:
        return str(response["Parameters"][0]["Value"])
    plain_name = _VERSION.sub("", name)
    if _BOOTSTRAP.fullmatch(plain_name):
        ledger.note(f"assumed: the account is bootstrapped for the CDK ({name})")
        return BOOTSTRAP_VERSION
    if not plain_name.startswith(public_parameters.PREFIX):
        return None
    public = public_parameters.value(plain_name, region)
    if public is None:
        unknown = UnknownValueError(name)
        ledger.trouble(f"{unknown.message}. Next: write the value itself in place of the parameter's name")
        raise unknown
    ledger.note(f"assumed: the public parameter {name} is {public}")
    return public

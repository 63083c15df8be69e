"""AWS errors that are not the template's fault, in one line, with what to do next."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from preflight.errors import AccountError

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonErrors.html and its like of the other services
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
UNKNOWN = {"InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure", "SignatureDoesNotMatch", "InvalidAccessKeyId"}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AccessDeniedFault"}
BUSY = {"Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown", "RequestTimeout"}


def is_account_error(error: ClientError) -> bool:
    """Whether the answer is about the caller or the service, so that it says nothing of what was asked for."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    return status >= 500 or code(error) in EXPIRED | UNKNOWN | DENIED | BUSY


def code(error: ClientError) -> str:
    """AWS's error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


def describe(error: ClientError | BotoCoreError) -> str:
    """What was asked and what AWS answered, in one line without credentials."""
    if isinstance(error, ClientError):
        return f"{error.operation_name}: {code(error)}: {error.response['Error'].get('Message', '')}"
    return f"{type(error).__name__}: {error}"


@contextlib.contextmanager
def as_account_errors() -> Iterator[None]:
    """Turn what botocore raises in the block into trouble that a user understands.

    Raises:
        AccountError: AWS refused the caller, did not answer, or answered something unexpected.
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        msg = f"the request to AWS failed: {describe(error)}. Next: {_next(error)}"
        raise AccountError(msg) from None


def _next(error: ClientError | BotoCoreError) -> str:
    error_code = code(error) if isinstance(error, ClientError) else ""
    if error_code in EXPIRED:
        return "renew the credentials, then remove what the run left: preflight sweep --target aws"
    if error_code in UNKNOWN or not error_code:
        return "check credentials, region and network, and try again"
    if error_code in DENIED:
        return "grant these credentials that action; cfn/fa-018-ci.yaml is a role that has all that a run needs"
    return "try again; https://health.aws.amazon.com shows problems of AWS"

"""What the transform AWS::Serverless-2016-10-31 (SAM) makes of a template.

AWS's own library does it; it sends no request and runs nothing of the template.
Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy.html
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from preflight.templates import language_extensions
from preflight.templates.intrinsic_functions import ResolveError

GLOBALS = "Globals"
NAME = "AWS::Serverless-2016-10-31"
TYPES = "AWS::Serverless::"


def is_used(data: Mapping[str, Any]) -> bool:
    """Whether a template declares the transform."""
    return NAME in language_extensions.transforms(data)


def changes(data: Mapping[str, Any]) -> bool:
    """Whether the transform changes a template: it has resources of SAM, or Globals."""
    resources = data.get("Resources")
    types = [r.get("Type") for r in resources.values() if isinstance(r, dict)] if isinstance(resources, dict) else []
    return is_used(data) and (GLOBALS in data or any(str(kind).startswith(TYPES) for kind in types))


def transformed(data: Mapping[str, Any], parameters: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Returns the template after the transform, with the values of its parameters.

    Raises:
        ResolveError: the transform refuses the template, in AWS's words.
    """
    import boto3  # noqa: PLC0415 - slow to import, and few templates need it
    from samtranslator.model.exceptions import InvalidDocumentException  # noqa: PLC0415 - as above
    from samtranslator.parser.parser import Parser  # noqa: PLC0415 - as above
    from samtranslator.translator.translator import Translator  # noqa: PLC0415 - as above

    translator = Translator({}, Parser(), boto_session=boto3.session.Session(region_name=region))
    try:
        translated: dict[str, Any] = translator.translate(copy.deepcopy(dict(data)), dict(parameters))
    except InvalidDocumentException as error:
        causes = " ".join(cause.message for cause in error.causes)
        msg = f"Transform {NAME} failed with: {error.message} {causes}"
        raise ResolveError(msg, ("Transform",)) from None
    return translated

"""What ECS refuses of any request before it looks at anything else."""

from __future__ import annotations

from collections.abc import Iterable

from preflight.rehearsal import protocol
from preflight.rehearsal.ecs.validation import api_model, tags
from preflight.rehearsal.protocol import Call, Refusal

INVALID = "InvalidParameterException"


def check(call: Call, *, code: str = INVALID) -> None:
    """Check a request against the service model, and its tags against the rules for tags.

    Raises:
        Refusal: the model does not allow it.
    """
    shape = protocol.model_of(call.service).operation_model(call.name).input_shape
    refuse(api_model.refusals(call.parameters, shape), code=code)
    refuse(tags.refusals(call.parameters.get("tags") or []))


def refuse(sentences: Iterable[str], *, code: str = INVALID) -> None:
    """Refuse with the first of these sentences, where there is one.

    Raises:
        Refusal: there is one.
    """
    for sentence in sentences:
        raise Refusal(code, sentence)

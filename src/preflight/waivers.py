"""The guard rules that templates waive, with the reasons they give. Pure.

A rule is waived for a resource by `Metadata.guard.SuppressedRules`, a list of rule names; the reason
stands in `Metadata.guard.Reasons`, a map from rule name to sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from preflight import model, template


def of(templates: Sequence[template.Template]) -> list[model.Waiver]:
    """Every waiver, in the order of the templates."""
    return [waiver for known in templates for waiver in _of(known)]


def _of(known: template.Template) -> Iterator[model.Waiver]:
    for name, resource in known.resources.items():
        metadata = resource.get("Metadata")
        guard = metadata.get("guard") if isinstance(metadata, dict) else None
        if not isinstance(guard, dict) or not isinstance(guard.get("SuppressedRules"), list):
            continue
        given = guard.get("Reasons")
        reasons = given if isinstance(given, dict) else {}
        for rule in filter(lambda named: isinstance(named, str), guard["SuppressedRules"]):
            reason = str(reasons.get(rule, "")) or "no reason given"
            yield model.Waiver(str(rule), name, reason, "template", known.name)

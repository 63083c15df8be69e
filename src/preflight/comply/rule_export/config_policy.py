"""The rules for AWS Config: a custom policy rule each, as PutConfigRule takes it.

Config gives a rule a configuration item: resourceType, configuration, supplementaryConfiguration and more, at the
top of the document. So what selects resources becomes a condition on resourceType, and what reads Properties reads
configuration. Config's runtime is guard-2.x.x, which has neither functions nor look-around in patterns, and a text
has 10,000 characters at most.

https://docs.aws.amazon.com/config/latest/developerguide/evaluate-config_develop-rules_cfn-guard.html
https://docs.aws.amazon.com/config/latest/APIReference/API_CustomPolicyDetails.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from preflight.comply.rule_export import export, rule_text
from preflight.comply.rule_export.export import Export, NotExportableError
from preflight.comply.rule_export.recorded_properties import GIVEN_BY_AWS, RECORDED
from preflight.comply.rule_export.rule_text import Selection, masked
from preflight.comply.rules import Rule
from preflight.comply.ruleset import Ruleset

TARGET = "config"
MAX_TEXT = 10_000  # characters of PolicyText
MAX_DESCRIPTION = 256
_TYPE_CLAUSE = re.compile(r"Type (?:== '(?P<one>[^']+)'|IN \[(?P<many>[^\]]+)\])")
_CALL = re.compile(r"=\s*(count|json_parse|regex_replace|substring|to_upper|to_lower|join|url_decode|parse_\w+|now)\(")
_LOOK_AROUND = re.compile(r"\(\?(?:[=!]|<[=!])")
_PROPERTIES = re.compile(r"(?<![\w.'])Properties\b")
_TYPE = re.compile(r"(?<![\w.'])Type(?= (?:[!=]=|(?:not )?IN) \[?'AWS::)")
_NAME = re.compile(r"(?<![\w%])[A-Z]\w*")
_OF_GUARD = frozenset({"IN", "Properties", "Ref", "Resources", "Type"})
_WAIVED = re.compile(r"(?m)^ *let waived = Metadata\.guard\.SuppressedRules\[.*\]\n")
_WITH_WAIVER = re.compile(r"(?m)^ *when %waived !empty \{")


def of(ruleset: Ruleset) -> Export:
    """Returns what `put-config-rule --config-rule file://` takes, a file for each rule that Config can take."""
    texts, reasons = export.candidates(ruleset)
    files: dict[str, bytes] = {}
    count = 0
    for text, rules in texts.items():
        request = _request(text, rules)
        if isinstance(request, NotExportableError):
            reasons |= {rule.name: str(request) for rule in rules}
        else:
            files[f"{rules[0].name}.json"] = request
            count += len(rules)
    return Export(files, {TARGET: count}, list(export.left_out(ruleset, reasons, TARGET)))


def _request(text: str, rules: Sequence[Rule]) -> bytes | NotExportableError:
    """Returns the rules of a file as PutConfigRule takes them, or why Config cannot take them."""
    try:
        policy, types = adapted(text, [rule.name for rule in rules])
    except NotExportableError as error:
        return error
    return _as_request(rules[0], policy, types)


def _as_request(rule: Rule, policy: str, types: Sequence[str]) -> bytes:
    """Returns a rule as PutConfigRule takes it."""
    details = {"PolicyRuntime": "guard-2.x.x", "PolicyText": policy, "EnableDebugLogDelivery": False}
    trigger = {"EventSource": "aws.config", "MessageType": "ConfigurationItemChangeNotification"}
    request = {
        "ConfigRuleName": rule.name.lower().replace("_", "-"),
        "Description": rule.entry.title[:MAX_DESCRIPTION] or rule.name,
        "Scope": {"ComplianceResourceTypes": list(types)},
        "Source": {"Owner": "CUSTOM_POLICY", "SourceDetails": [trigger], "CustomPolicyDetails": details},
    }
    return (json.dumps(request, indent=2) + "\n").encode()


def adapted(text: str, names: Sequence[str]) -> tuple[str, list[str]]:
    """Returns a rule file as Config takes it, and the types of resources that it is for.

    Raises:
        NotExportableError: Config cannot take it.
    """
    selection = rule_text.only_selection(text)
    if not rule_text.AS_WRITTEN.isdisjoint(names):
        raise NotExportableError(rule_text.WRITTEN)
    types, condition = _condition(selection)
    _refuse_what_guard_2_lacks(text)
    spelling = _spelling(text, types)
    body = _without_waivers(text[: selection.start] + text[selection.end :].lstrip("\n"))
    body = _on_items(body, selection.name, condition)
    body = _replaced(body, re.compile(rf"(?<![\w%])(?:{'|'.join(spelling)})\b"), spelling) if spelling else body
    if len(body) > MAX_TEXT:
        raise NotExportableError(f"has {len(body):,} characters, and AWS Config takes {MAX_TEXT:,}")
    return body, types


def _condition(selection: Selection) -> tuple[list[str], str]:
    """Returns the types that are selected, and the clauses of the filter as conditions on an item."""
    clause = _TYPE_CLAUSE.match(selection.filter)
    if clause is None:
        raise NotExportableError("does not select resources by their type alone")
    types = [clause["one"]] if clause["one"] else re.findall(r"'([^']+)'", clause["many"])
    unknown = [kind for kind in types if kind not in RECORDED]
    if unknown:
        raise NotExportableError(f"looks at {unknown[0]}, which AWS Config does not record with CloudFormation's properties")
    condition = f"resource{selection.filter}"  # the filter begins with Type, and an item has resourceType
    return types, _replaced(condition, _PROPERTIES, {"Properties": "configuration"})


def _refuse_what_guard_2_lacks(text: str) -> None:
    call = _CALL.search(masked(text))
    if call:
        raise NotExportableError(f"uses {call[1]}(), a function of Guard 3; AWS Config runs Guard 2")
    if _LOOK_AROUND.search(re.sub(r"(?m)^\s*#.*$|<<(?s:.*?)>>", "", text)):
        raise NotExportableError("has a pattern with look-around, which Guard 2 lacks; AWS Config runs Guard 2")


def _spelling(text: str, types: Sequence[str]) -> dict[str, str]:
    """Returns the names that Config spells in another way.

    Raises:
        NotExportableError: Config does not record a property that is read, or AWS gives it to resources that have none.
    """
    names = {name for kind in types for name in RECORDED[kind]}
    recorded = {name.lower(): name for name in names}
    spelling: dict[str, str] = {}
    for name in sorted(set(_NAME.findall(masked(text))) - _OF_GUARD - _variables(text)):
        if name.lower() not in recorded:
            raise NotExportableError(f"reads {name}, which AWS Config's schema of {', '.join(types)} does not have")
        if name in GIVEN_BY_AWS:
            raise NotExportableError(f"reads {name}, which AWS gives to {GIVEN_BY_AWS[name]}")
        if name not in names:
            spelling[name] = recorded[name.lower()]
    return spelling


def _variables(text: str) -> set[str]:
    """Returns the names of rules, and the parts of messages about waivers."""
    return {"Metadata", "SuppressedRules", "Reasons", *re.findall(r"(?m)^rule (\w+)", text), *re.findall(r"Reasons\.(\w+)", text)}


def _without_waivers(text: str) -> str:
    """Returns the text without what reads waivers, which an item does not have."""
    while match := _WITH_WAIVER.search(masked(text)):
        text = text[: match.start()] + text[rule_text.closing(masked(text), match.end(), ("{", "}")) :].lstrip("\n")
    return _WAIVED.sub("", text).replace("when %waived empty {", "when resourceType exists {")


def _on_items(text: str, name: str, condition: str) -> str:
    """Returns a rule on resources as a rule on one configuration item; a condition of each rule is the filter of `name`."""
    text = _replaced(text, re.compile(rf"%{name}\.Properties\b"), "configuration")
    text = _replaced(text, _PROPERTIES, {"Properties": "configuration"})
    text = _TYPE.sub("resourceType", text)
    text = re.sub(r"(?m)^(rule \w+) when ", lambda match: f"{match[1]} when {condition}\n  ", text)
    text = text.replace(f"%{name} !empty", "resourceType exists")
    text = text.replace(f"%{name} {{", "when resourceType exists {")
    if re.search(rf"%{name}\b", text):
        raise NotExportableError("uses the resources that it selects in a way that an item does not allow")
    return text


def _replaced(text: str, pattern: re.Pattern[str], by: str | Mapping[str, str]) -> str:
    """Returns the text with what a pattern finds in its code replaced; comments, messages and literals stay."""
    parts, end = [], 0
    for match in pattern.finditer(masked(text)):
        parts += [text[end : match.start()], by if isinstance(by, str) else by[match[0]]]
        end = match.end()
    return "".join([*parts, text[end:]])

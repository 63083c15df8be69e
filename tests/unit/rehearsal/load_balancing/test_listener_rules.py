"""Which action of a listener a request gets."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.rehearsal.load_balancing import listener_rules
from preflight.rehearsal.load_balancing.listener_rules import HttpRequest

DEFAULT = {"Priority": "default", "IsDefault": True, "Actions": [{"Type": "fixed-response", "n": 0}]}


def rule(priority: int, *conditions: dict[str, Any]) -> dict[str, Any]:
    return {"Priority": str(priority), "Conditions": list(conditions), "Actions": [{"Type": "forward", "n": priority}]}


def asked(target: str = "/", *, method: str = "GET", source: str = "198.51.100.7", **headers: str) -> HttpRequest:
    return HttpRequest(method, target, source, {"host": "web.example.com:8080", **headers})


PATH = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/*"]}}


@pytest.mark.parametrize(
    ("condition", "fits", "misses"),
    [
        pytest.param(PATH, asked("/api/x?y=1"), asked("/API/x"), id="path, case and all"),
        pytest.param(
            {"Field": "path-pattern", "Values": ["/a?"]}, asked("/ab"), asked("/a"), id="path in the old form"
        ),
        pytest.param(
            {"Field": "host-header", "HostHeaderConfig": {"Values": ["*.EXAMPLE.com"]}},
            asked(),
            asked(host="example.org"),
            id="host, whatever its case and port",
        ),
        pytest.param(
            {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST"]}},
            asked(method="POST"),
            asked(),
            id="method",
        ),
        pytest.param(
            {"Field": "source-ip", "SourceIpConfig": {"Values": ["198.51.100.0/24"]}},
            asked(),
            asked(source="192.0.2.1"),
            id="source",
        ),
        pytest.param(
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Team", "Values": ["a*"]}},
            asked(**{"x-team": "Abc"}),
            asked(),
            id="header",
        ),
        pytest.param(
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "2"}]}},
            asked("/?v=2"),
            asked("/?v=1"),
            id="query with a key",
        ),
        pytest.param(
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Value": "*new*"}]}},
            asked("/?x=brandnew"),
            asked("/"),
            id="query without a key",
        ),
        pytest.param(
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "VER*", "Value": "Beta"}]}},
            asked("/?version=BETA"),
            asked("/?release=beta"),
            id="query, whatever its case, with a wildcard in its key",
        ),
        pytest.param(
            {"Field": "path-pattern", "Values": ["//[x/*"]}, asked("//[x/y"), asked("/x/y"), id="path that is no URL"
        ),
        pytest.param(
            {"Field": "path-pattern", "Values": ["/a"]}, asked("http://x/a"), asked("http://a/"), id="path after a host"
        ),
    ],
)
def test_a_condition_decides(condition: dict[str, Any], fits: HttpRequest, misses: HttpRequest) -> None:
    rules = [DEFAULT, rule(5, condition)]

    found = [listener_rules.action(rules, one) for one in (fits, misses)]

    assert [action["n"] if action else None for action in found] == [5, 0]


def test_the_first_rule_by_priority_counts() -> None:
    rules = [DEFAULT, rule(20, PATH), rule(3, PATH)]

    found = listener_rules.action(rules, asked("/api/"))

    assert found is not None
    assert found["n"] == 3


def test_all_conditions_of_a_rule_have_to_hold() -> None:
    post = {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST"]}}

    assert listener_rules.action([rule(1, PATH, post)], asked("/api/")) is None


def test_actions_that_authenticate_are_passed_over() -> None:
    actions = [{"Type": "authenticate-oidc"}, {"Type": "forward", "n": 1}]

    assert listener_rules.action([{**DEFAULT, "Actions": actions}], asked()) == actions[1]


@pytest.mark.parametrize(
    ("action", "arns"),
    [
        pytest.param({"TargetGroupArn": "a"}, ["a"], id="one group"),
        pytest.param(
            {
                "ForwardConfig": {
                    "TargetGroups": [{"TargetGroupArn": "a", "Weight": 0}, {"TargetGroupArn": "b", "Weight": 1}]
                }
            },
            ["b"],
            id="a group without weight gets nothing",
        ),
        pytest.param({}, [], id="none"),
    ],
)
def test_target_groups_of_an_action(action: dict[str, Any], arns: list[str]) -> None:
    assert listener_rules.target_groups(action) == arns


@pytest.mark.parametrize(
    ("config", "location"),
    [
        pytest.param({"Protocol": "HTTPS", "Port": "443"}, "https://web.example.com:443/a?b=1", id="to HTTPS"),
        pytest.param(
            {"Host": "x.org", "Path": "/new/#{path}", "Query": ""},
            "http://x.org:80/new/a?b=1",
            id="another host and path",
        ),
    ],
)
def test_where_a_redirect_leads(config: dict[str, str], location: str) -> None:
    assert listener_rules.location(config, asked("/a?b=1"), protocol="HTTP", port=80) == location

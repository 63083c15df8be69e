"""Which action of a listener a request gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from preflight.rehearsal.load_balancing import listener_rules
from preflight.rehearsal.load_balancing.listener_rules import HttpRequest

DEFAULT = {"Priority": "default", "IsDefault": True, "Actions": [{"Type": "fixed-response", "n": 0}]}


def rule(priority: int, *conditions: dict[str, Any]) -> dict[str, Any]:
    return {"Priority": str(priority), "Conditions": list(conditions), "Actions": [{"Type": "forward", "n": priority}]}


def request(target: str = "/", *, method: str = "GET", source: str = "198.51.100.7", **headers: str) -> HttpRequest:
    return HttpRequest(method, target, source, {"host": "web.example.com:8080", **headers})


def number(action: Mapping[str, Any] | None) -> int | None:
    """Returns the number of the rule that an action belongs to."""
    return action["n"] if action is not None else None


PATH = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/*"]}}


@pytest.mark.parametrize(
    ("condition", "matching", "other"),
    [
        pytest.param(PATH, request("/api/x?y=1"), request("/API/x"), id="path, case and all"),
        pytest.param(
            {"Field": "path-pattern", "Values": ["/a?"]}, request("/ab"), request("/a"), id="path in the old form"
        ),
        pytest.param(
            {"Field": "host-header", "HostHeaderConfig": {"Values": ["*.EXAMPLE.com"]}},
            request(),
            request(host="example.org"),
            id="host, whatever its case and port",
        ),
        pytest.param(
            {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST"]}},
            request(method="POST"),
            request(),
            id="method",
        ),
        pytest.param(
            {"Field": "source-ip", "SourceIpConfig": {"Values": ["198.51.100.0/24"]}},
            request(),
            request(source="192.0.2.1"),
            id="source",
        ),
        pytest.param(
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Team", "Values": ["a*"]}},
            request(**{"x-team": "Abc"}),
            request(),
            id="header",
        ),
        pytest.param(
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "2"}]}},
            request("/?v=2"),
            request("/?v=1"),
            id="query with a key",
        ),
        pytest.param(
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Value": "*new*"}]}},
            request("/?x=brandnew"),
            request("/"),
            id="query without a key",
        ),
        pytest.param(
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "VER*", "Value": "Beta"}]}},
            request("/?version=BETA"),
            request("/?release=beta"),
            id="query, whatever its case, with a wildcard in its key",
        ),
        pytest.param(
            {"Field": "path-pattern", "Values": ["//[x/*"]}, request("//[x/y"), request("/x/y"), id="path that is no URL"
        ),
        pytest.param(
            {"Field": "path-pattern", "Values": ["/a"]}, request("http://x/a"), request("http://a/"), id="path after a host"
        ),
    ],
)
def test_a_condition_selects_requests(condition: dict[str, Any], matching: HttpRequest, other: HttpRequest) -> None:
    rules = [DEFAULT, rule(5, condition)]

    assert number(listener_rules.action(rules, matching)) == 5
    assert number(listener_rules.action(rules, other)) == 0


def test_the_first_rule_by_priority_counts() -> None:
    rules = [DEFAULT, rule(20, PATH), rule(3, PATH)]

    assert number(listener_rules.action(rules, request("/api/"))) == 3


def test_all_conditions_of_a_rule_must_hold() -> None:
    post = {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST"]}}

    assert listener_rules.action([rule(1, PATH, post)], request("/api/")) is None


def test_actions_that_authenticate_are_skipped() -> None:
    actions = [{"Type": "authenticate-oidc"}, {"Type": "forward", "n": 1}]

    assert listener_rules.action([{**DEFAULT, "Actions": actions}], request()) == actions[1]


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
def test_an_action_names_its_target_groups(action: dict[str, Any], arns: list[str]) -> None:
    assert listener_rules.target_groups(action) == arns


@pytest.mark.parametrize(
    ("weights", "requests", "shares"),
    [
        pytest.param((100, 0), 50, (50, 0), id="all to one"),
        pytest.param((1, 1), 100, (50, 50), id="half and half"),
        pytest.param((90, 10), 100, (90, 10), id="a canary"),
        pytest.param((999, 1), 1000, (999, 1), id="a thousandth"),
    ],
)
def test_each_target_group_gets_its_share_of_the_requests(
    weights: tuple[int, int], requests: int, shares: tuple[int, int]
) -> None:
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in zip("ab", weights, strict=True)]
    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}

    chosen = [listener_rules.target_group(action, turn) for turn in range(requests)]

    assert chosen.count("a") == pytest.approx(shares[0], abs=1)
    assert chosen.count("b") == pytest.approx(shares[1], abs=1)


def test_a_canary_gets_a_request_in_every_few() -> None:
    groups = [{"TargetGroupArn": "a", "Weight": 80}, {"TargetGroupArn": "b", "Weight": 20}]
    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}

    chosen = [listener_rules.target_group(action, turn) for turn in range(100)]

    assert all("b" in chosen[start : start + 8] for start in range(90))


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
def test_a_redirect_fills_its_placeholders(config: dict[str, str], location: str) -> None:
    assert listener_rules.location(config, request("/a?b=1"), protocol="HTTP", port=80) == location

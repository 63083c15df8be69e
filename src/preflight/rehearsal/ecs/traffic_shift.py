"""How far a deployment is that shifts traffic: its lifecycle stage, and the traffic that its tasks get.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html.
"""

from __future__ import annotations

from dataclasses import dataclass

PRE_SCALE_UP = "PRE_SCALE_UP"
SCALE_UP = "SCALE_UP"
TEST_TRAFFIC_SHIFT = "TEST_TRAFFIC_SHIFT"
PRODUCTION_TRAFFIC_SHIFT = "PRODUCTION_TRAFFIC_SHIFT"
BAKE_TIME = "BAKE_TIME"
CLEAN_UP = "CLEAN_UP"


@dataclass
class TrafficShift:
    """The stage of a deployment, the steps that it has taken, and the traffic that its tasks get.

    `until` is the end (monotonic) of the wait that the stage begins with, `error` why a call to Elastic Load Balancing failed.
    """

    stage: str = PRE_SCALE_UP
    steps: int = 0
    percent: float = 0.0
    has_test_traffic: bool = False
    until: float = 0.0
    is_calling: bool = False
    error: str | None = None

    @property
    def has_traffic(self) -> bool:
        """Whether any traffic was shifted to its tasks."""
        return self.percent > 0 or self.has_test_traffic

    @property
    def has_started(self) -> bool:
        """Whether its tasks may start."""
        return self.stage != PRE_SCALE_UP

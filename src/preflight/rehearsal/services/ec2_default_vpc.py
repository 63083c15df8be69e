"""What AWS creates without a request: the default VPC, connected to the internet, and default security groups.

https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc.html; moto/ec2/models/__init__.py makes the
VPC and its subnets only.
"""

from __future__ import annotations

from typing import Any

from preflight.rehearsal.account import Account


class DefaultVpcs:
    """The default VPC of each region."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._started: set[str] = set()
        self._complete: set[str] = set()

    def ensure(self, region: str) -> None:
        """Complete the default VPC on first use of a region."""
        with self._account.moto_lock:
            if region in self._started:
                return
            self._started.add(region)
            try:
                _connect_to_internet(self._account, region)
                complete_security_groups(self._account, region)
            finally:
                self._complete.add(region)

    def is_complete(self, region: str) -> bool:
        """Whether the default VPC is complete, not just being completed."""
        return region in self._complete


def _connect_to_internet(account: Account, region: str) -> None:
    """Give the default VPC its internet gateway, the route to it, and DNS host names."""
    ec2: Any = account.client("ec2", region)
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not vpcs:
        return
    vpc = vpcs[0]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]
    table = ec2.describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


def complete_security_groups(account: Account, region: str) -> None:
    """Let the default security group of each VPC admit its own members, as on AWS.

    https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html; moto/ec2/models/vpcs.py.
    """
    ec2 = account.client("ec2", region)
    filters = [{"Name": "group-name", "Values": ["default"]}]
    for group in ec2.describe_security_groups(Filters=filters)["SecurityGroups"]:
        if group["GroupId"] not in account.completed:
            account.completed.add(group["GroupId"])
            rule = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group["GroupId"]}]}
            ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])


def complete_endpoints(account: Account, region: str) -> None:
    """Give each interface endpoint without a security group the default one of its VPC.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html; moto/ec2/models/vpcs.py
    leaves it without any.
    """
    ec2 = account.client("ec2", region)
    for endpoint in ec2.describe_vpc_endpoints()["VpcEndpoints"]:
        if endpoint.get("VpcEndpointType") == "Interface" and not endpoint.get("Groups"):
            filters = [{"Name": "vpc-id", "Values": [endpoint["VpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
            groups = [group["GroupId"] for group in ec2.describe_security_groups(Filters=filters)["SecurityGroups"]]
            ec2.modify_vpc_endpoint(VpcEndpointId=endpoint["VpcEndpointId"], AddSecurityGroupIds=groups)

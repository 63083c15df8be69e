"""What AWS gives of its own: the default VPC with its way to the internet, and default security groups.

https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc.html; moto/ec2/models/__init__.py makes the
VPC and its subnets only.
"""

from __future__ import annotations

from typing import Any

from preflight.rehearsal.account import Account


def furnish(account: Account, region: str) -> None:
    """Give the default VPC its internet gateway, the route to it, and DNS host names."""
    ec2: Any = account.client("ec2", region)
    default = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not default:
        return
    vpc = default[0]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    within = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]
    table = ec2.describe_route_tables(Filters=within)["RouteTables"][0]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


def admit_itself(account: Account, region: str) -> None:
    """Let the default security group of each VPC admit itself, as AWS makes it and moto does not.

    https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html; moto/ec2/models/vpcs.py.
    """
    ec2 = account.client("ec2", region)
    wanted = [{"Name": "group-name", "Values": ["default"]}]
    for group in ec2.describe_security_groups(Filters=wanted)["SecurityGroups"]:
        if group["GroupId"] not in account.furnished:
            account.furnished.add(group["GroupId"])
            itself = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group["GroupId"]}]}
            ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[itself])


def guard_endpoints(account: Account, region: str) -> None:
    """Give each interface endpoint without a security group the default one of its VPC.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html; moto/ec2/models/vpcs.py
    leaves it without any.
    """
    ec2 = account.client("ec2", region)
    for endpoint in ec2.describe_vpc_endpoints()["VpcEndpoints"]:
        if endpoint.get("VpcEndpointType") == "Interface" and not endpoint.get("Groups"):
            own = [{"Name": "vpc-id", "Values": [endpoint["VpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
            groups = [g["GroupId"] for g in ec2.describe_security_groups(Filters=own)["SecurityGroups"]]
            ec2.modify_vpc_endpoint(VpcEndpointId=endpoint["VpcEndpointId"], AddSecurityGroupIds=groups)

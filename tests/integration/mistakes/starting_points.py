"""Larger deployments to make mistakes in: the repository's own plus one thing each."""

from __future__ import annotations

Edits = tuple[tuple[str, str], ...]
SERVICE1 = "  Service1:\n    Type: AWS::ECS::Service\n"
NAME1 = '      ServiceName: !Sub "${Prefix}-service1"\n'
TASK1 = "  TaskDefinition1:\n    Type: AWS::ECS::TaskDefinition\n"
RUN1 = "            - SourceVolume: run\n              ContainerPath: /run\n"
VOLUMES = "      Volumes:\n        - Name: cache\n"
GROUP1 = "  LogGroup1:\n    Type: AWS::Logs::LogGroup\n"

_BALANCER = """  BalancerGroup:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: HTTP from anywhere to the load balancer
      VpcId: !Ref VPC
      SecurityGroupIngress:
        - {Description: HTTP, IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 0.0.0.0/0}
      SecurityGroupEgress:
        - {Description: to the tasks, IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 10.0.0.0/16}

  Balancer:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
    Properties:
      SecurityGroups: [!Ref BalancerGroup]
      Subnets: [!Ref PublicSubnet1, !Ref PublicSubnet2]

  Targets:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties:
      TargetType: ip
      Protocol: HTTP
      Port: 80
      VpcId: !Ref VPC
      HealthCheckPath: /
      HealthCheckIntervalSeconds: 10

  Listener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: !Ref Balancer
      Protocol: HTTP
      Port: 80
      DefaultActions: [{Type: forward, TargetGroupArn: !Ref Targets}]

"""
_BEHIND = """      LoadBalancers:
        - ContainerName: !Sub "${Prefix}-task1-container"
          ContainerPort: 80
          TargetGroupArn: !Ref Targets
"""
BALANCED: Edits = (
    (SERVICE1, _BALANCER + SERVICE1 + "    DependsOn: Listener\n"),
    (NAME1, NAME1 + _BEHIND),
)

_SYSTEM = """  SystemGroup:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: NFS from the tasks
      VpcId: !Ref VPC
      SecurityGroupIngress:
        - {Description: NFS, IpProtocol: tcp, FromPort: 2049, ToPort: 2049, SourceSecurityGroupId: !Ref ContainerSecurityGroup}

  System:
    Type: AWS::EFS::FileSystem
    Properties: {Encrypted: true}

  MountTarget:
    Type: AWS::EFS::MountTarget
    Properties: {FileSystemId: !Ref System, SubnetId: !Ref PublicSubnet1, SecurityGroups: [!Ref SystemGroup]}

"""
_NFS_OUT = """        - Description: HTTPS to Docker Hub, ECR, S3 and CloudWatch Logs
"""
SHARED: Edits = (
    (TASK1, _SYSTEM + TASK1),
    (
        '      Family: !Sub "${Prefix}-task1"\n',
        '      Family: !Sub "${Prefix}-task1"\n      EphemeralStorage: {SizeInGiB: 30}\n',
    ),
    (
        '        - Name: tmp\n      ContainerDefinitions:\n        - Name: !Sub "${Prefix}-task1-container"\n',
        (
            "        - Name: tmp\n        - Name: shared\n"
            "          EFSVolumeConfiguration: {FilesystemId: !Ref System, TransitEncryption: ENABLED}\n"
            '      ContainerDefinitions:\n        - Name: !Sub "${Prefix}-task1-container"\n'
        ),
    ),
    (
        _NFS_OUT,
        "        - {Description: NFS, IpProtocol: tcp, FromPort: 2049, ToPort: 2049, CidrIp: 10.0.0.0/16}\n" + _NFS_OUT,
    ),
    (NAME1, NAME1 + "      # depends on the file system\n"),
    (SERVICE1, SERVICE1 + "    DependsOn: MountTarget\n"),
)

_SECRETS = """  Password:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString: {SecretStringTemplate: '{"user": "ann"}', GenerateStringKey: password}

"""
_MAY_READ = """      Policies:
        - PolicyName: secrets
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - {Sid: ReadTheSecret, Effect: Allow, Action: "secretsmanager:GetSecretValue", Resource: !Ref Password}
"""
_ROLE = "      ManagedPolicyArns:\n"
SECRET: Edits = (
    (GROUP1, _SECRETS + GROUP1),
    (_ROLE, _MAY_READ + _ROLE),
    (
        "          Image: nginx:1.28.0\n",
        '          Image: nginx:1.28.0\n          Secrets: [{Name: PASSWORD, ValueFrom: !Sub "${Password}:password::"}]\n',
    ),
)

_PRIVATE = """  NatAddress:
    Type: AWS::EC2::EIP
    DependsOn: IGWAttachment
    Properties: {Domain: vpc}

  Nat:
    Type: AWS::EC2::NatGateway
    DependsOn: RouteToInternet
    Properties: {AllocationId: !GetAtt NatAddress.AllocationId, SubnetId: !Ref PublicSubnet1}

  PrivateSubnet:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref VPC, CidrBlock: 10.0.3.0/24, AvailabilityZone: !Select [1, !GetAZs ""]}

  PrivateTable:
    Type: AWS::EC2::RouteTable
    Properties: {VpcId: !Ref VPC}

  RouteToNat:
    Type: AWS::EC2::Route
    Properties: {RouteTableId: !Ref PrivateTable, DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: !Ref Nat}

  PrivateAssociation:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {SubnetId: !Ref PrivateSubnet, RouteTableId: !Ref PrivateTable}

"""
PRIVATE: Edits = (
    ("Outputs:\n  VPC:\n", _PRIVATE + "Outputs:\n  VPC:\n"),
    (
        "    Description: Id of the subnet of task 2.\n    Value: !Ref PublicSubnet2\n",
        "    Description: Id of the subnet of task 2.\n    Value: !Ref PrivateSubnet\n",
    ),
)

_ENDPOINTS = """  EndpointGroup:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: HTTPS from the VPC
      VpcId: !Ref VPC
      SecurityGroupIngress:
        - {Description: HTTPS, IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 10.0.0.0/16}

  Token:
    Type: AWS::EC2::VPCEndpoint
    Properties:
      VpcEndpointType: Interface
      ServiceName: !Sub "com.amazonaws.${AWS::Region}.ecr.api"
      VpcId: !Ref VPC
      SubnetIds: [!Ref PrivateSubnet]
      SecurityGroupIds: [!Ref EndpointGroup]
      PrivateDnsEnabled: true

  Manifests:
    Type: AWS::EC2::VPCEndpoint
    Properties:
      VpcEndpointType: Interface
      ServiceName: !Sub "com.amazonaws.${AWS::Region}.ecr.dkr"
      VpcId: !Ref VPC
      SubnetIds: [!Ref PrivateSubnet]
      SecurityGroupIds: [!Ref EndpointGroup]
      PrivateDnsEnabled: true

  Writing:
    Type: AWS::EC2::VPCEndpoint
    Properties:
      VpcEndpointType: Interface
      ServiceName: !Sub "com.amazonaws.${AWS::Region}.logs"
      VpcId: !Ref VPC
      SubnetIds: [!Ref PrivateSubnet]
      SecurityGroupIds: [!Ref EndpointGroup]
      PrivateDnsEnabled: true

  Layers:
    Type: AWS::EC2::VPCEndpoint
    Properties:
      ServiceName: !Sub "com.amazonaws.${AWS::Region}.s3"
      VpcId: !Ref VPC
      RouteTableIds: [!Ref PrivateTable]

  PrivateSubnet:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref VPC, CidrBlock: 10.0.3.0/24, AvailabilityZone: !Select [1, !GetAZs ""]}

  PrivateTable:
    Type: AWS::EC2::RouteTable
    Properties: {VpcId: !Ref VPC}

  PrivateAssociation:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {SubnetId: !Ref PrivateSubnet, RouteTableId: !Ref PrivateTable}

"""
ENDPOINTS: Edits = (("Outputs:\n  VPC:\n", _ENDPOINTS + "Outputs:\n  VPC:\n"), PRIVATE[1])


def without(*rules: str) -> Edits:
    """The plan with security rules switched off that such a deployment does not keep, and says so."""
    return (("standins:\n", f"checks: {{{', '.join(f'{rule}: off' for rule in rules)}}}\n\nstandins:\n"),)


PLAIN_HTTP = without("ELBV2_ACCESS_LOGS", "ELBV2_DROP_INVALID_HEADERS", "ELBV2_LISTENER_HTTPS")
# Service 2 without a public address, asked from inside: for deployments in private subnets.
INWARD: Edits = (
    (
        '    cluster: "{prefix}-cluster"\n    get: /\n    status: 200\n    contains: fa-018',
        '    cluster: "{prefix}-cluster"\n    from: inside\n    get: /\n    status: 200\n    contains: fa-018',
    ),
)

SERVICE2 = "  Service2:\n    Type: AWS::ECS::Service\n"
NAME2 = '      ServiceName: !Sub "${Prefix}-service2"\n'
IMAGE2 = """                Fn::ImportValue: !Sub "${Prefix}-repository"
          ReadonlyRootFilesystem: true
"""
_ASKS = """          Command: [sh, -c, "wget -q -O /tmp/page http://web.app.internal/ && exec nginx -g 'daemon off;'"]
"""
_WEB_OUT = """        - {Description: HTTP to each other, IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 10.0.0.0/16}
"""
_TO_FIRST: Edits = (
    (_NFS_OUT, _WEB_OUT + _NFS_OUT),
    (IMAGE2, IMAGE2 + _ASKS),
    (SERVICE2, SERVICE2 + "    DependsOn: Service1\n"),
)
_REGISTRY = """  Namespace:
    Type: AWS::ServiceDiscovery::PrivateDnsNamespace
    Properties: {Name: app.internal, Vpc: !Ref VPC}

  Registry:
    Type: AWS::ServiceDiscovery::Service
    Properties:
      Name: web
      DnsConfig: {NamespaceId: !Ref Namespace, DnsRecords: [{Type: A, TTL: 10}]}
      HealthCheckCustomConfig: {FailureThreshold: 1}

"""
NAMED: Edits = (
    *_TO_FIRST,
    (TASK1, _REGISTRY + TASK1),
    (NAME1, NAME1 + "      ServiceRegistries: [{RegistryArn: !GetAtt Registry.Arn}]\n"),
)
_HTTP_NAMESPACE = """  Namespace:
    Type: AWS::ServiceDiscovery::HttpNamespace
    Properties: {Name: !Ref Prefix}

"""
_SERVES = """      ServiceConnectConfiguration:
        Enabled: true
        Namespace: !GetAtt Namespace.Arn
        Services: [{PortName: http, ClientAliases: [{Port: 80, DnsName: web.app.internal}]}]
"""
CONNECTED: Edits = (
    *_TO_FIRST,
    (TASK1, _HTTP_NAMESPACE + TASK1),
    ("            - ContainerPort: !Ref HTTPPort\n", "            - ContainerPort: !Ref HTTPPort\n              Name: http\n"),
    (NAME1, NAME1 + _SERVES),
    (NAME2, NAME2 + "      ServiceConnectConfiguration: {Enabled: true, Namespace: !GetAtt Namespace.Arn}\n"),
)

_NIGHTLY = """  NightlyRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Sid: EventsOnly, Effect: Allow, Principal: {Service: [events.amazonaws.com]}, Action: sts:AssumeRole}]
      Policies:
        - PolicyName: run
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - {Sid: Run, Effect: Allow, Action: ecs:RunTask, Resource: !Ref TaskDefinition1}
              - Sid: PassRoles
                Effect: Allow
                Action: iam:PassRole
                Resource: [!GetAtt FargateTaskExecutionRole.Arn, !GetAtt TaskRole.Arn]

  Nightly:
    Type: AWS::Events::Rule
    Properties:
      ScheduleExpression: rate(1 day)
      Targets:
        - Id: job
          Arn: !GetAtt Cluster.Arn
          RoleArn: !GetAtt NightlyRole.Arn
          Input: !Sub '{"containerOverrides": [{"name": "${Prefix}-task1-container", "command": ["sh", "-c", "echo done; exit 0"]}]}'
          EcsParameters:
            TaskDefinitionArn: !Ref TaskDefinition1
            LaunchType: FARGATE
            NetworkConfiguration: {AwsVpcConfiguration: {AssignPublicIp: ENABLED, Subnets: [!Ref PublicSubnet1], SecurityGroups: [!Ref ContainerSecurityGroup]}}

"""
NIGHTLY: Edits = ((SERVICE1, _NIGHTLY + SERVICE1),)
ONCE: Edits = (("smoke:\n", "smoke:\n  - schedule: Nightly\n"),)

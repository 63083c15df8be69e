"""Rehearse a Fargate deployment offline, from CloudFormation templates to answered HTTP requests."""

__version__ = "0.1.0"

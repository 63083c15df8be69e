"""The bucket of a run: private, encrypted, TLS only; it holds the templates while they are deployed.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import partitions
from preflight.deploy import aws_errors
from preflight.deploy.session import Session

GONE = {"NoSuchBucket", "404"}
BLOCKED = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


class Bucket:
    """A bucket by its name."""

    def __init__(self, session: Session, name: str) -> None:
        self._region = session.region
        self._s3 = session.client("s3")
        self.name = name
        self.is_made = False

    def make(self, tags: Mapping[str, str]) -> None:
        """Make it; its tags come with it, so that no moment is without them."""
        place: dict[str, Any] = {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        if self._region != "us-east-1":
            place["LocationConstraint"] = self._region
        try:
            self._s3.create_bucket(Bucket=self.name, CreateBucketConfiguration=place)
        except ClientError as error:
            if aws_errors.code(error) != "BucketAlreadyOwnedByYou":  # an answer was lost, and the request came twice
                raise
        self.is_made = True
        self._shut()

    def _shut(self) -> None:
        partition, _ = partitions.partition_of(self._region)
        arn = f"arn:{partition}:s3:::{self.name}"
        denied = {
            "Sid": "TLSOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
        rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        self._s3.put_public_access_block(
            Bucket=self.name, PublicAccessBlockConfiguration=dict.fromkeys(BLOCKED, True)
        )
        self._s3.put_bucket_encryption(Bucket=self.name, ServerSideEncryptionConfiguration={"Rules": rules})
        self._s3.put_bucket_policy(Bucket=self.name, Policy=policy)

    def put(self, key: str, body: bytes) -> None:
        """Keep an object."""
        self._s3.put_object(Bucket=self.name, Key=key, Body=body)

    def tags(self) -> dict[str, str]:
        """Its tags; none where it has none, or is not there."""
        try:
            return {tag["Key"]: tag["Value"] for tag in self._s3.get_bucket_tagging(Bucket=self.name)["TagSet"]}
        except ClientError as error:
            if aws_errors.code(error) in {*GONE, "NoSuchTagSet"}:
                return {}
            raise

    def empty(self) -> None:
        """Delete every object in it, in every version."""
        errors: list[Any] = []
        try:
            for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=self.name):
                versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                keys = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions]
                if keys:
                    response = self._s3.delete_objects(Bucket=self.name, Delete={"Objects": keys, "Quiet": True})
                    errors += response.get("Errors", [])
        except ClientError as error:
            if aws_errors.code(error) not in GONE:
                raise
        if errors:
            first = {"Code": errors[0]["Code"], "Message": f"{errors[0]['Key']}: {errors[0]['Message']}"}
            raise ClientError({"Error": first}, "DeleteObjects")

    def remove(self) -> None:
        """Delete it and all that is in it; one that is not there is no error."""
        self.empty()
        try:
            self._s3.delete_bucket(Bucket=self.name)
        except ClientError as error:
            if aws_errors.code(error) not in GONE:
                raise

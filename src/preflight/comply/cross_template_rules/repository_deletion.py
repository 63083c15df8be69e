"""A repository that a plan pushes to is deleted with its stack only if it is emptied first.

The stack is made without trouble, and its deletion ends in DELETE_FAILED. Source:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecr-repository.html and
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DeleteRepository.html.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.comply.cross_template_rules.violation import Violation
from preflight.plan.resolved_stacks import ResolvedStacks, properties
from preflight.templates import intrinsic_functions

_KEPT = ("Retain", "RetainExceptOnCreate")
_FIX = "Set EmptyOnDelete: true, or DeletionPolicy: Retain if the images are to stay."


def check_declared(stacks: ResolvedStacks) -> Iterator[Violation]:
    """Repositories whose template says that they go with their stack, which their images prevent."""
    yield from _violations(stacks, is_declared=True)


def check_default(stacks: ResolvedStacks) -> Iterator[Violation]:
    """Repositories of which the template does not say what becomes of them."""
    yield from _violations(stacks, is_declared=False)


def _violations(stacks: ResolvedStacks, *, is_declared: bool) -> Iterator[Violation]:
    for document in stacks.documents:
        for logical, resource in document.resources.items():
            policy = resource.get("DeletionPolicy")
            if resource.get("Type") != "AWS::ECR::Repository" or policy in _KEPT or (policy is not None) != is_declared:
                continue
            known = properties(resource)
            is_emptied = intrinsic_functions.as_text(known.get("EmptyOnDelete", False)) != "false"  # or may be
            if not is_emptied and str(known.get("RepositoryName")) in stacks.pushed:
                message = f"the plan pushes images to {known['RepositoryName']}, and its stack cannot be deleted while there are any (RepositoryNotEmptyException)."
                yield Violation(document, ("Resources", logical), message, _FIX)

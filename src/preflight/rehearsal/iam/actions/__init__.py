"""What a request asks for, in IAM's terms: actions, resources and condition keys; one file per AWS service.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html.
"""

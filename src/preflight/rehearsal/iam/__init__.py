"""Who makes a request, and whether IAM allows it."""

"""Amazon ECS: validation as AWS does it, and the state of clusters, services and tasks."""

"""What a deployment costs an hour."""

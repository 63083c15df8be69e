"""What each service refuses of the properties of its resource types, as tables; a file a service."""

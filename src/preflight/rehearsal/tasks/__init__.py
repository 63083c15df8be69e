"""Tasks from PROVISIONING to STOPPED, and the services that start them."""

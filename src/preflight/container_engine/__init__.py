"""podman or docker, called by command line."""

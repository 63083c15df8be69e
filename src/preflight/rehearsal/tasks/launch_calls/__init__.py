"""The calls that Fargate makes for a task before its containers start, one file for each kind."""

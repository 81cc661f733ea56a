"""The configuration: files and environment in Datadog's shape, and our own block, to one frozen `AgentConfig`."""

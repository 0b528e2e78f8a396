"""Text to located nodes, and what YAML that has gone wrong was meant to be."""

"""What turns one network into another."""

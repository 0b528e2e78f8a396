"""Where a fault is, what to say of it, and how that looks."""

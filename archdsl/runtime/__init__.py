"""A built module beside its graph: the graph computed op by op, and the proof that both are one network."""

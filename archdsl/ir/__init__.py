"""The network as data: lowered, with symbolic numbers, and as a graph with all of them computed."""

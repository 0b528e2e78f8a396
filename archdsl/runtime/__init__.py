"""Live modules: source executed, the proof that one is its graph, weights that move, ONNX: all that needs torch."""

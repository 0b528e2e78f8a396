"""Latency tables: kernels as networks of their own, timed."""

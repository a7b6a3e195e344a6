"""Executors: ways to fold batches into evidence, all with the same result."""

"""Loops over plain arrays. They know no domain type; every kernel has a naive twin in tests/naive."""

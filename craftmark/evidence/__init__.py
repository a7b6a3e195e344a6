"""Accumulators: commutative monoids of evidence, one idea a file, held per strand."""

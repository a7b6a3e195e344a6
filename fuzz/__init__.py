"""Fuzzing: seeds, mutations, targets, and two ways to run them."""

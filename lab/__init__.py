"""Real tools against real stacks in network namespaces: captures whose truth is known."""

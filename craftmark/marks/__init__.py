"""Pure inference from finished evidence to toolmarks, one family a file."""

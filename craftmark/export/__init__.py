"""Ways out for packets and conclusions: files that other programs read."""

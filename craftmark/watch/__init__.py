"""Watching: scans of a stream that does not end, told as they are over."""

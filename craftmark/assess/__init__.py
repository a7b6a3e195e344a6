"""Conclusions beyond the tool: hops, spoofing, one sender, reach, purpose."""

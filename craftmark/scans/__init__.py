"""Which finished strands belong together: traffic roles, scans, floods, campaigns."""

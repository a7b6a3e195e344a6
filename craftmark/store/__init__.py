"""Cases that are kept: reports and their inputs in a folder, an index of scans in SQLite."""

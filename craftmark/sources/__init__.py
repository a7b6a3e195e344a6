"""Input formats, one file each: from bytes or log lines to packet batches."""

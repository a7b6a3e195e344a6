"""One file per command that needs the whole pipeline."""

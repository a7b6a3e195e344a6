"""The page in a browser: cases are dropped in, examined by worker processes, looked at, compared and handed on."""

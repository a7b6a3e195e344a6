"""The view in a terminal: the same document as the page, with mitmproxy's keys."""

"""Checks that analysts make by hand, made by the system's own programs and only when the user consents."""

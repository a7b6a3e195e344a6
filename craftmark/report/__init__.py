"""The report: a frozen, complete, versioned document."""

"""Pictures of a scan as SVG, from the report alone."""

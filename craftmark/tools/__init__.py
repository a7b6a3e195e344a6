"""Who makes such marks: rules, comparison, conclusions, lints."""

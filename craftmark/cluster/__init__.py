"""One case examined by many processes, on one machine or many: tasks that any engine, or none, may run."""

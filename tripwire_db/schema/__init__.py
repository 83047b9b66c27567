"""For DBAs and CI: what brings a database to its schema, and proves that it is there."""

"""A small web backend on tripwire-db: what managers and students of the course ask for, over HTTP."""

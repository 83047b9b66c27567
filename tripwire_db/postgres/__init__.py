"""The ground for all: the catalog of a server, and what an error of its driver means."""

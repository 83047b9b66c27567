"""Commands that operate the course."""

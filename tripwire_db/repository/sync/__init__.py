# Made by scripts/unasync from tripwire_db/repository/aio/__init__.py: change that, and run it again.
"""The repository for sync code, made of `aio/` by `scripts/unasync`."""

"""The repository for asyncio, written by hand; `scripts/unasync` makes `sync/` of it."""

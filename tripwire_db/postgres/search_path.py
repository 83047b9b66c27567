"""The search path of our own connections: none of them runs what somebody else has made in `public`.

Where others may create in a schema of the path, a function or an operator named like a built-in one and fitting better,
as `unnest(text[])` or `varchar = varchar`, would be run in its place, with the rights of whoever runs the statement.
"""

PATH = "pg_catalog, pg_temp"
"""pg_temp by name and last: left out, it would be searched first for types and tables."""

PIN = f"SET LOCAL search_path = {PATH}"
"""First in a transaction; behind a transaction pooler, too, nothing of it is left for others."""

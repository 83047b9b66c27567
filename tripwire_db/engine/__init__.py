"""How a flow is built and run: the statement, the pool, retries, and what an error of the driver becomes."""

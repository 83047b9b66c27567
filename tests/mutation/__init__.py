"""Mutation testing: how many planted faults get past check, drift and the flows' tests. `scripts/mutate` runs it."""

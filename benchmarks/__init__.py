"""What the design promises in numbers, measured."""

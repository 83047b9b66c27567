"""What README promises in numbers, measured."""

"""Commands for people: student, manager, certificate."""

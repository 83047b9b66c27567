"""What people would use instead of one statement, each a flow's whole effect."""

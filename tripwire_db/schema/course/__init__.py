"""What the course adds to its description for the tools: sample rows, and tables made from its models."""

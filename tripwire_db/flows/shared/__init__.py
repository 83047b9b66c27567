"""What several flows share: the locks they begin with, and the rows that more than one of them writes."""

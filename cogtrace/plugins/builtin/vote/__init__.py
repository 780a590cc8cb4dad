"""Several answers and a vote: self-consistency."""

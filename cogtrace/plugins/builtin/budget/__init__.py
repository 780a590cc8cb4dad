"""Plain samples for as many tokens as something else spent, and a vote: the control arm."""

"""The problem in the model's own words, before it is solved."""

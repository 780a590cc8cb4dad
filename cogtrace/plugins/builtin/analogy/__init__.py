"""An analogous solved problem, from the model itself or from a file of solved problems."""

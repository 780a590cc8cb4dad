"""The trained annotator: a small linear model of sentences, run with numpy alone."""

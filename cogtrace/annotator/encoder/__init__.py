"""The trained annotator that is a small transformer: it reads sentences in their passage."""

"""The LLM annotator: a language model reads a trace and says what it shows, and where."""

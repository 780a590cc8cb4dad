"""Asking back where a task has no answer or several."""

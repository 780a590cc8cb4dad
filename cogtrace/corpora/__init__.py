"""Traces in and out: readers, writers, pages, and the bundled sample corpus."""

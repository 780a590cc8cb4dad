"""The default vote, where it was before."""

from cogtrace.plugins.voting import vote

__all__ = ["vote"]

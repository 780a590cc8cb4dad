"""Extensions of cogtrace: the hooks they implement, and what was found of them."""

from cogtrace.plugins.manager import Extensions, Problem, extensions

__all__ = ["Extensions", "Problem", "extensions"]

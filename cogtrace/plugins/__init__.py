"""Extensions of cogtrace: the hooks they implement, and what was found of them."""

from cogtrace.plugins.manager import Extensions, extensions
from cogtrace.plugins.origins import Problem

__all__ = ["Extensions", "Problem", "extensions"]

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["choices", "comparing", "extracting", "normalising", "numbers"])
def test_the_examples_in_the_docstrings_are_true(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"cogtrace.grading.{name}"))

    assert found.attempted
    assert not found.failed

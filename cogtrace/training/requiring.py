"""What training needs beyond the core."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from cogtrace.errors import OptionError


def require_learning() -> None:
    """Make sure that scikit-learn is there.

    Raises:
        OptionError: it is not; says how to install it.
    """
    if find_spec("sklearn") is None:
        raise OptionError("training needs scikit-learn: pip install 'cogtrace[train]'")


def require_free(folder: Path) -> None:
    """Make sure that a model may be written into a folder.

    Raises:
        OptionError: there is something in it.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OptionError(f"--out {folder}: is not empty; choose another folder or remove it")

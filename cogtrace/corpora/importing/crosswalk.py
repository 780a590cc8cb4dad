"""Crosswalks: which labels of another scheme answer to which elements of a taxonomy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Final, Literal, get_args

import msgspec

from cogtrace import schemas
from cogtrace.errors import InputError, OptionError

Relation = Literal["exact", "close", "broader", "narrower", "related"]
RELATIONS: Final[tuple[Relation, ...]] = get_args(Relation)


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A correspondence: what has the label shows the element."""

    element: str
    label: str
    relation: Relation  # of the label to the element
    note: str | None = None


class Crosswalk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All correspondences of a scheme with a taxonomy; its schema is "crosswalk"."""

    scheme: str
    taxonomy: str
    rules: tuple[Rule, ...]

    @property
    def sha256(self) -> str:
        """Hash of the content."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()

    def only(self, relations: Collection[str]) -> Crosswalk:
        """Return the crosswalk with the rules of some relations."""
        kept = tuple(rule for rule in self.rules if rule.relation in relations)
        return msgspec.structs.replace(self, rules=kept)


def load_crosswalk(path: Path) -> Crosswalk:
    """Return the crosswalk in a file.

    Raises:
        InputError: it cannot be read, or breaks its schema; says where.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON: {error}") from error
    found = schemas.problems("crosswalk", data)
    if found:
        lines = "".join(f"\n  {place}: {reason}" for place, reason in found[:10])
        raise InputError(f"{path}: not a valid crosswalk{lines}")
    return msgspec.convert(data, Crosswalk)


def chosen_rules(path: Path, relations: str) -> Crosswalk:
    """Return the rules of a file with one of some relations, given as in ``exact,close``.

    Raises:
        InputError: the file cannot be used.
        OptionError: a relation that there is not, or no rule of those asked for.
    """
    asked = [name.strip() for name in relations.split(",") if name.strip()]
    for name in asked:
        if name not in RELATIONS:
            raise OptionError(f"--relations {name}: unknown; there is {', '.join(RELATIONS)}")
    found = load_crosswalk(path).only(asked)
    if not found.rules:
        raise OptionError(f"--relations {relations}: no rule of {path} is one of these")
    return found

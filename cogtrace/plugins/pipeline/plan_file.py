"""A plan as a file, YAML or JSON; its schema is "guidance-plan"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cogtrace.errors import InputError, OptionError
from cogtrace.plugins.pipeline.parsing import parse_with
from cogtrace.plugins.pipeline.plan import Wanted


@dataclass(frozen=True, slots=True)
class PlanFile:
    """What a plan file says."""

    plugins: tuple[Wanted, ...]
    sampling: Mapping[str, Any]  # those of the settings that it names


def read_plan_file(path: Path) -> PlanFile:
    """Return what a plan file says.

    Raises:
        InputError: it cannot be read.
        OptionError: it is no valid plan; says where.
    """
    from cogtrace.schemas import problems

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"--plan {path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise OptionError(f"--plan {path}: is not UTF-8 text ({error.reason})") from error
    data = _parsed(text, path)
    for place, reason in problems("guidance-plan", data):
        raise OptionError(f"--plan {path}, at {place}: {reason}")
    plugins: list[Wanted] = []
    for item in data["plugins"]:
        if isinstance(item, str):
            plugins += parse_with(item)
        else:
            plugins.append((item["plugin"], item.get("options", {})))
    return PlanFile(tuple(plugins), data.get("sampling", {}))


def _parsed(text: str, path: Path) -> Any:
    """Return the data in a file: JSON by its name, else YAML, of which JSON is a part."""
    if path.suffix == ".json":
        try:
            return json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise OptionError(f"--plan {path}: not valid JSON: {error}") from error
    import srsly  # type: ignore[import-untyped]  # comes with spaCy, without types

    try:
        return json.loads(json.dumps(srsly.yaml_loads(text)))  # plain lists and tables
    except (ValueError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise OptionError(f"--plan {path}: not valid YAML: {reason}") from error

"""Packages laid down as an installer does, without one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

GUIDANCE = """
from cogtrace.extensions import hookimpl
from cogtrace.plugins.guidance import GuidanceKind, Scaffold

class Hint:
    @hookimpl
    def cogtrace_scaffolds(self, run):
        {body}

def build(options):
    return Hint()

OPTIONS = {{
    "type": "object",
    "properties": {{
        "count": {{"type": "integer", "minimum": 1, "maximum": 9, "default": 2,
                  "description": "How many hints."}},
        "mood": {{"enum": ["kind", "strict"], "default": "kind", "description": "In which tone."}},
    }},
}}

@hookimpl
def cogtrace_guidance():
    return [GuidanceKind(name="{name}", summary="gives a hint", build=build, api_version=1,
                         options=OPTIONS, raises=("verification",), calls=0,
                         source="a book", {more})]
"""


def guidance(name: str, body: str = 'return "Mind the unit."', more: str = "") -> str:
    """Return the source of a module that registers one guidance plugin."""
    return GUIDANCE.format(name=name, body=body, more=more)


def lay(folder: Path, name: str, source: str, version: str = "1.2") -> None:
    """Lay down a package of one module whose entry point has its name."""
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    info = folder / f"{name}-{version}.dist-info"
    shutil.rmtree(info, ignore_errors=True)
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[cogtrace]\n{name} = {name}\n")


def environment(*folders: Path, **more: str) -> dict[str, str]:
    """Return the environment of a process that finds packages in folders."""
    path = os.pathsep.join([*map(str, folders), *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.environ | {"PYTHONPATH": path} | more

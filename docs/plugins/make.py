"""Write the page of hooks from their specifications and from the examples of each.

python docs/plugins/make.py docs/plugins/hooks.md
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from cogtrace.plugins import hookspecs
from cogtrace.plugins.offers import HOOKS
from cogtrace.plugins.pipeline.hooks import STAGES

EXAMPLES = Path(__file__).parents[2] / "examples" / "hooks"
HEAD = """\
# Hooks

<!-- Made by `python docs/plugins/make.py docs/plugins/hooks.md`; do not edit. -->

A package extends cogtrace by functions of these names, marked with `@hookimpl` of
`cogtrace.extensions`, in a module that its entry point names:

```toml
[project.entry-points.cogtrace]
acme = "acme_cogtrace.plugin"
```

A hook may leave out arguments that it does not need; a guidance hook may be `async`. From
nothing to a published plugin: [tutorial.md](tutorial.md). The records that guidance hooks
get and return are those of `cogtrace.plugins.guidance`.
"""
OFFERING = """\
## What a package offers

Called once, when extensions are first asked for.
"""
GUIDANCE = """\
## What a guidance plugin does

Methods of the object that `build` of a `GuidanceKind` returns, called for each task in this
order. `COGTRACE_TRACE_HOOKS=1` shows each call while a run goes on, and
`cogtrace plugins check NAME` tries whether a plugin keeps what all must keep.
"""


def page() -> str:
    """Return the page."""
    parts = [HEAD, OFFERING]
    parts += [_section(name) for name, _ in _specified() if name in HOOKS]
    parts += [GUIDANCE]
    parts += [_section(name) for name in STAGES]
    return "\n".join(parts)


def signature(name: str) -> str:
    """Return a hook's definition as it stands in the file of specifications."""
    (node,) = (node for found, node in _specified() if found == name)
    lines = inspect.getsource(hookspecs).splitlines()[node.lineno - 1 : node.body[0].lineno - 1]
    return "\n".join(lines)


def _specified() -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in ast.parse(inspect.getsource(hookspecs)).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node


def _section(name: str) -> str:
    text = inspect.getdoc(getattr(hookspecs, name)) or ""
    text = re.sub(r"``(.+?)``", r"`\1`", text, flags=re.DOTALL)
    parts = [f"### {name}\n", f"```python\n{signature(name)}\n```\n", f"{text}\n"]
    example = EXAMPLES / f"{name}.py"
    if example.exists():
        code = example.read_text(encoding="utf-8").rstrip()
        parts.append(f"[examples/hooks/{name}.py](../../examples/hooks/{name}.py):\n")
        parts.append(f"```python\n{code}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")

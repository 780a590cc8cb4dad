"""A plugin run in a process of its own: reads what to run, prints a digest of what came of it.

python -m cogtrace.plugins.testing.elsewhere
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import sys
from typing import Any

from cogtrace.plugins.guidance import GuidanceKind
from cogtrace.plugins.testing.engines import answering
from cogtrace.plugins.testing.running import Subject, essence
from cogtrace.plugins.testing.tasks import numbered_tasks


def told(subject: Subject) -> str:
    """Return all that another process needs to run a plugin, as JSON."""
    kind = subject.kind
    return json.dumps(
        {
            "kind": {
                "name": kind.name,
                "summary": kind.summary,
                "api_version": kind.api_version,
                "options": kind.options,
            },
            "calls": subject.plan().steps[0].bounds.max_calls,
            "build": [kind.build.__module__, kind.build.__qualname__],
            "options": dict(subject.options),
        }
    )


def digests(subject: Subject) -> list[str]:
    """Return a digest of each of some records."""
    runs = subject.run(numbered_tasks(12), answering(seed=7), seed=7)
    texts = (json.dumps(essence(run), sort_keys=True) for run in runs)
    return [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts]


def main() -> None:
    """Run what standard input says."""
    data: dict[str, Any] = json.load(sys.stdin)
    module, name = data["build"]
    build: Any = functools.reduce(getattr, name.split("."), importlib.import_module(module))
    kind = GuidanceKind(**data["kind"], build=build, calls=data["calls"])
    sys.stdout.write(json.dumps(digests(Subject(kind, data["options"]))))


if __name__ == "__main__":
    main()

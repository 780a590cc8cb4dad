"""Every error this project raises on purpose.

* CogtraceError
  * RecordInvalid     - a record does not fit its schema
  * InputError        - an input cannot be read at all (missing, unreadable, unknown format)
  * TaxonomyError     - a taxonomy file is unusable
    * UnknownElement  - a name that is not in the taxonomy
  * OptionError       - options that do not go together or have no meaning here
  * ModelError        - a trained model cannot be read, or labels cannot be learned from
  * EngineError       - a language model cannot be used at all
    * SchemaIgnored   - a server that does not keep to the schema of an answer
  * PluginError       - an extension that was asked for cannot be used
  * Stopped           - work ended early on purpose; what is done can be kept
  * JobError          - a job folder cannot be used as asked
    * JobLocked       - another process works in the folder
    * JobStopped      - the job ended early and can be resumed
    * JobDamaged      - the folder contradicts itself
"""

from __future__ import annotations

from typing import Any


class CogtraceError(Exception):
    """Base of all errors below; the command line shows its message."""

    exit_code = 1


class RecordInvalid(CogtraceError):
    """A record does not fit its schema."""

    def __init__(self, schema: str, path: str, reason: str) -> None:
        super().__init__(f"{schema} record, at {path}: {reason}")
        self.schema = schema
        self.path = path
        self.reason = reason


class InputError(CogtraceError):
    """An input cannot be read at all; says which, and what to do."""

    exit_code = 2


class TaxonomyError(CogtraceError):
    """A taxonomy file is unusable; says where, and why."""

    exit_code = 2


class UnknownElement(TaxonomyError):
    """A name is neither the id nor an alias of an element of the taxonomy."""

    def __init__(self, name: str, taxonomy: str, near: list[str]) -> None:
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        super().__init__(f"{name!r} is not an element of {taxonomy}{hint}")
        self.name = name
        self.near = near


class OptionError(CogtraceError):
    """Options that do not go together or have no meaning here."""

    exit_code = 2


class ModelError(CogtraceError):
    """A trained model cannot be read, or labels cannot be learned from; says why."""

    exit_code = 2


class EngineError(CogtraceError):
    """A language model cannot be used at all; says why, and what to do."""

    exit_code = 2


class SchemaIgnored(EngineError):
    """A server that does not keep to the schema of an answer."""


class PluginError(CogtraceError):
    """An extension that was asked for cannot be used; names it."""

    exit_code = 2


class Stopped(CogtraceError):
    """Work ended early on purpose (a budget, Ctrl-C, an engine that is gone).

    ``done`` holds what was finished, in order from the first item on.
    """

    exit_code = 3

    def __init__(self, reason: str, done: list[Any] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.done = done or []


class JobError(CogtraceError):
    """A job folder cannot be used as asked."""

    exit_code = 2


class JobLocked(JobError):
    """Another process works in the folder."""


class JobStopped(JobError):
    """The job ended before its input did; what is done is safe, and it can be resumed."""

    exit_code = 3

    def __init__(self, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason or message  # short, for the manifest


class JobDamaged(JobError):
    """The folder contradicts itself: a part is missing, changed or counted twice."""

    exit_code = 1

"""Properties of what a plugin says of itself, and of how it is loaded."""

from __future__ import annotations

import copy
import json
import re
from typing import Any, Final

from cogtrace.plugins.guidance import API_VERSION
from cogtrace.plugins.offers import is_importable
from cogtrace.plugins.pipeline.hooks import hooks_of
from cogtrace.plugins.testing.processes import in_new_process
from cogtrace.plugins.testing.running import PropertyBroken, Subject, essence
from cogtrace.plugins.testing.tasks import sample_tasks

_HEAVY: Final = (
    "numpy openai pandas polars scipy sklearn spacy torch transformers vllm".split()
)  # loaded by a command that only lists plugins, each would be waited for
_SECRET: Final = re.compile(r"(?i)api_?key|passw|secret|credential|(access|auth)_?token")
_LOAD: Final = """
import importlib, json, sys
name, build, heavy = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
module = importlib.import_module(name)
loaded = sorted(set(heavy) & set(sys.modules))
module = importlib.reload(module)
for part in build.split("."):
    module = getattr(module, part)
print(json.dumps(loaded))
"""


def what_it_says_of_itself_is_sound(subject: Subject) -> None:
    """Name, summary, version and API version are there and can be used."""
    kind = subject.kind
    if kind.api_version != API_VERSION:
        raise PropertyBroken(
            f"api_version is {kind.api_version}, this is {API_VERSION}; write api_version="
            f"{API_VERSION} once it fits that version"
        )
    for field in ("name", "summary", "version"):
        value = getattr(kind, field)
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise PropertyBroken(f"{field} is {value!r}; give a line of text")
    if kind.name == "pipeline":
        raise PropertyBroken("the name 'pipeline' is the pipeline's own in records")


def its_options_are_a_schema_and_the_defaults_pass_it(subject: Subject) -> None:
    """Options are a JSON Schema of named, described options; each default is valid."""
    import jsonschema

    schema = subject.kind.options
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise PropertyBroken(f"options are no valid JSON Schema: {error.message}") from error
    if schema.get("type") != "object":
        raise PropertyBroken('options must be of the "type" "object"')
    for name, declared in schema.get("properties", {}).items():
        if _SECRET.search(name):
            raise PropertyBroken(
                f"option {name!r} looks like a secret, and options stand in every record; read "
                "it from the environment"
            )
        if not isinstance(declared, dict) or not declared.get("description"):
            raise PropertyBroken(f"option {name!r} has no description")
        if "default" in declared:
            _check_default(name, declared)
    subject.plan()


def _check_default(name: str, declared: dict[str, Any]) -> None:
    import jsonschema

    for wrong in jsonschema.Draft202012Validator(declared).iter_errors(declared["default"]):
        raise PropertyBroken(f"the default of option {name!r} is not valid: {wrong.message}")


def the_elements_it_means_to_raise_are_known(subject: Subject) -> None:
    """Each id in ``raises`` is an element of the bundled taxonomy."""
    from cogtrace.taxonomy import load_taxonomy

    known = {element.id for element in load_taxonomy().elements}
    unknown = [name for name in subject.kind.raises if name not in known]
    if unknown:
        raise PropertyBroken(f"raises {', '.join(map(repr, unknown))}: no such element")


def it_loads_in_a_new_process_and_again(subject: Subject) -> None:
    """Its module is imported by name in a new process, twice, and loads nothing heavy."""
    build = subject.kind.build
    if not is_importable(build):
        raise PropertyBroken("build cannot be imported by name, which worker processes do")
    printed = in_new_process("-c", _LOAD, build.__module__, build.__qualname__, json.dumps(_HEAVY))
    try:
        heavy = json.loads(printed)
    except json.JSONDecodeError:
        raise PropertyBroken(f"importing it prints {printed[:80]!r}") from None
    if heavy:
        raise PropertyBroken(f"importing it loads {', '.join(heavy)}; import that where it is used")


def it_is_built_twice_without_harm(subject: Subject) -> None:
    """Two objects built from the same options do not know of each other."""
    kind = subject.kind
    options = subject.plan().steps[0].options
    for name, function in (("build", kind.build), ("calls", kind.calls)):
        given = copy.deepcopy(options)
        if callable(function):
            function(given)
        if given != options:
            raise PropertyBroken(f"{name} changes the options that it is given")
    hooks = hooks_of(kind.build(copy.deepcopy(options)), kind.name)
    if set(hooks) != set(hooks_of(kind.build(copy.deepcopy(options)), kind.name)):
        raise PropertyBroken("built twice, it has other hooks")
    tasks = sample_tasks("plain")
    first, second = subject.plan(), subject.plan()
    alone = [essence(run) for run in subject.run(tasks, plan=first)]
    subject.run(tasks[::-1], plan=second)
    if [essence(run) for run in subject.run(tasks, plan=first)] != alone:
        raise PropertyBroken("what it did with some tasks changes what it does with the next")

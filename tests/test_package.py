"""The package as it is shipped: its files, its entry points, and how its parts hang together."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest

import cogtrace

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "cogtrace"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)
LINKS = ("annotator", "corpora", "plugins", "schemas", "taxonomy")
HEAVY = ("spacy", "polars", "numpy", "jsonschema", "vllm", "rich")

# Each part may import those on the rows above its own, and nothing else of the package.
LAYERS = (
    {"records", "errors", "printable"},
    {"schemas"},
    {"taxonomy"},
    {"engines"},
    {"grading"},
    {"extensions", "sections"},
    {"jobs"},
    {"annotator", "plugins"},
    {"corpora"},
    {"training"},
    {"experiments", "integrations", "server"},
    {"cli"},
)

in_checkout = pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="only a checkout knows which files belong to it"
)


def _tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    names = [name for name in listed.stdout.split("\0") if name]
    # A file that was deleted but not yet committed is listed still.
    return [name for name in names if (ROOT / name).exists() or (ROOT / name).is_symlink()]


@pytest.fixture(scope="module")
def expected() -> set[str]:
    """Return the files that belong into a wheel."""
    return {name for name in _tracked() if name.startswith("cogtrace/")}


def _build(source: Path, out: Path, *what: str) -> Path:
    command = [sys.executable, "-m", "build", "--no-isolation", *what, "--outdir", str(out)]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the archives: "sdist", "wheel", and "wheel from sdist"."""
    folder = tmp_path_factory.mktemp("build")
    tree = folder / "tree"
    for name in _tracked():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name, follow_symlinks=False)
    sdist = _build(tree, folder / "sdist", "--sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    return {
        "sdist": sdist,
        "wheel": _build(tree, folder / "wheel", "--wheel"),
        "wheel from sdist": _build(unpacked, folder / "again", "--wheel"),
    }


@in_checkout
@pytest.mark.parametrize("kind", ["wheel", "wheel from sdist"])
def test_a_wheel_holds_the_files_of_the_package_and_no_others(
    built: dict[str, Path], expected: set[str], kind: str
) -> None:
    with zipfile.ZipFile(built[kind]) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert names == expected
    assert "cogtrace/py.typed" in names
    assert "cogtrace/taxonomy/cognitive/taxonomy.json" in names
    assert "cogtrace/corpora/sample/traces.jsonl" in names
    json_files = {p.relative_to(ROOT).as_posix() for p in PACKAGE.rglob("*.json")} & expected
    assert json_files <= names
    assert len(json_files) >= 38


@in_checkout
def test_a_wheel_holds_what_the_files_hold(built: dict[str, Path], expected: set[str]) -> None:
    with zipfile.ZipFile(built["wheel from sdist"]) as archive:
        for name in expected:
            assert archive.read(name) == (ROOT / name).read_bytes(), name


@in_checkout
@pytest.mark.parametrize("kind", ["wheel", "wheel from sdist"])
def test_a_wheel_names_its_entry_points_and_they_can_be_loaded(
    built: dict[str, Path], kind: str
) -> None:
    with zipfile.ZipFile(built[kind]) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/entry_points.txt"))
        points = ConfigParser()
        points.read_string(archive.read(name).decode())

    assert dict(points["console_scripts"]) == {"cogtrace": "cogtrace.cli.main:main"}
    factories = {"trace_sentences", "cognitive_elements", "trained_elements"}
    assert set(points["spacy_factories"]) == factories
    assert set(points["cogtrace"]) == {"engines", "annotators", "corpora", "guidance"}
    for section in points.sections():
        for target in points[section].values():
            module, _, attribute = target.partition(":")
            loaded = importlib.import_module(module)
            assert callable(getattr(loaded, attribute)) if attribute else loaded


@in_checkout
def test_the_source_archive_holds_package_tests_and_licence(
    built: dict[str, Path], expected: set[str]
) -> None:
    with tarfile.open(built["sdist"]) as archive:
        members = archive.getmembers()

    names = {member.name.partition("/")[2] for member in members}
    tests = {name for name in _tracked() if name.startswith("tests/")}
    assert expected | tests | {"LICENSE", "README.md", "pyproject.toml"} <= names
    assert not [member.name for member in members if member.issym() or member.islnk()]
    assert not [name for name in names if name.startswith(LINKS) or "__pycache__" in name]


@in_checkout
def test_the_links_at_the_top_lead_into_the_package() -> None:
    for name in LINKS:
        link = ROOT / name
        assert link.is_symlink(), name
        assert link.readlink() == Path("cogtrace") / name
        assert link.is_dir(), name


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, cogtrace; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )

    loaded = set(done.stdout.split())
    assert "cogtrace" in loaded
    assert not loaded & set(HEAVY)


def _packages() -> Iterator[str]:
    yield "cogtrace"
    for found in pkgutil.walk_packages(cogtrace.__path__, "cogtrace."):
        if found.ispkg:
            yield found.name


@pytest.mark.parametrize("name", list(_packages()))
def test_every_name_a_package_promises_is_there(name: str) -> None:
    module = importlib.import_module(name)

    promised = getattr(module, "__all__", [])
    assert [found for found in promised if not hasattr(module, found)] == []
    assert len(set(promised)) == len(promised)


def test_the_packages_one_imports_from_say_what_they_offer() -> None:
    with_all = {name for name in _packages() if hasattr(importlib.import_module(name), "__all__")}

    assert {
        "cogtrace",
        "cogtrace.annotator.job",
        "cogtrace.corpora.readers",
        "cogtrace.corpora.writers",
        "cogtrace.schemas",
        "cogtrace.taxonomy",
    } <= with_all


def _part(path: Path) -> str:
    """Return the part of the package a module belongs to; "" for the package itself."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first in ("__init__", "__main__") else first


def _imported_parts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and part of every import of this package in a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = ("cogtrace", *path.relative_to(PACKAGE).parent.parts)
                base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            root, _, rest = name.partition(".")
            part = rest.partition(".")[0]
            if root == "cogtrace" and part in set().union(*LAYERS):
                yield node.lineno, part


def test_imports_go_one_way() -> None:
    rank = {part: number for number, layer in enumerate(LAYERS) for part in layer}
    wrong = []
    seen = set()
    for path in MODULES:
        part = _part(path)
        if not part:
            continue
        for line, other in _imported_parts(path):
            seen.add((part, other))
            if other != part and rank[other] >= rank[part]:
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {part} imports {other}")

    assert wrong == []
    assert {("cli", "annotator"), ("annotator", "taxonomy"), ("taxonomy", "schemas")} <= seen


def test_every_part_of_the_package_has_its_place_among_the_layers() -> None:
    assert {_part(path) for path in MODULES} - {""} <= set().union(*LAYERS)


def test_no_module_is_longer_than_350_lines() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}

    assert {str(path): length for path, length in lengths.items() if length > 350} == {}
    assert len(lengths) > 30

"""A model is a folder of plain arrays; a folder that is none is refused with the reason."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cogtrace.annotator.merged import bundled_model
from cogtrace.annotator.model.annotator import ModelAnnotator
from cogtrace.annotator.model.files import (
    CONFIG,
    WEIGHTS,
    Model,
    Weights,
    digest,
    load_model,
    pack,
    save_model,
)
from cogtrace.errors import ModelError
from cogtrace.records import Trace
from cogtrace.taxonomy import load_taxonomy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the bundled model."""
    save_model(bundled_model(), tmp_path / "model")
    return tmp_path / "model"


def test_a_model_comes_back_as_it_was_written(folder: Path) -> None:
    found, known = load_model(folder), bundled_model()

    assert found.config == known.config
    for name in Weights.__slots__:
        assert np.array_equal(getattr(found.weights, name), getattr(known.weights, name))


def test_the_same_weights_give_the_same_bytes() -> None:
    assert pack(bundled_model().weights) == pack(bundled_model().weights)


def _rewrite(folder: Path, **changes: object) -> None:
    path = folder / CONFIG
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes))


def _with_weights(folder: Path, data: bytes) -> None:
    (folder / WEIGHTS).write_bytes(data)
    _rewrite(folder, weights_sha256=digest(data))


def _pickled(folder: Path) -> None:
    path = folder / "objects.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in Weights.__slots__:
            with archive.open(f"{name}.npy", "w") as entry:
                np.save(entry, np.array([object()]), allow_pickle=True)
    _with_weights(folder, path.read_bytes())


def _short(folder: Path) -> None:
    weights = bundled_model().weights
    cut = {name: getattr(weights, name) for name in Weights.__slots__} | {"bias": weights.bias[1:]}
    _with_weights(folder, pack(Weights(**cut)))


def _endless(folder: Path) -> None:
    weights = bundled_model().weights
    parts = {name: getattr(weights, name) for name in Weights.__slots__}
    _with_weights(folder, pack(Weights(**parts | {"bias": weights.bias * np.inf})))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param(lambda f: (f / CONFIG).unlink(), "cogtrace train", id="no config"),
        pytest.param(lambda f: (f / WEIGHTS).unlink(), "cannot be read", id="no weights"),
        pytest.param(lambda f: (f / CONFIG).write_text("{"), "no model", id="half a config"),
        pytest.param(lambda f: _rewrite(f, more=1), "no model", id="unknown field"),
        pytest.param(lambda f: _rewrite(f, format=99), "another release", id="other format"),
        pytest.param(lambda f: _rewrite(f, cues_version="0"), "another release", id="other cues"),
        pytest.param(lambda f: _rewrite(f, elements=[]), "limits and elements", id="no elements"),
        pytest.param(
            lambda f: (f / WEIGHTS).write_bytes(b"PK" + (f / WEIGHTS).read_bytes()[2:-1]),
            "hash",
            id="other weights",
        ),
        pytest.param(lambda f: _with_weights(f, b"no archive"), "no weights", id="no archive"),
        pytest.param(lambda f: _with_weights(f, pickle.dumps({})), "no weights", id="a pickle"),
        pytest.param(_pickled, "no weights", id="pickled objects"),
        pytest.param(_short, "bias", id="wrong shape"),
        pytest.param(_endless, "bias", id="infinite"),
    ],
)
def test_a_damaged_model_is_refused(
    folder: Path, damage: Callable[[Path], object], reason: str
) -> None:
    damage(folder)
    with pytest.raises(ModelError, match=reason):
        load_model(folder)


@pytest.mark.parametrize("buckets", [0, 3, 2**23])
def test_a_table_of_a_size_that_cannot_be_is_refused(folder: Path, buckets: int) -> None:
    features = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["features"]
    _rewrite(folder, features=features | {"buckets": buckets})

    with pytest.raises(ModelError, match="power of two"):
        load_model(folder)


def test_a_model_for_other_elements_is_refused() -> None:
    taxonomy = load_taxonomy().only(["verification"])

    with pytest.raises(ModelError, match="cognitive"):
        ModelAnnotator(bundled_model(), taxonomy)


def test_a_cut_down_taxonomy_gives_the_same_spans_for_what_is_left() -> None:
    whole = load_taxonomy()
    model: Model = bundled_model()
    trace = Trace(trace_id="t", text="So x is 4. Put back in, 3 times 4 minus 5 is 7.")
    cut = whole.only(["backtracking", "verification"])

    (everything,) = ModelAnnotator(model, whole).annotate([trace])
    (some,) = ModelAnnotator(model, cut, whole).annotate([trace])
    assert some.elements == tuple(e for e in everything.elements if e.element in cut.element_ids)
    assert some.annotator != everything.annotator

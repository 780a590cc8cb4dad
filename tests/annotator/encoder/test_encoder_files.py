"""An encoder's folder is checked before torch is ever loaded, and torch is asked for in words."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from invoked import here

from cogtrace.annotator.builtin import build_model
from cogtrace.annotator.cues.annotator import VERSION as CUES_VERSION
from cogtrace.annotator.encoder import annotator as encoder_annotator
from cogtrace.annotator.encoder.files import (
    EncoderConfig,
    Head,
    fresh_head,
    load_head,
    save_head,
)
from cogtrace.annotator.model.files import Limits
from cogtrace.errors import ModelError, OptionError
from cogtrace.extensions import AnnotatorSetup
from cogtrace.taxonomy import load_taxonomy

CONFIG = EncoderConfig(
    format=1,
    cues_version=CUES_VERSION,
    taxonomy="cognitive",
    taxonomy_version="1",
    cues_sha256="",
    cues=3,
    elements=("verification", "backtracking"),
    exclusive=False,
    limits=(Limits(partial=0.1, present=0.2, span=0.5),) * 2,
    weights_sha256="",
    window=64,
    width=4,
    transformer_sha256="",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of an encoder whose transformer is a few bytes."""
    (tmp_path / "transformer").mkdir()
    (tmp_path / "transformer" / "model.safetensors").write_bytes(b"weights")
    save_head(CONFIG, _head(), tmp_path)
    return tmp_path


def _head() -> Head:
    return fresh_head(np.arange(14, dtype=np.float64).reshape(2, 7), np.array([0.5, -0.5]))


def _changed(folder: Path, **changes: object) -> None:
    path = folder / "encoder.json"
    content = msgspec.json.decode(path.read_bytes()) | changes
    path.write_bytes(msgspec.json.encode(content))


def test_what_is_written_is_read_again(folder: Path) -> None:
    config, head = load_head(folder)

    assert config.elements == CONFIG.elements
    for name in Head.__slots__:
        assert np.array_equal(getattr(head, name), getattr(_head(), name)), name


def test_the_same_head_gives_the_same_bytes(folder: Path) -> None:
    before = (folder / "head.npz").read_bytes()
    save_head(CONFIG, _head(), folder)

    assert (folder / "head.npz").read_bytes() == before


@pytest.mark.parametrize("name", ["encoder.json", "head.npz", "transformer/model.safetensors"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(ModelError, match=Path(name).name):
        load_head(folder)


@pytest.mark.parametrize("name", ["head.npz", "transformer/model.safetensors"])
def test_a_changed_file_is_told_by_its_hash(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes() + b" ")

    with pytest.raises(ModelError, match="hash"):
        load_head(folder)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        pytest.param({"format": 2}, "another release", id="format"),
        pytest.param({"cues_version": "0"}, "another release", id="cues"),
        pytest.param({"limits": []}, "do not go together", id="limits"),
        pytest.param({"window": 4}, "sizes", id="window"),
        pytest.param({"width": 5}, "shape", id="width"),
        pytest.param({"cues": -1}, "sizes", id="negative"),
        pytest.param({"more": 1}, "no trained encoder", id="unknown field"),
        pytest.param({"elements": "x"}, "no trained encoder", id="type"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(
    folder: Path, changes: dict[str, object], fault: str
) -> None:
    _changed(folder, **changes)

    with pytest.raises(ModelError, match=fault):
        load_head(folder)


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torch seem not to be installed."""
    monkeypatch.setattr(encoder_annotator, "find_spec", lambda name: None)


@pytest.mark.usefixtures("no_torch")
def test_without_torch_the_annotator_says_what_to_install(folder: Path) -> None:
    setup = AnnotatorSetup(taxonomy=load_taxonomy(), options={"argument": str(folder)})

    with pytest.raises(OptionError, match=r"cogtrace\[encoder\]"):
        build_model(setup)


@pytest.mark.usefixtures("no_torch")
def test_without_torch_training_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"cogtrace\[encoder\]"):
        here("train", "@examples", "--dev", "@gold", "--encoder", "x", "-o", tmp_path / "out")


@pytest.mark.parametrize(
    "option", [["--strength", "1"], ["--position"], ["--around", "1"], ["--refit"], ["--no-refit"]]
)
def test_options_of_the_other_kind_are_refused_with_an_encoder(
    tmp_path: Path, option: list[str]
) -> None:
    with pytest.raises(OptionError, match="not with --encoder"):
        here("train", "@examples", "--dev", "@gold", "--encoder", "x", "-o", tmp_path, *option)

"""A trained encoder finds what it was taught, loses no sentence, and is checked when read."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from invoked import here
from tiny_encoder import POSITIONS, build_encoder

from cogtrace.errors import ModelError
from cogtrace.records import Trace
from cogtrace.taxonomy import Taxonomy, build_taxonomy, load_taxonomy
from cogtrace.training.labels import LabelledTrace

pytestmark = pytest.mark.torch


@pytest.fixture(scope="session")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny encoder that has learnt nothing."""
    return build_encoder(tmp_path_factory.mktemp("transformer"))


@pytest.fixture(scope="module")
def taxonomy(tiny_taxonomy: dict[str, Any]) -> Taxonomy:
    """Return a taxonomy that is not the bundled one."""
    return build_taxonomy(tiny_taxonomy, "tiny")


def _labelled(taxonomy: Taxonomy, first: int, count: int) -> list[LabelledTrace]:
    """Return traces in which "Blue N." is a guess and "Red N." a turn back, in any order."""
    found = []
    for number in range(first, first + count):
        parts = [
            (f"Blue {number} it is today.", "guessing", 2),
            (f"The sum grows by {number}.", "re-reading", 1),
            (f"Red {number} it was before.", "turning-back", 2),
        ]
        parts = parts[number % 3 :] + parts[: number % 3]
        parts = parts[:: (-1) ** number]
        scores = np.zeros((3, 3), dtype=np.int64)
        for row, (_, element, score) in enumerate(parts):
            scores[row, taxonomy.element_ids.index(element)] = score
        text = " ".join(part[0] for part in parts)
        found.append(LabelledTrace(Trace(trace_id=f"t{number}", text=text), scores))
    return found


def _train(taxonomy: Taxonomy, transformer: Path, folder: Path, **changes: Any) -> Any:
    """Train an encoder into ``folder``; return it as written, and its figures."""
    from cogtrace.annotator.encoder.saving import save_encoder
    from cogtrace.training.encoding import EncoderSettings, train_encoder

    how = {"epochs": 12, "rate": 2e-3, "head_rate": 2e-2, "batch": 4, "window": 48} | changes
    chosen = EncoderSettings(transformer=str(transformer), **how)
    model, figures = train_encoder(
        _labelled(taxonomy, 0, 40), _labelled(taxonomy, 40, 10), taxonomy, chosen
    )
    return save_encoder(model, taxonomy, folder), figures


@pytest.fixture(scope="module")
def trained(
    taxonomy: Taxonomy, transformer: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return the folder of a trained encoder."""
    folder = tmp_path_factory.mktemp("trained")
    _train(taxonomy, transformer, folder)
    return folder


def _annotator(folder: Path, taxonomy: Taxonomy) -> Any:
    from cogtrace.annotator.encoder.annotator import EncoderAnnotator

    return EncoderAnnotator.from_folder(folder, taxonomy)


@pytest.mark.parametrize("exclusive", [False, True])
def test_an_encoder_finds_what_it_was_taught(
    taxonomy: Taxonomy, transformer: Path, tmp_path: Path, exclusive: bool
) -> None:
    _, figures = _train(taxonomy, transformer, tmp_path, exclusive=exclusive)
    trace = Trace(trace_id="new", text="Red 99 it was before. Blue 98 it is today.")
    (found,) = _annotator(tmp_path, taxonomy).annotate([trace])

    spans = {entry.element: [s.quote for s in entry.spans] for entry in found.elements}
    assert spans["guessing"] == ["Blue 98 it is today."]
    assert spans["turning-back"] == ["Red 99 it was before."]
    assert figures.macro_f1 == 1.0
    assert figures.accuracy == (1.0 if exclusive else None)


def test_the_same_labels_and_seed_give_the_same_encoder(
    taxonomy: Taxonomy, transformer: Path, trained: Path, tmp_path: Path
) -> None:
    again, _ = _train(taxonomy, transformer, tmp_path)

    known = json.loads((trained / "encoder.json").read_bytes())
    assert again.config.weights_sha256 == known["weights_sha256"]
    assert again.config.transformer_sha256 == known["transformer_sha256"]


def test_the_command_trains_and_annotates(
    transformer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [
        {
            "id": f"p{number}",
            "register": "student",
            "domain": "colours",
            "complete": True,
            "sentences": [
                {"text": f"Let me check that {number} is blue.", "labels": {"verification": 2}},
                {"text": f"Wait, no, back to {number}.", "labels": {"backtracking": 2}},
            ],
        }
        for number in range(40)
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "labels.jsonl").write_text(text, encoding="utf-8")
    trace = {"trace_id": "a", "text": "It is red. Let me check that 99 is blue."}
    (tmp_path / "traces.jsonl").write_text(json.dumps(trace), encoding="utf-8")

    said = here(
        "train", "labels.jsonl", "--encoder", transformer, "--epochs", 2, "-o", "reader",
        "--window", 48, "--json",
    )  # fmt: skip
    report = json.loads(said.stdout)
    here("annotate", "traces.jsonl", "--annotator", "model:reader", "--out", "out")
    here("export", "out", "--to", "jsonl", "-o", "rows.jsonl")

    assert report["training"]["epoch"] in (1, 2)
    (row,) = map(json.loads, (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines())
    assert row["trace_id"] == "a"
    assert row["annotator"]["name"] == "encoder"
    assert len(row["elements"]) == len(load_taxonomy().elements)


def test_a_trace_is_read_alike_alone_and_among_others(taxonomy: Taxonomy, trained: Path) -> None:
    annotator = _annotator(trained, taxonomy)
    traces = [
        Trace(trace_id=str(k), text=" ".join(f"Blue {n} it is today. Red {n}." for n in range(k)))
        for k in range(12)
    ]
    together = annotator.annotate(traces)
    alone = [annotator.annotate([trace])[0] for trace in traces]

    for one, other in zip(together, alone, strict=True):
        assert [(e.element, e.score, len(e.spans)) for e in one.elements] == [
            (e.element, e.score, len(e.spans)) for e in other.elements
        ]


@given(
    lengths=st.lists(st.integers(min_value=0, max_value=90), max_size=30),
    window=st.integers(min_value=16, max_value=POSITIONS),
)
@settings(max_examples=60)
def test_every_sentence_is_read_in_exactly_one_window(
    transformer: Path, lengths: list[int], window: int
) -> None:
    from cogtrace.annotator.encoder.transformer import load_transformer, read, windows

    loaded = load_transformer(transformer, window)
    sentences = ["blue " * length for length in lengths]
    found = windows(loaded, [sentences])

    assert sum(each.count for each in found) == len(sentences)
    assert all(len(each.tokens) == len(each.sentence) <= window for each in found)
    for each in found:
        assert sorted(set(each.sentence) - {-1}) == list(range(each.count))
    assert read(loaded, [sentences]).shape == (len(sentences), loaded.width)


def test_weights_of_16_bits_are_widened_so_that_they_can_learn(
    transformer: Path, tmp_path: Path
) -> None:
    import torch
    import transformers

    from cogtrace.annotator.encoder.transformer import load_transformer

    shutil.copytree(transformer, tmp_path, dirs_exist_ok=True)
    half = transformers.AutoModel.from_pretrained(transformer).to(torch.bfloat16)
    half.save_pretrained(tmp_path, safe_serialization=True)

    assert {p.dtype for p in load_transformer(tmp_path, 32).encoder.parameters()} == {torch.float32}


def test_an_empty_text_shows_nothing(taxonomy: Taxonomy, trained: Path) -> None:
    (found,) = _annotator(trained, taxonomy).annotate([Trace(trace_id="a", text="  \n ")])

    assert [entry.score for entry in found.elements] == [0, 0, 0]


@pytest.mark.parametrize("name", ["encoder.json", "head.npz", "transformer/model.safetensors"])
def test_a_file_that_is_missing_or_changed_is_named(
    taxonomy: Taxonomy, transformer: Path, tmp_path: Path, name: str
) -> None:
    _train(taxonomy, transformer, tmp_path, epochs=1)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:-7] + b"changed")
    with pytest.raises(ModelError, match=path.name):
        _annotator(tmp_path, taxonomy)
    path.unlink()
    with pytest.raises(ModelError, match=path.name):
        _annotator(tmp_path, taxonomy)


def test_an_encoder_for_other_elements_is_refused(trained: Path) -> None:
    with pytest.raises(ModelError, match="trained for the taxonomy"):
        _annotator(trained, load_taxonomy())


def test_a_window_beyond_what_the_transformer_reads_is_refused(
    taxonomy: Taxonomy, transformer: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=f"reads {POSITIONS} tokens"):
        _train(taxonomy, transformer, tmp_path, window=POSITIONS + 1)


def test_what_is_no_transformer_is_named(taxonomy: Taxonomy, tmp_path: Path) -> None:
    (tmp_path / "no").mkdir()
    with pytest.raises(ModelError, match="no encoder that transformers can load"):
        _train(taxonomy, tmp_path / "no", tmp_path / "out")


def test_limits_that_do_not_go_with_the_elements_are_refused(
    taxonomy: Taxonomy, transformer: Path, tmp_path: Path
) -> None:
    _train(taxonomy, transformer, tmp_path, epochs=1)
    path = tmp_path / "encoder.json"
    content = msgspec.json.decode(path.read_bytes())
    content["limits"].pop()
    path.write_bytes(msgspec.json.encode(content))
    with pytest.raises(ModelError, match="do not go together"):
        _annotator(tmp_path, taxonomy)


def test_a_spacy_package_carries_the_encoder(
    taxonomy: Taxonomy, trained: Path, tmp_path: Path
) -> None:
    command = f"-m cogtrace package-model {trained} --out {tmp_path} --name reader".split()
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    made = tmp_path / "en_reader-1.0.0"
    nlp = spacy.load(made / "en_reader" / "en_reader-1.0.0")

    text = "Red 7 it was before. The sum grows by 7."
    (found,) = _annotator(trained, taxonomy).annotate([Trace(trace_id="text", text=text)])
    doc = nlp(text)
    spans = [(s.label_, s.text) for s in doc.spans["cognitive_elements"]]
    assert spans == [(e.element, span.quote) for e in found.elements for span in e.spans] != []
    needs = tomllib.loads((made / "pyproject.toml").read_text(encoding="utf-8"))
    assert needs["project"]["dependencies"][0].startswith("cogtrace[encoder]>=")


def test_a_pipeline_writes_its_encoder_again(
    taxonomy: Taxonomy, trained: Path, tmp_path: Path
) -> None:
    from cogtrace.annotator.components import TrainedElements

    TrainedElements("spans").from_disk(trained).to_disk(tmp_path)

    trace = Trace(trace_id="t", text="Red 7 it was before. The sum grows by 7.")
    again, first = (
        _annotator(folder, taxonomy).annotate([trace]) for folder in (tmp_path, trained)
    )
    assert [entry.score for entry in again[0].elements] == [e.score for e in first[0].elements]

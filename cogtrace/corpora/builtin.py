"""Readers, writers and report sections that come with cogtrace, registered as anybody's are.

Nothing of a format is imported until it is read or written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from cogtrace.corpora.report_sections import SECTIONS
from cogtrace.extensions import RawRow, ReaderKind, WriterKind, hookimpl
from cogtrace.records import Annotation, Trace
from cogtrace.sections import SectionKind
from cogtrace.taxonomy import Taxonomy

Pairs = Iterable[tuple[Trace, Annotation]]


def read_jsonl(path: str) -> Iterator[RawRow]:
    """Read one JSON object a line."""
    from cogtrace.corpora.readers.formats import jsonl_rows

    return jsonl_rows(path)


def read_json(path: str) -> Iterator[RawRow]:
    """Read a JSON array of objects, or one object."""
    from cogtrace.corpora.readers.formats import json_rows

    return json_rows(path)


def read_csv(path: str) -> Iterator[RawRow]:
    """Read comma-separated values."""
    from cogtrace.corpora.readers.formats import csv_rows

    return csv_rows(path)


def read_tsv(path: str) -> Iterator[RawRow]:
    """Read tab-separated values."""
    from cogtrace.corpora.readers.formats import tsv_rows

    return tsv_rows(path)


def read_parquet(path: str) -> Iterator[RawRow]:
    """Read a Parquet file."""
    from cogtrace.corpora.readers.formats import parquet_rows

    return parquet_rows(path)


def read_chat(path: str) -> Iterator[RawRow]:
    """Read chat transcripts, a trace per turn of an assistant."""
    from cogtrace.corpora.readers.chat import chat_rows

    return chat_rows(path)


def read_batch(path: str) -> Iterator[RawRow]:
    """Read the results of OpenAI's Batch API."""
    from cogtrace.corpora.readers.batch import batch_rows

    return batch_rows(path)


def read_saved(path: str) -> Iterator[RawRow]:
    """Read a Hugging Face dataset that was saved to disk."""
    from cogtrace.corpora.readers.saved import saved_rows

    return saved_rows(path)


def read_guided(path: str) -> Iterator[RawRow]:
    """Read what `cogtrace guide` left, a trace per candidate."""
    from cogtrace.corpora.readers.guided import guided_rows

    return guided_rows(path)


def read_reference(path: str) -> Iterator[RawRow]:
    """Read annotations in the layout of the public reference code."""
    from cogtrace.corpora.readers.reference import reference_rows

    return reference_rows(path)


def read_reasoningflow(path: str) -> Iterator[RawRow]:
    """Read texts labelled as graphs of reasoning steps."""
    from cogtrace.corpora.readers.labelled import reasoningflow_rows

    return reasoningflow_rows(path)


def read_schoenfeld(path: str) -> Iterator[RawRow]:
    """Read texts whose sentences are labelled with episodes of problem solving."""
    from cogtrace.corpora.readers.labelled import schoenfeld_rows

    return schoenfeld_rows(path)


def read_label_studio(path: str) -> Iterator[RawRow]:
    """Read what people labelled in Label Studio."""
    from cogtrace.corpora.readers.label_studio import label_studio_rows

    return label_studio_rows(path)


def write_jsonl(pairs: Pairs, taxonomy: Taxonomy) -> Iterator[str]:
    """Write one annotation a line."""
    from cogtrace.corpora.writers.forms import to_jsonl

    return to_jsonl(pairs, taxonomy)


def write_csv(pairs: Pairs, taxonomy: Taxonomy) -> Iterator[str]:
    """Write one row per span."""
    from cogtrace.corpora.writers.forms import to_csv

    return to_csv(pairs, taxonomy)


def write_reference(pairs: Pairs, taxonomy: Taxonomy) -> Iterator[str]:
    """Write the layout of the public reference code."""
    from cogtrace.corpora.writers.forms import to_reference

    return to_reference(pairs, taxonomy)


def write_label_studio(pairs: Pairs, taxonomy: Taxonomy) -> Iterator[str]:
    """Write tasks for Label Studio."""
    from cogtrace.corpora.writers.label_studio import to_label_studio

    return to_label_studio(pairs, taxonomy)


def write_label_config(pairs: Pairs, taxonomy: Taxonomy) -> Iterator[str]:
    """Write the labelling interface for these tasks."""
    from cogtrace.corpora.writers.label_studio import to_label_config

    return to_label_config(pairs, taxonomy)


def write_docbin(pairs: Pairs, taxonomy: Taxonomy) -> Iterator[bytes]:
    """Write a spaCy DocBin."""
    from cogtrace.corpora.writers.docbin import to_docbin

    return to_docbin(pairs, taxonomy)


def write_web_annotations(pairs: Pairs, taxonomy: Taxonomy) -> Iterator[str]:
    """Write Web Annotations."""
    from cogtrace.corpora.writers.web_annotation import to_web_annotations

    return to_web_annotations(pairs, taxonomy)


READERS: Final = (
    ReaderKind(
        name="jsonl",
        summary="one JSON object a line",
        read=read_jsonl,
        suffixes=(".jsonl", ".ndjson"),
    ),
    ReaderKind(
        name="json",
        summary="a JSON array of objects, or an object that holds one",
        read=read_json,
        suffixes=(".json",),
    ),
    ReaderKind(
        name="csv",
        summary="comma-separated values with a header",
        read=read_csv,
        suffixes=(".csv",),
    ),
    ReaderKind(
        name="tsv",
        summary="tab-separated values with a header",
        read=read_tsv,
        suffixes=(".tsv",),
    ),
    ReaderKind(
        name="parquet",
        summary="a Parquet file",
        read=read_parquet,
        suffixes=(".parquet", ".pq"),
    ),
    ReaderKind(
        name="chat",
        summary="transcripts (lists of messages), a trace per turn of an assistant",
        read=read_chat,
    ),
    ReaderKind(
        name="openai-batch",
        summary="results of OpenAI's Batch API, with the requests beside them",
        read=read_batch,
    ),
    ReaderKind(
        name="datasets",
        summary="a folder that save_to_disk of Hugging Face datasets left",
        read=read_saved,
        folders=True,
    ),
    ReaderKind(
        name="guidance",
        summary="a folder that was --out of cogtrace guide, a trace per candidate",
        read=read_guided,
        folders=True,
    ),
    ReaderKind(
        name="reference",
        summary="scores and spans in the layout of the public reference code",
        read=read_reference,
        suffixes=(".json",),
        gives="annotations",
        texts=False,
    ),
    ReaderKind(
        name="label-studio",
        summary="what people labelled in Label Studio, exported as JSON",
        read=read_label_studio,
        suffixes=(".json", ".jsonl"),
        gives="annotations",
    ),
    ReaderKind(
        name="reasoningflow",
        summary="graphs of reasoning steps, labelled by people (ReasoningFlow)",
        read=read_reasoningflow,
        suffixes=(".jsonl", ".ndjson", ".json"),
        gives="annotations",
    ),
    ReaderKind(
        name="schoenfeld",
        summary="sentences labelled with episodes of problem solving by people (Schoenfeld)",
        read=read_schoenfeld,
        suffixes=(".jsonl", ".ndjson", ".json"),
        gives="annotations",
    ),
)
WRITERS: Final = (
    WriterKind(name="jsonl", summary="one annotation a line", write=write_jsonl),
    WriterKind(name="csv", summary="one row per span, for spreadsheets", write=write_csv),
    WriterKind(
        name="reference",
        summary="the layout of the public reference code",
        write=write_reference,
    ),
    WriterKind(
        name="label-studio",
        summary="tasks for Label Studio, the annotations as predictions to correct",
        write=write_label_studio,
    ),
    WriterKind(
        name="label-studio-config",
        summary="the labelling interface for these tasks (XML)",
        write=write_label_config,
    ),
    WriterKind(
        name="docbin",
        summary="spaCy Docs with spans, one file .spacy",
        write=write_docbin,
        binary=True,
    ),
    WriterKind(
        name="w3c",
        summary="Web Annotations, one per span and line",
        write=write_web_annotations,
    ),
)


@hookimpl
def cogtrace_readers() -> list[ReaderKind]:
    """Register the readers."""
    return list(READERS)


@hookimpl
def cogtrace_writers() -> list[WriterKind]:
    """Register the writers."""
    return list(WRITERS)


@hookimpl
def cogtrace_report_sections() -> list[SectionKind]:
    """Register the sections of reports, in their order."""
    return list(SECTIONS)

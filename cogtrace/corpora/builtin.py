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
        name="reference",
        summary="scores and spans in the layout of the public reference code",
        read=read_reference,
        suffixes=(".json",),
        gives="annotations",
        texts=False,
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

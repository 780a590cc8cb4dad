"""Labels of episodes (Schoenfeld) as labels to train on, for the benchmarks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from labelled import rows

from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.records import Trace
from cogtrace.taxonomy import Taxonomy
from cogtrace.training import LabelledTrace
from cogtrace.training.labels import NOT_JUDGED


def episodes(folder: Path, taxonomy: Taxonomy) -> list[LabelledTrace]:
    """Return the labelled responses, in order.

    Each labelled unit gives its label to the sentence of ours that it shares most with; where
    several do, the longest counts. Left out as documented: boundaries, and fragments
    labelled Monitor.
    """
    found = []
    for row in rows(folder / "schoenfeld_dev.jsonl.gz"):
        text = row["response"]
        ranges = np.array(sentence_ranges(text), dtype=np.int64).reshape(-1, 2)
        scores = np.full((len(ranges), len(taxonomy.elements)), NOT_JUDGED, dtype=np.int64)
        longest = np.zeros(len(ranges))
        for unit in row["sentences"]:
            label = unit["sentence_label"]
            if unit.get("boundary") or (unit.get("fragment") and label == "Monitor"):
                continue
            shared = np.minimum(ranges[:, 1], unit["end"]) - np.maximum(ranges[:, 0], unit["start"])
            place = int(shared.argmax())
            if shared[place] > longest[place]:
                longest[place] = shared[place]
                scores[place] = 0
                scores[place, taxonomy.element_ids.index(taxonomy.element(label).id)] = 2
        trace = Trace(trace_id=str(row["id"]), text=text, question=row.get("question"))
        found.append(LabelledTrace(trace, scores))
    return found

"""Print what the gold corpus holds, and what lint finds: ``python -m cogtrace.corpora.gold``."""

from __future__ import annotations

import sys
from collections import Counter

from cogtrace.corpora.gold import SPLITS, read_gold
from cogtrace.corpora.gold.counting import count
from cogtrace.corpora.gold.linting import lint_gold
from cogtrace.taxonomy import load_taxonomy


def main() -> int:
    """Print counts per split, register and element; return 1 if lint finds anything."""
    taxonomy, passages = load_taxonomy(), read_gold()
    write = sys.stdout.write
    for split in SPLITS:
        part = read_gold(split)
        sentences = sum(len(passage.sentences) for passage in part)
        write(f"{split:6}{len(part):6,} passages{sentences:8,} sentences\n")
    registers = Counter(passage.register for passage in passages)
    write(", ".join(f"{name} {times}" for name, times in registers.most_common()) + "\n")
    write(f"{len({passage.domain for passage in passages})} domains\n\n")
    write(f"{'element':32}{'passages':>9}{'absent':>8}{'partial':>8}{'clear':>7}")
    write(f"{'median length':>18}{'hedged':>12}\n")
    for name in taxonomy.element_ids:
        found = count(passages, name)
        absent, partial, clear = found.sentences
        lengths = " ".join(f"{length:.0f}" for length in found.lengths)
        hedged = " ".join(map(str, found.hedged))
        write(f"{name:32}{found.passages:>9}{absent:>8}{partial:>8}{clear:>7}")
        write(f"{lengths:>18}{hedged:>12}\n")
    wrong = lint_gold(passages, taxonomy)
    for line in wrong:
        write(f"wrong: {line}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

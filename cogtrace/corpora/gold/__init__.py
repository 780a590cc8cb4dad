"""Passages of reasoning with judged sentences: to train small models on, and to test any."""

from cogtrace.corpora.gold.reading import read_gold
from cogtrace.corpora.gold.records import REGISTERS, GoldPassage, GoldSentence
from cogtrace.corpora.gold.splitting import SPLITS, Split, splits

__all__ = ["REGISTERS", "SPLITS", "GoldPassage", "GoldSentence", "Split", "read_gold", "splits"]

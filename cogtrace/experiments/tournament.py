"""Arms compared in pairs: scores and ratings from games that a model or people decided."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from cogtrace.annotator.intervals import clopper_pearson
from cogtrace.corpora.statistics.arrays import number, ratio
from cogtrace.corpora.statistics.bootstrap import interval
from cogtrace.corpora.statistics.measures import Z
from cogtrace.errors import InputError
from cogtrace.experiments.estimating import Draws
from cogtrace.experiments.glicko import Player, after
from cogtrace.experiments.records import Bias, Rating, Tournament

Game = tuple[str, int, int, float]  # task, two arms, the share of the win that the first gets

# Tasks per rating period; Glickman asks for about 10 to 15 games of each player in one.
_PERIOD_GAMES: Final = 12
_COLUMNS: Final = ("task", "arm_a", "arm_b", "winner")
_TIES: Final = ("", "tie", "both", "neither", "draw")


def tournament(
    arms: Sequence[str],
    games: Sequence[Game],
    draws: Draws,
    *,
    judge: str,
    bias: Bias | None,
    left_out: int,
) -> Tournament:
    """Return scores and ratings of all arms."""
    ratings = _ratings(len(arms), games, draws.seed)
    return Tournament(
        judge=judge,
        tasks=len({task for task, *_ in games}),
        games=len(games),
        ties=sum(won == 0.5 for *_, won in games),
        left_out=left_out,
        bias=bias,
        ratings=[
            _rating(name, place, games, ratings[place], draws) for place, name in enumerate(arms)
        ],
    )


def read_winners(path: Path, arms: Sequence[str]) -> list[Game]:
    """Return the games of a CSV file with the columns task, arm_a, arm_b, winner.

    The winner is the name of an arm, or tie (also empty).

    Raises:
        InputError: it cannot be read; a column is missing; a name is that of no arm.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise InputError(f"{path}: no column {missing[0]}; give {', '.join(_COLUMNS)}")
            return [_game(path, rows.line_num, row, arms) for row in rows]
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: is not CSV in UTF-8 ({error})") from error


def _game(path: Path, line: int, row: dict[str, str | None], arms: Sequence[str]) -> Game:
    values = [(row[name] or "").strip() for name in _COLUMNS]
    task, a, b, winner = values
    for name in (a, b):
        if name not in arms:
            there = ", ".join(arms)
            raise InputError(f"{path}, line {line}: {name!r:.60} is no arm; there is {there}")
    if a == b:
        raise InputError(f"{path}, line {line}: {a!r} against itself")
    if winner in (a, b):
        return task, arms.index(a), arms.index(b), float(winner == a)
    if winner.lower() in _TIES:
        return task, arms.index(a), arms.index(b), 0.5
    raise InputError(f"{path}, line {line}: the winner is {a!r}, {b!r} or tie, not {winner!r:.60}")


def _rating(name: str, place: int, games: Sequence[Game], player: Player, draws: Draws) -> Rating:
    tasks: dict[str, int] = {}
    mine = [
        (tasks.setdefault(task, len(tasks)), won if place == a else 1 - won)
        for task, a, b, won in games
        if place in (a, b)
    ]
    scores = np.array([won for _, won in mine])
    low: float | None = None
    high: float | None = None
    if len(mine) and (scores == scores[0]).all() and scores[0] in (0.0, 1.0):
        # All draws are the same where all games are; the exact interval says how sure that is.
        low, high = clopper_pearson(len(tasks) if scores[0] else 0, len(tasks))
    elif len(mine):
        cluster = np.array([task for task, _ in mine])
        _, drawn = draws.sums(np.stack([scores, np.ones(len(mine))], axis=1), cluster)
        ends = interval(ratio(drawn[:, :1], drawn[:, 1:]))
        low, high = number(float(ends[0][0])), number(float(ends[1][0]))
    return Rating(
        arm=name,
        games=len(mine),
        score=float(scores.mean()) if len(mine) else None,
        score_low=low,
        score_high=high,
        rating=player.rating,
        rating_low=player.rating - Z * player.deviation,
        rating_high=player.rating + Z * player.deviation,
    )


def _ratings(arms: int, games: Sequence[Game], seed: int) -> list[Player]:
    """Return ratings after all games, a few tasks of a random order in each rating period."""
    players = [Player() for _ in range(arms)]
    by_task: dict[str, list[Game]] = {}
    for game in games:
        by_task.setdefault(game[0], []).append(game)
    order = sorted(by_task)
    random.Random(seed).shuffle(order)
    size = max(1, round(_PERIOD_GAMES / max(1, arms - 1)))
    for begin in range(0, len(order), size):
        played: list[list[tuple[Player, float]]] = [[] for _ in players]
        for task in order[begin : begin + size]:
            for _, a, b, won in by_task[task]:
                played[a].append((players[b], won))
                played[b].append((players[a], 1 - won))
        players = [after(player, played[place]) for place, player in enumerate(players)]
    return players

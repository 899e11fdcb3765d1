"""From what the classifier said of harmless answers to the scores at which windows block."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

Windows = Sequence[Mapping[str, float]]
"""What the classifier said of each window of a stream: a score a category."""

DECIMALS = 4
"""Of a threshold; more say nothing."""


def decisive(windows: Windows, category: str) -> float:
    """The score that a stream is cut by: the highest threshold at which it would be.

    Two windows in a row must reach it, or the only one (`crates/lane/src/stream/suspicion.rs`).
    """
    scores = [window[category] for window in windows]
    if len(scores) < 2:
        return max(scores, default=0.0)
    return max(map(min, scores, scores[1:]))


def cut_by(windows: Windows, blocks: Mapping[str, float]) -> list[str]:
    """Categories that would cut the stream."""
    return [category for category, at in blocks.items() if decisive(windows, category) >= at]


def choose(
    answers: Sequence[Windows], floors: Mapping[str, float], budget: float
) -> dict[str, float]:
    """Thresholds at which at most a share of `budget` of such answers is expected to be cut.

    Categories share the budget by a common factor: the room of each between its floor (what blocks
    a whole text) and 1 shrinks alike, until so few answers are cut that with one more, as if the
    next answer were cut, they are at most `budget` of n + 1. Thresholds are rounded up; a category
    whose threshold no score can reach is left out. Raises ValueError if there are too few answers.
    """
    allowed = math.floor(budget * (len(answers) + 1)) - 1
    if allowed < 0:
        raise ValueError(f"{len(answers)} answers are too few for {budget}")
    rooms = sorted(room(windows, floors) for windows in answers)
    # Just below the first answer that may not be cut any more; a score of 1 leaves no room at all.
    limit = rooms[allowed] if allowed < len(rooms) else math.inf
    factor = min(1.0, limit)
    chosen = {
        category: above(1 - (1 - floor) * factor) if limit <= 1.0 else floor
        for category, floor in floors.items()
    }
    return {category: at for category, at in chosen.items() if at <= 1.0}


def room(windows: Windows, floors: Mapping[str, float]) -> float:
    """The least factor at which the answer is cut; above 1 if it is not even at the floors."""
    return min(
        (1 - decisive(windows, category)) / (1 - floor) for category, floor in floors.items()
    )


def above(score: float) -> float:
    """The next threshold that the score does not reach."""
    step = 10**-DECIMALS
    return round((math.floor(score / step + 1e-6) + 1) * step, DECIMALS)


def pairs(thresholds: Mapping[str, float]) -> Iterator[str]:
    """As a policy writes them."""
    for category, at in thresholds.items():
        yield f"{category}: {at}"

"""How long a step takes: what a plan of so many minutes rests on."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import torch

from heavy.batching import schedule
from heavy.encoder import Encoder, padded
from heavy.loop import Plan
from heavy.prepare import Prepared

STEPS = 6
REPEATS = 2
USED = 0.75
"""Of the cores' time, what the passes have: the rest is waiting for each other, the optimiser and
looks at dev-fit (seen on two cores)."""


def seconds_a_step(encoder: Encoder, rows: Prepared, plan: Plan, threads: int) -> float:
    """Of wall time on `threads` cores that do nothing else.

    Reckoned from the processor time of one thread, the least of some repeats: the clock on the wall
    would count what else the machine is doing now. Changes no weights.
    """
    train = np.flatnonzero(rows.split == 0)
    # From another seed: the steps are the like of those to come.
    plan = replace(plan, seed=plan.seed + 1, steps=STEPS)
    steps = schedule(rows.source, rows.lengths, train, plan.steps, plan.cut, plan.seed)
    torch.set_num_threads(1)
    total = 0.0
    for step in steps:
        for group in step:
            batch = padded([rows.tokens(int(row)) for row in group])
            total += min(_pass(encoder, batch, plan) for _ in range(REPEATS))
    encoder.zero_grad(set_to_none=True)
    torch.set_num_threads(threads)
    return total / STEPS / threads / USED


def _pass(encoder: Encoder, batch: tuple[torch.Tensor, torch.Tensor], plan: Plan) -> float:
    start = time.process_time()
    with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
        logits = encoder(*batch)
    logits.square().mean().backward()
    return time.process_time() - start

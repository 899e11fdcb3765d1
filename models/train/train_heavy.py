"""Fine-tunes the heavy model, or goes on with a run that was stopped. See README.md."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import torch

from heavy import q4
from heavy.checkpoint import Folder
from heavy.encoder import Encoder, Shape, load
from heavy.loop import Plan, Trainer
from heavy.prepare import prepare, tokenizer
from heavy.speed import seconds_a_step

WEIGHTS = "e5-small-q4.bin"
TOKENIZER = "tokenizer.json"


def main() -> None:
    """Everything, in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with train-dev/ and licences.json"
    )
    parser.add_argument("--e5", type=Path, required=True, help="folder that scripts/e5 filled")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--minutes", type=float, default=95, help="of idle cores, for a new plan")
    parser.add_argument("--steps", type=int, help="for a new plan, in place of --minutes")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--f32", action="store_true", help="no bfloat16, for processors without it")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    folder = Folder(options.out)

    base = q4.read(options.e5 / WEIGHTS)
    plan = Plan(steps=0, bfloat16=not options.f32)
    if folder.plan.exists():
        plan = Plan.parse(folder.plan.read_text())
    encoder = Encoder(Shape(**vars(base.sizes)), plan.dropout)
    load(encoder, base.tensors)
    cutter = tokenizer(options.e5 / TOKENIZER, base.pieces)
    rows = prepare(options.data, cutter, folder.cache, plan.seed)
    if not folder.plan.exists():
        each = seconds_a_step(encoder, rows, plan, options.threads)
        plan = replace(plan, steps=options.steps or int(options.minutes * 60 / each))
        print(f"{1000 * each:.0f} ms a step, {plan.steps} steps", file=sys.stderr, flush=True)
        folder.plan.write_text(plan.json())
    Trainer(plan, encoder, rows, folder).run()


if __name__ == "__main__":
    main()

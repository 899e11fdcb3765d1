"""The training loop.

All that happens is decided by the plan, so that a run can stop anywhere and go on.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from heavy import checkpoint
from heavy.batching import Cut, schedule
from heavy.checkpoint import Folder
from heavy.encoder import Encoder, padded
from heavy.prepare import MASK, PREFIX_TOKENS, Prepared
from heavy.watch import Watch
from labels import Array
from sampling import positive_weights


@dataclass(frozen=True)
class Plan:
    """Everything that was chosen.

    `rate` is that of the top layer, and each below has `fall` times the one above. `hide` is the
    share of tokens whose place a mask takes, anew each time a text is seen. `dropout` is that of
    the mean.
    """

    steps: int
    seed: int = 7
    cut: Cut = field(default_factory=Cut)
    rate: float = 1.5e-4
    head_rate: float = 1e-3
    fall: float = 0.9
    warm_up: float = 0.06
    decay: float = 0.01
    clip: float = 1.0
    dropout: float = 0.1
    label_smoothing: float = 0.02
    hide: float = 0.05
    bfloat16: bool = True
    report_every: int = 50
    watch_every: int = 200
    save_seconds: float = 180.0

    def json(self) -> str:
        """For the run's folder."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @staticmethod
    def parse(text: str) -> Plan:
        """From what `json` gave."""
        return Plan.of(json.loads(text))

    @staticmethod
    def of(fields: dict[str, Any]) -> Plan:
        """From the fields, as `asdict` gives them."""
        return Plan(**(fields | {"cut": Cut(**fields["cut"])}))

    def share(self, step: int) -> float:
        """Of the full rate, at a step: a linear rise, then a linear fall to 0."""
        rise = max(1, round(self.warm_up * self.steps))
        if step < rise:
            return (step + 1) / rise
        return (self.steps - step) / max(1, self.steps - rise)


def hidden(ids: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Token ids with a share of them masked, but for the prefix and the marks at the ends."""
    drawn = rng.random(len(ids)) < share
    drawn[: PREFIX_TOKENS + 1] = False
    drawn[-1] = False
    return np.where(drawn, MASK, ids)


def optimiser(encoder: Encoder, plan: Plan) -> torch.optim.AdamW:
    """AdamW with a rate for each layer; biases and norms do not decay."""
    groups = []
    layers = len(encoder.layers)
    for name, parameter in encoder.named_parameters():
        if not parameter.requires_grad:
            continue
        depth = layers - int(name.split(".")[1]) - 1 if name.startswith("layers.") else layers
        rate = plan.head_rate if name.startswith("head.") else plan.rate * plan.fall**depth
        decay = plan.decay if parameter.ndim > 1 else 0.0
        groups.append({"params": [parameter], "lr": rate, "full": rate, "weight_decay": decay})
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), foreach=True)


class Trainer:
    """One run."""

    def __init__(self, plan: Plan, encoder: Encoder, rows: Prepared, folder: Folder) -> None:
        """Lays out all steps; goes on from the last checkpoint if there is one."""
        self.plan, self.encoder, self.rows, self.folder = plan, encoder, rows, folder
        train = np.flatnonzero(rows.split == 0)
        self.steps = schedule(rows.source, rows.lengths, train, plan.steps, plan.cut, plan.seed)
        self.more = positive_weights(rows.target[train], rows.weight[train])
        self.a_step = sum(len(group) for step in self.steps for group in step) / plan.steps
        self.optimiser = optimiser(encoder, plan)
        self.watch = Watch(rows, plan.seed)
        self.start_head(rows.target[train], rows.weight[train])
        self.done, self.best = 0, 0.0
        if folder.last.exists():
            found = checkpoint.load(folder.last)
            checkpoint.restore(encoder, found["weights"])
            self.optimiser.load_state_dict(found["optimiser"])
            self.done, self.best = found["step"], found["best"]

    def start_head(self, target: Array, weight: Array) -> None:
        """The head starts from how frequent each output is, whatever the text."""
        ups = (target * weight).sum(axis=0) * self.more
        downs = ((1 - target) * weight).sum(axis=0)
        torch.nn.init.zeros_(self.encoder.head.weight)
        with torch.no_grad():
            self.encoder.head.bias.copy_(torch.from_numpy(np.log(ups / downs)))

    def run(self) -> None:
        """To the end of the plan."""
        start, saved, seen, losses = time.monotonic(), time.monotonic(), 0, []
        self.say(f"step {self.done} of {self.plan.steps}, {self.a_step:.0f} texts a step")
        first = self.done
        while self.done < self.plan.steps:
            losses.append(self.step(self.done))
            seen += sum(int(self.rows.lengths[group].sum()) for group in self.steps[self.done])
            self.done += 1
            if self.done % self.plan.report_every == 0:
                spent = time.monotonic() - start
                left = spent / (self.done - first) * (self.plan.steps - self.done)
                self.say(
                    f"step {self.done}/{self.plan.steps} loss {np.mean(losses):.4f} "
                    f"{seen / spent:.0f} tokens/s, {left / 60:.0f} min left"
                )
                losses = []
            if self.done % self.plan.watch_every == 0 or self.done == self.plan.steps:
                self.look()
            if time.monotonic() - saved > self.plan.save_seconds:
                self.save()
                saved = time.monotonic()
        self.save()
        self.say("done")

    def step(self, number: int) -> float:
        """One step; its loss a text."""
        # Chance depends on the step only, so that a run that goes on draws the same.
        torch.manual_seed(self.plan.seed * 1_000_003 + number)
        rng = np.random.default_rng([self.plan.seed, 2_000_000, number])
        self.encoder.train()
        loss = sum(self.gradients(group, rng) for group in self.steps[number])
        torch.nn.utils.clip_grad_norm_(
            [p for p in self.encoder.parameters() if p.requires_grad], self.plan.clip
        )
        for group in self.optimiser.param_groups:
            group["lr"] = group["full"] * self.plan.share(number)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return loss * self.a_step / sum(len(group) for group in self.steps[number])

    def gradients(self, group: np.ndarray, rng: np.random.Generator) -> float:
        """Adds the gradients of one pass. Every text counts the same, whatever its batch."""
        smoothing = self.plan.label_smoothing
        target = self.rows.target[group]
        weight = self.rows.weight[group] * np.where(target > 0, self.more, 1)
        smooth = torch.from_numpy(target * (1 - 2 * smoothing) + smoothing)
        texts = [hidden(self.rows.tokens(int(row)), self.plan.hide, rng) for row in group]
        with torch.autocast("cpu", torch.bfloat16, enabled=self.plan.bfloat16):
            logits = self.encoder(*padded(texts))
        each = F.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
        loss = (each * torch.from_numpy(weight.astype(np.float32))).sum() / self.a_step
        loss.backward()
        return float(loss.detach())

    def look(self) -> None:
        """Measures on the sample of dev-fit, and keeps the weights if they are the best so far."""
        mean, each = self.watch(self.encoder)
        with self.folder.evaluations.open("a") as lines:
            lines.write(json.dumps({"step": self.done, "mean_auprc": mean, "auprc": each}) + "\n")
        self.say(f"step {self.done}: mean AUPRC {mean:.4f} on the sample of dev-fit")
        if mean > self.best:
            self.best = mean
            weights = checkpoint.learnt(self.encoder)
            checkpoint.save(
                self.folder.best, {"weights": weights, "step": self.done, "mean_auprc": mean}
            )

    def save(self) -> None:
        """From here a run that was killed goes on."""
        checkpoint.save(
            self.folder.last,
            {
                "weights": checkpoint.learnt(self.encoder),
                "optimiser": self.optimiser.state_dict(),
                "step": self.done,
                "best": self.best,
            },
        )

    def say(self, what: str) -> None:
        """Progress, to standard error and to the folder."""
        line = f"{time.strftime('%H:%M:%S')} {what}"
        print(line, file=sys.stderr, flush=True)
        with self.folder.progress.open("a") as lines:
            lines.write(line + "\n")

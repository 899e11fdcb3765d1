"""Saves and finds again where training stands. A file is whole or not there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

FROZEN = ("word.", "position.", "kind.")
"""Embeddings: they do not change, and come from the base weights."""


def learnt(encoder: torch.nn.Module) -> dict[str, Tensor]:
    """The weights that training changes."""
    return {k: v for k, v in encoder.state_dict().items() if not k.startswith(FROZEN)}


def restore(encoder: torch.nn.Module, weights: dict[str, Tensor]) -> None:
    """Puts back what `learnt` gave."""
    missing, unexpected = encoder.load_state_dict(weights, strict=False)
    if unexpected or any(not name.startswith(FROZEN) for name in missing):
        raise ValueError(f"checkpoint does not fit: missing {missing}, unexpected {unexpected}")


@dataclass(frozen=True)
class Folder:
    """The files of one run."""

    path: Path

    @property
    def last(self) -> Path:
        """Weights, optimiser and step: from here a run goes on."""
        return self.path / "last.pt"

    @property
    def best(self) -> Path:
        """Weights that did best on the sample of dev-fit."""
        return self.path / "best.pt"

    @property
    def plan(self) -> Path:
        """What was chosen before the first step."""
        return self.path / "plan.json"

    @property
    def progress(self) -> Path:
        """A line every so many steps."""
        return self.path / "progress.log"

    @property
    def evaluations(self) -> Path:
        """A line of JSON for each look at dev-fit."""
        return self.path / "dev-fit.jsonl"

    @property
    def cache(self) -> Path:
        """The prepared rows."""
        return self.path / "prepared.npz"


def save(path: Path, content: dict[str, Any]) -> None:
    """Written beside `path`, synced, renamed."""
    part = path.with_suffix(".part")
    with part.open("wb") as sink:
        torch.save(content, sink)
        sink.flush()
        os.fsync(sink.fileno())
    part.replace(path)


def load(path: Path) -> dict[str, Any]:
    """What `save` wrote; tensors and plain values only, so no code is run."""
    found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return found

"""The network: a BERT-shaped encoder, the mean over its tokens, one linear layer.

The mean is not scaled to length 1 (e5 does so to compare texts): the head needs no such thing, and
a step less has to be the same at inference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from labels import OUTPUTS, Array

EPSILON = 1e-12
PAD = 1
"""The token id that fills a batch; masked, so any would do."""


@dataclass(frozen=True)
class Shape:
    """Sizes of the network."""

    hidden: int = 384
    layers: int = 12
    heads: int = 12
    inner: int = 1536
    vocabulary: int = 250_037
    positions: int = 512
    types: int = 2


class Layer(nn.Module):
    """Attention and a feed-forward part, each added to its input and normalised."""

    def __init__(self, shape: Shape) -> None:
        """Weights are left to be loaded."""
        super().__init__()
        hidden = shape.hidden
        self.heads = shape.heads
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.out = nn.Linear(hidden, hidden)
        self.norm1 = nn.LayerNorm(hidden, EPSILON)
        self.up = nn.Linear(hidden, shape.inner)
        self.down = nn.Linear(shape.inner, hidden)
        self.norm2 = nn.LayerNorm(hidden, EPSILON)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """From texts x tokens x hidden to the same."""
        texts, tokens, hidden = x.shape
        parts = self.qkv(x).view(texts, tokens, 3, self.heads, hidden // self.heads)
        # In f32 always: at these widths attention in bfloat16 takes longer.
        with torch.autocast("cpu", enabled=False):
            query, key, value = parts.float().permute(2, 0, 3, 1, 4)
            mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = self.norm1(x + self.out(mixed.transpose(1, 2).reshape(texts, tokens, hidden)))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


class Encoder(nn.Module):
    """Texts as token ids to logits of `OUTPUTS`. The embeddings do not learn."""

    def __init__(self, shape: Shape, dropout: float = 0.0) -> None:
        """Weights are left to be loaded. `dropout` is that of the mean."""
        super().__init__()
        hidden = shape.hidden
        self.word = nn.Embedding(shape.vocabulary, hidden)
        self.position = nn.Embedding(shape.positions, hidden)
        self.kind = nn.Embedding(shape.types, hidden)
        self.norm = nn.LayerNorm(hidden, EPSILON)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, len(OUTPUTS))
        for frozen in (self.word, self.position, self.kind):
            frozen.requires_grad_(False)

    def mean(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """The mean over each text's tokens, texts x hidden."""
        width = ids.shape[1]
        kept = torch.arange(width) < lengths[:, None]
        mask = None if bool(kept.all()) else kept[:, None, None, :]
        x = self.norm(self.word(ids) + self.position.weight[:width] + self.kind.weight[0])
        for layer in self.layers:
            x = layer(x, mask)
        return (x.float() * kept[:, :, None]).sum(dim=1) / lengths[:, None]

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Logits, texts x outputs."""
        mean = self.dropout(self.mean(ids, lengths))
        with torch.autocast("cpu", enabled=False):
            return self.head(mean)


def padded(texts: list[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Token ids of some texts as one matrix, and their lengths."""
    lengths = np.array([len(text) for text in texts])
    ids = np.full((len(texts), lengths.max()), PAD, np.int64)
    for row, text in zip(ids, texts, strict=True):
        row[: len(text)] = text
    return torch.from_numpy(ids), torch.from_numpy(lengths)


BERT = {
    "out": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "norm2": "output.LayerNorm",
}
EMBEDDINGS = {
    "word.weight": "embeddings.word_embeddings.weight",
    "position.weight": "embeddings.position_embeddings.weight",
    "kind.weight": "embeddings.token_type_embeddings.weight",
    "norm.weight": "embeddings.LayerNorm.weight",
    "norm.bias": "embeddings.LayerNorm.bias",
}


HEAD = ("head.weight", "head.bias")


def load(encoder: Encoder, tensors: dict[str, Array]) -> None:
    """Takes weights under BERT's names; without a head among them the head stays as it is."""
    state: dict[str, Array] = {ours: tensors[name] for ours, name in EMBEDDINGS.items()}
    for index in range(len(encoder.layers)):
        theirs, ours = f"encoder.layer.{index}.", f"layers.{index}."
        for end in ("weight", "bias"):
            parts = [
                tensors[f"{theirs}attention.self.{p}.{end}"] for p in ("query", "key", "value")
            ]
            state[f"{ours}qkv.{end}"] = np.concatenate(parts)
            state |= {f"{ours}{o}.{end}": tensors[f"{theirs}{t}.{end}"] for o, t in BERT.items()}
    state |= {name: tensors[name] for name in HEAD if name in tensors}
    converted = {name: torch.from_numpy(value) for name, value in state.items()}
    missing, unexpected = encoder.load_state_dict(converted, strict=False)
    if unexpected or not set(missing) <= set(HEAD):
        raise ValueError(f"weights do not fit: missing {missing}, unexpected {unexpected}")


def named(encoder: Encoder) -> dict[str, Array]:
    """All weights under BERT's names, the head as `head.weight` and `head.bias`; f32."""
    state = {name: value.float().numpy() for name, value in encoder.state_dict().items()}
    made = {name: state.pop(ours) for ours, name in EMBEDDINGS.items()}
    for index in range(len(encoder.layers)):
        theirs, ours = f"encoder.layer.{index}.", f"layers.{index}."
        for end in ("weight", "bias"):
            parts = np.split(state.pop(f"{ours}qkv.{end}"), 3)
            for part, value in zip(("query", "key", "value"), parts, strict=True):
                made[f"{theirs}attention.self.{part}.{end}"] = value
            made |= {f"{theirs}{t}.{end}": state.pop(f"{ours}{o}.{end}") for o, t in BERT.items()}
    return made | state

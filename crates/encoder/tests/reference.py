"""What the encoder is compared with: the same network in plain numpy, f64, padded and masked.

`reference.py small` writes a small random model and its outputs to fixtures/.
`reference.py real FOLDER` reads model.safetensors (fp32, BERT's names) and tokenizer.json of
multilingual-e5-small in FOLDER and writes reference.json there; the ignored tests read it when
WEIR_E5 names the folder. Needs numpy and safetensors, and tokenizers for the latter.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

FIXTURES = Path(__file__).parent / "fixtures"
SMALL = {"hidden": 32, "layers": 2, "heads": 4, "inner": 64, "vocabulary": 50, "positions": 40}
OUTPUTS = 5
EPSILON = 1e-12
Tensors = dict[str, np.ndarray]
erf = np.vectorize(math.erf)


def forward(tensors: Tensors, texts: list[list[int]], layers: int, heads: int) -> np.ndarray:
    """Mean vectors of texts, all in one padded batch."""
    t = {name: value.astype(np.float64) for name, value in tensors.items()}
    longest = max(map(len, texts))
    ids = np.array([text + [1] * (longest - len(text)) for text in texts])
    kept = np.array([[1.0] * len(text) + [0.0] * (longest - len(text)) for text in texts])

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        scaled = (x - mean) / np.sqrt(variance + EPSILON)
        return scaled * t[name + ".weight"] + t[name + ".bias"]

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x @ t[name + ".weight"].T + t[name + ".bias"]

    e = "embeddings."
    x = t[e + "word_embeddings.weight"][ids] + t[e + "position_embeddings.weight"][:longest]
    x = norm(x + t[e + "token_type_embeddings.weight"][0], e + "LayerNorm")
    for index in range(layers):
        p = f"encoder.layer.{index}."

        def split(name: str, x: np.ndarray = x, p: str = p) -> np.ndarray:
            made = dense(x, f"{p}attention.self.{name}")
            return made.reshape(len(texts), longest, heads, -1).transpose(0, 2, 1, 3)

        q, k, v = split("query"), split("key"), split("value")
        scores = q @ k.transpose(0, 1, 3, 2) / math.sqrt(q.shape[-1])
        scores = np.where(kept[:, None, None, :] > 0, scores, -np.inf)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        mixed = (scores @ v).transpose(0, 2, 1, 3).reshape(x.shape)
        x = norm(x + dense(mixed, p + "attention.output.dense"), p + "attention.output.LayerNorm")
        inner = dense(x, p + "intermediate.dense")
        inner = 0.5 * inner * (1 + erf(inner / math.sqrt(2)))
        x = norm(x + dense(inner, p + "output.dense"), p + "output.LayerNorm")
    return (x * kept[:, :, None]).sum(1) / kept.sum(1, keepdims=True)


def random(rng: np.random.Generator) -> Tensors:
    """A small model with a head."""
    made: Tensors = {}

    def put(name: str, *shape: int, around: float = 0.0, spread: float = 0.3) -> None:
        made[name] = (around + spread * rng.standard_normal(shape)).astype(np.float32)

    def norm(name: str) -> None:
        put(name + ".weight", SMALL["hidden"], around=1.0)
        put(name + ".bias", SMALL["hidden"])

    def dense(name: str, outputs: int, inputs: int) -> None:
        put(name + ".weight", outputs, inputs)
        put(name + ".bias", outputs)

    hidden, inner = SMALL["hidden"], SMALL["inner"]
    put("embeddings.word_embeddings.weight", SMALL["vocabulary"], hidden)
    put("embeddings.position_embeddings.weight", SMALL["positions"], hidden)
    put("embeddings.token_type_embeddings.weight", 2, hidden)
    norm("embeddings.LayerNorm")
    for index in range(SMALL["layers"]):
        p = f"encoder.layer.{index}."
        for name in ("query", "key", "value"):
            dense(f"{p}attention.self.{name}", hidden, hidden)
        dense(p + "attention.output.dense", hidden, hidden)
        norm(p + "attention.output.LayerNorm")
        dense(p + "intermediate.dense", inner, hidden)
        dense(p + "output.dense", hidden, inner)
        norm(p + "output.LayerNorm")
    dense("head", OUTPUTS, hidden)
    return made


def quantised(tensors: Tensors) -> tuple[Tensors, Tensors]:
    """Layers and words in 8 bits, and what these stand for."""
    short, full = {}, dict(tensors)
    for name, value in tensors.items():
        if not name.endswith((".dense.weight", "query.weight", "key.weight", "value.weight")):
            if name != "embeddings.word_embeddings.weight":
                short[name] = value
                continue
        scale = (np.abs(value).max(1) / 127).astype(np.float32)
        short[name] = np.rint(value / scale[:, None]).astype(np.int8)
        short[name.removesuffix("weight") + "scale"] = scale
        full[name] = short[name].astype(np.float32) * scale[:, None]
    return short, full


def small() -> None:
    """The fixture."""
    rng = np.random.default_rng(20260101)
    tensors = random(rng)
    short, full = quantised(tensors)
    lengths = (1, 7, 40, 2, 16, 17, 33)
    texts = [rng.integers(0, SMALL["vocabulary"], length).tolist() for length in lengths]
    expected: dict[str, object] = {"texts": texts}
    for name, model in (("f32", tensors), ("i8", full)):
        vectors = forward(model, texts, SMALL["layers"], SMALL["heads"])
        logits = vectors @ model["head.weight"].T.astype(np.float64) + model["head.bias"]
        expected[name] = {
            "vectors": np.round(vectors, 8).tolist(),
            "logits": np.round(logits, 8).tolist(),
        }
    save_file(tensors, FIXTURES / "small-f32.safetensors")
    save_file(short, FIXTURES / "small-i8.safetensors")
    (FIXTURES / "small.json").write_text(json.dumps(expected) + "\n")


def real(folder: Path) -> None:
    """Token ids and vectors of fixtures/texts.jsonl by multilingual-e5-small."""
    from tokenizers import Tokenizer

    made = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tensors = load_file(folder / "model.safetensors")
    lines = (FIXTURES / "texts.jsonl").read_text().splitlines()
    texts = [made.encode("query: " + json.loads(line)).ids for line in lines]
    vectors = forward(tensors, texts, layers=12, heads=12)
    expected = {"texts": texts, "vectors": vectors.tolist()}
    (folder / "reference.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    if sys.argv[1:] == ["small"]:
        small()
    elif len(sys.argv) == 3 and sys.argv[1] == "real":
        real(Path(sys.argv[2]))
    else:
        sys.exit("usage: reference.py small | real FOLDER")

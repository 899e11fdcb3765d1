"""Writes the heavy model's network as an f32 ONNX graph, for `weir bench rescore` to compare with.

Same weights: those of `export_heavy.py`, as f32, upon the base's word embeddings. Input `ids` (i64,
texts x tokens, no padding), output `logits` (f32, texts x outputs). Some 470 MB: keep it outside
the repository.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from onnxruntime.quantization import quantize_dynamic
from safetensors.numpy import load_file
from torch import Tensor, nn

from heavy import q4
from heavy.encoder import Encoder, Shape, load
from heavy.quantise import WORDS, floats
from train_heavy import WEIGHTS

OPSET = 17
"""The first with layer normalisation as one operator."""


class Unpadded(nn.Module):
    """The encoder on texts of one length."""

    def __init__(self, encoder: Encoder) -> None:
        """Shares the weights of `encoder`."""
        super().__init__()
        self.encoder = encoder

    def forward(self, ids: Tensor) -> Tensor:
        """Logits, texts x outputs."""
        parts = self.encoder
        words = parts.word(ids) + parts.position.weight[: ids.shape[1]] + parts.kind.weight[0]
        x = parts.norm(words)
        for layer in parts.layers:
            x = layer(x, None)
        return parts.head(x.mean(dim=1))


def main() -> None:
    """Everything, in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of the heavy model")
    parser.add_argument("--e5", type=Path, required=True, help="folder that scripts/e5 filled")
    parser.add_argument("--out", type=Path, required=True, help="the graph to write")
    parser.add_argument("--int8", type=Path, help="its products in 8 bits, to write as well")
    options = parser.parse_args()
    base = q4.read(options.e5 / WEIGHTS)
    weights = load_file(options.model / "model.safetensors")
    encoder = Encoder(Shape(**vars(base.sizes)))
    load(encoder, floats(weights, base.tensors[WORDS]))
    ids = torch.randint(base.sizes.vocabulary, (2, 16))
    with torch.no_grad():
        torch.onnx.export(
            Unpadded(encoder).eval(),
            (ids,),
            str(options.out),
            input_names=["ids"],
            output_names=["logits"],
            dynamic_axes={"ids": {0: "texts", 1: "tokens"}, "logits": {0: "texts"}},
            opset_version=OPSET,
            dynamo=False,
        )
    if options.int8:
        # Weights a column, activations as they come: the usual recipe for transformers.
        products = ["MatMul"]
        quantize_dynamic(options.out, options.int8, op_types_to_quantize=products, per_channel=True)


if __name__ == "__main__":
    main()

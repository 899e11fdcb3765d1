"""Long texts as overlapping windows of tokens, as inference cuts them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heavy.prepare import MAX_TOKENS, PREFIX_TOKENS

HEAD = 1 + PREFIX_TOKENS
"""The mark of the beginning and the prefix: every window has them."""


@dataclass(frozen=True)
class Windowing:
    """Goes into the manifest. `tokens` counts prefix and marks; `overlap` does not."""

    tokens: int = MAX_TOKENS
    overlap: int = 32
    most: int = 8

    @property
    def reach(self) -> int:
        """Tokens of a text that its windows hold, without prefix and marks."""
        room = self.tokens - HEAD - 1
        return room + (self.most - 1) * (room - self.overlap)

    def cut(self, ids: np.ndarray) -> list[np.ndarray]:
        """The windows of one text's token ids; what lies behind the last of `most` is not seen."""
        if len(ids) <= self.tokens:
            return [ids]
        head, body, end = ids[:HEAD], ids[HEAD:-1], ids[-1:]
        room = self.tokens - HEAD - 1
        stride = room - self.overlap
        count = min(self.most, 1 + -(-(len(body) - room) // stride))
        return [
            np.concatenate((head, body[i * stride : i * stride + room], end)) for i in range(count)
        ]

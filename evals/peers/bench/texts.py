"""Prompts as `weir bench prompt` sends them, and rules as `weir bench detect` makes them up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PROMPTS = ROOT / "evals/demo/prompts.jsonl"
TEXT_BYTES = 150
"""About 32 tokens of prose."""
RULES = 1000
MASK = (1 << 64) - 1


def prompts() -> list[bytes]:
    """The demo's texts, each cut at a character or joined with the next to about `TEXT_BYTES`."""
    texts: list[bytes] = []
    current = b""
    for line in PROMPTS.read_text(encoding="utf-8").splitlines():
        current += json.loads(line)["text"].encode()
        if len(current) >= TEXT_BYTES:
            texts.append(current[:TEXT_BYTES].decode(errors="ignore").encode())
            current = b""
        else:
            current += b" "
    return texts


def prose() -> list[str]:
    """Harmless English sentences of the demo."""
    rows = [json.loads(line) for line in PROMPTS.read_text(encoding="utf-8").splitlines()]
    return [row["text"] for row in rows if row["lang"] == "en" and row["kind"] == "benign"]


class Random:
    """Xorshift, as in `services/weir/src/bench/detect.rs`."""

    def __init__(self) -> None:
        self.state = 0x9E3779B97F4A7C15

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1."""
        self.state ^= (self.state << 13) & MASK
        self.state ^= self.state >> 7
        self.state ^= (self.state << 17) & MASK
        return (self.state >> 33) % limit

    def word(self) -> str:
        """Two to four syllables."""
        word = ""
        for _ in range(2 + self.below(3)):
            word += "bcdfghklmnprstvw"[self.below(16)]
            word += "aeiou"[self.below(5)]
        return word


def made_up_rules(count: int = RULES) -> list[dict[str, Any]]:
    """Rules of two literals each, two or three made-up words a literal."""
    random = Random()
    taken: set[str] = set()

    def literal() -> str:
        while True:
            words = 2 + random.below(2)
            text = " ".join(random.word() for _ in range(words))
            if text not in taken:
                taken.add(text)
                return text

    return [
        {
            "id": f"bench.{number}",
            "category": "harassment",
            "severity": "medium",
            "score": 0.5,
            "action": "block",
            "literals": [literal(), literal()],
        }
        for number in range(count)
    ]


def write_rules(folder: Path) -> tuple[Path, Path]:
    """Writes the policy and rules for Weir and for the peers; returns the folder and the file.

    Both are made from `policy.json` and `rules.json`; what is JSON is YAML as well.
    """
    here = Path(__file__).resolve().parents[1]
    policy = json.loads((here / "policy.json").read_text())
    rules = json.loads((here / "rules.json").read_text())["rules"] + made_up_rules()
    policies = folder / "policies"
    (policies / "rules").mkdir(parents=True, exist_ok=True)
    (policies / "default.yaml").write_text(json.dumps(policy, indent=1))
    (policies / "rules" / "all.yaml").write_text(json.dumps({"rules": rules}, indent=1))
    for_peers = folder / "peers.json"
    for_peers.write_text(json.dumps({"policy": policy, "rules": rules}))
    return policies, for_peers

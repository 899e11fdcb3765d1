"""The Python job's parts without a broker; run by `scripts/peers check`."""

from __future__ import annotations

import json
import random
import tempfile
import unittest
from pathlib import Path
from typing import Any

from bench.planted import Answer, answers
from bench.streams import obey
from bench.subject import HERE
from bench.texts import write_rules
from python_job.judge import Judge
from python_job.normal import normalise, spans_of
from python_job.streams import Streams
from python_job.wire import Codec


def judge() -> Judge:
    """Rules alone."""
    with tempfile.TemporaryDirectory() as folder:
        return Judge(write_rules(Path(folder))[1], None)


def stream(streams: Streams, answer: Answer) -> list[dict[str, Any]]:
    """Streams an answer in its chunks and does what the verdicts say."""
    codec = Codec("verdict")
    verdicts = []
    start = 0
    for number, end in enumerate(answer.cuts):
        chunk = {
            "request_id": answer.key,
            "attempt": 0,
            "choice": 0,
            "channel": "content",
            "seq": number,
            "text": answer.text[start:end],
            "end": "complete" if end == len(answer.text) else "none",
            "tenant": "",
            "worker_id": "",
        }
        start = end
        frame = streams.judge(chunk, f"{answer.key}/{number}")
        if frame is None:
            break
        verdicts.append(codec.decode(frame))
        obey(answer, verdicts[-1], number)
    return verdicts


class Rules(unittest.TestCase):
    """Findings and their bytes."""

    def test_spans_are_of_the_text_as_it_came(self) -> None:
        """Whatever it is normalised to."""
        text = "é ４１１１ １１１１ １１１１ １１１１ und 41\u200b11 1111 1111 1111.".encode()
        found = [text[one.start : one.end].decode() for one in judge().rules.scan(text)]
        self.assertEqual(
            found, ["４１１１ １１１１ １１１１ １１１１", "41\u200b11 1111 1111 1111"]
        )

    def test_damaged_text_is_read(self) -> None:
        """Each damaged byte is one character."""
        text = b"\xff\xfe fope guceko \xe2\x82"
        (found,) = judge().rules.scan(text)
        self.assertEqual(text[found.start : found.end], b"fope guceko")
        self.assertEqual(
            spans_of(text, [(len(normalise(text)) - 3, len(normalise(text)))])[0][0], 15
        )

    def test_literals_stand_alone(self) -> None:
        """Letters of any script continue a word."""
        for text in ("éfope guceko", "fope gucekoж", "fope guceko1", "fope guceko_"):
            self.assertEqual(judge().rules.scan(text.encode()), [], text)


class CarryOver(unittest.TestCase):
    """Streams, cut anywhere."""

    def test_what_is_cut_is_found_and_nothing_is_shown_with_a_hold_back(self) -> None:
        """Every text that is spelt as its rule is."""
        streams = Streams(judge(), hold_back=48)
        plain = [one for one in answers(200) if not one.disguise]
        for one in plain:
            stream(streams, one)
            self.assertTrue(one.blocked, one.key)
            self.assertEqual(one.leaked, 0, one.key)

    def test_a_harmless_answer_is_released_whole(self) -> None:
        """Cut inside characters, too; each finding that only warns is reported once."""
        text = "Größe, 数 und 😀: anna@example.org, nichts weiter. ".encode() * 8
        chance = random.Random(1)
        for hold_back in (0, 48):
            streams = Streams(judge(), hold_back)
            cuts = sorted({*chance.sample(range(1, len(text)), 60), len(text)})
            answer = Answer("a", text, 0, 0, "", cuts)
            verdicts = stream(streams, answer)
            self.assertEqual(answer.shown, len(text))
            self.assertEqual(sum(len(one["findings"]) for one in verdicts), 8)
            released = [one["released_to"] for one in verdicts]
            self.assertEqual(released, sorted(released))
            for at in released:
                text[:at].decode()


class Prompts(unittest.TestCase):
    """Verdicts on prompts."""

    def test_the_fixture_blocks_and_passes(self) -> None:
        """By the strictest of its findings."""
        rows = [json.loads(line) for line in (HERE / "fixture.jsonl").read_text().splitlines()]
        records = [
            {
                "request_id": row["id"],
                "tenant": "",
                "worker_id": "",
                "segments": [{"text": row["text"].encode()}],
            }
            for row in rows
        ]
        keys = [row["id"] for row in rows]
        frames = judge().prompts(records, keys, 0)
        codec = Codec("verdict")
        actions = {one["request_id"]: one["action"] for one in map(codec.decode, frames)}
        self.assertEqual(actions["plain"], "allow")
        self.assertEqual(actions["mail"], "warn")
        self.assertEqual(actions["many"], "block")
        self.assertEqual(actions["empty"], "allow")


if __name__ == "__main__":
    unittest.main()

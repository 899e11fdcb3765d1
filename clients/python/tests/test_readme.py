"""What the project's front page shows is run."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.conftest import a_worker, in_loop
from weir_client.testing import FakeGate, MockKafka

README = Path(__file__).parents[3] / "README.md"


def front_page_code() -> dict[str, Any]:
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 1
    names: dict[str, Any] = {}
    exec(compile(blocks[0], str(README), "exec"), names)
    return names


async def tokens(*pieces: str) -> AsyncIterator[str]:
    for piece in pieces:
        yield piece


def test_the_front_page_guards_an_answer(kafka: MockKafka, gate: FakeGate) -> None:
    shown: list[str] = []

    async def show(text: str) -> None:
        shown.append(text)

    async def take_back(keep_chars: int, completion: str | None) -> None:
        raise AssertionError("nothing is taken back")

    async def test() -> None:
        async with a_worker(kafka) as worker:
            answer = front_page_code()["answer"]
            await answer(worker, "What is a weir?", tokens("The card is 4111 11", "11 1111 1111."), show, take_back)

    in_loop(test)
    assert "4111 1111" not in "".join(shown)
    assert "".join(shown).startswith("The card is ")

"""Keeps what the heavy model said: a run that was stopped goes on, and no text is scored twice."""

from __future__ import annotations

import fcntl
import hashlib
from pathlib import Path
from types import TracebackType


def digest(data: bytes) -> str:
    """What stands for a text or a model: its SHA-256."""
    return hashlib.sha256(data).hexdigest()


class ScoreCache:
    """One file for each model, a line for each text: the text's SHA-256 and its scores as JSON.

    The file is named after its model, so scores of another one are never found in it.
    """

    def __init__(self, folder: Path, model: str) -> None:
        """Reads what is there. A line that was cut short when a run was stopped is dropped.

        Ends the program if another one writes to the same file.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{model}.scores"
        self.file = path.open("a+b")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"{path} is in use by another run") from None
        self.lines: dict[str, bytes] = {}
        whole = 0
        self.file.seek(0)
        for line in self.file:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            text, _, scores = line.partition(b" ")
            self.lines[text.decode()] = scores
        self.file.truncate(whole)

    def add(self, text: str, scores: bytes) -> None:
        """`scores` is a whole line."""
        self.file.write(f"{text} ".encode() + scores)
        self.file.flush()
        self.lines[text] = scores

    def __enter__(self) -> ScoreCache:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Lets others have the file."""
        self.file.close()

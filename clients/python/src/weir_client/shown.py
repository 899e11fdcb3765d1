"""What the user has seen of a stream, without its text."""

from __future__ import annotations

from bisect import bisect_right


class ShownText:
    """Which bytes of what was shown stand for which bytes of the text: masks change lengths. Holds no text."""

    __slots__ = ("_pieces", "_text_end", "length")

    def __init__(self) -> None:
        # (start in the text, start in what was shown, whether masked); neighbours without masks are one.
        self._pieces: list[tuple[int, int, bool]] = []
        self._text_end = 0
        self.length = 0

    def add(self, start: int, end: int, shown_length: int, masked: bool) -> None:
        """Bytes `start` to `end` of the text were shown, as so many bytes; they follow what was shown before."""
        if masked or not self._pieces or self._pieces[-1][2]:
            self._pieces.append((start, self.length, masked))
        self._text_end = end
        self.length += shown_length

    def length_to(self, place: int) -> int:
        """How much of what was shown stands for text before `place`; of a mask all or nothing."""
        at = bisect_right(self._pieces, place, key=lambda piece: piece[0]) - 1
        if at < 0:
            return 0
        start, shown_start, masked = self._pieces[at]
        if place >= self._text_end:
            return self.length
        return min(shown_start if masked else shown_start + place - start, self.length)

    def shorten(self, length: int) -> None:
        """All but the first `length` bytes were taken back."""
        self.length = length

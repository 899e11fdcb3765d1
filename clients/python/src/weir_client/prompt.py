"""The check of one prompt, without clock or Kafka."""

from __future__ import annotations

from enum import Enum, auto

from .types import NOT_ASKED, NOT_IN_TIME, Action, Contract, Disposition, FailMode, Unjudged, Verdict


class PromptState(Enum):
    """`WAITING` becomes `PASSED` or `BLOCKED`; `PASSED` may still become `BLOCKED`, by a later verdict."""

    WAITING = auto()
    PASSED = auto()
    BLOCKED = auto()


class PromptCheck:
    """Says whether the answer to a prompt may be shown, and what contract holds for its streams.

    Times are microseconds of any clock that never goes back.
    """

    __slots__ = (
        "_due_us",
        "_epoch",
        "answers",
        "bypassed",
        "contract",
        "stale",
        "state",
        "timeouts",
        "unjudged",
        "verdict",
    )

    def __init__(self, sent_at_us: int, fallback: Contract, budget_us: int | None = None) -> None:
        """`budget_us`: how long its verdict is waited for; None: as long as `fallback` says."""
        self._due_us = sent_at_us + (fallback.budget_us if budget_us is None else budget_us)
        self._epoch = 0
        self.state = PromptState.WAITING
        self.contract = fallback
        self.verdict: Verdict | None = None
        self.bypassed = False
        self.unjudged: frozenset[Unjudged] = frozenset()
        self.timeouts = 0
        self.answers = 0  # verdicts in time
        self.stale = 0

    @classmethod
    def bypass(cls, fallback: Contract) -> PromptCheck:
        """The check of a prompt that is not sent, since the breaker is open: the fail mode decides at once."""
        check = cls(0, fallback)
        check.bypassed = True
        check._decide_unjudged(NOT_ASKED)
        return check

    def fork(self) -> PromptCheck:
        """A check in the same state that goes its own way."""
        copy = object.__new__(PromptCheck)
        for name in self.__slots__:
            setattr(copy, name, getattr(self, name))
        return copy

    @property
    def contract_known(self) -> bool:
        """Whether a verdict brought the contract."""
        return self.verdict is not None and self.verdict.contract is not None

    @property
    def disposition(self) -> Disposition:
        """What becomes of text that was shown before the prompt was blocked."""
        if self.verdict is not None and self.verdict.is_block and self.verdict.disposition is not None:
            return self.verdict.disposition
        return self.contract.disposition

    @property
    def completion(self) -> str | None:
        """What to show in place of an answer."""
        if self.verdict is not None and self.verdict.is_block:
            return self.verdict.completion
        return self.contract.completion

    def on_verdict(self, verdict: Verdict, now_us: int) -> None:
        """A verdict on the prompt. One that comes late still counts; a block is never stale.

        One that supersedes another only tightens, whatever its owner epoch: it lets nothing pass.
        """
        if verdict.supersedes is not None and not verdict.is_block:
            self._add_marks(verdict)
            return
        known = self.verdict is not None
        if self.state is PromptState.BLOCKED or (known and not verdict.is_block and verdict.owner_epoch <= self._epoch):
            self.stale += 1
            return
        if self.state is PromptState.WAITING and now_us < self._due_us and verdict.supersedes is None:
            self.answers += 1
        self._epoch = verdict.owner_epoch
        self.verdict = verdict
        self.unjudged |= frozenset(verdict.unjudged)
        if verdict.contract is not None:
            self.contract = verdict.contract
        if verdict.is_block:
            self.state = PromptState.BLOCKED
        elif self.state is PromptState.WAITING:
            self.state = PromptState.PASSED

    def _add_marks(self, verdict: Verdict) -> None:
        """Adds what a superseding verdict warns about, if it is stricter than the verdict in force."""
        known = self.verdict
        if known is None or self.state is not PromptState.PASSED or not verdict.action.is_stricter_than(known.action):
            self.stale += 1
            return
        counted = known.findings if known.action is not Action.ALLOW else ()
        self.verdict = known._replace(
            action=verdict.action,
            verdict_id=verdict.verdict_id,
            findings=counted + verdict.findings,
            scores=known.scores + verdict.scores,
        )

    def on_tick(self, now_us: int) -> None:
        """Time has passed."""
        if self.state is PromptState.WAITING and now_us >= self._due_us:
            self.timeouts += 1
            self._decide_unjudged(NOT_IN_TIME)

    def next_deadline_us(self) -> int | None:
        """When `on_tick` has something to do."""
        return self._due_us if self.state is PromptState.WAITING else None

    def _decide_unjudged(self, why: Unjudged) -> None:
        self.unjudged |= {why}
        self.state = PromptState.PASSED if self.contract.fail_mode is FailMode.OPEN else PromptState.BLOCKED

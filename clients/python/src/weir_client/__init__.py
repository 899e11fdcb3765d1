"""Guards prompts and streamed answers of generative models, with verdicts that come through Kafka.

`Worker` is the way in. The release protocol itself, without clock or Kafka, is in `guard`, `prompt`, `breaker`,
`masks` and `partition`; `docs/STREAMS.md` specifies it.
"""

from .errors import ConfigError, NotConnected, Retracted, TextTooLong, WeirError, WireError
from .guard import MAX_TEXT_BYTES
from .request import Request
from .results import Cutoff, Event, LateBlock, PromptResult, Retraction, StreamResult, Text
from .stream import GuardedStream
from .types import (
    Action,
    Channel,
    Contract,
    Cut,
    CutReason,
    Disposition,
    End,
    Ended,
    FailMode,
    Finding,
    OnExpiry,
    Role,
    Segment,
    StreamId,
    Summary,
    Unjudged,
    Verdict,
)
from .worker import Worker

__all__ = [
    "MAX_TEXT_BYTES",
    "Action",
    "Channel",
    "ConfigError",
    "Contract",
    "Cut",
    "CutReason",
    "Cutoff",
    "Disposition",
    "End",
    "Ended",
    "Event",
    "FailMode",
    "Finding",
    "GuardedStream",
    "LateBlock",
    "NotConnected",
    "OnExpiry",
    "PromptResult",
    "Request",
    "Retracted",
    "Retraction",
    "Role",
    "Segment",
    "StreamId",
    "StreamResult",
    "Summary",
    "Text",
    "TextTooLong",
    "Unjudged",
    "Verdict",
    "WeirError",
    "WireError",
    "Worker",
]

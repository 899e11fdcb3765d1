//! The fast path: prompts in, verdicts out.

//! The delimiters of chat templates.

/// A delimiter and how much it says alone.
pub(super) struct Mark {
    pub(super) text: &'static str,
    pub(super) score: f32,
}

const fn mark(text: &'static str, score: f32) -> Mark {
    Mark { text, score }
}

/// Delimiters of published chat templates: ChatML, Llama 2 and 3, Mistral, Gemma, Phi, GPT-OSS,
/// Alpaca and Vicuna. Those that other texts use too score low: `</s>` also ends struck-out text.
pub(super) const MARKS: [Mark; 29] = [
    mark("<|im_start|>", 0.85),
    mark("<|im_end|>", 0.80),
    mark("<|im_sep|>", 0.80),
    mark("<|system|>", 0.85),
    mark("<|user|>", 0.75),
    mark("<|assistant|>", 0.75),
    mark("<|endoftext|>", 0.65),
    mark("<|end|>", 0.55),
    mark("<|eot_id|>", 0.80),
    mark("<|begin_of_text|>", 0.80),
    mark("<|start_header_id|>", 0.85),
    mark("<|end_header_id|>", 0.80),
    mark("<|start|>system", 0.80),
    mark("<|channel|>", 0.75),
    mark("[INST]", 0.75),
    mark("[/INST]", 0.75),
    mark("<<SYS>>", 0.85),
    mark("<</SYS>>", 0.85),
    mark("[SYSTEM_PROMPT]", 0.75),
    mark("<start_of_turn>", 0.80),
    mark("<end_of_turn>", 0.80),
    mark("<system>", 0.60),
    mark("</system>", 0.60),
    mark("<system_prompt>", 0.55),
    mark("### System:", 0.70),
    mark("### Instruction:", 0.35),
    mark("### Response:", 0.35),
    mark("[system]", 0.40),
    mark("</s>", 0.25),
];

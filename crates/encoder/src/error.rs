//! What can go wrong. No message quotes a text.

/// Why a model could not be loaded or a text not be encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncoderError {
    /// The tokenizer's file is not one.
    #[error("tokenizer is malformed: {0}; restore the file or set the right one")]
    TokenizerMalformed(String),
    /// The tokenizer lacks a mark that every window needs.
    #[error("tokenizer has no token {0}; it is not that of the model")]
    TokenizerLacks(&'static str),
    /// Windows of these sizes cannot be cut.
    #[error(
        "{tokens} tokens a window leave {room} for text, which must be more than the overlap of {overlap}"
    )]
    WindowTooSmall {
        /// Tokens a window, marks and prefix included.
        tokens: usize,
        /// Tokens of text in each.
        room: usize,
        /// Tokens that neighbours share.
        overlap: usize,
    },
    /// The tokenizer failed on a text.
    #[error("tokenizer failed on a text; treat it as unjudged")]
    Untokenizable,
    /// The bytes are no safetensors file.
    #[error("weights are malformed: {0}; restore the file")]
    WeightsMalformed(String),
    /// The base network's file is not what its format says.
    #[error("base network is malformed: {0}; restore the file")]
    BaseMalformed(String),
    /// No file has this tensor.
    #[error("weights lack tensor {0}; they are of another kind of model, or a file is missing")]
    WeightMissing(String),
    /// A tensor has another shape than the model.
    #[error("tensor {name} has shape {found:?}, the model expects {expected:?}")]
    WeightShape {
        /// The tensor.
        name: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// What the model is configured for; 0 stands for any number but 0.
        expected: Vec<usize>,
    },
    /// A tensor is of a type that is not read here.
    #[error("tensor {name} is of type {found}; only F32 and, with scales, I8 are read")]
    WeightType {
        /// The tensor.
        name: String,
        /// Its type in the file.
        found: String,
    },
    /// A tensor holds infinities or NaN.
    #[error("tensor {0} holds a number that is not finite; restore the file")]
    WeightNotFinite(String),
    /// Sizes that fit no network.
    #[error("a width of {hidden} cannot be shared by {heads} heads")]
    ConfigMalformed {
        /// Width of a token's vector.
        hidden: usize,
        /// Attention heads a layer.
        heads: usize,
    },
    /// The network cannot run there.
    #[error(
        "{device} cannot be used: {reason}; use cpu, or a build with the feature cuda on a machine that has such a card"
    )]
    NoDevice {
        /// The device.
        device: String,
        /// What candle says.
        reason: String,
    },
    /// A text is empty or longer than the model has positions.
    #[error("text {index} has {tokens} tokens, the model takes 1 to {most}; cut it into windows")]
    TextLength {
        /// Which of the texts of the call.
        index: usize,
        /// Its length.
        tokens: usize,
        /// The model's longest.
        most: usize,
    },
    /// A token id beyond the model's vocabulary.
    #[error(
        "text {index} has token id {id}, the model knows {vocabulary}; the tokenizer is not the model's"
    )]
    UnknownToken {
        /// Which of the texts of the call.
        index: usize,
        /// The id.
        id: u32,
        /// Ids that the model knows.
        vocabulary: usize,
    },
    /// The network gave infinities or NaN.
    #[error("the network gave a number that is not finite; treat the texts as unjudged")]
    NotFinite,
    /// candle failed.
    #[error("candle failed: {0}; nothing was encoded, treat the texts as unjudged")]
    Failed(String),
}

impl From<candle_core::Error> for EncoderError {
    fn from(error: candle_core::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

//! Text to windows of token ids.

use std::ops::Range;

use crate::{EncoderError, Windowing};

/// Bytes of text read for each token that may be looked at. Writing takes about 4 a token; what
/// takes more is mostly white space, and must not cost more time than a text can be long.
const MOST_BYTES_A_TOKEN: usize = 32;

/// `<s>` and `</s>`, which every window has.
const MARKS: usize = 2;

/// The model's tokenizer, with the prefix that the model was trained to see.
///
/// Prefix and text are cut into tokens together, as training does: a text that begins with nothing
/// that joins the space before it (an empty one, or one that begins with a mark) has a token for
/// that space.
///
/// Nothing in a text stands for a mark: `</s>` in it becomes `<unk>`. (A tokenizer as it comes out
/// of the file would end the text there, and so would its model alone, which has marks as pieces.)
/// Training leaves them as they are, so that a text that quotes marks is judged by what the model
/// makes of unknown words there.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    start: u32,
    prefix: String,
    /// How many tokens the prefix takes, without the space at its end.
    prefix_tokens: usize,
    end: u32,
    /// `<unk>`, which the marks below are turned into where a text has them.
    unknown: u32,
    marks: Vec<u32>,
    windowing: Windowing,
}

/// A text as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// At least one, in the order of the text.
    pub windows: Vec<Window>,
    /// The text goes on behind the last window.
    pub truncated: bool,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Token ids with prefix and marks.
    pub ids: Vec<u32>,
    /// The piece, in bytes of the text; both ends are those of characters.
    pub bytes: Range<usize>,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`. `prefix` goes before each window, e.g. `query: `; a space at its
    /// end goes into the first token of a text.
    ///
    /// # Errors
    /// [`EncoderError::TokenizerMalformed`], [`EncoderError::TokenizerLacks`],
    /// [`EncoderError::WindowTooSmall`].
    pub fn parse(json: &[u8], prefix: &str, windowing: Windowing) -> Result<Self, EncoderError> {
        let malformed =
            |error: tokenizers::Error| EncoderError::TokenizerMalformed(error.to_string());
        let mut inner = tokenizers::Tokenizer::from_bytes(json).map_err(malformed)?;
        // Cutting and joining is done here.
        inner.with_truncation(None).map_err(malformed)?;
        inner.with_padding(None);
        let mark = |name| {
            inner
                .token_to_id(name)
                .ok_or(EncoderError::TokenizerLacks(name))
        };
        let start = mark("<s>")?;
        let end = mark("</s>")?;
        let unknown = mark("<unk>")?;
        let marks = inner.get_added_tokens_decoder().into_keys().collect();
        let alone = inner.encode_fast(prefix.trim_end(), false);
        let prefix_tokens = alone.map_err(malformed)?.len();
        let room = windowing.tokens.saturating_sub(prefix_tokens + MARKS);
        if room <= windowing.overlap {
            return Err(EncoderError::WindowTooSmall {
                tokens: windowing.tokens,
                room,
                overlap: windowing.overlap,
            });
        }
        Ok(Self {
            inner,
            start,
            prefix: prefix.to_owned(),
            prefix_tokens,
            end,
            unknown,
            marks,
            windowing,
        })
    }

    /// Most windows of a text.
    #[must_use]
    pub fn most_windows(&self) -> usize {
        self.windowing.most.max(1)
    }

    /// Cuts a text, of any length and content. The time taken grows with the text only up to what
    /// the windows can hold.
    ///
    /// # Errors
    /// [`EncoderError::Untokenizable`].
    pub fn encode(&self, text: &str) -> Result<Encoded, EncoderError> {
        let room = self.windowing.tokens - self.prefix_tokens - MARKS;
        let cap = self.windowing.cap(room);
        let read = text.floor_char_boundary(cap.saturating_mul(MOST_BYTES_A_TOKEN));
        let whole = self
            .inner
            .encode(format!("{}{}", self.prefix, &text[..read]), false)
            .map_err(|_| EncoderError::Untokenizable)?;
        let (prefix, ids) = whole
            .get_ids()
            .split_at(self.prefix_tokens.min(whole.len()));
        let offsets: Vec<_> = whole.get_offsets()[prefix.len()..]
            .iter()
            .map(|(start, _)| start.saturating_sub(self.prefix.len()))
            .collect();
        let windows = self.windowing.cut(ids.len(), room).map(|tokens| {
            let mut window = Vec::with_capacity(prefix.len() + tokens.len() + MARKS);
            window.push(self.start);
            window.extend_from_slice(prefix);
            let unmarked = |id: &u32| {
                if self.marks.contains(id) {
                    self.unknown
                } else {
                    *id
                }
            };
            window.extend(ids[tokens.clone()].iter().map(unmarked));
            window.push(self.end);
            Window {
                ids: window,
                bytes: span(&text[..read], &offsets, tokens),
            }
        });
        Ok(Encoded {
            windows: windows.collect(),
            truncated: ids.len() > cap || read < text.len(),
        })
    }
}

/// From the first token's start to that of the token behind, so that nothing is between windows. (A
/// token's own end may leave out what was normalised away.)
fn span(text: &str, starts: &[usize], tokens: Range<usize>) -> Range<usize> {
    let start = |token: usize| {
        let start = starts.get(token).copied().unwrap_or(text.len());
        // A character may be several tokens, whose bounds then lie inside it.
        text.floor_char_boundary(start)
    };
    let from = if tokens.start == 0 {
        0
    } else {
        start(tokens.start)
    };
    from..start(tokens.end).max(from)
}

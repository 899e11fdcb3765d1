//! Text to windows of token ids.

use std::ops::Range;

use crate::{EncoderError, Windowing};

/// Bytes of text read for each token that may be looked at. Writing takes about 4 a token; what
/// takes more is mostly white space, and must not cost more time than a text can be long.
const MOST_BYTES_A_TOKEN: usize = 32;

/// The model's tokenizer, with the prefix that the model was trained to see.
///
/// Nothing in a text stands for a mark: `</s>` in it becomes `<unk>`. (A tokenizer as it comes out
/// of the file would end the text there, and so would its model alone, which has marks as pieces.)
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// `<s>` and the prefix.
    before: Vec<u32>,
    /// `</s>`.
    after: u32,
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
    /// Reads a `tokenizer.json`. `prefix` goes before each window, e.g. `query:`; white space
    /// follows by itself.
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
        let mut before = vec![mark("<s>")?];
        let after = mark("</s>")?;
        let unknown = mark("<unk>")?;
        let marks = inner.get_added_tokens_decoder().into_keys().collect();
        let prefix = inner.encode_fast(prefix, false).map_err(malformed)?;
        before.extend_from_slice(prefix.get_ids());
        let room = windowing.tokens.saturating_sub(before.len() + 1);
        if room <= windowing.overlap {
            return Err(EncoderError::WindowTooSmall {
                tokens: windowing.tokens,
                room,
                overlap: windowing.overlap,
            });
        }
        Ok(Self {
            inner,
            before,
            after,
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
        let room = self.windowing.tokens - self.before.len() - 1;
        let cap = self.windowing.cap(room);
        let read = text.floor_char_boundary(cap.saturating_mul(MOST_BYTES_A_TOKEN));
        let whole = self
            .inner
            .encode(&text[..read], false)
            .map_err(|_| EncoderError::Untokenizable)?;
        let (ids, offsets) = (whole.get_ids(), whole.get_offsets());
        let windows = self.windowing.cut(ids.len(), room).map(|tokens| {
            let mut window = self.before.clone();
            let unmarked = |id: &u32| {
                if self.marks.contains(id) {
                    self.unknown
                } else {
                    *id
                }
            };
            window.extend(ids[tokens.clone()].iter().map(unmarked));
            window.push(self.after);
            Window {
                ids: window,
                bytes: span(&text[..read], offsets, tokens),
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
fn span(text: &str, offsets: &[(usize, usize)], tokens: Range<usize>) -> Range<usize> {
    let start = |token: usize| {
        let start = offsets.get(token).map_or(text.len(), |(start, _)| *start);
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

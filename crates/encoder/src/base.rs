//! `e5-small-q4.bin` (format E5S1), of which only the sizes and the word embeddings are read here:
//! training leaves them as they are, so that they need not be shipped again.
//!
//! Layout, little endian: magic, seven sizes, epsilon and block length, the tokenizer's pieces, notes,
//! a directory of tensors, their data. `models/train/heavy/q4.py` reads all of it.

use crate::table::{BLOCK, BLOCK_BYTES, Table};
use crate::{Config, EncoderError};

const MAGIC: &[u8] = b"E5S1\x01\0\0\0";
const WORDS: &[u8] = b"emb.word";
const MOST_TENSORS: usize = 10_000;

/// The network that training started from: its sizes and its word embeddings, which stay in 4 bits.
pub struct Base {
    config: Config,
    pub(crate) words: Table,
}

impl Base {
    /// Reads the whole file's bytes; only the word embeddings are copied (54 MB of e5's 67).
    ///
    /// # Errors
    /// [`EncoderError::BaseMalformed`], [`EncoderError::ConfigMalformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, EncoderError> {
        let mut reader = Reader { bytes, at: 0 };
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(malformed("it does not begin as an E5S1 file"));
        }
        let mut sizes = [0; 7];
        for size in &mut sizes {
            *size = reader.size()?;
        }
        let [hidden, layers, heads, inner, vocabulary, _positions, _types] = sizes;
        let epsilon = f32::from_le_bytes(reader.array()?);
        let block = reader.size()?;
        if block != BLOCK || hidden == 0 || !hidden.is_multiple_of(BLOCK) {
            return Err(malformed(format!(
                "rows of {hidden} in blocks of {block}, expected whole blocks of {BLOCK}"
            )));
        }
        let config = Config {
            hidden,
            layers,
            heads,
            inner,
            epsilon,
        };
        config.check()?;
        reader.skip_pieces()?;
        let bytes = reader.words(hidden, vocabulary)?;
        let words = Table::blocks(bytes, hidden)
            .ok_or_else(|| malformed("a word embedding is not finite"))?;
        Ok(Self { config, words })
    }

    /// Sizes of the network.
    #[must_use]
    pub fn config(&self) -> Config {
        self.config
    }

    /// Token ids that it knows: 0 to one less than this.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.words.rows()
    }

    /// The embedding of a token; `None` beyond the vocabulary.
    #[must_use]
    pub fn word(&self, id: usize) -> Option<Vec<f32>> {
        (id < self.vocabulary()).then(|| {
            let mut row = Vec::with_capacity(self.config.hidden);
            self.words.push_row(id, &mut row);
            row
        })
    }
}

fn malformed(what: impl Into<String>) -> EncoderError {
    EncoderError::BaseMalformed(what.into())
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], EncoderError> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| {
            let (end, at) = (self.bytes.len(), self.at);
            malformed(format!(
                "it ends at byte {end}, inside a field at byte {at}"
            ))
        })?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], EncoderError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// A count in 4 bytes, which is not below 0.
    fn size(&mut self) -> Result<usize, EncoderError> {
        let number = i32::from_le_bytes(self.array()?);
        usize::try_from(number).map_err(|_| malformed(format!("a size is {number}")))
    }

    fn long(&mut self) -> Result<usize, EncoderError> {
        let number = u64::from_le_bytes(self.array()?);
        usize::try_from(number).map_err(|_| malformed(format!("a length is {number}")))
    }

    /// The tokenizer's pieces, which tokenizer.json has as well, and the notes.
    fn skip_pieces(&mut self) -> Result<(), EncoderError> {
        let count = self.size()?;
        self.take(4 * 4)?;
        let text = self.long()?;
        // Bounds, scores, text.
        self.take(4 * (2 * count + 1))?;
        self.take(text)?;
        self.take(4)?;
        let notes = u32::from_le_bytes(self.array()?);
        self.take(usize::try_from(notes).unwrap_or(usize::MAX))?;
        Ok(())
    }

    /// The word embeddings' bytes, by the directory.
    fn words(&mut self, hidden: usize, vocabulary: usize) -> Result<&'a [u8], EncoderError> {
        let count = self.size()?;
        if count > MOST_TENSORS {
            return Err(malformed(format!("it says that it has {count} tensors")));
        }
        for _ in 0..count {
            let length = u16::from_le_bytes(self.array()?);
            let name = self.take(length.into())?;
            // The kind of number and how many there are: the byte count says as much.
            self.take(1 + 4)?;
            let (offset, size) = (self.long()?, self.long()?);
            if name != WORDS {
                continue;
            }
            let expected = vocabulary * (hidden / BLOCK) * BLOCK_BYTES;
            if vocabulary == 0 || size != expected {
                return Err(malformed(format!(
                    "the word embeddings take {size} bytes, expected {expected} for {vocabulary} rows"
                )));
            }
            self.at = offset;
            return self.take(size);
        }
        Err(malformed("it has no word embeddings"))
    }
}

//! Avro records and Confluent framing: how Weir's records look on a topic.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use weir_wire::{Prompt, Role, Segment};
//!
//! let prompt = Prompt {
//!     segments: vec![Segment { role: Role::User, name: None, text: b"Gr\xC3\xBCezi".to_vec() }],
//!     ..Prompt::new("r-1", "acme", "w-1")
//! };
//! let mut frame = Vec::new();
//! weir_wire::encode(&prompt, &mut frame)?;
//! assert_eq!(weir_wire::decode::<Prompt>(&frame)?, prompt);
//! # Ok(()) }
//! ```
//!
//! A frame is a zero byte, the schema's id as four bytes big-endian, and an Avro datum. The
//! schemas lie in `schemas/` at the repository's root, are compiled in, and have the fixed
//! ids of [`Subject::id`]; [`SchemaIds`] is where a registry takes over.
//!
//! Nothing here trusts its input: a frame of any bytes decodes or gives a [`DecodeError`],
//! never panics, and no single length in it makes more than [`MAX_FIELD_BYTES`] be allocated.
//! A record's own size stays within about 50 times its frame's (a list of empty strings).
//! No error says anything of the text in a frame.

mod checkpoint;
mod chunk;
mod codec;
mod compatibility;
mod dead_letter;
mod enc;
mod error;
mod evolve;
mod flagged;
mod frame;
mod moderation;
mod octets;
mod prompt;
mod record;
mod source;
mod subject;

pub use checkpoint::Checkpoint;
pub use chunk::{Channel, Chunk, End, Opening};
pub use codec::{MAX_FIELD_BYTES, decode, decode_with, encode, encode_with, prepare};
pub use compatibility::{Breach, breach};
pub use dead_letter::{DeadLetter, Header};
pub use enc::Enc;
pub use error::{DatumFault, DecodeError, EncodeError, SchemaError};
pub use evolve::WriterSchema;
pub use flagged::Flagged;
pub use frame::{HEADER_BYTES, schema_id};
pub use moderation::{Influence, Moderation};
pub use prompt::{Prompt, Role, Segment};
pub use record::Record;
pub use subject::{CompiledIn, SchemaIds, Subject, Written};

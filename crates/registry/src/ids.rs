use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_wire::{CompiledIn, SchemaIds, Subject, Written, schema_id};

use crate::CallError;
use crate::directory::{Answer, Directory};

/// How often [`Ids::wait`] looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long [`Ids::wait_long`] waits.
const LONG: Duration = Duration::from_secs(60);

/// The schema ids of a lane: compiled in, or a registry's. Never both.
///
/// Each lane has its own, so that what is known is read without a lock. Clones know what their original knows.
#[derive(Debug, Clone, Default)]
pub struct Ids(Option<Registered>);

#[derive(Debug, Clone)]
struct Registered {
    directory: Arc<Directory>,
    /// All that was answered but for ids that nobody knows: those are as many as somebody likes to write.
    known: HashMap<u32, Answer>,
}

impl Ids {
    /// The compiled-in ids, and no other.
    #[must_use]
    pub const fn compiled_in() -> Self {
        Self(None)
    }

    /// A registry's ids, and no other.
    #[must_use]
    pub fn registered(directory: Arc<Directory>) -> Self {
        let known = directory.known();
        Self(Some(Registered { directory, known }))
    }

    /// Whether the schema of this frame has still to be asked for, which is under way: park the record and ask again.
    /// Never true of what is no frame, nor of compiled-in ids.
    pub fn is_waiting(&mut self, frame: Option<&[u8]>) -> bool {
        let Some(registered) = &mut self.0 else {
            return false;
        };
        let Some(Ok(id)) = frame.map(schema_id) else {
            return false;
        };
        if registered.known.contains_key(&id) {
            return false;
        }
        match registered.directory.ask(id) {
            None => true,
            Some(Answer::Unknown) => false,
            Some(answer) => {
                registered.known.insert(id, answer);
                false
            }
        }
    }

    /// Waits until the frame need not wait; whether it need not by the deadline.
    pub fn wait(&mut self, frame: Option<&[u8]>, deadline: Instant) -> bool {
        while self.is_waiting(frame) {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        true
    }

    /// The same for a tool, which waits a minute.
    ///
    /// # Errors
    /// [`CallError::Unavailable`] if it still need wait then.
    pub fn wait_long(&mut self, frame: Option<&[u8]>) -> Result<(), CallError> {
        if self.wait(frame, Instant::now() + LONG) {
            return Ok(());
        }
        let url = self
            .0
            .as_ref()
            .map(|registered| registered.directory.url().to_owned());
        Err(CallError::Unavailable {
            url: url.unwrap_or_default(),
            reason: format!("no answer within {} s", LONG.as_secs()),
        })
    }
}

impl SchemaIds for Ids {
    fn id_of(&self, subject: Subject) -> u32 {
        match &self.0 {
            Some(registered) => registered.directory.id_of(subject),
            None => CompiledIn.id_of(subject),
        }
    }

    fn find(&self, id: u32) -> Option<Written<'_>> {
        let Some(registered) = &self.0 else {
            return CompiledIn.find(id);
        };
        match registered.known.get(&id)? {
            Answer::AsCompiled(subject) => Some(Written::AsCompiled(*subject)),
            Answer::Otherwise(schema) => Some(Written::Otherwise(schema.subject(), schema)),
            Answer::Foreign => Some(Written::Foreign),
            Answer::Incompatible(subject) => Some(Written::Incompatible(*subject)),
            Answer::Unknown => None,
        }
    }
}

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use weir_wire::{Subject, WriterSchema};

use crate::{CallError, Client, Subjects};

/// How long the answer holds that nobody knows an id. Ids are handed out before they are written, so it could hold for ever,
/// but for registries whose copies lag.
const UNKNOWN_FOR: Duration = Duration::from_secs(30);
/// Such answers that are kept at most; then all are asked for anew.
const MOST_UNKNOWN: usize = 10_000;
/// Ids that wait for an answer at most; more are taken up as these are answered.
const MOST_WANTED: usize = 1_000;
/// How often the registry is asked something when there is nothing to ask.
const PROBE_EVERY: Duration = Duration::from_secs(2);
/// After a call that failed.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Why a registry's ids cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectError {
    /// It may be there later.
    #[error(transparent)]
    Call(#[from] CallError),
    /// It will not until somebody registers.
    #[error(
        "{} not registered at {url} as this version writes it: run `weir schemas register --registry {url}`",
        list(.subjects)
    )]
    NotRegistered {
        /// The registry.
        url: String,
        /// The subjects.
        subjects: Vec<String>,
    },
    /// No thread to be had.
    #[error("cannot start thread weir-schemas: {0}")]
    Thread(String),
}

fn list(subjects: &[String]) -> String {
    let are = if subjects.len() == 1 { "is" } else { "are" };
    format!("{} {are}", subjects.join(", "))
}

/// What an id turned out to be.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// The compiled-in schema of a subject.
    AsCompiled(Subject),
    /// Another version of it.
    Otherwise(Arc<WriterSchema>),
    /// A schema of subjects that are not Weir's.
    Foreign,
    /// Registered under this subject and not readable as its records.
    Incompatible(Subject),
    /// Nobody's.
    Unknown,
}

/// Is told each time whether the registry answered.
pub type OnContact = Box<dyn Fn(Result<(), &CallError>) + Send>;

/// What is known of a registry's ids, and the thread that finds out more.
#[derive(Debug)]
pub struct Directory {
    client: Client,
    subjects: Subjects,
    /// By subject; 0, which is no id, where none was asked for.
    written: [u32; Subject::ALL.len()],
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct State {
    known: HashMap<u32, Answer>,
    unknown: HashMap<u32, Instant>,
    wanted: BTreeSet<u32>,
}

impl Directory {
    /// Looks up the ids of the subjects `written`, fetches the versions of those that are `read`, and starts the thread that
    /// answers for all others. It tells `on_contact` whether the registry answers, or the log when it does not, and ends with
    /// the directory.
    ///
    /// Nothing is registered: a service that registered what it writes would take the step from a reviewed schema to a
    /// published one by itself.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn connect(
        client: Client,
        subjects: Subjects,
        written: &[Subject],
        read: &[Subject],
        on_contact: Option<OnContact>,
    ) -> Result<Arc<Self>, ConnectError> {
        let mut directory = Self {
            client,
            subjects,
            written: [0; Subject::ALL.len()],
            state: Mutex::default(),
            wake: Condvar::new(),
        };
        let mut missing = Vec::new();
        for subject in Subject::ALL {
            let writes = written.contains(&subject);
            if !writes && !read.contains(&subject) {
                continue;
            }
            let own = directory.load(subject)?;
            match own {
                Some(id) => directory.written[subject as usize] = id,
                None if writes => missing.push(directory.subjects.name(subject).to_owned()),
                None => {}
            }
        }
        if !missing.is_empty() {
            return Err(ConnectError::NotRegistered {
                url: directory.client.url().to_owned(),
                subjects: missing,
            });
        }
        let directory = Arc::new(directory);
        let theirs = Arc::downgrade(&directory);
        if let Some(tell) = &on_contact {
            tell(Ok(()));
        }
        std::thread::Builder::new()
            .name("weir-schemas".to_owned())
            .spawn(move || answer_all(&theirs, on_contact.as_ref()))
            .map_err(|error| ConnectError::Thread(error.to_string()))?;
        Ok(directory)
    }

    /// Takes in a subject's versions; the newest one's id that is as this build writes it, whoever registered it and in
    /// whatever spelling.
    fn load(&self, subject: Subject) -> Result<Option<u32>, CallError> {
        let mut own = None;
        for version in self.client.versions(self.subjects.name(subject))? {
            let answer = read_as(subject, &version.schema);
            if matches!(answer, Answer::AsCompiled(_)) {
                own = Some(version.id);
            }
            self.lock().known.insert(version.id, answer);
        }
        Ok(own)
    }

    /// What is known of an id; `None`: it will be asked for.
    pub(crate) fn ask(&self, id: u32) -> Option<Answer> {
        let mut state = self.lock();
        if let Some(answer) = state.known.get(&id) {
            return Some(answer.clone());
        }
        if state
            .unknown
            .get(&id)
            .is_some_and(|since| since.elapsed() < UNKNOWN_FOR)
        {
            return Some(Answer::Unknown);
        }
        if state.wanted.len() < MOST_WANTED && state.wanted.insert(id) {
            self.wake.notify_one();
        }
        None
    }

    /// All that is known but for ids that nobody knows.
    pub(crate) fn known(&self) -> HashMap<u32, Answer> {
        self.lock().known.clone()
    }

    pub(crate) fn url(&self) -> &str {
        self.client.url()
    }

    pub(crate) fn id_of(&self, subject: Subject) -> u32 {
        self.written[subject as usize]
    }

    /// Asks the registry.
    fn look_up(&self, id: u32) -> Result<Answer, CallError> {
        let Some(schema) = self.client.schema(id)? else {
            return Ok(Answer::Unknown);
        };
        for subject in Subject::ALL {
            let found = self.client.find(self.subjects.name(subject), &schema)?;
            // The same id: some registries find a schema under the id of another spelling of it.
            if found.is_some_and(|version| version.id == id) {
                return Ok(read_as(subject, &schema));
            }
        }
        Ok(Answer::Foreign)
    }

    fn learn(&self, id: u32, answer: Answer) {
        let mut state = self.lock();
        state.wanted.remove(&id);
        if matches!(answer, Answer::Unknown) {
            if state.unknown.len() >= MOST_UNKNOWN {
                state.unknown.clear();
            }
            state.unknown.insert(id, Instant::now());
        } else {
            state.known.insert(id, answer);
        }
    }

    /// The id to ask for next, in turn, so that one that cannot be answered holds up no other; `None`: none waits.
    fn next_wanted(&self, last: u32) -> Option<u32> {
        let state = self.lock();
        let (state, _) = self
            .wake
            .wait_timeout_while(state, PROBE_EVERY, |state| state.wanted.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        let mut later = state.wanted.range(last.saturating_add(1)..);
        later.next().or_else(|| state.wanted.first()).copied()
    }

    /// Answers one question, or sees whether the registry would.
    fn turn(&self, last: &mut u32) -> Result<(), CallError> {
        let Some(id) = self.next_wanted(*last) else {
            // Any id does: that it is unknown is an answer too.
            return self.client.schema(1).map(drop);
        };
        *last = id;
        let answer = self.look_up(id)?;
        self.learn(id, answer);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a schema that is registered under `subject` is to us.
fn read_as(subject: Subject, schema: &str) -> Answer {
    match WriterSchema::parse(subject, schema) {
        Ok(schema) if schema.is_as_compiled() => Answer::AsCompiled(subject),
        Ok(schema) => Answer::Otherwise(Arc::new(schema)),
        Err(error) => {
            tracing::warn!(%error, %subject, "a registered schema cannot be read; its records will be refused");
            Answer::Incompatible(subject)
        }
    }
}

/// The thread's work, for as long as anybody holds the directory.
fn answer_all(directory: &Weak<Directory>, on_contact: Option<&OnContact>) {
    let mut last = 0;
    while let Some(directory) = directory.upgrade() {
        let turned = directory.turn(&mut last);
        match (on_contact, &turned) {
            (Some(tell), turned) => tell(turned.as_ref().map(drop)),
            (None, Ok(())) => {}
            (None, Err(error)) => tracing::warn!(%error, "records with unknown schema ids wait"),
        }
        if turned.is_err() {
            std::thread::sleep(RETRY_AFTER);
        }
    }
}

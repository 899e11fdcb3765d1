//! Schema ids: compiled in, or a registry's.

use weir_registry::{Client, ConnectError, Directory, Ids, Subjects};
use weir_wire::Subject;

use crate::config::WorkerConfig;

/// Looks up what the worker writes. Blocks for as long as the registry takes.
pub(crate) fn connect(config: &WorkerConfig) -> Result<Ids, ConnectError> {
    let Some(url) = config.registry.clone() else {
        return Ok(Ids::compiled_in());
    };
    let subjects = Subjects::default()
        .on_topic(Subject::Prompt, &config.prompts_topic)
        .on_topic(Subject::Chunk, &config.chunks_topic)
        .on_topic(Subject::Verdict, &config.verdicts_topic);
    // On a thread of its own: blocking HTTP calls panic on one of tokio's.
    let connecting = std::thread::spawn(move || {
        let (written, read) = ([Subject::Prompt, Subject::Chunk], [Subject::Verdict]);
        Directory::connect(Client::new(&url)?, subjects, &written, &read, None)
    });
    let panicked = |_| {
        let reason = "looking up the schemas panicked".to_owned();
        Err(ConnectError::Thread(reason))
    };
    connecting
        .join()
        .unwrap_or_else(panicked)
        .map(Ids::registered)
}

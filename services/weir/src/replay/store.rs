//! Files of a replay in its folder: rows by part while it runs, so that an interrupted one goes on.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::part::Progress;
use super::plan::Part;
use super::row::{Kind, Row};

/// Where a run says what it does.
const PLAN: &str = "state.json";
/// Where rows wait for the others.
const PARTS: &str = "parts";
/// Only so many bytes of rows are gathered before they are written.
const BUFFER: usize = 1 << 20;

/// What a replay does: it can be gone on with by one that would do the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// All that rows depend on but the records themselves.
    pub(crate) asked: serde_json::Value,
    pub(crate) parts: Vec<Part>,
    pub(crate) finished: bool,
}

/// The folder.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    pub(crate) plan: Plan,
    /// It was begun before.
    pub(crate) resumed: bool,
}

impl Store {
    /// Begins in `folder`, or goes on with what was begun there; `resolve` is asked for the parts only to begin.
    pub(crate) fn open(
        folder: &Path,
        asked: &serde_json::Value,
        restart: bool,
        resolve: impl FnOnce() -> Result<Vec<Part>>,
    ) -> Result<Self> {
        let plan = folder.join(PLAN);
        if plan.exists() && !restart {
            let found = std::fs::read(&plan)
                .with_context(|| format!("{} cannot be read", plan.display()))?;
            let found: Plan = serde_json::from_slice(&found)
                .with_context(|| format!("{} is damaged: --restart begins anew", plan.display()))?;
            if found.asked != *asked {
                bail!(
                    "{} holds another replay (range, policies, model or options differ): choose another --out, or --restart",
                    folder.display()
                );
            }
            if found.finished {
                bail!(
                    "{} holds this replay, finished: see report.html there, or --restart",
                    folder.display()
                );
            }
            return Ok(Self {
                folder: folder.to_owned(),
                plan: found,
                resumed: true,
            });
        }
        let parts = folder.join(PARTS);
        if parts.exists() {
            std::fs::remove_dir_all(&parts)?;
        }
        std::fs::create_dir_all(&parts)
            .with_context(|| format!("{} cannot be made", parts.display()))?;
        let store = Self {
            folder: folder.to_owned(),
            plan: Plan {
                asked: asked.clone(),
                parts: resolve()?,
                finished: false,
            },
            resumed: false,
        };
        store.write(PLAN, &store.plan)?;
        Ok(store)
    }

    /// How far a part has come.
    pub(crate) fn progress(&self, part: &Part) -> Result<Option<Progress>> {
        let path = self.state(part);
        if !path.exists() {
            return Ok(None);
        }
        let found = std::fs::read(&path)?;
        let found: Progress = serde_json::from_slice(&found)
            .with_context(|| format!("{} is damaged: --restart begins anew", path.display()))?;
        // A stream's state is not kept: its part is judged again from its beginning.
        Ok(Some(found).filter(|it| it.finished || part.kind == Kind::Prompt))
    }

    /// The rows of a part, to be added to.
    pub(crate) fn rows(&self, part: &Part, progress: &Progress) -> Result<PartFile> {
        let path = self.part(part);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        // What was written after the last note of it is written again.
        file.set_len(progress.bytes)?;
        file.seek(SeekFrom::End(0))?;
        Ok(PartFile {
            rows: BufWriter::with_capacity(BUFFER, file),
            state: self.state(part),
            bytes: progress.bytes,
            line: Vec::new(),
        })
    }

    /// Where the rows of a part are.
    pub(crate) fn part(&self, part: &Part) -> PathBuf {
        self.folder.join(PARTS).join(part.name() + ".jsonl")
    }

    fn state(&self, part: &Part) -> PathBuf {
        self.folder.join(PARTS).join(part.name() + ".json")
    }

    pub(crate) fn create(&self, name: &str) -> Result<File> {
        let path = self.folder.join(name);
        File::create(&path).with_context(|| format!("{} cannot be written", path.display()))
    }

    /// All is written: what only an interrupted run needs goes.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.plan.finished = true;
        self.write(PLAN, &self.plan)?;
        std::fs::remove_dir_all(self.folder.join(PARTS))?;
        Ok(())
    }

    fn write(&self, name: &str, content: &impl Serialize) -> Result<()> {
        replace(
            &self.folder.join(name),
            &serde_json::to_vec_pretty(content)?,
        )
    }
}

/// Rows of one part, and how far it has come.
#[derive(Debug)]
pub(crate) struct PartFile {
    rows: BufWriter<File>,
    state: PathBuf,
    bytes: u64,
    line: Vec<u8>,
}

impl PartFile {
    pub(crate) fn add(&mut self, row: &Row) -> Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, row)?;
        self.line.push(b'\n');
        self.rows.write_all(&self.line)?;
        self.bytes += self.line.len() as u64;
        Ok(())
    }

    /// Everything so far is safe: a run that is interrupted goes on from here.
    pub(crate) fn note(&mut self, progress: &mut Progress) -> Result<()> {
        self.rows.flush()?;
        progress.bytes = self.bytes;
        replace(&self.state, &serde_json::to_vec(progress)?)
    }
}

/// Whole or not at all, whenever the process ends.
fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let beside = path.with_extension("new");
    std::fs::write(&beside, content)
        .and_then(|()| std::fs::rename(&beside, path))
        .with_context(|| format!("{} cannot be written", path.display()))
}

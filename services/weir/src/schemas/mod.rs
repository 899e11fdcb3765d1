//! `weir schemas`: whether versions fit together, and what a registry is to know of them.

mod check;
mod register;
mod serve;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use weir_gate::Topics;
use weir_registry::Subjects;
use weir_wire::Subject;

use crate::args::TopicArgs;

pub(crate) use register::{Done, What, register};
pub(crate) use serve::spawn as serve_compiled_in;

#[derive(Debug, Subcommand)]
pub(crate) enum SchemasCommand {
    /// Check that every version of every schema can read what every other wrote (FULL_TRANSITIVE).
    #[command(after_help = "Examples:
  weir schemas check
  weir schemas check --registry http://localhost:8081
  weir schemas check --subject weir.verdicts.v1-value --file candidate.avsc

Exit status 1 if something could not be read.")]
    Check(check::CheckArgs),
    /// Register this version's schemas, under FULL_TRANSITIVE. What is registered already stays as it is.
    #[command(after_help = "Examples:
  weir schemas register --registry http://localhost:8081 --dry-run
  weir schemas register --registry http://localhost:8081")]
    Register(register::RegisterArgs),
}

/// What the topics are called.
#[derive(Debug, Args)]
pub(crate) struct SubjectArgs {
    #[command(flatten)]
    topics: TopicArgs,
    /// Topic of what the second look makes of verdicts.
    #[arg(long, value_name = "TOPIC", default_value = "weir.moderation.v1")]
    moderation_topic: String,
}

impl SubjectArgs {
    pub(crate) fn subjects(&self) -> Subjects {
        subjects(&self.topics.topics(), &self.moderation_topic)
    }
}

pub(crate) fn run(command: &SchemasCommand) -> anyhow::Result<ExitCode> {
    match command {
        SchemasCommand::Check(args) => check::run(args),
        SchemasCommand::Register(args) => register::run(args),
    }
}

/// What records on these topics are registered under.
pub(crate) fn subjects(topics: &Topics, moderation: &str) -> Subjects {
    Subjects::default()
        .on_topic(Subject::Prompt, &topics.prompts)
        .on_topic(Subject::Chunk, &topics.chunks)
        .on_topic(Subject::Verdict, &topics.verdicts)
        .on_topic(Subject::Flagged, &topics.flagged)
        .on_topic(Subject::DeadLetter, &topics.dead_letters)
        .on_topic(Subject::Checkpoint, &topics.checkpoints)
        .on_topic(Subject::Moderation, moderation)
}

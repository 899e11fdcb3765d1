use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use weir_registry::{Client, FULL_TRANSITIVE, Version};
use weir_wire::{Subject, WriterSchema, breach};

use super::SubjectArgs;

#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    /// The schema registry.
    #[arg(
        long,
        env = "WEIR_REGISTRY",
        value_name = "URL",
        hide_env_values = true
    )]
    registry: String,
    /// Only tell what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Write one JSON object a subject.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    subjects: SubjectArgs,
}

/// What was done about a subject, or would be.
#[derive(Debug, Serialize)]
pub(crate) struct Done {
    subject: String,
    /// The registry's id of this version's schema; `null` if it would be registered or was refused.
    pub(crate) id: Option<u32>,
    pub(crate) what: What,
    /// What its compatibility was, if that was changed; empty: none was set.
    pub(crate) compatibility_was: Option<String>,
    /// Why it was refused.
    pub(crate) refused: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    Unchanged,
    Registered,
    Refused,
}

pub(super) fn run(args: &RegisterArgs) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.registry)?;
    let subjects = args.subjects.subjects();
    let mut refused = false;
    for subject in Subject::ALL {
        let name = subjects.name(subject);
        let done =
            register(&client, subject, name, args.dry_run).with_context(|| name.to_owned())?;
        refused |= done.what == What::Refused;
        print(&done, args)?;
    }
    Ok(if refused {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Registers what is not there yet; with `dry_run` it only tells.
pub(crate) fn register(
    client: &Client,
    subject: Subject,
    name: &str,
    dry_run: bool,
) -> anyhow::Result<Done> {
    let versions = client.versions(name)?;
    let was = client.compatibility(name)?;
    let mut done = Done {
        subject: name.to_owned(),
        id: None,
        what: What::Refused,
        compatibility_was: (was.as_deref() != Some(FULL_TRANSITIVE))
            .then(|| was.unwrap_or_default()),
        refused: breaches(subject, &versions),
    };
    if !done.refused.is_empty() {
        // Before anything is changed.
        return Ok(done);
    }
    // First, so that the registry itself checks what comes next.
    if done.compatibility_was.is_some() && !dry_run {
        client.set_full_transitive(name)?;
    }
    let same = versions.iter().rev().find(|version| {
        WriterSchema::parse(subject, &version.schema).is_ok_and(|schema| schema.is_as_compiled())
    });
    if let Some(same) = same {
        done.id = Some(same.id);
        done.what = What::Unchanged;
        return Ok(done);
    }
    done.what = What::Registered;
    // As clients send what they read from the file: Apicurio tells even a last newline apart.
    if !dry_run {
        done.id = Some(client.register(name, subject.schema_json().trim())?);
    }
    Ok(done)
}

/// What in the registered versions does not fit this one.
fn breaches(subject: Subject, versions: &[Version]) -> Vec<String> {
    let ours = subject.schema_json();
    let mut found = Vec::new();
    for Version {
        version, schema, ..
    } in versions
    {
        for (writer, reader, how) in [
            (&**schema, ours, "cannot be read"),
            (ours, schema, "cannot read this one"),
        ] {
            match breach(writer, reader) {
                Ok(None) => {}
                Ok(Some(breach)) => found.push(format!("version {version} {how}: {breach}")),
                Err(error) => {
                    found.push(format!("version {version}: {error}"));
                    break;
                }
            }
        }
    }
    found
}

fn print(done: &Done, args: &RegisterArgs) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, done)?;
        return Ok(writeln!(out)?);
    }
    let would = if args.dry_run { "would be " } else { "" };
    let name = &done.subject;
    match (done.what, done.id) {
        (What::Refused, _) => {
            for reason in &done.refused {
                writeln!(out, "{name}: refused, {reason}")?;
            }
            writeln!(
                out,
                "{name}: what breaks compatibility is a new topic (v2); see schemas/README.md"
            )?;
            return Ok(());
        }
        (What::Unchanged, Some(id)) => writeln!(out, "{name}: unchanged, id {id}")?,
        (_, Some(id)) => writeln!(out, "{name}: registered, id {id}")?,
        (_, None) => writeln!(out, "{name}: would be registered")?,
    }
    if let Some(was) = &done.compatibility_was {
        let was = if was.is_empty() { "unset" } else { was };
        writeln!(
            out,
            "{name}: compatibility {would}changed from {was} to {FULL_TRANSITIVE}"
        )?;
    }
    Ok(())
}

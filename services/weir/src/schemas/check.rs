use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;
use weir_registry::Client;
use weir_wire::{Subject, breach};

use super::SubjectArgs;

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Folder of schemas, with the versions that were released in history/SUBJECT/N.avsc.
    #[arg(long, value_name = "DIR", default_value = "schemas")]
    dir: PathBuf,
    /// Check this file in place of the folder's schema of --subject, and no other subject.
    #[arg(long, value_name = "FILE", requires = "subject")]
    file: Option<PathBuf>,
    /// Check this subject only, e.g. weir.verdicts.v1-value.
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
    /// Check against the versions in this schema registry, too.
    #[arg(
        long,
        env = "WEIR_REGISTRY",
        value_name = "URL",
        hide_env_values = true
    )]
    registry: Option<String>,
    /// Write one JSON object a subject.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    subjects: SubjectArgs,
}

/// A schema to compare with, and what to call it.
struct Known {
    name: String,
    schema: String,
}

/// What was found of a subject.
#[derive(Debug, Serialize)]
struct Report {
    subject: String,
    /// What it was compared with.
    against: Vec<String>,
    breaches: Vec<Found>,
}

#[derive(Debug, Serialize)]
struct Found {
    /// Which version wrote the records, and which cannot read all of them.
    writer: String,
    reader: String,
    field: String,
    reason: String,
}

pub(super) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let client = args.registry.as_deref().map(Client::new).transpose()?;
    let names = args.subjects.subjects();
    let mut clean = true;
    for subject in chosen(args.subject.as_deref())? {
        let file = args
            .file
            .clone()
            .unwrap_or_else(|| args.dir.join(subject.file()));
        let candidate = read(&file)?;
        let mut known = history(&args.dir, subject)?;
        if let Some(client) = &client {
            for version in client.versions(names.name(subject))? {
                known.push(Known {
                    name: format!("the registry's version {}", version.version),
                    schema: version.schema,
                });
            }
        }
        let report = compare(subject, &file.display().to_string(), &candidate, &known)?;
        clean &= report.breaches.is_empty();
        print(&report, args.json)?;
    }
    Ok(if clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn chosen(name: Option<&str>) -> anyhow::Result<Vec<Subject>> {
    let Some(name) = name else {
        return Ok(Subject::ALL.to_vec());
    };
    let found = Subject::ALL
        .into_iter()
        .find(|subject| subject.name() == name);
    let Some(subject) = found else {
        let names = Subject::ALL.map(Subject::name).join(", ");
        bail!("there is no subject {name}; there are {names}");
    };
    Ok(vec![subject])
}

/// The released versions, the oldest first.
fn history(dir: &Path, subject: Subject) -> anyhow::Result<Vec<Known>> {
    let folder = dir.join("history").join(subject.name());
    let mut versions = Vec::new();
    for number in 1.. {
        let path = folder.join(format!("{number}.avsc"));
        if !path.is_file() {
            break;
        }
        versions.push(Known {
            name: format!("version {number}"),
            schema: read(&path)?,
        });
    }
    if versions.is_empty() {
        bail!(
            "{} holds no version 1.avsc to compare with",
            folder.display()
        );
    }
    Ok(versions)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn compare(
    subject: Subject,
    name: &str,
    candidate: &str,
    known: &[Known],
) -> anyhow::Result<Report> {
    let mut breaches = Vec::new();
    for version in known {
        let both = [
            ((&*version.name, &*version.schema), (name, candidate)),
            ((name, candidate), (&*version.name, &*version.schema)),
        ];
        for (writer, reader) in both {
            let found = breach(writer.1, reader.1).with_context(|| {
                format!(
                    "{name} and {} of {subject} cannot be compared",
                    version.name
                )
            })?;
            breaches.extend(found.map(|breach| Found {
                writer: writer.0.to_owned(),
                reader: reader.0.to_owned(),
                field: breach.field,
                reason: breach.reason,
            }));
        }
    }
    Ok(Report {
        subject: subject.name().to_owned(),
        against: known.iter().map(|known| known.name.clone()).collect(),
        breaches,
    })
}

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, report)?;
        return Ok(writeln!(out)?);
    }
    if report.breaches.is_empty() {
        writeln!(
            out,
            "{}: fits {}",
            report.subject,
            report.against.join(", ")
        )?;
    }
    for Found {
        writer,
        reader,
        field,
        reason,
    } in &report.breaches
    {
        let at = if field.is_empty() {
            String::new()
        } else {
            format!(" at {field}")
        };
        writeln!(
            out,
            "{}: {reader} cannot read all that {writer} writes{at}: {reason}",
            report.subject
        )?;
    }
    Ok(())
}

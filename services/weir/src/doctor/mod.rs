//! `weir doctor`: whether everything is there and as it should be; what is not names its fix.
//!
//! It changes nothing, but for `--probe-clock`, which makes a topic and deletes it.

mod clock;
mod cluster;
mod gates;
mod models;
mod report;
mod schemas;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use weir_bus::admin::Admin;
use weir_registry::Pages;

use crate::args::BrokerArgs;
use crate::schemas::SubjectArgs;
use crate::stage::HeavyArgs;
use clock::Reading;
use report::{Check, Report};

pub(crate) use gates::{not_ready_because, url};

/// Something failed.
const FAILED: u8 = 3;
/// How long an HTTP server may take.
const HTTP_TIMEOUT: Duration = Duration::from_secs(5);
/// The declaration of topics, in the repository.
const DECLARATION: &str = "topics/topics.yaml";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir doctor --brokers localhost:9092
  weir doctor --brokers localhost:9092 --registry http://localhost:8081 --principals principals.yaml
  weir doctor --brokers localhost:9092 --role rescorer
  weir doctor --brokers localhost:9092 --gates localhost:9464,localhost:9465 --probe-clock
  weir doctor --json | jq '.checks[] | select(.state == \"failed\")'

Each check is ok, a warning, failed or skipped; what is failed or a warning names its fix. Clocks are compared with this
machine's: from 1 s on a warning, from 5 s on failed.

Exit status: 0 nothing failed; 1 could not run; 2 wrong usage; 3 something failed.")]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    /// The declaration of topics.
    #[arg(long, value_name = "FILE", default_value = DECLARATION)]
    topics: PathBuf,
    /// Who has which role; without it ACLs are not looked at.
    #[arg(long, value_name = "FILE")]
    principals: Option<PathBuf>,
    /// Look only at what this role needs, e.g. gate or rescorer; roles are in the declaration of topics.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Schema registry, its Confluent interface.
    #[arg(
        long,
        env = "WEIR_REGISTRY",
        value_name = "URL",
        hide_env_values = true
    )]
    registry: Option<String>,
    /// Folder of policies.
    #[arg(
        long,
        env = "WEIR_POLICIES",
        value_name = "DIR",
        default_value = "policies"
    )]
    policies: PathBuf,
    /// Folder of the fast model.
    #[arg(
        long,
        env = "WEIR_MODEL",
        value_name = "DIR",
        default_value = "models/fast"
    )]
    model: PathBuf,
    #[command(flatten)]
    heavy: HeavyArgs,
    /// Admin endpoints of gates and rescorers that should be ready.
    #[arg(long, value_name = "HOST:PORT,...", value_delimiter = ',')]
    gates: Vec<String>,
    /// Ask the broker for its time, too: on a topic that is made for it and deleted, for it tells it only on records.
    #[arg(long)]
    probe_clock: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    subjects: SubjectArgs,
}

pub(crate) fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let bus = args.broker.bus()?;
    let pages = Pages::new(HTTP_TIMEOUT)?;
    let mut report = Report::new(args.json);
    let admin = cluster::check(args, &bus, &mut report)?;
    schemas::check(args, &mut report)?;
    models::check(args, &mut report)?;
    let mut clocks = gates::check(&args.gates, &pages, &mut report)?;
    if let Some(url) = &args.registry {
        // Whether it answers was checked before.
        let reading = pages
            .read(url)
            .ok()
            .and_then(|page| Reading::of_page(&page));
        clocks.push(("clock of registry".to_owned(), reading));
    }
    for (name, reading) in clocks {
        let untold = || Check::skipped(name.clone(), "it does not tell its time");
        report.add(reading.map_or_else(untold, |reading| reading.check(name.clone())))?;
    }
    report.add(broker_clock(args, admin.as_ref()))?;
    report.end()?;
    Ok(if report.has_failed() {
        ExitCode::from(FAILED)
    } else {
        ExitCode::SUCCESS
    })
}

fn broker_clock(args: &DoctorArgs, admin: Option<&Admin>) -> Check {
    let name = "clock of brokers".to_owned();
    let Some(admin) = admin else {
        return Check::skipped(name, "no broker answers");
    };
    if !args.probe_clock {
        return Check::skipped(
            name,
            "--probe-clock asks for it, on a topic made for that and deleted",
        );
    }
    match admin.broker_time() {
        Ok(time) => Reading::of_broker(time).check(name),
        Err(error) => Check::warning(
            name,
            format!("not known: {error}"),
            "look as a user who may create, write and delete topics weir-clock-*",
        ),
    }
}

//! `weir topics`.

mod access;
mod declaration;
mod report;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use weir_bus::admin::Admin;
use weir_bus::admin::plan::{Declared, Fate, Plan};

use crate::args::BrokerArgs;
pub(crate) use access::{Principals, access};
pub(crate) use declaration::Declaration;
use report::Tense;

/// The cluster is not as declared.
const DIFFERS: u8 = 3;
/// Something is declared that `apply` does not make so.
const REFUSED: u8 = 4;

const EXAMPLES: &str = "Examples:
  weir topics plan --brokers localhost:9092
  weir topics plan --brokers localhost:9092 --principals principals.yaml   with ACLs
  weir topics apply --brokers localhost:9092
  weir topics check --brokers localhost:9092 || page-someone

A file of principals says who has which role (topics/README.md):
  gate: [\"User:weir-gate\"]
  rescorer: [\"User:weir-rescorer\"]

Exit status: 0 as declared, or made so; 1 failure; 2 wrong usage; 3 it differs (plan, check);
4 something is declared that apply does not do: another number of partitions or replicas,
ACLs without an authorizer.";

#[derive(Debug, Subcommand)]
pub(crate) enum TopicsCommand {
    /// Tell what `apply` would do, and what else differs. Changes nothing.
    #[command(after_help = EXAMPLES)]
    Plan(TopicsArgs),
    /// Create what is missing, bring declared settings in line, grant what roles need. What is not declared stays as it
    /// is, and so do partition counts: keys would move.
    #[command(after_help = EXAMPLES)]
    Apply(TopicsArgs),
    /// The same as `plan`, telling only what differs: for CI and monitoring.
    #[command(after_help = EXAMPLES)]
    Check(TopicsArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TopicsArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    /// The declaration.
    #[arg(long, value_name = "FILE", default_value = "topics/topics.yaml")]
    file: PathBuf,
    /// Who has which role; without it ACLs are left alone.
    #[arg(long, value_name = "FILE")]
    principals: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: &TopicsCommand) -> anyhow::Result<ExitCode> {
    let (TopicsCommand::Plan(args) | TopicsCommand::Apply(args) | TopicsCommand::Check(args)) =
        command;
    let declaration = Declaration::load(&args.file)?;
    let principals = match &args.principals {
        Some(file) => Some(Principals::load(file, &declaration)?),
        None => None,
    };
    let declared = Declared {
        topics: declaration.specs(),
        access: principals
            .as_ref()
            .map(|principals| access(&declaration, principals)),
    };
    let admin = Admin::new(&args.broker.bus()?)?;
    let (plan, tense) = match command {
        TopicsCommand::Apply(_) => (admin.apply(&declared)?, Tense::Done),
        TopicsCommand::Plan(_) => {
            let plan = admin.plan(&declared)?;
            admin.validate(&plan)?;
            (plan, Tense::Planned)
        }
        TopicsCommand::Check(_) => (admin.plan(&declared)?, Tense::Planned),
    };
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", report::json(&plan, tense))?;
    } else {
        let all = !matches!(command, TopicsCommand::Check(_));
        report::lines(&mut out, &plan, &declared.topics, tense, all)?;
        notes(&plan, principals.as_ref(), &declaration)?;
    }
    Ok(ExitCode::from(status(&plan, tense)))
}

/// What is no difference and should be known.
fn notes(
    plan: &Plan,
    principals: Option<&Principals>,
    declaration: &Declaration,
) -> anyhow::Result<()> {
    let mut err = std::io::stderr().lock();
    match principals {
        Some(principals) => {
            let without = principals.without(declaration);
            if !without.is_empty() {
                writeln!(err, "nobody has these roles: {}", without.join(", "))?;
            }
        }
        None if plan.no_authorizer => writeln!(
            err,
            "this broker has no authorizer: everybody who reaches it may read and write everything"
        )?,
        None => writeln!(
            err,
            "ACLs were not looked at; --principals FILE says who has which role"
        )?,
    }
    Ok(())
}

fn status(plan: &Plan, tense: Tense) -> u8 {
    if plan.has(Fate::Refused) {
        REFUSED
    } else if tense == Tense::Planned && !plan.differences.is_empty() {
        DIFFERS
    } else {
        0
    }
}

//! `weir replay`: what was read once through the lane again, under a clock of its own.

mod account;
mod args;
mod columns;
mod compare;
mod figures;
mod finish;
pub(crate) mod joined;
mod page;
mod page_beside;
mod parquet;
pub(crate) mod part;
pub(crate) mod plan;
pub(crate) mod prompts;
mod recorded;
mod report;
mod row;
pub(crate) mod run;
mod store;
mod streams;
mod table;
mod table_changes;
pub(crate) mod tally;
#[cfg(test)]
mod testing;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use weir_bus::{BusConfig, LogReader};
use weir_gate::keep_text_out_of_panics;

use crate::progress::progress_bar;
pub(crate) use args::ReplayArgs;
use joined::Joined;
use part::Setup;
use plan::PATIENCE;
use report::Report;
use run::Run;
use store::Store;
use tally::Tally;

/// Moderation records read at once.
const AT_ONCE: usize = 10_000;

pub(crate) fn run(args: &ReplayArgs) -> Result<ExitCode> {
    keep_text_out_of_panics();
    let bus = args.broker.bus()?;
    let (range, names) = args.range()?;
    let resolve = || plan::resolve(&bus, &range, &names);
    if args.dry_run {
        let parts = resolve()?;
        let mut out = std::io::stdout().lock();
        if args.json {
            serde_json::to_writer_pretty(&mut out, &parts)?;
            writeln!(out)?;
        } else {
            table::dry_run(&mut out, &parts)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let setup = args.setup()?;
    let report = replay(args, &bus, &setup, resolve)?;
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        table::print(&mut out, &report)?;
    }
    let differs = |it: &compare::Comparison| !it.holds();
    Ok(match &report.verification {
        Some(found) if found.compared == 0 => bail!("no recorded verdict could be compared"),
        Some(found) if differs(found) => ExitCode::from(3),
        _ => ExitCode::SUCCESS,
    })
}

fn replay(
    args: &ReplayArgs,
    bus: &BusConfig,
    setup: &Setup,
    resolve: impl Fn() -> Result<Vec<plan::Part>>,
) -> Result<Report> {
    let joined = joined(args, bus, setup)?;
    let mut store = match &args.out {
        Some(folder) => Some(Store::open(
            folder,
            &args.asked(setup),
            args.restart,
            &resolve,
        )?),
        None => None,
    };
    if store.as_ref().is_some_and(|store| store.resumed) {
        let _ = writeln!(std::io::stderr(), "going on with what was interrupted");
    }
    let parts = match &store {
        Some(store) => store.plan.parts.clone(),
        None => resolve()?,
    };
    let bar = progress_bar(plan::offsets(&parts)?, "records");
    let run = Run {
        bus,
        setup,
        parts: &parts,
        verdicts_topic: &args.verdicts_topic,
        ids: args.ids()?,
        store: store.as_ref(),
        joined: &joined,
        bar: &bar,
        piece: args.note_every,
    };
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let done = run.all(args.threads.map_or_else(cores, usize::from))?;
    bar.finish_and_clear();
    let mut tally = Tally::default();
    let mut progress = Vec::with_capacity(done.len());
    for part in done {
        tally.merge(part.tally);
        progress.push(part.progress);
    }
    if let Some(store) = &store {
        tally = finish::rows(store, &joined, args.with_text)?;
    }
    let report = Report::of(args, setup, &progress, tally, joined.looks)?;
    if let Some(store) = &mut store {
        serde_json::to_writer_pretty(store.create("summary.json")?, &report)?;
        store
            .create("report.html")?
            .write_all(page::page(&report).as_bytes())?;
        store.finish()?;
    }
    Ok(report)
}

/// Reads what others say of the same texts.
fn joined(args: &ReplayArgs, bus: &BusConfig, setup: &Setup) -> Result<Joined> {
    let mut joined = Joined::default();
    if let Some(labels) = &args.labels {
        joined.with_labels(labels)?;
    }
    if !args.moderation {
        return Ok(joined);
    }
    joined.with_judges(setup.arms.last().context("no policy")?.judges.clone());
    let mut ids = args.ids()?;
    let reader = LogReader::new(&bus.read_committed(), &args.moderation_topic)?;
    for extent in reader.extents(None, None, None, PATIENCE)? {
        let mut follow = reader.follow(extent.stretch)?;
        loop {
            let read = follow.next(AT_ONCE, PATIENCE)?;
            if read.is_empty() {
                break;
            }
            for record in read {
                let payload = record.payload.as_deref();
                ids.wait_long(payload)?;
                joined.take(weir_wire::decode_with(&ids, payload.unwrap_or_default()).ok());
            }
        }
    }
    Ok(joined)
}

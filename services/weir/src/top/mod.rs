//! `weir top`: the same as `weir status`, live.

mod view;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use flume::{Receiver, Sender};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};

use crate::run::wait_for_stop;
use crate::status::{Snapshot, WatchArgs, Watcher};

/// How soon a key or signal is noticed.
const WAIT: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir top --brokers localhost:9092 --gates localhost:9464,localhost:9465
  weir top --brokers localhost:9092 --gates localhost:9464 --count 10 | tee load.log

q, Esc or Ctrl-C leaves. Where standard output is no terminal, a line is written at each look.")]
pub(crate) struct TopArgs {
    #[command(flatten)]
    watch: WatchArgs,
    /// Leave after this many looks.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Write a JSON object a look, as weir status does, in place of the screen.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &TopArgs) -> anyhow::Result<ExitCode> {
    let looks = start_looking(args)?;
    if args.json || !std::io::stdout().is_terminal() {
        lines(&looks, args.json)?;
    } else {
        let stop = stop_on_signal();
        // It restores the terminal on a panic, too.
        let mut terminal = ratatui::try_init()?;
        let shown = screen(&mut terminal, &looks, &stop);
        ratatui::try_restore()?;
        shown?;
    }
    Ok(ExitCode::SUCCESS)
}

/// On a thread of its own: a cluster that does not answer must not hold up the keys.
fn start_looking(args: &TopArgs) -> anyhow::Result<Receiver<Snapshot>> {
    let mut watcher = Watcher::new(&args.watch)?;
    let (sender, looks) = flume::bounded(1);
    let interval = args.watch.interval();
    let most = args.count.unwrap_or(u64::MAX);
    std::thread::Builder::new()
        .name("weir-top".to_owned())
        .spawn(move || look(&mut watcher, interval, most, &sender))?;
    Ok(looks)
}

fn look(watcher: &mut Watcher, interval: Duration, most: u64, sender: &Sender<Snapshot>) {
    // The first says nothing of rates.
    watcher.look_at_endpoints();
    let mut next = Instant::now();
    for _ in 0..most {
        next += interval;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        if sender.send(watcher.look()).is_err() {
            return;
        }
        // Looks that took long are not made up for.
        next = next.max(Instant::now() - interval);
    }
}

fn lines(looks: &Receiver<Snapshot>, json: bool) -> anyhow::Result<()> {
    for snapshot in looks {
        let mut out = std::io::stdout().lock();
        if json {
            writeln!(out, "{}", serde_json::to_string(&snapshot)?)?;
            continue;
        }
        let trouble = snapshot.trouble.as_ref();
        let trouble = trouble.map_or_else(String::new, |why| format!("  {why}"));
        writeln!(out, "{}{trouble}", view::headline(&snapshot))?;
    }
    Ok(())
}

/// Set by SIGTERM and SIGINT, so that the terminal is restored then as well.
fn stop_on_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    // Without this thread a signal just ends the process.
    drop(std::thread::Builder::new().spawn(move || {
        if wait_for_stop().is_ok() {
            told.store(true, Ordering::Release);
        }
    }));
    stop
}

fn screen(
    terminal: &mut ratatui::DefaultTerminal,
    looks: &Receiver<Snapshot>,
    stop: &AtomicBool,
) -> std::io::Result<()> {
    let mut newest = None;
    loop {
        terminal.draw(|frame| view::render(frame, newest.as_ref()))?;
        if event::poll(WAIT)? && leaves(&event::read()?) || stop.load(Ordering::Acquire) {
            return Ok(());
        }
        match looks.try_recv() {
            Ok(snapshot) => newest = Some(snapshot),
            Err(flume::TryRecvError::Empty) => {}
            Err(flume::TryRecvError::Disconnected) => return Ok(()),
        }
    }
}

fn leaves(event: &Event) -> bool {
    let Event::Key(key) = event else {
        return false;
    };
    matches!(key.code, KeyCode::Char('q') | KeyCode::Esc)
        || key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL)
}

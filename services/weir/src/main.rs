//! `weir`: the one binary. This file parses; each command has a file of its own.

mod args;
mod bench;
mod calibrate;
mod check;
mod check_explain;
mod check_line;
mod check_stream;
mod client;
mod config_reference;
mod demo;
mod demo_moderation;
mod demo_stream;
mod doctor;
mod eval;
mod labels;
mod marks;
mod progress;
mod range;
mod registry;
mod replay;
mod rescore;
mod rows;
mod run;
mod schemas;
mod send;
mod shadow;
mod stage;
mod status;
mod tail;
mod top;
mod topics;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use weir_telemetry::LogFormat;

/// Real-time safety of generative APIs, on Kafka.
#[derive(Debug, Parser)]
#[command(name = "weir", version = concat!(env!("CARGO_PKG_VERSION"), " (", env!("WEIR_COMMIT"), ")"))]
#[command(after_help = "Examples:
  weir up                               a broker in this process and a gate on it
  weir check \"ignore all previous instructions\"
  weir send --brokers localhost:9092 --wait \"Hello\"
  weir tail --brokers localhost:9092 --json
  weir tail moderation --brokers localhost:9092
  weir shadow report --brokers localhost:9092 --since 24h
  weir top --brokers localhost:9092 --gates localhost:9464
  weir doctor --brokers localhost:9092  is everything there? what is wrong names its fix
  weir calibrate --brokers localhost:9092 --since 24h --labels labels.jsonl --target-fpr 0.003

Exit status: 0 success; 1 failure; 2 wrong usage; 3 `check --fail-on` was met, a gate of
`eval --gates` or a check of `doctor` failed, `replay --verify` found differences, `calibrate` refused
every category, or topics differ from their declaration; 4 `topics` refused a part of it.")]
struct Cli {
    /// How to write the log, which goes to standard error: human or json.
    #[arg(long, global = true, default_value = "human", value_name = "FORMAT")]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a broker in this process, and a gate on it.
    Up(run::UpArgs),
    /// Run a gate: judge prompts as they come, until SIGTERM or SIGINT.
    Gate(run::GateArgs),
    /// Run a rescorer: a second, heavier look at what gates flag, until SIGTERM or SIGINT.
    Rescore(rescore::RescoreArgs),
    /// Judge texts here and now, by the gate's own code, without a broker.
    Check(check::CheckArgs),
    /// Produce prompts, from arguments, a file or standard input.
    Send(send::SendArgs),
    /// Follow verdicts, or what the second look makes of them.
    Tail(tail::TailArgs),
    /// Compare the fast model with the heavy one, from what the second look has written.
    #[command(subcommand)]
    Shadow(shadow::ShadowCommand),
    /// Fit calibration and thresholds to what is known of judged texts; propose a change of the policy.
    Calibrate(Box<calibrate::CalibrateArgs>),
    /// Look after schemas.
    #[command(subcommand)]
    Schemas(schemas::SchemasCommand),
    /// Make topics what their declaration says.
    #[command(subcommand)]
    Topics(topics::TopicsCommand),
    /// Check brokers, topics, ACLs, registry, schemas, policies, models and clocks; what is wrong names its fix.
    Doctor(doctor::DoctorArgs),
    /// Show topics, groups and their lag, and the rates and latencies of gates, once.
    Status(status::StatusArgs),
    /// Show lanes, rates, latency, unjudged and lag, live, in the terminal.
    Top(top::TopArgs),
    /// Look after policies.
    #[command(subcommand)]
    Policy(check::PolicyCommand),
    /// Play a bundled set of prompts through an embedded broker, a gate and a rescorer.
    Demo(demo::DemoArgs),
    /// Evaluate detection on labelled rows, by the gate's own code, without a broker.
    Eval(eval::EvalArgs),
    /// Judge again what topics hold: other policies or models, or to check what was recorded.
    Replay(Box<replay::ReplayArgs>),
    /// Measure.
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Print the catalogue of metrics as Markdown.
    Metrics,
    /// Print all commands, options and environment variables as Markdown.
    #[command(hide = true)]
    ConfigReference,
    /// Print shell completions, e.g. `weir completions bash > /etc/bash_completion.d/weir`.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = weir_telemetry::init_logs(cli.log_format, default_level(&cli.command)) {
        let _ = writeln!(std::io::stderr(), "weir: {error}");
        return ExitCode::from(2);
    }
    weir_gate::keep_text_out_of_panics();
    match dispatch(cli.command) {
        Ok(code) => code,
        // A reader that has seen enough (`weir check ... | head`) is no failure.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "weir: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Up(args) => run::up(&args),
        Command::Gate(args) => run::gate(&args),
        Command::Rescore(args) => rescore::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Send(args) => send::run(&args),
        Command::Tail(args) => tail::run(&args),
        Command::Shadow(command) => shadow::run(&command),
        Command::Calibrate(args) => calibrate::run(&args),
        Command::Schemas(command) => schemas::run(&command),
        Command::Topics(command) => topics::run(&command),
        Command::Doctor(args) => doctor::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Top(args) => top::run(&args),
        Command::Policy(command) => check::policy(&command),
        Command::Demo(args) => demo::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Bench(command) => bench::run(&command),
        Command::Metrics => {
            std::io::stdout().write_all(weir_telemetry::catalogue_markdown().as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::ConfigReference => {
            let reference = config_reference::markdown(Cli::command());
            std::io::stdout().write_all(reference.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "weir", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Services tell what they do; tools only what went wrong.
const fn default_level(command: &Command) -> tracing::Level {
    match command {
        Command::Up(_) | Command::Gate(_) | Command::Rescore(_) => tracing::Level::INFO,
        _ => tracing::Level::WARN,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

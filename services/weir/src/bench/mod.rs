//! `weir bench`: measurements, as ratios within one run.

mod cluster;
mod detect;
mod echo;
mod load;
mod process;
mod prompt;
pub(crate) mod quantiles;
mod replay;
pub(crate) mod report;
mod rescore;
mod stream;
mod texts;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Latency and cost of prompt to verdict, beside a bare echo of the same records.
    Prompt(prompt::PromptArgs),
    /// Added latency, held text, rate, memory and cost of guarded token streams.
    Stream(stream::StreamArgs),
    /// Cost of the rules engine, by number of rules and length of text.
    Detect(detect::DetectArgs),
    /// Rate of the heavy model's network, beside ONNX Runtime on the same weights.
    Rescore(rescore::RescoreArgs),
    /// Rate and memory of `weir replay`, rules only.
    Replay(replay::ReplayBenchArgs),
    /// The echo that `prompt` starts: copies one topic to another.
    #[command(hide = true)]
    Echo(echo::EchoArgs),
}

pub(crate) fn run(command: &BenchCommand) -> anyhow::Result<ExitCode> {
    match command {
        BenchCommand::Prompt(args) => prompt::run(args),
        BenchCommand::Stream(args) => stream::run(args),
        BenchCommand::Detect(args) => detect::run(args),
        BenchCommand::Rescore(args) => rescore::run(args),
        BenchCommand::Replay(args) => replay::run(args),
        BenchCommand::Echo(args) => echo::run(args),
    }
}

//! `weir config-reference`: commands, options and environment variables as Markdown, out of the definitions that parse them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::{Arg, Command};

/// Variables that are no option's.
const OTHERS: [(&str, &str); 5] = [
    (
        weir_telemetry::LOG_ENV,
        "What to log, in place of info for services and warn for tools: `debug`, `info,weir_bus=debug`.",
    ),
    (
        weir_infer::RUNTIME_ENV,
        "ONNX Runtime's shared library, in place of the pinned one that `scripts/onnxruntime` fetches.",
    ),
    (
        crate::args::FINGERPRINT_ENV,
        "Key of fingerprints and of the second look's sample; the same for all gates and rescorers. Without it one is drawn at each start.",
    ),
    (
        "WEIR_KAFKA_*",
        "Any librdkafka option: `WEIR_KAFKA_SASL_MECHANISM` is sasl.mechanism; with `_FILE` at its end the name of a file that holds the value (docs/SECURITY.md).",
    ),
    ("NO_COLOR", "Set: no colours."),
];

/// All of it. `command` is the whole program.
pub(crate) fn markdown(mut command: Command) -> String {
    // Spreads global options, and numbers arguments.
    command.build();
    let mut out = String::new();
    let mut variables = BTreeMap::new();
    write_command(&mut out, &command, &mut variables);
    out.push_str("## Environment variables\n\nAn option that is given wins over its variable.\n\n");
    out.push_str("| variable | what it sets |\n| --- | --- |\n");
    for (name, option) in &variables {
        line(&mut out, format_args!("| `{name}` | `{option}` |"));
    }
    for (name, what) in OTHERS {
        line(&mut out, format_args!("| `{name}` | {what} |"));
    }
    out
}

fn write_command(out: &mut String, command: &Command, variables: &mut BTreeMap<String, String>) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    line(out, format_args!("## `{name}`\n"));
    if let Some(about) = command.get_long_about().or_else(|| command.get_about()) {
        line(out, format_args!("{}\n", flat(&about.to_string())));
    }
    // Those of the whole program stand there once.
    let is_top = name == command.get_name();
    let shown = |arg: &&Arg| {
        !arg.is_hide_set()
            && !matches!(arg.get_id().as_str(), "help" | "version")
            && (is_top || !arg.is_global_set())
    };
    let options: Vec<&Arg> = command.get_arguments().filter(shown).collect();
    if !options.is_empty() {
        out.push_str("| option | default | meaning |\n| --- | --- | --- |\n");
    }
    for option in &options {
        write_option(out, option);
        if let (Some(variable), Some(long)) = (option.get_env(), option.get_long()) {
            variables.insert(variable.to_string_lossy().into_owned(), format!("--{long}"));
        }
    }
    if !options.is_empty() {
        out.push('\n');
    }
    if let Some(more) = command.get_after_help() {
        line(
            out,
            format_args!("```text\n{}\n```\n", more.to_string().trim_end()),
        );
    }
    let inner = command.get_subcommands();
    for inner in inner.filter(|inner| !inner.is_hide_set() && inner.get_name() != "help") {
        write_command(out, inner, variables);
    }
}

fn write_option(out: &mut String, option: &Arg) {
    let values = option.get_value_names().unwrap_or_default();
    let takes = option
        .get_num_args()
        .is_some_and(|count| count.takes_values());
    let value = if takes {
        values.join(" ")
    } else {
        String::new()
    };
    let name = match option.get_long() {
        Some(long) => format!("--{long} {value}"),
        None => value,
    };
    let defaults: Vec<_> = option.get_default_values().iter().collect();
    let default = match (takes, defaults.first()) {
        (true, Some(default)) => format!("`{}`", default.to_string_lossy()),
        _ => String::new(),
    };
    let help = option.get_long_help().or_else(|| option.get_help());
    let mut meaning = help.map_or_else(String::new, |help| flat(&help.to_string()));
    let possible = option.get_possible_values();
    if takes && !possible.is_empty() {
        let names: Vec<String> = possible
            .iter()
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        let _ = write!(meaning, " One of {}.", names.join(", "));
    }
    if let Some(variable) = option.get_env() {
        let _ = write!(meaning, " Or `{}`.", variable.to_string_lossy());
    }
    line(
        out,
        format_args!("| `{}` | {default} | {meaning} |", name.trim_end()),
    );
}

/// In one line, as a table wants it, with the last full stop that clap takes away.
fn flat(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut line = words.join(" ").replace('|', "\\|");
    if !line.ends_with(['.', '?', '!']) {
        line.push('.');
    }
    line
}

/// Writing into a `String` cannot fail.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{text}");
}

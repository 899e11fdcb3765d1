//! Log set-up.

use std::io::IsTerminal as _;
use std::str::FromStr;

use tracing::{Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The variable whose value, when set and not empty, replaces the default level:
/// `info,weir_bus=debug`.
pub const LOG_ENV: &str = "WEIR_LOG";

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people: one line of text per event, coloured on a terminal unless `NO_COLOR` is set.
    #[default]
    Human,
    /// For machines: one JSON object per line, the event's fields at its top level.
    Json,
}

/// A log format that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown log format \"{0}\" (known: human, json)")]
pub struct UnknownLogFormat(pub String);

impl FromStr for LogFormat {
    type Err = UnknownLogFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            _ => Err(UnknownLogFormat(name.to_owned())),
        }
    }
}

/// Why logs could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// `WEIR_LOG` cannot be read.
    #[error(
        "{LOG_ENV}=\"{value}\" is not a log filter: {reason} (write e.g. \"info\" or \"info,weir_bus=debug\")"
    )]
    BadFilter {
        /// What the variable holds.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Sends log events of `default_level` and above to standard error; [`LOG_ENV`] overrides.
///
/// Raw text never enters a log: neither prompts nor outputs, nor what a rule matched. Events
/// and errors carry topics, partitions, offsets, ids and reasons only; whoever needs the text
/// reads it from the topic, under the topic's access rules and retention.
///
/// Once a process has a subscriber, calling this does nothing, so tests and libraries may call
/// it freely; it never panics.
///
/// # Errors
///
/// [`LogsError::BadFilter`] when [`LOG_ENV`] does not parse; logs are not set up then.
pub fn init_logs(format: LogFormat, default_level: Level) -> Result<(), LogsError> {
    let from_env = std::env::var_os(LOG_ENV).map(|value| value.to_string_lossy().into_owned());
    let filter = filter(from_env.as_deref(), default_level)?;
    let ansi = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let subscriber = subscriber(format, filter, ansi, std::io::stderr);
    // The only error is that a subscriber is there already.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}

fn filter(from_env: Option<&str>, default_level: Level) -> Result<EnvFilter, LogsError> {
    match from_env.map(str::trim) {
        None | Some("") => Ok(EnvFilter::default().add_directive(default_level.into())),
        Some(value) => EnvFilter::try_new(value).map_err(|error| LogsError::BadFilter {
            value: value.to_owned(),
            reason: error.to_string(),
        }),
    }
}

fn subscriber<W>(
    format: LogFormat,
    filter: EnvFilter,
    ansi: bool,
    writer: W,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    match format {
        LogFormat::Human => Box::new(builder.with_ansi(ansi).finish()),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).finish()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, env: Option<&str>) -> String {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let filter = filter(env, Level::INFO).unwrap();
        let subscriber = subscriber(format, filter, false, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(offset = 7, "record refused");
            tracing::debug!("detail");
        });
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_lines_have_the_fields_at_the_top() {
        let line: serde_json::Value = serde_json::from_str(&logged(LogFormat::Json, None)).unwrap();
        assert_eq!(line["message"], "record refused");
        assert_eq!(line["offset"], 7);
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn the_variable_overrides_the_level() {
        let lines = |env| logged(LogFormat::Human, env).lines().count();
        assert_eq!(lines(None), 1);
        assert_eq!(lines(Some(" ")), 1);
        assert_eq!(lines(Some("debug")), 2);
        assert_eq!(lines(Some("off")), 0);
        assert!(!logged(LogFormat::Human, None).contains('\u{1b}'));
    }

    #[test]
    fn a_bad_filter_says_what_to_write() {
        let error = filter(Some("weir=loudest"), Level::INFO).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("WEIR_LOG=\"weir=loudest\""), "{message}");
        assert!(message.contains("weir_bus=debug"), "{message}");
    }

    #[test]
    fn setting_up_twice_is_harmless() {
        init_logs(LogFormat::Human, Level::WARN).unwrap();
        init_logs(LogFormat::Json, Level::WARN).unwrap();
    }

    #[test]
    fn formats_have_names() {
        assert_eq!("human".parse(), Ok(LogFormat::Human));
        assert_eq!("json".parse(), Ok(LogFormat::Json));
        assert!("xml".parse::<LogFormat>().is_err());
    }
}

//! Where a client's options come from: files and the environment. Some are secrets, so there is no way by the command
//! line, and no message here shows a value.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rdkafka::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use rdkafka::producer::BaseProducer;

use crate::config::BusConfig;
use crate::error::BusError;

/// Environment variables that become librdkafka options: `WEIR_KAFKA_SASL_MECHANISM=PLAIN` is
/// `sasl.mechanism=PLAIN`.
const ENV_PREFIX: &str = "WEIR_KAFKA_";
/// After the name of a secret option: the value is in the file named.
const FILE_SUFFIX: &str = ".file";
/// Options whose value nobody may see.
const SECRETS: [&str; 5] = [
    "sasl.password",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.keystore.password",
    "sasl.oauthbearer.client.secret",
];
/// Options that name a file. librdkafka does not say which one it could not read.
const FILES: [&str; 5] = [
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
    "ssl.keystore.location",
    "ssl.crl.location",
];
/// What `ssl.ca.location` may be in place of a file: wherever the system keeps its authorities.
const SYSTEM_AUTHORITIES: &str = "probe";

impl BusConfig {
    /// Adds the options of a file of `key=value` lines; `#` starts a comment line. Warns of a file with a secret that
    /// others than its owner may read.
    ///
    /// # Errors
    /// The file cannot be read, or a line has no `=`: the message names file and line.
    pub fn add_options_file(&mut self, path: &Path) -> Result<(), BusError> {
        let text = read(&path.display().to_string(), path)?;
        let mut secret = false;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((key, value)) = line.split_once('=') else {
                return Err(BusError::Options {
                    place: format!("{}:{}", path.display(), index + 1),
                    message: "expected key=value, as in security.protocol=SASL_SSL".to_owned(),
                });
            };
            let key = key.trim();
            secret |= SECRETS.contains(&key);
            self.options.insert(key.to_owned(), value.trim().to_owned());
        }
        if secret {
            warn_if_others_may_read(path);
        }
        Ok(())
    }

    /// Adds the options found in environment variables that start with `WEIR_KAFKA_`. For a secret there is a second
    /// name, ending in `_FILE`, of a file that holds it and nothing else: `WEIR_KAFKA_SASL_PASSWORD_FILE`. A line break
    /// at the file's end is not part of it.
    ///
    /// # Errors
    /// A file cannot be read or is empty, a value is not UTF-8, or both names are set: the message names the variable.
    pub fn add_environment(
        &mut self,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<(), BusError> {
        let mut said_by = BTreeMap::new();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| name.starts_with(ENV_PREFIX)) else {
                continue;
            };
            let wrong = |message: &str| BusError::Options {
                place: name.to_owned(),
                message: message.to_owned(),
            };
            let option = name[ENV_PREFIX.len()..]
                .to_ascii_lowercase()
                .replace('_', ".");
            let of_file = option.strip_suffix(FILE_SUFFIX);
            let (option, value) = match of_file.filter(|secret| SECRETS.contains(secret)) {
                Some(secret) => (secret.to_owned(), secret_in(name, Path::new(&value))?),
                // Not shown, whatever it is: it may be a password in another encoding.
                None => (
                    option,
                    value.into_string().map_err(|_| wrong("is not UTF-8"))?,
                ),
            };
            if let Some(other) = said_by.insert(option.clone(), name.to_owned()) {
                return Err(wrong(&format!("{other} is set too; unset one of them")));
            }
            self.options.insert(option, value);
        }
        Ok(())
    }

    /// Checks what can be known without a broker: that librdkafka knows every option, takes its value, and has all that
    /// they need beside them, files included.
    ///
    /// # Errors
    /// The first option that is wrong, by name, never by value but for a file's.
    pub fn check(&self) -> Result<(), BusError> {
        for option in FILES {
            if let Some(path) = self.options.get(option)
                && path != SYSTEM_AUTHORITIES
            {
                File::open(path).map_err(|error| BusError::Options {
                    place: format!("kafka option {option}"),
                    message: format!("{path} cannot be read: {error}"),
                })?;
            }
        }
        let consumer: ClientConfig = self.consumer(Some("check"));
        let _: BaseConsumer = consumer.create().map_err(BusError::client)?;
        let _: BaseProducer = self.producer("0").create().map_err(BusError::client)?;
        Ok(())
    }
}

fn read(place: &str, path: &Path) -> Result<String, BusError> {
    fs::read_to_string(path).map_err(|error| BusError::Options {
        place: place.to_owned(),
        message: format!("cannot be read: {error}"),
    })
}

fn secret_in(variable: &str, path: &Path) -> Result<String, BusError> {
    let place = format!("{variable}={}", path.display());
    let text = read(&place, path)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(BusError::Options {
            place,
            message: "the file is empty".to_owned(),
        });
    }
    warn_if_others_may_read(path);
    Ok(secret.to_owned())
}

/// A warning and no more: where secrets are mounted into a container, their mode is often not the operator's choice.
fn warn_if_others_may_read(path: &Path) {
    let open = fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
    if open {
        tracing::warn!(
            file = %path.display(),
            "holds a secret, and others than its owner may read it: chmod 600"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Result<BusConfig, String> {
        let mut config = BusConfig::new("localhost:1");
        let variables = variables.iter().map(|(k, v)| (k.into(), v.into()));
        match config.add_environment(variables) {
            Ok(()) => Ok(config),
            Err(error) => Err(error.to_string()),
        }
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, text).unwrap();
        file
    }

    #[test]
    fn options_come_from_environment_and_win() {
        let config = environment(&[
            ("WEIR_KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
            ("WEIR_KAFKA_LINGER_MS", "7"),
            ("PATH", "/bin"),
        ]);
        let config = config.unwrap();
        let producer = config.producer("0");
        assert_eq!(producer.get("security.protocol"), Some("SASL_SSL"));
        assert_eq!(producer.get("linger.ms"), Some("7"));
        assert_eq!(config.options.len(), 2);
    }

    #[test]
    fn a_secret_comes_from_a_file_whole() {
        let file = file(" open = sesame \n");
        let path = file.path().to_str().unwrap();
        let config = environment(&[("WEIR_KAFKA_SASL_PASSWORD_FILE", path)]).unwrap();
        assert_eq!(config.options["sasl.password"], " open = sesame ");
        // An option that ends so itself.
        let name = "WEIR_KAFKA_SASL_OAUTHBEARER_ASSERTION_FILE";
        let config = environment(&[(name, path)]).unwrap();
        assert_eq!(config.options["sasl.oauthbearer.assertion.file"], path);
    }

    #[test]
    fn a_secret_that_is_not_to_be_had_is_told_by_its_variable() {
        let name = "WEIR_KAFKA_SASL_PASSWORD_FILE";
        let error = environment(&[(name, "/nonexistent/password")]).unwrap_err();
        assert!(error.contains(name) && error.contains("/nonexistent/password"));
        let empty = file("\n");
        let path = empty.path().to_str().unwrap();
        let error = environment(&[(name, path)]).unwrap_err();
        assert!(error.contains(name) && error.contains("empty"), "{error}");
        let full = file("hunter2");
        let path = full.path().to_str().unwrap();
        let error = environment(&[("WEIR_KAFKA_SASL_PASSWORD", "hunter2"), (name, path)]);
        let error = error.unwrap_err();
        assert!(error.contains(name) && error.contains("unset"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_value_that_is_no_text_is_not_shown() {
        use std::os::unix::ffi::OsStringExt as _;
        let mut config = BusConfig::new("localhost:1");
        let value = OsString::from_vec(b"hunter2\xff".to_vec());
        let variable = ("WEIR_KAFKA_SASL_PASSWORD".into(), value);
        let error = config.add_environment([variable].into_iter()).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("WEIR_KAFKA_SASL_PASSWORD"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn options_file_names_the_bad_line() {
        let file = file("# comment\nssl.ca.location = /etc/ca.pem\nnonsense\n");
        let mut config = BusConfig::new("localhost:1");
        let error = config
            .add_options_file(file.path())
            .unwrap_err()
            .to_string();
        assert!(error.contains(":3"), "{error}");
        assert_eq!(config.options["ssl.ca.location"], "/etc/ca.pem");
    }

    #[test]
    fn what_is_wrong_without_a_broker_is_told_before_one_is_asked() {
        let refused = |options: &[(&str, &str)]| {
            let mut config = BusConfig::new("localhost:1");
            let options = options
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            config.options.extend(options);
            config.check().unwrap_err().to_string()
        };
        let error = refused(&[("ssl.ca.location", "/nonexistent/ca.pem")]);
        assert!(error.contains("ssl.ca.location"), "{error}");
        assert!(error.contains("/nonexistent/ca.pem"), "{error}");
        let no_certificate = file("nothing");
        let path = no_certificate.path().to_str().unwrap();
        let tls = ("security.protocol", "SSL");
        let error = refused(&[tls, ("ssl.ca.location", path)]);
        assert!(error.contains("ssl.ca.location"), "{error}");
        let nobody = [
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "SCRAM-SHA-256"),
        ];
        let error = refused(&nobody);
        assert!(error.contains("sasl.username"), "{error}");
    }
}

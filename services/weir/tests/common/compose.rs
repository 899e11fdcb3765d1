//! What `docker-compose.yml` and the Dockerfile say.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::prometheus::read;
use super::repository;

#[derive(Debug, Deserialize)]
pub(crate) struct Compose {
    pub(crate) services: BTreeMap<String, Service>,
    pub(crate) volumes: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Service {
    pub(crate) image: String,
    pub(crate) build: Option<Build>,
    #[serde(default)]
    pub(crate) command: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, Value>,
    #[serde(default)]
    pub(crate) ports: Vec<String>,
    #[serde(default)]
    pub(crate) volumes: Vec<String>,
    #[serde(default)]
    depends_on: Value,
    pub(crate) healthcheck: Option<HealthCheck>,
    pub(crate) deploy: Value,
    pub(crate) restart: String,
    #[serde(default)]
    pub(crate) read_only: bool,
    pub(crate) cap_drop: Vec<String>,
    pub(crate) security_opt: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Build {
    pub(crate) context: String,
    pub(crate) dockerfile: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct HealthCheck {
    pub(crate) test: Vec<String>,
}

impl Compose {
    pub(crate) fn load() -> Self {
        serde_saphyr::from_str(&read("docker-compose.yml")).unwrap()
    }

    /// The services that run the image of this repository.
    pub(crate) fn ours(&self) -> impl Iterator<Item = (&String, &Service)> {
        self.services
            .iter()
            .filter(|(_, service)| service.build.is_some())
    }
}

impl Service {
    /// As a container without settings of its host has it: `${NAME:-default}` is the default.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let text = |value: &Value| match value {
            Value::String(text) => match text.strip_prefix("${") {
                Some(variable) => {
                    let (_, default) = variable.split_once(":-").expect("it has a default");
                    default.strip_suffix('}').unwrap().to_owned()
                }
                None => text.clone(),
            },
            other => other.to_string(),
        };
        self.environment
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect()
    }

    /// Whom it waits for, and until when.
    pub(crate) fn depends_on(&self) -> Vec<(String, String)> {
        match &self.depends_on {
            Value::Array(names) => names
                .iter()
                .map(|name| {
                    (
                        name.as_str().unwrap().to_owned(),
                        "service_started".to_owned(),
                    )
                })
                .collect(),
            Value::Object(services) => services
                .iter()
                .map(|(name, how)| {
                    let condition = how["condition"].as_str().unwrap();
                    (name.clone(), condition.to_owned())
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// What its health check runs.
    pub(crate) fn health_command(&self) -> Option<Vec<String>> {
        let test = &self.healthcheck.as_ref()?.test;
        // Compose writes `$$` for a dollar sign.
        let words: Vec<String> = test.iter().map(|word| word.replace("$$", "$")).collect();
        Some(match words[0].as_str() {
            "CMD" => words[1..].to_vec(),
            "CMD-SHELL" => vec!["sh".to_owned(), "-c".to_owned(), words[1].clone()],
            other => panic!("a health check by {other}"),
        })
    }

    /// Whether something that it is told names this port: an address to listen on, or one that its health check asks.
    pub(crate) fn mentions_port(&self, port: &str) -> bool {
        let environment = self.environment();
        let health = self.health_command().unwrap_or_default();
        let told = self
            .command
            .iter()
            .chain(environment.values())
            .chain(&health);
        told.flat_map(|word| word.split([',', '/', ' ', ':']))
            .any(|part| part == port)
    }
}

/// The lines of the Dockerfile's last stage and what all of them copy.
pub(crate) struct Dockerfile {
    /// Instruction and arguments, continued lines joined.
    instructions: Vec<(String, Vec<String>)>,
}

impl Dockerfile {
    pub(crate) fn load(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let instructions = text
            .replace("\\\n", " ")
            .lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
            .map(|line| {
                let mut words = line.split_whitespace().map(str::to_owned);
                (words.next().unwrap(), words.collect())
            })
            .collect();
        Self { instructions }
    }

    fn last_stage(&self) -> &[(String, Vec<String>)] {
        let from = |(name, _): &(String, Vec<String>)| name == "FROM";
        let begin = self.instructions.iter().rposition(from).unwrap();
        &self.instructions[begin..]
    }

    /// The arguments of an instruction in the last stage, the last one first.
    pub(crate) fn last(&self, instruction: &str) -> Option<&[String]> {
        let mut last_first = self.last_stage().iter().rev();
        let found = last_first.find(|(name, _)| name == instruction);
        found.map(|(_, arguments)| arguments.as_slice())
    }

    /// What is copied from the repository by any stage, and where to.
    pub(crate) fn copied(&self) -> Vec<(PathBuf, String)> {
        let copies = self
            .instructions
            .iter()
            .filter(|(name, arguments)| name == "COPY" && !arguments[0].starts_with("--from="));
        copies
            .flat_map(|(_, arguments)| {
                let (to, sources) = arguments.split_last().unwrap();
                sources
                    .iter()
                    .map(|source| (PathBuf::from(source), to.clone()))
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// Where the final image's files from earlier stages lie.
    pub(crate) fn built(&self) -> Vec<String> {
        self.last_stage()
            .iter()
            .filter(|(name, arguments)| name == "COPY" && arguments[0].starts_with("--from="))
            .map(|(_, arguments)| arguments.last().unwrap().clone())
            .collect()
    }

    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let set = self.last_stage().iter().filter(|(name, _)| name == "ENV");
        set.map(|(_, arguments)| {
            let (name, value) = arguments[0].split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        })
        .collect()
    }

    /// Where in the repository a file of the image comes from.
    pub(crate) fn source_of(&self, path: &str) -> Option<PathBuf> {
        self.copied().into_iter().find_map(|(source, to)| {
            let rest = Path::new(path).strip_prefix(&to).ok()?;
            let found = repository().join(source);
            Some(if rest.as_os_str().is_empty() {
                found
            } else {
                found.join(rest)
            })
        })
    }
}

//! A real Prometheus, and what is deployed for it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use weir_testkit::{Process, free_port};

use super::tool::{Finished, finish};
use super::{repository, wait_until};

pub(crate) const RULES: &str = "deploy/prometheus/rules.yml";
pub(crate) const RULES_TEST: &str = "deploy/prometheus/rules_test.yml";
pub(crate) const DASHBOARD: &str = "deploy/grafana/dashboards/weir.json";

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

pub(crate) fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap()
}

pub(crate) fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

/// Rules that have this word, and what it says.
pub(crate) fn rules(word: &str) -> Vec<(String, Value)> {
    list(&yaml(RULES), "groups")
        .flat_map(|group| list(group, "rules"))
        .filter_map(|rule| Some((rule[word].as_str()?.to_owned(), rule.clone())))
        .collect()
}

/// Names and texts of the runbooks.
pub(crate) fn runbooks() -> BTreeMap<String, String> {
    let files = fs::read_dir(repository().join("docs/runbooks")).unwrap();
    files
        .map(|file| file.unwrap().path())
        .filter(|path| !path.ends_with("README.md"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// The lines of code blocks of a language.
pub(crate) fn code(markdown: &str, language: &str) -> Vec<String> {
    let blocks = markdown.split("```").skip(1).step_by(2);
    blocks
        .filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'))
        .flat_map(str::lines)
        .filter(|line| !line.trim().is_empty())
        .map(str::to_owned)
        .collect()
}

/// Title and query of each query of the dashboard.
pub(crate) fn dashboard() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let queries = list(&dashboard, "panels").flat_map(|panel| {
        let title = panel["title"].as_str().unwrap();
        list(panel, "targets").map(move |target| {
            let query = target["expr"].as_str().unwrap();
            (title.to_owned(), query.to_owned())
        })
    });
    queries.collect()
}

/// A program of `scripts/prometheus fetch`.
fn program(name: &str) -> PathBuf {
    let path = repository().join(".tools/prometheus/bin").join(name);
    assert!(path.exists(), "no {name} in .tools: run scripts/setup");
    path
}

/// Runs `promtool` in the repository.
pub(crate) fn promtool(arguments: &[&str]) -> Finished {
    finish(
        Command::new(program("promtool"))
            .args(arguments)
            .current_dir(repository()),
    )
}

/// One on a loopback port with the deployed settings and rules. Dropping it kills it.
pub(crate) struct Prometheus {
    process: Process,
    url: String,
    _data: TempDir,
}

impl Prometheus {
    /// Starts one that scrapes these in place of the deployed targets, every second.
    pub(crate) fn start(targets: &[(&str, &str)]) -> Self {
        let deployed = repository().join("deploy/prometheus");
        let mut settings = fs::read_to_string(deployed.join("prometheus.yml")).unwrap();
        let rules = deployed.join("rules.yml");
        let changes = [
            ("scrape_interval: 5s", "scrape_interval: 1s"),
            ("evaluation_interval: 15s", "evaluation_interval: 1s"),
            ("[rules.yml]", &format!("[{}]", rules.display())),
        ];
        for (from, to) in changes.iter().chain(targets) {
            assert!(settings.contains(from), "{from}");
            settings = settings.replace(from, to);
        }
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("prometheus.yml");
        fs::write(&file, settings).unwrap();
        let address = format!("127.0.0.1:{}", free_port().unwrap());
        let process = Process::spawn(
            Command::new(program("prometheus"))
                .arg(format!("--config.file={}", file.display()))
                .arg(format!(
                    "--storage.tsdb.path={}",
                    data.path().join("data").display()
                ))
                .arg(format!("--web.listen-address={address}")),
        )
        .unwrap();
        let started = Self {
            process,
            url: format!("http://{address}"),
            _data: data,
        };
        wait_until("Prometheus answers", || started.query("vector(1)").is_ok());
        started
    }

    /// The values of a query at this moment; what it says when it cannot answer.
    pub(crate) fn query(&self, query: &str) -> Result<Vec<f64>, String> {
        let asked = promtool(&["query", "instant", "--format=json", &self.url, query]);
        if asked.code != Some(0) {
            return Err(format!(
                "{}{}",
                asked.stderr,
                self.process.lines().join("\n")
            ));
        }
        let series: Vec<Value> = serde_json::from_str(&asked.stdout).unwrap();
        let value = |series: &Value| series["value"][1].as_str().unwrap().parse().unwrap();
        Ok(series.iter().map(value).collect())
    }
}

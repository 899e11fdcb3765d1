//! What `docker-compose.yml` runs, without containers.

use std::collections::BTreeMap;
use std::process::Command;

use super::compose::{Dockerfile, Service};
use super::tool::{Finished, HEAVY, HEAVY_E5, finish, weir};

/// Runs what a service runs, on this machine: its hosts are on loopback, and files of the image are the repository's. The
/// heavy model is a small one, which is in the repository.
pub(crate) struct ByHand<'a> {
    pub(crate) dockerfile: Dockerfile,
    /// Where each is, by host and port as the file names it.
    pub(crate) hosts: BTreeMap<&'a str, String>,
}

impl ByHand<'_> {
    /// What a word of the file is on this machine.
    pub(crate) fn here(&self, word: &str) -> String {
        if let Some(source) = self.dockerfile.source_of(word) {
            return source.to_str().unwrap().to_owned();
        }
        let mut here = word.to_owned();
        for (host, address) in &self.hosts {
            here = here.replace(host, address);
        }
        here
    }

    fn environment(&self, service: &Service) -> BTreeMap<String, String> {
        let mut set = self.dockerfile.environment();
        set.remove("WEIR_ONNXRUNTIME");
        set.extend(service.environment());
        set.iter_mut()
            .for_each(|(_, value)| *value = self.here(value));
        set.insert("WEIR_HEAVY_MODEL".to_owned(), HEAVY.to_owned());
        set.insert("WEIR_E5_FILES".to_owned(), HEAVY_E5.to_owned());
        set
    }

    /// What the service runs with these words.
    pub(crate) fn weir(&self, service: &Service, words: &[String]) -> Command {
        let mut command = weir(words.iter().map(|word| self.here(word)));
        command.envs(self.environment(service));
        command
    }

    /// The same to its end, which must be a success.
    pub(crate) fn once(&self, service: &Service, words: &[&str]) -> Finished {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let done = finish(&mut self.weir(service, &words));
        assert_eq!(
            done.code,
            Some(0),
            "{words:?}: {}{}",
            done.stdout,
            done.stderr
        );
        done
    }
}

/// Whether a service's own health check finds it healthy at this address.
pub(crate) fn is_healthy(service: &Service, address: &str) -> bool {
    let mut words = service.health_command().unwrap();
    let script = words.last_mut().unwrap();
    let (_, port) = address.rsplit_once(':').unwrap();
    let (_, asked) = script.split_once("/dev/tcp/127.0.0.1/").unwrap();
    let asked: String = asked.chars().take_while(char::is_ascii_digit).collect();
    *script = script.replace(&format!("127.0.0.1/{asked}"), &format!("127.0.0.1/{port}"));
    let done = finish(Command::new(&words[0]).args(&words[1..]));
    done.code == Some(0)
}

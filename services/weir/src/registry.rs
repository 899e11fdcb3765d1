//! `--registry`: a schema registry's ids in place of the compiled-in ones.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use weir_registry::{Client, ConnectError, Directory, Ids, OnContact, Subjects};
use weir_telemetry::{Condition, Health};
use weir_wire::Subject;

/// How long to wait before a registry that does not answer is asked again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Where schema ids come from.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RegistryArgs {
    /// Schema registry, its Confluent interface (Apicurio's ends with /apis/ccompat/v7): only its schema ids are written
    /// and read. Without it the compiled-in ones are.
    #[arg(
        long,
        env = "WEIR_REGISTRY",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) registry: Option<String>,
}

impl RegistryArgs {
    /// The ids to write and read. A registry that does not answer is waited for, and `health` says so; what is not
    /// registered there is an error.
    pub(crate) fn ids(
        &self,
        subjects: &Subjects,
        written: &[Subject],
        read: &[Subject],
        health: Option<&Health>,
    ) -> anyhow::Result<Ids> {
        let Some(url) = &self.registry else {
            return Ok(Ids::compiled_in());
        };
        let client = Client::new(url)?;
        let reachable =
            health.map(|health| Arc::new(health.condition("schema registry", "connecting")));
        loop {
            let connected = Directory::connect(
                client.clone(),
                subjects.clone(),
                written,
                read,
                reachable.clone().map(tell),
            );
            match (connected, &reachable) {
                (Ok(directory), _) => return Ok(Ids::registered(directory)),
                (Err(ConnectError::Call(error)), Some(reachable)) => {
                    reachable.not_ok(error.to_string());
                    std::thread::sleep(RETRY_AFTER);
                }
                (Err(error), _) => return Err(error.into()),
            }
        }
    }
}

fn tell(reachable: Arc<Condition>) -> OnContact {
    Box::new(move |answered| match answered {
        Ok(()) => reachable.ok(),
        Err(error) => reachable.not_ok(error.to_string()),
    })
}

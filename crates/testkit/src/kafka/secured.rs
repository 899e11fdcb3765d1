//! Listeners with TLS, users by SASL/SCRAM, and an authorizer.

use std::fs;
use std::path::{Path, PathBuf};

use super::{KafkaError, io_error};
use crate::free_port;
use crate::tls::{Authority, Certificate};

/// The broker's certificate is made out to this alone: `localhost` is a wrong name.
const HOST: &str = "127.0.0.1";

/// The listeners of a broker where nobody may do what no ACL gives, but for the anonymous clients of its plain one.
#[derive(Debug)]
pub struct Secured {
    sasl_port: u16,
    certificates_port: u16,
    authority: Authority,
    broker: PathBuf,
    client: Certificate,
}

impl Secured {
    /// Makes certificates in `folder` and finds ports.
    pub(super) fn prepare(folder: &Path) -> Result<Self, KafkaError> {
        let authority = Authority::new(folder).map_err(io_error("make an authority"))?;
        let broker = authority
            .issue("broker", &format!("IP:{HOST}"))
            .map_err(io_error("make the broker's certificate"))?;
        let client = authority
            .issue("client", "DNS:client")
            .map_err(io_error("make a client's certificate"))?;
        // One file with both, as brokers want it.
        let read = |path: &Path| fs::read_to_string(path).map_err(io_error("read a certificate"));
        let together = read(&broker.key)? + &read(&broker.certificate)?;
        let keystore = folder.join("keystore.pem");
        fs::write(&keystore, together).map_err(io_error("write the broker's key store"))?;
        Ok(Self {
            sasl_port: free_port().map_err(io_error("find a free port"))?,
            certificates_port: free_port().map_err(io_error("find a free port"))?,
            authority,
            broker: keystore,
            client,
        })
    }

    /// Where users log in by SASL/SCRAM over TLS, as `host:port`; a user `gate` is `User:gate` in ACLs.
    #[must_use]
    pub fn sasl(&self) -> String {
        format!("{HOST}:{}", self.sasl_port)
    }

    /// The same listener by a name that its certificate does not have.
    #[must_use]
    pub fn sasl_by_wrong_name(&self) -> String {
        format!("localhost:{}", self.sasl_port)
    }

    /// Where clients show a certificate, as `host:port`; [`client`](Self::client) is `User:CN=client` in ACLs.
    #[must_use]
    pub fn by_certificate(&self) -> String {
        format!("{HOST}:{}", self.certificates_port)
    }

    /// The certificate of the authority that signed the broker's and the client's.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.authority.certificate()
    }

    /// A client's certificate.
    #[must_use]
    pub fn client(&self) -> &Certificate {
        &self.client
    }

    /// The password of a user.
    #[must_use]
    pub fn password(user: &str) -> String {
        format!("Sesame-{user}-4711")
    }

    /// The librdkafka options with which a user logs in.
    #[must_use]
    pub fn options(&self, user: &str) -> Vec<(&'static str, String)> {
        vec![
            ("security.protocol", "SASL_SSL".to_owned()),
            ("ssl.ca.location", self.ca().display().to_string()),
            ("sasl.mechanism", "SCRAM-SHA-512".to_owned()),
            ("sasl.username", user.to_owned()),
            ("sasl.password", Self::password(user)),
        ]
    }

    /// The broker's settings. Of settings that are there twice the last one holds.
    pub(super) fn properties(&self, port: u16, controller_port: u16) -> String {
        let public = format!(
            "PLAINTEXT://{HOST}:{port},SASL_SSL://{HOST}:{},SSL://{HOST}:{}",
            self.sasl_port, self.certificates_port
        );
        format!(
            "listeners={public},CONTROLLER://{HOST}:{controller_port}\n\
             advertised.listeners={public}\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL\n\
             ssl.keystore.type=PEM\n\
             ssl.keystore.location={}\n\
             ssl.truststore.type=PEM\n\
             ssl.truststore.location={}\n\
             listener.name.ssl.ssl.client.auth=required\n\
             sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512\n\
             listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={SCRAM}\n\
             listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={SCRAM}\n\
             authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
             super.users=User:ANONYMOUS\n",
            self.broker.display(),
            self.ca().display(),
        )
    }
}

const SCRAM: &str = "org.apache.kafka.common.security.scram.ScramLoginModule required;";

/// Makes the users known by both mechanisms.
pub(super) fn format_arguments(users: &[&str]) -> Vec<String> {
    let mut arguments = Vec::new();
    for user in users {
        for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
            let password = Secured::password(user);
            arguments.push("--add-scram".to_owned());
            arguments.push(format!("{mechanism}=[name={user},password={password}]"));
        }
    }
    arguments
}

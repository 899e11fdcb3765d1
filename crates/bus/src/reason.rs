//! Why a cluster cannot be reached, and what to do about it.

use std::sync::Mutex;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::config::BusConfig;
use crate::context::lock;
use crate::error::BusError;

/// How long a second try may take, of which only the complaint is of interest.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// What to do about a complaint of librdkafka's; `None`: it says all there is to say. Its words are those of librdkafka
/// 2.12 and OpenSSL 3; where they change the advice is lost, not the complaint.
pub(crate) fn advice(code: Option<RDKafkaErrorCode>, reason: &str) -> Option<&'static str> {
    let has = |words: &str| reason.contains(words);
    if has("certificate verify failed") || has("Failed to verify broker certificate") {
        return Some(
            "the broker's certificate is not trusted: ssl.ca.location must hold the authority that signed it, the certificate must be made out to the host in --brokers (and in advertised.listeners), and must not have expired",
        );
    }
    if has("connecting to a PLAINTEXT broker listener?") {
        return Some(
            "security.protocol asks for TLS, and this listener speaks none: is it the right port?",
        );
    }
    if has("connecting to a SSL listener?") {
        return Some("this listener seems to speak TLS: set security.protocol to SASL_SSL or SSL");
    }
    if has("broker might require SASL authentication") {
        return Some(
            "this listener wants a login: set security.protocol to SASL_SSL, and sasl.mechanism, sasl.username and sasl.password",
        );
    }
    if has("alert") {
        return Some(
            "the broker did not accept this client's certificate, or wants one: ssl.certificate.location and ssl.key.location must be there, signed by an authority that the broker trusts, and not expired",
        );
    }
    if has("Unsupported SASL mechanism") || has("mechanism not supported") {
        return Some("the broker has not this sasl.mechanism enabled");
    }
    (code == Some(RDKafkaErrorCode::Authentication)).then_some(
        "the broker does not accept the login: check sasl.username, sasl.password and sasl.mechanism",
    )
}

/// Whether ACLs forbid what was asked: said to whoever asked, since waiting for another answer is for them to decide.
pub(crate) fn is_forbidden(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{
        ClusterAuthorizationFailed, GroupAuthorizationFailed, TopicAuthorizationFailed,
    };
    matches!(
        error.rdkafka_error_code(),
        Some(TopicAuthorizationFailed | GroupAuthorizationFailed | ClusterAuthorizationFailed)
    )
}

/// The error of something that was asked about a topic.
pub(crate) fn failed(config: &BusConfig, topic: &str, source: KafkaError) -> BusError {
    if is_forbidden(&source) {
        return BusError::Operation {
            what: format!("topic {topic}, by the ACLs of this client's user"),
            source,
        };
    }
    unreachable(config, &source)
}

/// The error of a cluster that did not answer. The call that failed knows only that its time was up, so the cluster is
/// asked once more, for the complaint.
pub(crate) fn unreachable(config: &BusConfig, source: &KafkaError) -> BusError {
    BusError::Unreachable {
        brokers: config.brokers.clone(),
        why: complaint(config).unwrap_or_else(|| {
            format!("{source}; is the broker running, and is this its address?")
        }),
    }
}

fn complaint(config: &BusConfig) -> Option<String> {
    let consumer: BaseConsumer<Listener> = config
        .consumer(None)
        .create_with_context(Listener::default())
        .ok()?;
    // What it knows by then are complaints.
    drop(consumer.fetch_metadata(None, ASK_AGAIN));
    while consumer.poll(Duration::ZERO).is_some() {}
    lock(&consumer.context().heard).take()
}

/// Keeps the first complaint for which there is advice.
#[derive(Debug, Default)]
struct Listener {
    heard: Mutex<Option<String>>,
}

impl ClientContext for Listener {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        if let Some(advice) = advice(error.rdkafka_error_code(), reason) {
            lock(&self.heard).get_or_insert_with(|| format!("{reason}; {advice}"));
        }
    }
}

impl ConsumerContext for Listener {}

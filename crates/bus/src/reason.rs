//! Why a cluster cannot be reached, and what to do about it.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::config::BusConfig;
use crate::context::lock;
use crate::error::BusError;

/// How long a second try may take, of which only the complaint is of interest.
const ASK_AGAIN: Duration = Duration::from_secs(3);
/// How long what makes it connect is waited for.
const CONNECTS_WITHIN: Duration = Duration::from_millis(200);

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
    // A broker that does not understand a client hangs up without a word: how far they had come tells why.
    if has("Disconnected") && has("in state APIVERSION_QUERY") {
        return Some(
            "the broker hangs up on what this client says first: does the listener speak TLS? Then set security.protocol to SASL_SSL or SSL",
        );
    }
    if has("Disconnected") && has("in state UP") {
        return Some(
            "the broker hangs up on the first request: does the listener want a login? Then set security.protocol to SASL_SSL, and sasl.mechanism, sasl.username and sasl.password",
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
    (code == Some(RDKafkaErrorCode::Authentication) || has("SASL authentication error")).then_some(
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
    let mut config = config.consumer(None);
    // Of a broker that hangs up librdkafka speaks to those only who are after faults.
    config.set("debug", "broker");
    config.set_log_level(RDKafkaLogLevel::Debug);
    let consumer: BaseConsumer<Listener> = config.create_with_context(Listener::default()).ok()?;
    let deadline = Instant::now() + ASK_AGAIN;
    // Only to have it connect.
    drop(consumer.fetch_metadata(None, CONNECTS_WITHIN));
    loop {
        let heard = lock(&consumer.context().heard).take();
        let left = deadline.saturating_duration_since(Instant::now());
        if heard.is_some() || left.is_zero() {
            return heard;
        }
        // Complaints are handed out one by one, as errors.
        drop(consumer.poll(left));
    }
}

/// Keeps the first complaint for which there is advice.
#[derive(Debug, Default)]
struct Listener {
    heard: Mutex<Option<String>>,
}

impl Listener {
    fn hear(&self, code: Option<RDKafkaErrorCode>, reason: &str) {
        if let Some(advice) = advice(code, reason) {
            lock(&self.heard).get_or_insert_with(|| format!("{reason}; {advice}"));
        }
    }
}

impl ClientContext for Listener {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        if facility == "FAIL" {
            // Before it stands which thread says so.
            let said = message.split_once("]: ").map_or(message, |(_, said)| said);
            self.hear(None, said);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.hear(error.rdkafka_error_code(), reason);
    }
}

impl ConsumerContext for Listener {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_advice_where_options_are_wrong_and_none_elsewhere() {
        let login = Some(RDKafkaErrorCode::Authentication);
        let told = advice(login, "whatever the broker said").unwrap();
        assert!(told.contains("sasl.password"), "{told}");
        let reason = "Disconnected: connecting to a PLAINTEXT broker listener?";
        assert!(advice(None, reason).unwrap().contains("speaks none"));
        let down = Some(RDKafkaErrorCode::AllBrokersDown);
        assert_eq!(advice(down, "1/1 brokers are down"), None);
    }
}

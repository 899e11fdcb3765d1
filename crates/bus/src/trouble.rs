//! What a Kafka client complains of, said once in a while: without a broker it complains twenty times
//! a second, of the same thing.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::context::lock;
use crate::reason::advice;

/// How often the same complaint is logged at most.
const SAY_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// The complaints of one client.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    /// One entry for each kind of complaint: a handful.
    said: Mutex<Vec<Said>>,
}

#[derive(Debug)]
struct Said {
    code: Option<RDKafkaErrorCode>,
    at: Instant,
    /// The same complaint since.
    again: u64,
}

impl Trouble {
    /// Logs a complaint, or counts it if it was logged a moment ago.
    pub(crate) fn say(&self, error: &KafkaError, reason: &str) {
        // Asked for by whoever reads a log to its end.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
            return;
        }
        if let Some(suppressed) = self.is_news(error.rdkafka_error_code(), Instant::now()) {
            let code = error.rdkafka_error_code();
            // A broker that hangs up on a client that does not speak as it does is no more than down.
            let down = (code == Some(RDKafkaErrorCode::AllBrokersDown)).then_some(
                "is a broker running there, and does security.protocol fit its listener?",
            );
            let advice = advice(code, reason).or(down);
            tracing::warn!(%error, reason, advice, suppressed, "kafka client error");
        }
    }

    /// Whether to say it: then how often it was not said since the last time.
    fn is_news(&self, code: Option<RDKafkaErrorCode>, now: Instant) -> Option<u64> {
        let mut all = lock(&self.said);
        let Some(said) = all.iter_mut().find(|said| said.code == code) else {
            all.push(Said {
                code,
                at: now,
                again: 0,
            });
            return Some(0);
        };
        if now.duration_since(said.at) < SAY_AGAIN_AFTER {
            said.again += 1;
            return None;
        }
        said.at = now;
        Some(std::mem::take(&mut said.again))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_complaint_is_said_now_and_then() {
        let trouble = Trouble::default();
        let (begun, down) = (Instant::now(), Some(RDKafkaErrorCode::AllBrokersDown));
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert_eq!(trouble.is_news(down, at(0)), Some(0));
        assert_eq!(trouble.is_news(down, at(1)), None);
        assert_eq!(trouble.is_news(None, at(1)), Some(0));
        assert_eq!(trouble.is_news(down, at(9)), None);
        assert_eq!(trouble.is_news(down, at(10)), Some(2));
        assert_eq!(trouble.is_news(down, at(20)), Some(0));
    }
}

use serde::{Deserialize, Serialize};

use crate::Enc;

/// A prompt that a worker wants judged before it generates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// The request, as its worker drew it; also the record's key.
    pub request_id: String,
    /// The tenant whose policy applies.
    pub tenant: String,
    /// Pseudonymous id of the person behind the text, for keys and erasure.
    pub subject_id: Option<String>,
    /// The worker that asks, so that it can find its own verdict.
    pub worker_id: String,
    /// BCP 47 tag that the client believes the text is in, e.g. `de-CH`.
    pub locale_hint: Option<String>,
    /// Time left for the verdict when the record was sent, in microseconds, `0..`. Relative,
    /// never a deadline: no two clocks are compared. `None`: the policy's.
    pub budget_us: Option<i64>,
    /// The text in the order in which the model will see it.
    pub segments: Vec<Segment>,
    /// How the texts are encrypted; `None` when they are in the clear.
    pub enc: Option<Enc>,
}

impl Prompt {
    /// A prompt without text and without anything optional.
    #[must_use]
    pub fn new(request_id: &str, tenant: &str, worker_id: &str) -> Self {
        Self {
            request_id: request_id.to_owned(),
            tenant: tenant.to_owned(),
            subject_id: None,
            worker_id: worker_id.to_owned(),
            locale_hint: None,
            budget_us: None,
            segments: Vec::new(),
            enc: None,
        }
    }

    /// A prompt of one message of a user's; who sends it fills in the ids.
    #[must_use]
    pub fn user(tenant: &str, text: impl Into<Vec<u8>>) -> Self {
        Self {
            segments: vec![Segment {
                role: Role::User,
                name: None,
                text: text.into(),
            }],
            ..Self::new("", tenant, "")
        }
    }
}

/// One message of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Who speaks.
    pub role: Role,
    /// The speaker's or the tool's name.
    pub name: Option<String>,
    /// The text: UTF-8 as the client sent it, not validated. Ciphertext when the prompt's `enc`
    /// is set.
    #[serde(with = "crate::octets")]
    pub text: Vec<u8>,
}

/// Who speaks in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The operator's instructions.
    System,
    /// The person.
    User,
    /// The model, earlier.
    Assistant,
    /// A tool's answer.
    Tool,
    /// None of these, or a role that this reader does not know.
    Other,
}

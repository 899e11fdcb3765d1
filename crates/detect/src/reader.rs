//! What reads the clean text, how far each looks, and from where on each is still undecided.

use crate::detector::Detector;
use crate::injection::{self, InjectionDetector};
use crate::matched::Match;
use crate::rules::{Hit, Role, Spotted};
use crate::view::View;
use crate::work::ask;
use crate::{pii, secrets};

/// What reads the clean text, each at its own pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Literals with signs, and API keys, whose prefixes the same automaton finds.
    Spelt,
    Patterns,
    Card,
    Email,
    Iban,
    NationalId,
    Passport,
    Phone,
    Ip,
    PrivateKey,
    Jwt,
    Secret,
    Injection,
}

impl Reader {
    pub(crate) const ALL: [Self; 13] = [
        Self::Spelt,
        Self::Patterns,
        Self::Card,
        Self::Email,
        Self::Iban,
        Self::NationalId,
        Self::Passport,
        Self::Phone,
        Self::Ip,
        Self::PrivateKey,
        Self::Jwt,
        Self::Secret,
        Self::Injection,
    ];
    pub(crate) const COUNT: usize = Self::ALL.len();

    /// The detector as findings name it; `None` for the rules, which have several.
    pub(crate) const fn detector(self) -> Option<&'static str> {
        match self {
            Self::Spelt | Self::Patterns => None,
            Self::Card => Some("card"),
            Self::Email => Some("email"),
            Self::Iban => Some("iban"),
            Self::NationalId => Some("national_id"),
            Self::Passport => Some("passport"),
            Self::Phone => Some("phone"),
            Self::Ip => Some("ip"),
            Self::PrivateKey => Some("private_key"),
            Self::Jwt => Some("jwt"),
            Self::Secret => Some("secret"),
            Self::Injection => Some("injection"),
        }
    }

    /// How far before the start of a finding it looks, and how far from there on, in clean bytes.
    pub(crate) const fn reach(self) -> (usize, usize) {
        use crate::rules::{MAX_LITERAL_BYTES, MAX_PATTERN_BYTES};
        use pii::{card, email, iban, ip, national_id, passport, phone};
        use secrets::{entropy, jwt, private_key};
        match self {
            Self::Spelt => (MAX_WORD, MAX_LITERAL_BYTES + MAX_WORD),
            // A match ends where the next one may begin, so one look back at a match is not enough.
            Self::Patterns => (2 * MAX_PATTERN_BYTES, MAX_PATTERN_BYTES + MAX_WORD),
            Self::Card => (card::BEHIND, card::AHEAD),
            Self::Email => (email::BEHIND, email::AHEAD),
            Self::Iban => (iban::BEHIND, iban::AHEAD),
            Self::NationalId => (national_id::BEHIND, national_id::AHEAD),
            Self::Passport => (passport::BEHIND, passport::AHEAD),
            Self::Phone => (phone::BEHIND, phone::AHEAD),
            Self::Ip => (ip::BEHIND, ip::AHEAD),
            Self::PrivateKey => (private_key::BEHIND, private_key::AHEAD),
            Self::Jwt => (jwt::BEHIND, jwt::AHEAD),
            Self::Secret => (entropy::BEHIND, entropy::AHEAD),
            Self::Injection => (injection::BEHIND, injection::AHEAD),
        }
    }

    /// Whether it looks only now and then, at what lies its reach back, unless something waits for it: to
    /// know exactly what is open costs it more than the others, or, of injection, cannot be known.
    pub(crate) const fn is_lazy(self) -> bool {
        matches!(
            self,
            Self::Email | Self::Phone | Self::Ip | Self::Jwt | Self::Secret | Self::Injection
        )
    }

    /// Whether it tells ASCII from all else, so that findings may hang on what becomes of a letter beside
    /// them. To rules an `é` is as much of a word as an `e`, and injection stays a character behind.
    pub(crate) const fn tells_ascii(self) -> bool {
        !matches!(self, Self::Spelt | Self::Patterns | Self::Injection)
    }

    /// Whether what it finds begins with what is no secret and any word could begin with: letters of
    /// a number, the prefix of a key. Who waits for it waits from behind them (`scanner/open.rs`).
    pub(crate) const fn has_public_beginnings(self) -> bool {
        matches!(
            self,
            Self::Spelt | Self::Iban | Self::NationalId | Self::Passport
        )
    }

    /// Whether whatever it finds has a digit.
    pub(crate) const fn needs_digit(self) -> bool {
        matches!(
            self,
            Self::Card | Self::Iban | Self::NationalId | Self::Passport | Self::Phone | Self::Ip
        )
    }
}

/// Bytes of the character beside a finding, and of an escape.
const MAX_WORD: usize = 4;

const _: () = assert!(secrets::api_key::AHEAD <= crate::rules::MAX_LITERAL_BYTES);

impl Detector {
    /// Runs one reader over a stretch of clean text; hits of rules go to `hits`.
    pub(crate) fn read(
        &self,
        reader: Reader,
        view: &View<'_>,
        out: &mut Vec<Match>,
        hits: &mut impl FnMut(Hit),
    ) {
        let builtin = self.builtin;
        match reader {
            Reader::Spelt => self
                .rules
                .exact
                .scan(view.text, &mut |spotted| match spotted {
                    Spotted::Literal(rule, role, range) => hits(Hit {
                        rule,
                        role,
                        pattern: false,
                        span: view.place(&range),
                    }),
                    Spotted::KeyPrefix(format, start) => {
                        out.extend(builtin.keys.check(view, start, format));
                    }
                }),
            Reader::Patterns => self.rules.patterns.scan(view.text, &mut |rule, range| {
                hits(Hit {
                    rule,
                    role: Role::Finding,
                    pattern: true,
                    span: view.place(&range),
                });
            }),
            Reader::Card => builtin.cards.scan(view, out),
            Reader::Email => builtin.emails.scan(view, out),
            Reader::Iban => builtin.ibans.scan(view, out),
            Reader::NationalId => builtin.national_ids.scan(view, out),
            Reader::Passport => builtin.passports.scan(view, out),
            Reader::Phone => builtin.phones.scan(view, out),
            Reader::Ip => builtin.ips.scan(view, out),
            Reader::PrivateKey => builtin.private_keys.scan(view, out),
            Reader::Jwt => builtin.tokens.scan(view, out),
            Reader::Secret => builtin.secrets.scan(view, out),
            Reader::Injection => builtin.injections.scan(view, out),
        }
    }

    /// Whether it tells apart what the last character may become. To the others one letter that is no ASCII
    /// is as good as another.
    pub(crate) fn tells_changes_apart(&self, reader: Reader) -> bool {
        match reader {
            Reader::Patterns => !self.rules.patterns.is_empty(),
            Reader::Spelt => self.rules.exact.has_accents(),
            _ => false,
        }
    }

    /// From where in `text`, not before `from`, what a reader finds depends on what follows the text:
    /// what begins before that place is decided, whatever comes.
    pub(crate) fn open_from(&self, reader: Reader, text: &[u8], from: usize) -> usize {
        use pii::card::CardDetector;
        use pii::email::EmailDetector;
        use pii::iban::IbanDetector;
        use pii::ip::IpDetector;
        use pii::passport::PassportDetector;
        ask();
        let builtin = self.builtin;
        match reader {
            Reader::Spelt => {
                let literal = self.rules.exact.open_from(text, from);
                let key = builtin.keys.open_from(&self.rules.exact, text, from);
                literal.min(key)
            }
            Reader::Patterns => self.rules.patterns.open_from(text, from),
            Reader::Card => CardDetector::open_from(text, from),
            Reader::Iban => IbanDetector::open_from(text, from),
            Reader::NationalId => builtin.national_ids.open_from(text, from),
            Reader::Passport => PassportDetector::open_from(text, from),
            Reader::PrivateKey => builtin.private_keys.open_from(text, from),
            Reader::Email => EmailDetector::open_from(text, from),
            Reader::Phone => builtin.phones.open_from(text, from),
            Reader::Ip => IpDetector::open_from(text, from),
            Reader::Jwt => builtin.tokens.open_from(text, from),
            Reader::Secret => builtin.secrets.open_from(text, from),
            Reader::Injection => InjectionDetector::open_from(text, from),
        }
    }
}

//! The rules of a policy and the built-in detectors, compiled.

use weir_policy::TextRule;

use crate::api_key::KeyDetector;
use crate::card::CardDetector;
use crate::email::EmailDetector;
use crate::injection::InjectionDetector;
use crate::matched::{self, Match};
use crate::pii::iban::IbanDetector;
use crate::pii::ip::IpDetector;
use crate::pii::national_id::NationalIdDetector;
use crate::pii::passport::PassportDetector;
use crate::pii::phone::PhoneDetector;
use crate::rules::{self, CompileError, Hit, Role, Rules, Spotted};
use crate::scanner::Scanner;
use crate::secrets::entropy::EntropyDetector;
use crate::secrets::jwt::JwtDetector;
use crate::secrets::private_key::PrivateKeyDetector;
use crate::view::{self, View};

/// Compiled rules, ready to scan. Cheap to share by reference.
#[derive(Debug, Clone)]
pub struct Detector {
    pub(crate) rules: Rules,
    cards: CardDetector,
    emails: EmailDetector,
    keys: KeyDetector,
    ibans: IbanDetector,
    national_ids: NationalIdDetector,
    passports: PassportDetector,
    phones: PhoneDetector,
    ips: IpDetector,
    private_keys: PrivateKeyDetector,
    tokens: JwtDetector,
    secrets: EntropyDetector,
    injections: InjectionDetector,
}

impl Detector {
    /// Compiles the rules of a policy; personal data and secrets are always looked for.
    ///
    /// # Errors
    ///
    /// When two rules share an id, a literal is empty (or white space only), a literal has more
    /// than 4,096 bytes, or all of them together more than 1 MiB; when a pattern cannot be read,
    /// matches the empty text or could match more than 256 bytes. The error names the rule.
    pub fn compile(rules: &[TextRule]) -> Result<Self, CompileError> {
        Ok(Self {
            rules: Rules::compile(rules)?,
            cards: CardDetector::default(),
            emails: EmailDetector::default(),
            keys: KeyDetector::default(),
            ibans: IbanDetector::default(),
            national_ids: NationalIdDetector::default(),
            passports: PassportDetector::default(),
            phones: PhoneDetector::default(),
            ips: IpDetector::default(),
            private_keys: PrivateKeyDetector::default(),
            tokens: JwtDetector::default(),
            secrets: EntropyDetector::default(),
            injections: InjectionDetector::new().map_err(rules::automaton_error)?,
        })
    }

    /// Appends what is found in `text` to `out`, sorted by start, then end, detector, rule.
    ///
    /// `text` may be any bytes. `base` is the position of its first byte in the judged text and
    /// is added to every span. Matches of one rule do not overlap; matches of different rules may.
    /// What was in `out` before stays as it is.
    pub fn scan(&self, text: &[u8], base: i64, out: &mut Vec<Match>) {
        let from = out.len();
        let mut scanner = Scanner::new(self, base);
        scanner.push(text, out);
        scanner.finish(out);
        matched::settle(out, from);
    }

    /// Runs everything that reads the clean text; hits of rules go to `hits`.
    pub(crate) fn scan_clean(
        &self,
        view: &View<'_>,
        out: &mut Vec<Match>,
        hits: &mut impl FnMut(Hit),
    ) {
        self.rules
            .exact
            .scan(view.text, &mut |spotted| match spotted {
                Spotted::Literal(rule, role, range) => hits(Hit {
                    rule,
                    role,
                    pattern: false,
                    span: view.place(&range),
                }),
                Spotted::KeyPrefix(format, start) => {
                    out.extend(self.keys.check(view, start, format));
                }
            });
        self.rules.patterns.scan(view.text, &mut |rule, range| {
            hits(Hit {
                rule,
                role: Role::Finding,
                pattern: true,
                span: view.place(&range),
            });
        });
        self.cards.scan(view, out);
        self.emails.scan(view, out);
        self.ibans.scan(view, out);
        self.national_ids.scan(view, out);
        self.passports.scan(view, out);
        self.phones.scan(view, out);
        self.ips.scan(view, out);
        self.private_keys.scan(view, out);
        self.tokens.scan(view, out);
        self.secrets.scan(view, out);
        self.injections.scan(view, out);
    }

    /// The finding that a hit of a rule is.
    pub(crate) fn finding(&self, hit: &Hit, base: i64) -> Match {
        let worth = &self.rules.worth[hit.rule as usize];
        Match {
            detector: if hit.pattern { "pattern" } else { "literal" },
            rule: worth.id.clone(),
            category: worth.category,
            span: view::span(&hit.span, base),
            score: worth.score,
            severity: worth.severity,
        }
    }
}

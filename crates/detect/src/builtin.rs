//! The detectors that no policy has a say in, built once per process.

use std::sync::LazyLock;

use crate::injection::InjectionDetector;
use crate::pii::card::CardDetector;
use crate::pii::email::EmailDetector;
use crate::pii::iban::IbanDetector;
use crate::pii::ip::IpDetector;
use crate::pii::national_id::NationalIdDetector;
use crate::pii::passport::PassportDetector;
use crate::pii::phone::PhoneDetector;
use crate::rules::{self, CompileError};
use crate::secrets::api_key::KeyDetector;
use crate::secrets::entropy::EntropyDetector;
use crate::secrets::jwt::JwtDetector;
use crate::secrets::private_key::PrivateKeyDetector;

/// What is looked for whatever the policy. Some milliseconds to build: automata and tables.
#[derive(Debug)]
pub(crate) struct Builtin {
    /// Its prefixes are in the automaton of the rules, which says where to check.
    pub(crate) keys: KeyDetector,
    pub(crate) cards: CardDetector,
    pub(crate) emails: EmailDetector,
    pub(crate) ibans: IbanDetector,
    pub(crate) national_ids: NationalIdDetector,
    pub(crate) passports: PassportDetector,
    pub(crate) phones: PhoneDetector,
    pub(crate) ips: IpDetector,
    pub(crate) private_keys: PrivateKeyDetector,
    pub(crate) tokens: JwtDetector,
    pub(crate) secrets: EntropyDetector,
    pub(crate) injections: InjectionDetector,
}

/// Built by the first [`Builtin::shared`]; depends on nothing but the program.
static SHARED: LazyLock<Result<Builtin, CompileError>> = LazyLock::new(Builtin::new);

impl Builtin {
    /// The one of this process. [`crate::Detector::compile`] calls this, so that no scan pays for it.
    pub(crate) fn shared() -> Result<&'static Self, CompileError> {
        SHARED.as_ref().map_err(Clone::clone)
    }

    fn new() -> Result<Self, CompileError> {
        Ok(Self {
            keys: KeyDetector::default(),
            cards: CardDetector::default(),
            emails: EmailDetector::default(),
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_share_one() {
        let (first, second) = (Builtin::shared().unwrap(), Builtin::shared().unwrap());
        assert!(std::ptr::eq(first, second));
    }
}

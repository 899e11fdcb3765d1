//! Which prefixes there are, and what must follow each.

use super::checks::{
    anthropic, aws, base62_crc, github_fine_grained, github_installation, github_refresh, gitlab,
    google, openai, openai_legacy, pypi, slack, slack_app, stripe,
};

/// Given a key's prefix and all text from its start on, the key's length in bytes and score.
type Check = fn(&'static str, &[u8]) -> Option<(usize, f32)>;

/// A prefix and what must follow it.
pub(crate) struct Format {
    /// What the automaton looks for; at least three bytes, so that it is rare.
    pub(crate) prefix: &'static str,
    pub(super) issuer: &'static str,
    pub(super) check: Check,
}

const fn format(prefix: &'static str, issuer: &'static str, check: Check) -> Format {
    Format {
        prefix,
        issuer,
        check,
    }
}

/// All formats; the automaton's patterns after the literals are their prefixes in this order.
pub(crate) const FORMATS: [Format; 28] = [
    format("ghp_", "github", base62_crc),
    format("gho_", "github", base62_crc),
    format("ghu_", "github", base62_crc),
    format("ghs_", "github", github_installation),
    format("ghr_", "github", github_refresh),
    format("github_pat_", "github", github_fine_grained),
    format("npm_", "npm", base62_crc),
    format("glpat-", "gitlab", gitlab),
    format("AKIA", "aws", aws),
    format("ASIA", "aws", aws),
    format("AIza", "google", google),
    format("xoxa-", "slack", slack),
    format("xoxb-", "slack", slack),
    format("xoxe-", "slack", slack),
    format("xoxo-", "slack", slack),
    format("xoxp-", "slack", slack),
    format("xoxr-", "slack", slack),
    format("xoxs-", "slack", slack),
    format("xapp-", "slack", slack_app),
    format("sk_live_", "stripe", stripe),
    format("rk_live_", "stripe", stripe),
    format("sk-", "openai", openai_legacy),
    format("sk-proj-", "openai", openai),
    format("sk-svcacct-", "openai", openai),
    format("sk-admin-", "openai", openai),
    format("sk-ant-", "anthropic", anthropic),
    // The first bytes of a macaroon with the index, or its test instance, as location.
    format("pypi-AgEIcHlwaS5vcmc", "pypi", pypi),
    format("pypi-AgENdGVzdC5weXBpLm9yZw", "pypi", pypi),
];

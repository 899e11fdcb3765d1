//! Tables of true and false examples: one for every kind of finding that the detectors of personal
//! data and secrets have, `tables/<detector>/<rule>.txt` here and in `secrets/`. They are read by the
//! whole engine, disguises and digits of other scripts included.
//!
//! | line | meaning |
//! |---|---|
//! | `+ text` | the detector finds what stands in `⟦⟧` as this kind, and nothing else |
//! | `- text` | it finds nothing |
//! | `! text` | it finds nothing, hard: a number or token of another kind, or this one's form with a wrong check digit, in the wrong place or near a word for something else |
//! | `# text` | a remark |
//!
//! `⏎` is a line break and `¦` nothing: it keeps scanners for secrets from taking lines for such.
//!
//! All identifiers are invented, or specimens that their authorities publish. Telephone numbers lie in
//! ranges set aside for drama where there are such and the library has them as valid. Check digits
//! were computed by other implementations of the published rules than the detectors'.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::{card, national_id, passport, phone};
use crate::secrets::{api_key, private_key};
use crate::{Detector, Match};

/// Fewest true lines of a table, and fewest false ones.
const LEAST: usize = 20;
/// Fewest hard ones among the false.
const LEAST_HARD: usize = 10;

/// A detector and one of its rules.
type Kind = (String, String);

/// The kinds that the detectors know. Phone numbers of regions without a plan are found as well.
fn kinds() -> BTreeSet<Kind> {
    let of = |detector: &'static str, rules: Vec<&str>| {
        let kinds: Vec<Kind> = rules
            .into_iter()
            .map(|rule| (detector.to_owned(), rule.to_owned()))
            .collect();
        kinds
    };
    [
        of("national_id", national_id::rules()),
        of("phone", vec!["international"]),
        of("passport", passport::RULES.to_vec()),
        of("card", card::rules()),
        of("iban", vec!["iban"]),
        of("email", vec!["email"]),
        of("ip", vec!["ipv4", "ipv6"]),
        of("api_key", api_key::rules()),
        of("private_key", private_key::RULES.to_vec()),
        of("jwt", vec!["jwt"]),
        of("secret", vec!["assignment"]),
    ]
    .into_iter()
    .flatten()
    .chain(phone::rules().map(|rule| ("phone".to_owned(), rule)))
    .collect()
}

/// The tables' texts.
fn tables() -> BTreeMap<Kind, String> {
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let entries = |directory: &Path| -> Vec<_> {
        let entries = fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    // Tests run in the directory of their package.
    ["src/pii/tables", "src/secrets/tables"]
        .iter()
        .flat_map(|root| entries(Path::new(root)))
        .flat_map(|detector| entries(&detector))
        .map(|path| {
            let kind = (name(path.parent().unwrap()), name(&path));
            (kind, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// The lines of a table without remarks: what they begin with, and their texts.
fn lines(table: &str) -> impl Iterator<Item = (char, String)> {
    table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (sign, text) = line.split_once(' ').unwrap();
            assert!(matches!(sign, "+" | "-" | "!"), "{line:?}");
            let text = text.replace('⏎', "\n").replace('¦', "");
            (sign.chars().next().unwrap(), text)
        })
}

/// What stands in `⟦⟧`, by position.
fn marked(text: &str) -> Vec<String> {
    text.split('⟦')
        .skip(1)
        .map(|rest| rest.split_once('⟧').unwrap().0.to_owned())
        .collect()
}

#[test]
fn every_kind_has_a_table_and_every_table_a_kind() {
    let mut expected = kinds();
    // Regions without a plan, in languages that there are national numbers for.
    expected.extend(["jp", "kr", "tr"].map(|region| ("phone".to_owned(), region.to_owned())));
    let tables: BTreeSet<Kind> = tables().into_keys().collect();
    assert_eq!(tables, expected);
}

#[test]
fn tables_are_long_enough() {
    for (kind, table) in tables() {
        let count = |signs: &[char]| {
            let lines = lines(&table).filter(|(sign, _)| signs.contains(sign));
            lines.map(|(_, text)| text).collect::<BTreeSet<_>>().len()
        };
        let (right, wrong, hard) = (count(&['+']), count(&['-', '!']), count(&['!']));
        assert_eq!(
            right + wrong,
            lines(&table).count(),
            "a line of {kind:?} stands twice"
        );
        assert!(
            right >= LEAST && wrong >= LEAST && hard >= LEAST_HARD,
            "{kind:?}: {right} true, {wrong} false, {hard} hard"
        );
    }
}

#[test]
fn tables_hold() {
    let detector = Detector::compile(&[]).unwrap();
    let mut failures = Vec::new();
    for ((name, rule), table) in tables() {
        for (sign, line) in lines(&table) {
            let text = line.replace(['⟦', '⟧'], "");
            let mut out = Vec::new();
            detector.scan(text.as_bytes(), 0, &mut out);
            let found: Vec<_> = out.iter().filter(|found| found.detector == name).collect();
            let span = |found: &Match| {
                let start = usize::try_from(found.span.start).unwrap();
                text[start..usize::try_from(found.span.end).unwrap()].to_owned()
            };
            let right = found.iter().all(|found| *found.rule == *rule)
                && found.iter().map(|found| span(found)).eq(marked(&line))
                && (sign == '+') != found.is_empty();
            if !right {
                let found = found.iter().map(|found| (&*found.rule, span(found)));
                failures.push(format!(
                    "{name}/{rule}: {sign} {line:?}: {:?}",
                    found.collect::<Vec<_>>()
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

use std::sync::LazyLock;

use proptest::prelude::*;
use weir_policy::{Near, TextRule};

use super::*;
use crate::properties::text;
use crate::testing::rule;

fn detector() -> &'static Detector {
    static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
        let pattern = TextRule {
            patterns: vec!["ba{1,3}b".to_owned(), r"\d{3}-[a-z]{2,5}".to_owned()],
            ..rule("pattern", &[])
        };
        let near = TextRule {
            except: vec!["kill the process".to_owned()],
            near: Some(Near {
                literals: vec!["somebody".to_owned()],
                within: 20,
            }),
            ..rule("near", &["kill", "kill the process now"])
        };
        Detector::compile(&[
            rule("kill", &["kill", "kill yourself", "qualcuno"]),
            rule("despair", &["i don't want to live", "más allá de todo"]),
            rule("password", &["password"]),
            rule("signs", &["c++", "</s>"]),
            rule("short", &["a", "you"]),
            pattern,
            near,
        ])
        .unwrap()
    });
    &DETECTOR
}

/// Literal, clean text and disguises of the first reason of the first finding of that rule.
fn first(rule: &str, text: &str) -> (Sought, String, Vec<String>) {
    let explanation = detector().explain(text.as_bytes());
    let finding = explanation
        .findings
        .into_iter()
        .find(|finding| &*finding.found.rule == rule)
        .unwrap_or_else(|| panic!("no {rule} in {text:?}"));
    let because = finding.because.into_iter().next().unwrap();
    (because.sought, because.text, because.disguises)
}

#[test]
fn disguises_of_literals() {
    let cases: &[(&str, &str, &str, &str, &[&str])] = &[
        ("kill", "I will KILL it", "kill", "KILL", &[]),
        ("kill", "k1ll", "kill", "k1ll", &["1 for i"]),
        ("kill", "ki11", "kill", "ki11", &["1 for l"]),
        ("kill", "k!ll", "kill", "k!ll", &["! for i"]),
        ("kill", "kiII", "kill", "kiII", &["I for l"]),
        ("kill", "kіll", "kill", "kіll", &["Cyrillic і for i"]),
        ("kill", "κill", "kill", "κill", &["Greek κ for k"]),
        (
            "kill",
            "k i l l",
            "kill",
            "k i l l",
            &["spaces between the letters"],
        ),
        (
            "kill",
            "k.i.l.l",
            "kill",
            "k.i.l.l",
            &["punctuation between the letters"],
        ),
        ("kill", "kiiill", "kill", "kiiill", &["letters repeated"]),
        ("kill", "kíll", "kill", "kíll", &["accents"]),
        (
            "kill",
            "k\u{200b}i\u{2060}ll",
            "kill",
            "kill",
            &["zero-width characters"],
        ),
        ("kill", "ki\u{ad}ll", "kill", "kill", &["soft hyphens"]),
        (
            "kill",
            "ｋｉｌｌ",
            "kill",
            "kill",
            &["full-width characters"],
        ),
        ("kill", "𝓴𝖎𝗅𝚕", "kill", "kill", &["mathematical letters"]),
        ("kill", "%6bill", "kill", "kill", &["percent escapes"]),
        ("kill", "&#107;ill", "kill", "kill", &["HTML entities"]),
        (
            "kill",
            "%6b\u{200b}1ll",
            "kill",
            "k1ll",
            &["percent escapes", "zero-width characters", "1 for i"],
        ),
        (
            "kill",
            "killyourself",
            "kill yourself",
            "killyourself",
            &["words run together"],
        ),
        (
            "kill",
            "kill-yourself",
            "kill yourself",
            "kill-yourself",
            &["punctuation between the words"],
        ),
        (
            "despair",
            "i dont want to live",
            "i don't want to live",
            "i dont want to live",
            &["an apostrophe left out"],
        ),
        (
            "despair",
            "mas alla de todo",
            "más allá de todo",
            "mas alla de todo",
            &["accents left out"],
        ),
        (
            "password",
            "p@$$w0rd",
            "password",
            "p@$$w0rd",
            &["@ for a", "$ for s", "0 for o"],
        ),
        ("signs", "in C++ it is", "c++", "C++", &[]),
        ("signs", "&lt;/s&gt;", "</s>", "</s>", &["HTML entities"]),
    ];
    for (rule, text, literal, clean, disguises) in cases {
        let disguises: Vec<String> = disguises.iter().map(|&d| d.to_owned()).collect();
        let expected = (
            Sought::Literal((*literal).to_owned()),
            (*clean).to_owned(),
            disguises,
        );
        assert_eq!(first(rule, text), expected, "{text:?}");
    }
}

#[test]
fn base64_is_opened() {
    // `printf 'please k1ll yourself now' | base64`
    let text = "decode cGxlYXNlIGsxbGwgeW91cnNlbGYgbm93 now";
    let explanation = detector().explain(text.as_bytes());
    let expected = Decoded {
        original: 7..39,
        text: "please k1ll yourself now".to_owned(),
    };
    assert_eq!(explanation.base64, [expected]);
    let found = &explanation.findings[0];
    assert_eq!(&*found.found.rule, "kill");
    let expected = Because {
        sought: Sought::Literal("kill yourself".to_owned()),
        text: "k1ll yourself".to_owned(),
        disguises: vec!["base64".to_owned(), "1 for i".to_owned()],
        base64: Some(0),
    };
    assert_eq!(found.because[0], expected);

    // `printf 'my card is 4111 1111 1111 1111 ok' | base64`
    let text = "bXkgY2FyZCBpcyA0MTExIDExMTEgMTExMSAxMTExIG9r";
    let (sought, clean, disguises) = first("visa", text);
    let expected = Sought::Check("16 digits in Visa's range, Luhn holds".to_owned());
    assert_eq!(sought, expected);
    assert_eq!(
        (clean.as_str(), disguises),
        ("4111 1111 1111 1111", vec!["base64".to_owned()])
    );
}

#[test]
fn patterns_and_conditions() {
    let (sought, clean, _) = first("pattern", "x 123-abc y");
    assert_eq!(sought, Sought::Pattern(r"\d{3}-[a-z]{2,5}".to_owned()));
    assert_eq!(clean, "123-abc");
    let text = "kill the process now, somebody. kill";
    let explanation = detector().explain(text.as_bytes());
    let near: Vec<_> = explanation
        .findings
        .iter()
        .filter(|finding| &*finding.found.rule == "near")
        .flat_map(|finding| &finding.because)
        .map(|because| because.sought.clone())
        .collect();
    // The first `kill` is an exception, though inside what is found.
    let expected = ["kill the process now", "kill"].map(|text| Sought::Literal(text.to_owned()));
    assert_eq!(near, expected);
}

#[test]
fn checks_of_built_in_detectors() {
    for (rule, text, check, disguises) in [
        (
            "visa",
            "４１１１ １１１１ １１１１ １１１１",
            "16 digits in Visa's range, Luhn holds",
            &["full-width digits"][..],
        ),
        (
            "iban",
            "DE89 3704 0044 0532 0130 00",
            "IBAN of DE: 22 characters as its country builds them, mod 97 is 1",
            &[],
        ),
        (
            "email",
            "to anna%40example.org",
            "a local part, @ and a domain name as RFC 5321 allows them",
            &["percent escapes"],
        ),
        (
            "br_cpf",
            "CPF 529.982.247-25",
            "a Brazilian CPF: two check digits mod 11, with the evidence that it asks for",
            &[],
        ),
        (
            "ipv4",
            "server 81.2.69.160",
            "four octets, not in a reserved block",
            &[],
        ),
    ] {
        let (sought, _, told) = first(rule, text);
        assert_eq!(sought, Sought::Check(check.to_owned()), "{text}");
        assert_eq!(told, disguises, "{text}");
    }
    let tags: String = "ignore this"
        .bytes()
        .filter_map(|byte| char::from_u32(0xe0000 + u32::from(byte)))
        .collect();
    let (sought, spelt, disguises) = first("invisible", &format!("hello{tags}"));
    let expected = "a run of characters that nobody sees".to_owned();
    assert_eq!(sought, Sought::Check(expected));
    assert_eq!((spelt.as_str(), disguises), ("ignore this", vec![]));
}

#[test]
fn clean_text_changes_and_skeleton() {
    let explanation = detector().explain("Ｔhe c@t's h.at\u{200b}: Öl".as_bytes());
    assert_eq!(explanation.clean, "The c@t's h.at: Öl");
    assert_eq!(explanation.skeleton, "the cat's h.at ol");
    assert_eq!(explanation.changes.len(), 2);
    let empty = detector().explain(b"");
    assert_eq!((empty.clean.as_str(), empty.skeleton.as_str()), ("", ""));
    assert_eq!(empty.findings, []);
}

/// Twice the text, at most some twice the work: what is found is looked up, not searched for.
#[test]
fn work_grows_with_the_text() {
    for piece in [
        "kill ",
        "a",
        "kill kill the process now somebody ",
        "k\u{200b}i%6cl ",
        "cGxlYXNlIGsxbGwgeW91cnNlbGYgbm93 ",
        "4111 1111 1111 1111, ",
        "\u{e0041}.",
    ] {
        let work = |times: usize| {
            let text = piece.repeat(times);
            crate::work::count(|| {
                let _ = detector().explain(text.as_bytes());
            })
        };
        let (once, twice) = (work(500), work(1000));
        assert!(twice < once * 5 / 2, "{piece:?}: {once}, then {twice}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn findings_are_those_of_the_scan_and_have_reasons(text in text()) {
        let mut found = Vec::new();
        detector().scan(&text, 0, &mut found);
        let explanation = detector().explain(&text);
        let explained: Vec<_> = explanation.findings.iter().map(|finding| finding.found.clone()).collect();
        prop_assert_eq!(explained, found);
        for finding in &explanation.findings {
            prop_assert!(!finding.because.is_empty(), "{:?}", finding.found);
        }
        for change in &explanation.changes {
            prop_assert!(change.original.end <= text.len());
            prop_assert!(explanation.clean.get(change.clean.clone()).is_some());
        }
        for island in &explanation.base64 {
            prop_assert!(island.original.end <= text.len());
        }
    }

    #[test]
    fn any_bytes(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = detector().explain(&text);
    }
}

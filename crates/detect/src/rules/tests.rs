//! What rules find and what they do not.

use weir_policy::{Near, TextRule};

use super::{CompileError, MAX_LITERAL_BYTES, MAX_TOTAL_BYTES};
use crate::testing::{places, rule};
use crate::{Detector, Match};

fn found(rules: &[TextRule], text: &str) -> Vec<Match> {
    let mut out = Vec::new();
    Detector::compile(rules)
        .unwrap()
        .scan(text.as_bytes(), 0, &mut out);
    out
}

#[test]
fn as_words_in_any_case() {
    for (literal, text, expected) in [
        ("ass", "you ass", "ass"),
        ("ass", "ASS!", "ASS"),
        ("ass", "(aSs)", "aSs"),
        ("ass", "my_ass_", "ass"),
        ("ass", "kick-ass", "ass"),
        ("ass", "你ass好", "ass"),
        ("kill yourself", "go Kill Yourself now", "Kill Yourself"),
        ("kill yourself", "kill  yourself", "kill  yourself"),
        ("kill yourself", "kill-yourself", "kill-yourself"),
        ("don't", "Don't", "Don't"),
        ("don't", "dont", "dont"),
        ("привет", "Привет, мир", "Привет"),
        ("Привет", "ПРИВЕТ", "ПРИВЕТ"),
        ("ПРИВЕТ", "ну привет", "привет"),
        ("привет", "пРиВеТ", "пРиВеТ"),
        ("straße", "die STRASSE", "STRASSE"),
        ("strasse", "die Straße", "Straße"),
        ("été", "L'ÉTÉ", "ÉTÉ"),
        ("été", "l'ete", "ete"),
        ("σκύλος", "ΣΚΎΛΟΣ", "ΣΚΎΛΟΣ"),
        ("злой пёс", "Злой Пёс", "Злой Пёс"),
        ("自杀", "他自杀了", "自杀"),
        ("死ね", "お前死ねよ", "死ね"),
        ("バカ", "このバカ野郎", "バカ"),
        ("ฆ่าตัวตาย", "อยากฆ่าตัวตายมาก", "ฆ่าตัวตาย"),
        ("자살", "자살을", "자살"),
        ("%%%", "a%%%b", "%%%"),
        ("-rf /", "rm -rf /", "-rf /"),
        ("@everyone", "hi@everyone", "@everyone"),
        ("c++", "c++11", "c++"),
        ("आत्महत्या", "वह आत्महत्या करेगा।", "आत्महत्या"),
        ("قتل", "هذا قتل!", "قتل"),
        ("love", "all love", "love"),
        ("404", "error 404.", "404"),
    ] {
        let expected = vec![("r".to_owned(), expected.to_owned())];
        assert_eq!(
            places(&[rule("r", &[literal])], text),
            expected,
            "{literal:?} in {text:?}"
        );
    }
}

#[test]
fn a_colon_at_the_end_must_follow() {
    let rules = [rule("r", &["my password is:", "我的密码是："])];
    let is = vec![("r".to_owned(), "my password is".to_owned())];
    for text in [
        "my password is: x",
        "my password is:",
        "my password is : secret",
        "my password is: secret",
        "my password is &#58; x",
        "my password is：x",
    ] {
        assert_eq!(places(&rules, text), is, "{text}");
    }
    for text in [
        "m y  p a s s w o r d  i s : x",
        "我的密码是: x",
        "我的密码是：x",
    ] {
        assert_eq!(places(&rules, text).len(), 1, "{text}");
    }
    for text in [
        "my password is not accepted",
        "my password is",
        "my password is. Note: x",
        "my password is secret: x",
        "why: my password is weak",
        "我的密码是什么",
    ] {
        assert_eq!(places(&rules, text), [], "{text}");
    }
}

#[test]
fn through_disguises() {
    for (literal, text) in [
        ("kill yourself", "K I L L  Y O U R S E L F"),
        ("kill yourself", "k.i.l.l y.o.u.r.s.e.l.f"),
        ("kill yourself", "k-i-l-l yourself"),
        ("kill yourself", "ki11 y0urs3lf"),
        ("kill yourself", "k!ll your$elf"),
        ("kill yourself", "k!i!l!l yourself"),
        ("kill yourself", "kіll уоursеlf"),
        ("kill yourself", "ｋｉｌｌ　ｙｏｕｒｓｅｌｆ"),
        ("kill yourself", "𝓴𝓲𝓵𝓵 𝔂𝓸𝓾𝓻𝓼𝓮𝓵𝓯"),
        ("kill yourself", "k\u{200b}ill your\u{200d}self"),
        ("kill yourself", "kill\u{200b}yourself"),
        ("kill yourself", "kiiiill yourselffff"),
        ("kill yourself", "k̷̢i̴l̵l̶ y̵o̷u̶r̴s̵e̵l̶f̷"),
        ("kill yourself", "%6bill%20yourself"),
        ("kill yourself", "&#107;ill&nbsp;yourself"),
        ("kill yourself", "kiII yourseIf"),
        ("ass", "a$$"),
        ("ass", "@ss"),
        ("ass", "a s s"),
        ("ass", "asssss"),
        ("привет", "п р и в е т"),
        ("привет", "пpивeт"),
        ("привет", "прив37"),
        ("без обмана", "6е3 06м4н4"),
        ("自杀", "自 杀"),
        ("自杀", "自\u{200b}杀"),
        ("आत्महत्या", "आत्\u{200b}महत्या"),
        ("आत्महत्या", "आ त् म ह त् या"),
        ("penso di suicidarmi", "реnѕо dі ѕυісіdаrmі"),
        ("قتل", "ق.ت.ل"),
        ("قتل", "قـتـل"),
    ] {
        let expected = vec![("r".to_owned(), text.to_owned())];
        assert_eq!(
            places(&[rule("r", &[literal])], text),
            expected,
            "{literal:?} in {text:?}"
        );
    }
}

#[test]
fn not_in_other_words() {
    for (literal, text) in [
        ("ass", "class"),
        ("ass", "assess"),
        ("ass", "passage"),
        ("ass", "ass1"),
        ("ass", "1ass"),
        ("ass", "assé"),
        ("ass", "éass"),
        ("ass", "жass"),
        ("ass", "a ss"),
        ("ass", "as s"),
        ("ass", "as"),
        ("ass", "455"),
        ("зоб", "306"),
        ("тест", "7е57е"),
        ("cop", "сор"),
        ("ass", "as is"),
        ("don't", "don't1"),
        ("hell", "hello"),
        ("hell", "shell"),
        ("hell", "he'll be"),
        ("hell", "he will"),
        ("kill", "kiln"),
        ("kill", "kil"),
        ("kill", "kiill"),
        ("kill", "ki ll"),
        ("kill", "ski ll"),
        ("ill", "iii"),
        ("ill", "111"),
        ("fall", "FAIL"),
        ("hoping", "hopping"),
        ("привет", "приветик"),
        ("привет", "прив3т7"),
        ("привет", "неприветливый"),
        ("kill yourself", "kill yourselfie"),
        ("kill yourself", "skill yourself"),
        ("kill yourself", "kill you r self"),
        ("क", "क्या"),
        ("c++", "obc++"),
        ("@everyone", "@everyoneelse"),
        ("قتل", "مقتل"),
        ("404", "4o4"),
        ("404", "1404"),
        ("ass", ""),
    ] {
        assert_eq!(
            places(&[rule("r", &[literal])], text),
            [],
            "{literal:?} in {text:?}"
        );
    }
}

#[test]
fn a_longer_literal_hides_no_other() {
    // Leftmost-longest matching would find only `foo ba`, which is no word here.
    let rules = [
        rule("one", &["foo", "foo ba"]),
        rule("two", &["foo bar", "bar"]),
    ];
    let expected = [("one", "foo"), ("two", "foo bar")];
    let expected = expected.map(|(rule, text)| (rule.to_owned(), text.to_owned()));
    assert_eq!(places(&rules, "a foo bar"), expected);
}

#[test]
fn hits_of_one_rule_merge_and_carry_its_worth() {
    let rules = [rule("r", &["a b", "b c", "b"])];
    let found = found(&rules, "a b c, b");
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].span.start, found[0].span.end), (0, 5));
    assert_eq!((found[1].span.start, found[1].span.end), (7, 8));
    assert!((found[0].score - 0.8).abs() < f32::EPSILON);
}

#[test]
fn broken_bytes_break_words() {
    let detector = Detector::compile(&[rule("r", &["ass"])]).unwrap();
    let mut out = Vec::new();
    detector.scan(b"\xffass\xc3", 0, &mut out);
    assert_eq!(out.len(), 1);
}

#[test]
fn patterns_are_bounded_and_see_clean_text() {
    let with = |pattern: &str| TextRule {
        patterns: vec![pattern.to_owned()],
        ..rule("p", &[])
    };
    let place = |text: &str| vec![("p".to_owned(), text.to_owned())];
    assert_eq!(
        places(&[with(r"\bcase-\d{2,4}\b")], "see CASE-123 and case-1"),
        place("CASE-123")
    );
    assert_eq!(
        places(&[with(r"case-\d{2}")], "c\u{200b}ａse-٤٢!"),
        place("c\u{200b}ａse-٤٢")
    );
    for (pattern, expected) in [
        ("a+", "without bound"),
        (r"a{1,300}", "300 bytes"),
        ("a*", "empty text"),
        ("(", "cannot be read"),
    ] {
        let message = Detector::compile(&[with(pattern)]).unwrap_err().to_string();
        assert!(
            message.contains(expected) && message.contains("\"p\""),
            "{message}"
        );
    }
}

#[test]
fn exceptions_and_neighbours() {
    let kill = TextRule {
        except: vec!["kill the process".to_owned(), "kill -9".to_owned()],
        ..rule("r", &["kill"])
    };
    assert_eq!(places(std::slice::from_ref(&kill), "kill the process"), []);
    assert_eq!(places(std::slice::from_ref(&kill), "k1ll the process"), []);
    assert_eq!(places(std::slice::from_ref(&kill), "kill -9 42"), []);
    assert_eq!(places(&[kill], "kill -9, then kill him").len(), 1);
    let near = TextRule {
        near: Some(Near {
            literals: vec!["dose".to_owned()],
            within: 10,
        }),
        ..rule("r", &["lethal"])
    };
    for (text, expected) in [
        ("a lethal dose", 1),
        ("dose: lethal", 1),
        ("lethal", 0),
        ("lethal as it was, the dose", 0),
    ] {
        assert_eq!(
            places(std::slice::from_ref(&near), text).len(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn errors_name_the_rule() {
    let error = |rules: &[TextRule]| Detector::compile(rules).unwrap_err();
    let twice = [rule("a", &["x"]), rule("a", &["y"])];
    assert_eq!(
        error(&twice),
        CompileError::DuplicateRule { rule: "a".into() }
    );
    for empty in ["", "  "] {
        let expected = CompileError::EmptyLiteral {
            rule: "b".into(),
            number: 2,
        };
        assert_eq!(
            error(&[rule("a", &["x"]), rule("b", &["y", empty])]),
            expected
        );
    }
    let long = "x".repeat(MAX_LITERAL_BYTES + 1);
    let message = error(&[rule("long", &[&long])]).to_string();
    assert!(
        message.contains("\"long\"") && message.contains("4097"),
        "{message}"
    );
    let many = vec!["y".repeat(MAX_LITERAL_BYTES); MAX_TOTAL_BYTES / MAX_LITERAL_BYTES];
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let message = error(&[rule("many", &many), rule("last", &["z"])]).to_string();
    assert!(message.contains("\"last\""), "{message}");
}

#[test]
fn rules_without_literals_match_nothing() {
    assert_eq!(places(&[rule("r", &[])], "anything"), []);
    assert_eq!(places(&[], "anything"), []);
}

use std::path::Path;

use weir_types::{Action, Category, FailMode, Micros, OnExpiry};

use crate::{NEVER, PolicyError, PolicySet, SourceFile};

const DEFAULT: &str = r#"id: default
version: "1"
tenants: ["*"]
budget_ms: 30
fail: { mode: closed, required: [rules, classifier] }
categories:
  hate: { warn: 0.5, block: 0.9 }
  pii: { warn: 0.6 }
detectors:
  card: { action: attenuate, min_score: 0.5 }
"#;

const RULES: &str = "rules:
  - id: injection.en
    category: prompt_injection
    severity: high
    score: 0.9
    action: block
    literals: [ignore all previous instructions]
";

fn load(files: &[(&str, &str)]) -> Result<PolicySet, PolicyError> {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    PolicySet::load(dir.path())
}

fn problems(files: &[(&str, &str)]) -> Vec<String> {
    load(files)
        .expect_err("must be refused")
        .problems
        .iter()
        .map(|problem| {
            let name = problem
                .file
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            format!("{name}:{}: {}", problem.line, problem.message)
        })
        .collect()
}

#[test]
fn default_policy_answers_every_question() {
    let set = load(&[("default.yaml", DEFAULT), ("rules/a.yaml", RULES)]).unwrap();
    let policy = set.for_tenant("somebody");
    assert_eq!(policy.budget, Micros::from_millis(30));
    assert_eq!(policy.fail_mode, FailMode::Closed);
    assert!(policy.required.rules && policy.required.classifier && policy.enforce);
    let hate = policy.tiers(Category::Hate);
    assert_eq!((hate.warn, hate.attenuate, hate.block), (0.5, NEVER, 0.9));
    for (score, action) in [
        (0.0, Action::Allow),
        (0.49, Action::Allow),
        (0.5, Action::Warn),
        (0.9, Action::Block),
    ] {
        assert_eq!(hate.action(score), action, "{score}");
    }
    assert_eq!(policy.tiers(Category::Violence).action(1.0), Action::Allow);
    assert_eq!(
        policy.action_for_finding("card", "visa", 0.9),
        Action::Attenuate
    );
    assert_eq!(
        policy.action_for_finding("card", "visa", 0.4),
        Action::Allow
    );
    assert_eq!(
        policy.action_for_finding("email", "email", 1.0),
        Action::Allow
    );
    assert_eq!(
        policy.action_for_finding("literal", "injection.en", 0.9),
        Action::Block
    );
    assert_eq!(set.rules().len(), 1);
}

#[test]
fn tenant_policy_overrides_only_what_it_names() {
    let acme = "id: acme\nversion: \"7\"\nextends: default\ntenants: [acme]\nenforce: false
categories:\n  hate: { warn: 0.8 }\nrules: { injection.en: warn }\n";
    let files = [
        ("default.yaml", DEFAULT),
        ("tenants/acme.yaml", acme),
        ("rules/a.yaml", RULES),
    ];
    let set = load(&files).unwrap();
    let policy = set.for_tenant("acme");
    assert_eq!((policy.id.as_str(), policy.version.as_str()), ("acme", "7"));
    assert!(!policy.enforce);
    assert_eq!(policy.tiers(Category::Hate).action(0.95), Action::Warn);
    assert_eq!(policy.tiers(Category::Pii).action(0.7), Action::Warn);
    assert_eq!(
        policy.action_for_finding("literal", "injection.en", 0.9),
        Action::Warn
    );
    let other = set.for_tenant("other");
    assert_eq!(
        other.action_for_finding("literal", "injection.en", 0.9),
        Action::Block
    );
    assert_ne!(policy.hash, other.hash);
}

#[test]
fn hash_changes_with_rules_and_ancestors() {
    let hash = |default: &str, rules: &str| {
        let acme = "id: acme\nversion: \"1\"\nextends: default\ntenants: [acme]\n";
        let files = [
            ("default.yaml", default),
            ("tenants/acme.yaml", acme),
            ("rules/a.yaml", rules),
        ];
        load(&files).unwrap().for_tenant("acme").hash.clone()
    };
    let base = hash(DEFAULT, RULES);
    assert_eq!(base, hash(DEFAULT, RULES));
    assert_ne!(base, hash(DEFAULT, &RULES.replace("0.9", "0.8")));
    assert_ne!(base, hash(&DEFAULT.replace("30", "31"), RULES));
}

#[test]
fn problems_name_file_and_line() {
    let cases: [(&str, &str, &str); 9] = [
        (
            "budget_ms: 30",
            "budget_ms: 0",
            "default.yaml:4: budget_ms 0 is outside 1..60000",
        ),
        (
            "hate: { warn: 0.5",
            "hate: { warn: 1.5",
            "default.yaml:7: warn 1.5 is outside 0..1",
        ),
        (
            "block: 0.9",
            "block: 0.4",
            "default.yaml:7: hate: block begins at 0.4 but the milder warn only at 0.5",
        ),
        (
            "  hate:",
            "  hat:",
            "default.yaml:7: unknown category \"hat\"",
        ),
        (
            "  card:",
            "  cart:",
            "default.yaml:10: unknown detector \"cart\"",
        ),
        (
            "classifier]",
            "oracle]",
            "default.yaml:5: unknown detector group \"oracle\"",
        ),
        (
            "version: \"1\"",
            "version: \"1\"\nextends: nobody",
            "default.yaml:3: extends unknown policy \"nobody\"",
        ),
        (
            "version: \"1\"",
            "version: \"1\"\nrules: { no.such: warn }",
            "default.yaml:3: no rule has the id \"no.such\"",
        ),
        ("budget_ms: 30", "budgetms: 30", "default.yaml:4: "),
    ];
    for (from, to, expected) in cases {
        let broken = DEFAULT.replace(from, to);
        assert_ne!(broken, DEFAULT, "{from} must occur");
        let found = problems(&[("default.yaml", &broken), ("rules/a.yaml", RULES)]);
        assert!(
            found.iter().any(|line| line.starts_with(expected)),
            "{to}: {found:?}"
        );
    }
}

#[test]
fn problems_of_rules_and_sets() {
    let rules = RULES
        .replace("0.9", "9")
        .replace("prompt_injection", "nonsense");
    let found = problems(&[("default.yaml", DEFAULT), ("rules/a.yaml", &rules)]);
    assert!(
        found
            .iter()
            .any(|line| line == "a.yaml:5: score 9 is outside 0..1"),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|line| line.starts_with("a.yaml:3: unknown category")),
        "{found:?}"
    );

    let circle_a = "id: a\nversion: \"1\"\nextends: b\ntenants: [\"*\"]\n";
    let circle_b = "id: b\nversion: \"1\"\nextends: a\n";
    let found = problems(&[("a.yaml", circle_a), ("b.yaml", circle_b)]);
    assert!(
        found.iter().any(|line| line.contains("circle")),
        "{found:?}"
    );

    let second = DEFAULT.replace("id: default", "id: second");
    let found = problems(&[("a.yaml", DEFAULT), ("b.yaml", &second)]);
    assert!(
        found.iter().any(|line| line.contains("two policies")),
        "{found:?}"
    );

    let lonely = DEFAULT.replace("\"*\"", "acme");
    assert!(problems(&[("a.yaml", &lonely)])[0].contains("no policy has tenants"));
    assert!(problems(&[("a.yaml", "id: [")])[0].starts_with("a.yaml:"));
    assert!(PolicySet::load(Path::new("no/such/dir")).is_err());
}

#[test]
fn parsed_sources_are_what_the_loaded_folder_is() {
    let source = |path: &str, text: &str| SourceFile {
        path: path.into(),
        text: text.to_owned(),
    };
    let tenant = "id: acme\nversion: \"1\"\nextends: default\ntenants: [acme]\n";
    let names = ["default.yaml", "tenants/acme.yaml", "rules/a.yaml"];
    let broken_default = DEFAULT.replace("budget_ms: 30", "budget_ms: 0");
    let broken_rules = RULES.replace("0.9", "9");
    let lonely = DEFAULT.replace("\"*\"", "other");
    for texts in [
        [DEFAULT, tenant, RULES],
        [&broken_default, tenant, &broken_rules],
        [&lonely, tenant, RULES],
        ["id: [", "", "rules: []"],
    ] {
        let files: Vec<_> = names.into_iter().zip(texts).collect();
        let sources: Vec<_> = files
            .iter()
            .map(|(name, text)| source(name, text))
            .collect();
        let parsed = PolicySet::parse(Path::new(""), &sources[..2], &sources[2..]);
        match (load(&files), parsed) {
            (Ok(loaded), Ok(parsed)) => {
                for tenant in ["acme", "nobody"] {
                    let (loaded, parsed) = (loaded.for_tenant(tenant), parsed.for_tenant(tenant));
                    assert_eq!(loaded.hash, parsed.hash);
                    assert_eq!(loaded.id, parsed.id);
                }
                assert_eq!(loaded.rules(), parsed.rules());
            }
            (Err(loaded), Err(parsed)) => {
                let told = |error: &PolicyError| -> Vec<_> {
                    let of = |p: &crate::Problem| (p.line, p.column, p.message.clone());
                    error.problems.iter().map(of).collect()
                };
                assert_eq!(told(&loaded), told(&parsed));
            }
            (loaded, parsed) => panic!("{:?} but {:?}", loaded.err(), parsed.err()),
        }
    }
}

#[test]
fn a_problem_is_one_line_whatever_it_quotes() {
    for name in ["rul\\n\\nes", "\\e[2Jrules", "rules\\u0085"] {
        let broken = DEFAULT.replace("rules,", &format!("\"{name}\","));
        assert_ne!(broken, DEFAULT);
        let found = problems(&[("default.yaml", &broken)]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("unknown detector group"), "{found:?}");
        assert!(!found[0].contains(char::is_control), "{found:?}");
    }
}

#[test]
fn streams_take_what_a_policy_says_and_inherit_the_rest() {
    let child = "id: acme
version: \"1\"
extends: default
tenants: [acme]
stream: { required: [card, literal, card], hold: { ms: 20, on_expiry: cut }, whole_words: true }
completions: { de: Nein., und: No. }
";
    let set = load(&[("default.yaml", DEFAULT), ("tenants/acme.yaml", child)]).unwrap();
    let (parent, policy) = (set.for_tenant("somebody"), set.for_tenant("acme"));
    let stream = &policy.stream;
    assert_eq!(stream.required, ["card", "literal"]);
    assert_eq!(stream.hold, Micros::from_millis(20));
    assert_eq!(stream.on_expiry, OnExpiry::Cut);
    assert!(stream.whole_words && !parent.stream.whole_words);
    assert_eq!(stream.idle, parent.stream.idle);
    let shown = ["de", "de-CH", "fr", ""].map(|tag| policy.completion(tag));
    assert_eq!(
        shown,
        [Some("Nein."), Some("Nein."), Some("No."), Some("No.")]
    );
    assert_eq!(parent.completion("de"), None);
    let contract = policy.contract(None);
    assert_eq!((contract.budget_us, contract.hold_ms), (30_000, 20));
    assert_eq!(contract.fail_mode, FailMode::Closed);
}

#[test]
fn streams_have_tiers_of_their_own_where_a_policy_names_them() {
    let default = format!("{DEFAULT}stream: {{ categories: {{ hate: {{ block: 0.99 }} }} }}\n");
    let child = "id: acme
version: \"1\"
extends: default
tenants: [acme]
categories: { hate: { warn: 0.1, block: 0.2 }, violence: { block: 0.3 } }
stream: { categories: { pii: {} } }
";
    let files = [
        ("default.yaml", default.as_str()),
        ("tenants/acme.yaml", child),
    ];
    let set = load(&files).unwrap();
    let (parent, policy) = (set.for_tenant("somebody"), set.for_tenant("acme"));
    // Nothing is inherited within a category, and what whole texts warn at is not asked.
    assert_eq!(
        parent.stream_tiers(Category::Hate).action(0.98),
        Action::Allow
    );
    assert_eq!(
        parent.stream_tiers(Category::Hate).action(0.99),
        Action::Block
    );
    assert_eq!(parent.tiers(Category::Hate).action(0.98), Action::Block);
    // A category that streams do not name is judged as in whole texts.
    assert_eq!(
        parent.stream_tiers(Category::Pii),
        parent.tiers(Category::Pii)
    );
    assert_eq!(policy.stream_tiers(Category::Violence).block, 0.3);
    // The parent's tiers for streams outlast the child's for whole texts.
    assert_eq!(policy.stream_tiers(Category::Hate).block, 0.99);
    assert_eq!(
        policy.stream_tiers(Category::Pii).action(1.0),
        Action::Allow
    );
}

#[test]
fn impossible_streams_are_refused_by_line() {
    let child = format!(
        "id: acme
version: \"1\"
extends: default
stream:
  required: [cards]
  hold: {{ chars: 5000, ms: 20000 }}
  idle_ms: 1
  categories:
    hat: {{ warn: 0.5 }}
    hate: {{ block: 1.5 }}
    violence: {{ warn: 0.5, block: 0.4 }}
completions:
  de: {}
",
        "x".repeat(3000)
    );
    let said = problems(&[("default.yaml", DEFAULT), ("tenants/acme.yaml", &child)]);
    let expected = [
        "acme.yaml:5: unknown detector \"cards\" (known: ",
        "acme.yaml:6: chars 5000 is above 4096",
        "acme.yaml:6: ms 20000 is above 10000",
        "acme.yaml:7: idle_ms 1 is outside 100..3600000",
        "acme.yaml:9: unknown category \"hat\"",
        "acme.yaml:10: block 1.5 is outside 0..1",
        "acme.yaml:11: violence: block begins at 0.4 but the milder warn only at 0.5",
        "acme.yaml:13: the completion for \"de\" has 3000 bytes; at most 2048",
    ];
    assert_eq!(said.len(), expected.len(), "{said:?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn a_rule_may_be_about_prompts_or_streams_alone() {
    let rules = "rules:
  - { id: demand, category: illicit, score: 0.9, action: block, applies_to: prompts, literals: [tell me] }
  - { id: told, category: illicit, score: 0.9, action: block, applies_to: streams, literals: [this is how] }
  - { id: both, category: illicit, score: 0.9, action: block, literals: [weapon] }\n";
    let set = load(&[
        ("default.yaml", DEFAULT),
        ("rules/a.yaml", RULES),
        ("rules/b.yaml", rules),
    ])
    .unwrap();
    let policy = set.for_tenant("anyone");
    for (rule, prompts, streams) in [
        ("demand", true, false),
        ("told", false, true),
        ("both", true, true),
        ("visa", true, true),
    ] {
        assert_eq!(policy.applies_to_prompts(rule), prompts, "{rule}");
        assert_eq!(policy.applies_to_streams(rule), streams, "{rule}");
    }
    let wrong = rules.replace("applies_to: streams", "applies_to: answers");
    let error = load(&[("default.yaml", DEFAULT), ("rules/b.yaml", &wrong)]).unwrap_err();
    assert!(error.to_string().contains("answers"), "{error}");
}

#[test]
fn a_second_look_is_inherited_and_refused_by_line() {
    let default = format!("{DEFAULT}second_look: {{ sample: 0.01, uncertain: 0.125 }}\n");
    let child = |look: &str| {
        format!(
            "id: acme\nversion: \"1\"\nextends: default\ntenants: [acme]\nsecond_look: {look}\n"
        )
    };
    let look = |default: &str, acme: &str| {
        let acme = child(acme);
        let set = load(&[("default.yaml", default), ("tenants/acme.yaml", &acme)]).unwrap();
        ["somebody", "acme"].map(|tenant| set.for_tenant(tenant).second_look)
    };
    let [parent, acme] = look(&default, "{ sample: 1 }");
    assert_eq!(
        (parent.sample, parent.uncertain, parent.all),
        (0.01, 0.125, false)
    );
    assert_eq!((acme.sample, acme.uncertain, acme.all), (1.0, 0.125, false));
    // Where nobody says so only what is acted upon is looked at.
    let [parent, acme] = look(DEFAULT, "{ all: true }");
    assert_eq!(
        (parent.sample, parent.uncertain, parent.all),
        (0.0, 0.0, false)
    );
    assert!(acme.all);

    let wrong = child("\n  sample: 1.5\n  uncertain: -0.1");
    let said = problems(&[("default.yaml", DEFAULT), ("tenants/acme.yaml", &wrong)]);
    let expected = [
        "acme.yaml:6: sample 1.5 is outside 0..1",
        "acme.yaml:7: uncertain -0.1 is outside 0..1",
    ];
    assert_eq!(said.len(), expected.len(), "{said:?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn a_second_look_that_every_text_would_get_is_refused_unless_it_says_so() {
    let policy = |look: &str| format!("{DEFAULT}second_look: {look}\n");
    let said = problems(&[("default.yaml", &policy("{ uncertain: 0.5 }"))]);
    assert_eq!(said.len(), 1, "{said:?}");
    let expected = "uncertain 0.5 reaches from the lowest threshold of hate (0.5) down to 0";
    assert!(
        said[0].starts_with("default.yaml:11:") && said[0].contains(expected),
        "{said:?}"
    );
    assert!(load(&[("default.yaml", &policy("{ uncertain: 0.5, all: true }"))]).is_ok());
    assert!(load(&[("default.yaml", &policy("{ uncertain: 0.49 }"))]).is_ok());

    // Of a threshold that a child lowers below what it inherits.
    let child = "id: acme\nversion: \"1\"\nextends: default\ntenants: [acme]\ncategories:\n  hate: { warn: 0.1 }\n";
    let default = policy("{ uncertain: 0.1 }");
    let said = problems(&[("default.yaml", &default), ("tenants/acme.yaml", child)]);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("acme.yaml"), "{said:?}");
}

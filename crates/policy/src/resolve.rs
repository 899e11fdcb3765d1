//! From policy files to compiled policies: inheritance, checks, hashes.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use serde_saphyr::Spanned;
use sha2::{Digest, Sha256};
use weir_types::{Action, Category, FailMode, Micros, hex};

use crate::calibration;
use crate::document::{PolicyDocument, TiersDocument};
use crate::error::{Problem, Problems};
use crate::policy::{DetectorAction, NEVER, Policy, Required, Tiers};
use crate::rules::{AppliesTo, DeclaredRule};
use crate::second_look::{self, SecondLook};
use crate::source::SourceFile;
use crate::stream::{self, StreamPolicy};
use crate::yaml::{self, Entries};

/// Budget where no policy names one, ms: inside the 50 ms that users do not feel.
const DEFAULT_BUDGET_MS: u64 = 40;
/// Longest text that is looked at where no policy says otherwise: a 1 MB prompt passes whole.
const DEFAULT_MAX_TEXT_BYTES: usize = 1 << 20;

/// Names that `required` may hold.
const DETECTOR_GROUPS: [&str; 2] = ["rules", "classifier"];
/// Names that `detectors` may hold: what the rules engine reports findings as.
pub(crate) const DETECTORS: [&str; 14] = [
    "literal",
    "pattern",
    "card",
    "iban",
    "national_id",
    "passport",
    "phone",
    "email",
    "ip",
    "api_key",
    "private_key",
    "jwt",
    "secret",
    "injection",
];

struct Parsed<'a> {
    file: &'a SourceFile,
    document: PolicyDocument,
}

type Resolved = (HashMap<String, Arc<Policy>>, Arc<Policy>);

/// Compiles all policies. `None` only when there is no default policy, which is then a problem.
pub(crate) fn resolve(
    dir: &Path,
    files: &[SourceFile],
    rule_files: &[SourceFile],
    rules: &[DeclaredRule],
    problems: &mut Problems,
) -> Option<Resolved> {
    let parsed: Vec<Parsed<'_>> = files
        .iter()
        .filter_map(|file| {
            let document = yaml::parse(&file.path, &file.text, problems)?;
            Some(Parsed { file, document })
        })
        .collect();

    let mut by_id: BTreeMap<&str, &Parsed<'_>> = BTreeMap::new();
    for entry in &parsed {
        let id = &entry.document.id;
        if by_id.insert(&id.value, entry).is_some() {
            let message = format!("policy id \"{}\" is used twice", id.value);
            problems.push(Problem::at(&entry.file.path, id, message));
        }
    }

    let mut by_tenant = HashMap::new();
    let mut default = None;
    for entry in &parsed {
        let Some(lineage) = lineage(entry, &by_id, problems) else {
            continue;
        };
        let policy = Arc::new(compile(&lineage, rule_files, rules, problems));
        for tenant in &entry.document.tenants {
            let taken = if tenant.value == "*" {
                default.replace(Arc::clone(&policy)).is_some()
            } else {
                by_tenant
                    .insert(tenant.value.clone(), Arc::clone(&policy))
                    .is_some()
            };
            if taken {
                let message = format!("tenant \"{}\" has two policies", tenant.value);
                problems.push(Problem::at(&entry.file.path, tenant, message));
            }
        }
    }
    if default.is_none() && problems.is_empty() {
        let message = "no policy has tenants: [\"*\"]; one must, for tenants without their own";
        problems.push(Problem::whole_file(dir, message.to_owned()));
    }
    Some((by_tenant, default?))
}

/// The policy's ancestors, eldest first, itself last.
fn lineage<'a>(
    entry: &'a Parsed<'a>,
    by_id: &BTreeMap<&str, &'a Parsed<'a>>,
    problems: &mut Problems,
) -> Option<Vec<&'a Parsed<'a>>> {
    let mut line = vec![entry];
    let mut current = entry;
    while let Some(parent) = &current.document.extends {
        let Some(next) = by_id.get(parent.value.as_str()) else {
            let message = format!("extends unknown policy \"{}\"", parent.value);
            problems.push(Problem::at(&current.file.path, parent, message));
            return None;
        };
        if line
            .iter()
            .any(|seen| seen.document.id.value == parent.value)
        {
            let message = format!(
                "policies extend each other in a circle at \"{}\"",
                parent.value
            );
            problems.push(Problem::at(&current.file.path, parent, message));
            return None;
        }
        line.push(next);
        current = next;
    }
    line.reverse();
    Some(line)
}

fn compile(
    lineage: &[&Parsed<'_>],
    rule_files: &[SourceFile],
    rules: &[DeclaredRule],
    problems: &mut Problems,
) -> Policy {
    let mut policy = Policy {
        id: String::new(),
        version: String::new(),
        hash: hash(lineage, rule_files),
        enforce: true,
        budget: Micros::from_millis(DEFAULT_BUDGET_MS),
        max_text_bytes: DEFAULT_MAX_TEXT_BYTES,
        fail_mode: FailMode::Open,
        required: Required {
            rules: true,
            classifier: false,
        },
        stream: StreamPolicy::default(),
        second_look: SecondLook::FLAGGED_ONLY,
        calibration: None,
        completions: BTreeMap::new(),
        tiers: [Tiers::NEVER; Category::COUNT],
        detectors: HashMap::new(),
        rules: rules
            .iter()
            .map(|rule| (rule.rule.id.clone(), rule.action))
            .collect(),
        partial_rules: rules
            .iter()
            .filter(|rule| rule.applies_to != AppliesTo::Both)
            .map(|rule| (rule.rule.id.clone(), rule.applies_to))
            .collect(),
    };
    // Only the last document's problems are new: the ancestors report theirs when they are compiled.
    let (own, ancestors) = match lineage.split_last() {
        Some(split) => split,
        None => return policy,
    };
    let mut ignored = Problems::new();
    for ancestor in ancestors {
        apply(&mut policy, ancestor, &mut ignored);
    }
    apply(&mut policy, own, problems);
    second_look::check(
        &policy.second_look,
        |category| policy.tiers[category.index()].lowest(),
        &own.file.path,
        own.document.second_look.as_ref(),
        problems,
    );
    policy
}

fn apply(policy: &mut Policy, entry: &Parsed<'_>, problems: &mut Problems) {
    let (file, document) = (entry.file.path.as_path(), &entry.document);
    policy.id.clone_from(&document.id.value);
    policy.version.clone_from(&document.version.value);
    if let Some(enforce) = document.enforce {
        policy.enforce = enforce;
    }
    if let Some(budget) = &document.budget_ms {
        if (1..=60_000).contains(&budget.value) {
            policy.budget = Micros::from_millis(budget.value);
        } else {
            let message = format!("budget_ms {} is outside 1..60000", budget.value);
            problems.push(Problem::at(file, budget, message));
        }
    }
    if let Some(limit) = &document.max_text_bytes {
        match usize::try_from(limit.value) {
            Ok(bytes) if bytes > 0 => policy.max_text_bytes = bytes,
            _ => {
                let message = "max_text_bytes must be at least 1".to_owned();
                problems.push(Problem::at(file, limit, message));
            }
        }
    }
    if let Some(fail) = &document.fail {
        policy.fail_mode = fail.mode.unwrap_or(policy.fail_mode);
        if let Some(required) = &fail.required {
            for name in required {
                known(file, name, &DETECTOR_GROUPS, "detector group", problems);
            }
            let names = |wanted: &str| required.iter().any(|name| name.value == wanted);
            policy.required = Required {
                rules: names("rules"),
                classifier: names("classifier"),
            };
        }
    }
    stream::apply(policy, file, document, problems);
    if let Some(look) = &document.second_look {
        second_look::apply(&mut policy.second_look, file, look, problems);
    }
    if let Some(own) = &document.calibration {
        calibration::apply(&mut policy.calibration, file, own, problems);
    }
    apply_tiers(file, &document.categories, problems, |category, tiers| {
        policy.tiers[category.index()] = tiers;
    });
    for (name, detector) in &document.detectors {
        known(file, name, &DETECTORS, "detector", problems);
        let min_score = detector.min_score.as_ref().map_or(0.0, |score| {
            check_probability(file, score, "min_score", problems);
            score.value
        });
        let action = DetectorAction {
            action: detector.action,
            min_score,
            mask: detector.mask,
        };
        policy.detectors.insert(name.value.clone(), action);
    }
    for (id, action) in &document.rules {
        if policy.rules.insert(id.value.clone(), *action).is_none() {
            let message = format!("no rule has the id \"{}\"", id.value);
            problems.push(Problem::at(file, id, message));
        }
    }
}

/// Hands the tiers of each category that is named to `set`.
pub(crate) fn apply_tiers(
    file: &Path,
    documents: &Entries<TiersDocument>,
    problems: &mut Problems,
    mut set: impl FnMut(Category, Tiers),
) {
    for (name, document) in documents {
        match name.value.parse::<Category>() {
            Ok(category) => {
                if let Some(tiers) = compile_tiers(file, name, document, problems) {
                    set(category, tiers);
                }
            }
            Err(error) => problems.push(Problem::at(file, name, error.to_string())),
        }
    }
}

/// A category that is named has just the tiers that are named: nothing is inherited within it.
fn compile_tiers(
    file: &Path,
    name: &Spanned<String>,
    document: &TiersDocument,
    problems: &mut Problems,
) -> Option<Tiers> {
    let before = problems.len();
    let mut previous: Option<(Action, f32)> = None;
    let mut begin = |action: Action, threshold: &Option<Spanned<f32>>| {
        let Some(threshold) = threshold else {
            return NEVER;
        };
        check_probability(file, threshold, action.as_str(), problems);
        if let Some((milder, at)) = previous
            && threshold.value < at
        {
            let message = format!(
                "{}: {action} begins at {} but the milder {milder} only at {at}",
                name.value, threshold.value
            );
            problems.push(Problem::at(file, threshold, message));
        }
        previous = Some((action, threshold.value));
        threshold.value
    };
    let tiers = Tiers {
        warn: begin(Action::Warn, &document.warn),
        attenuate: begin(Action::Attenuate, &document.attenuate),
        block: begin(Action::Block, &document.block),
    };
    (problems.len() == before).then_some(tiers)
}

fn check_probability(file: &Path, value: &Spanned<f32>, what: &str, problems: &mut Problems) {
    if !(0.0..=1.0).contains(&value.value) {
        let message = format!("{what} {} is outside 0..1", value.value);
        problems.push(Problem::at(file, value, message));
    }
}

pub(crate) fn known(
    file: &Path,
    name: &Spanned<String>,
    allowed: &[&str],
    what: &str,
    problems: &mut Problems,
) {
    if !allowed.contains(&name.value.as_str()) {
        let message = format!(
            "unknown {what} \"{}\" (known: {})",
            name.value,
            allowed.join(", ")
        );
        problems.push(Problem::at(file, name, message));
    }
}

fn hash(lineage: &[&Parsed<'_>], rule_files: &[SourceFile]) -> String {
    let mut hash = Sha256::new();
    for file in lineage.iter().map(|entry| entry.file).chain(rule_files) {
        hash.update((file.text.len() as u64).to_le_bytes());
        hash.update(&file.text);
    }
    hex(&hash.finalize())
}

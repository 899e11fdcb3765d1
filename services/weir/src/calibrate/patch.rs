//! The proposal as changes of a policy file: for a person to read, and to apply to a copy. Pure.

use std::fmt::Write as _;
use std::path::Path;

use weir_policy::{
    Calibration, Curve, Local, NEVER, Policy, PolicySet, SourceFile, Sources, Tiers,
};
use weir_types::Category;

use super::edit;
use super::row::Terms;

/// What is to change in a policy.
#[derive(Debug, Clone)]
pub(crate) struct Patch {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) calibration: Calibration,
    /// Categories with a new curve, and their tiers on whole texts and on windows of streams.
    pub(crate) tiers: Vec<(Category, Tiers, Tiers)>,
    /// Where the band of uncertain texts must change.
    pub(crate) uncertain: Option<f32>,
}

impl Patch {
    /// `None`: nothing is to change.
    pub(crate) fn new(
        policy: &Policy,
        model: &str,
        version: String,
        fitted: &[Category],
        before: &Terms,
        after: &Terms,
    ) -> Option<Self> {
        let own = policy.calibration.as_ref().filter(|own| own.model == model);
        let curves = Category::ALL.into_iter().filter_map(|category| {
            let stays = own.and_then(|own| own.curve(category));
            let curve = if fitted.contains(&category) {
                Some(after.scale.curve(category))
            } else {
                stays
            };
            Some((category, curve?.clone()))
        });
        let tiers = fitted.iter().map(|category| {
            let at = category.index();
            (*category, after.tiers[at], after.stream_tiers[at])
        });
        (!fitted.is_empty()).then(|| Self {
            id: policy.id.clone(),
            version,
            calibration: Calibration::new(model.to_owned(), curves),
            tiers: tiers.collect(),
            uncertain: (after.uncertain < before.uncertain).then_some(after.uncertain),
        })
    }

    /// As a YAML document that holds nothing but the changes; `head` goes before it, a comment a line.
    pub(crate) fn yaml(&self, head: &[String]) -> String {
        let mut out = String::new();
        for line in head {
            let _ = writeln!(out, "# {line}");
        }
        let _ = writeln!(
            out,
            "id: {}\nversion: {}",
            quoted(&self.id),
            quoted(&self.version)
        );
        let _ = writeln!(out, "calibration:{}", block(&self.calibration_lines(), 2));
        for (open, indent, of) in [("categories:", 2, 0), ("stream:\n  categories:", 4, 1)] {
            let _ = writeln!(out, "{open}");
            for (category, texts, windows) in &self.tiers {
                let tiers = [texts, windows][of];
                let _ = writeln!(out, "{:indent$}{category}: {}", "", flow(tiers));
            }
        }
        if let Some(uncertain) = self.uncertain {
            let _ = writeln!(out, "second_look:\n  uncertain: {uncertain}");
        }
        out
    }

    fn calibration_lines(&self) -> String {
        let mut lines = format!("\nmodel: {}\ncategories:", self.calibration.model);
        for category in Category::ALL {
            if let Some(curve) = self.calibration.curve(category) {
                let _ = write!(lines, "\n  {category}: {}", curve_flow(curve));
            }
        }
        lines
    }

    /// The text of a policy file with these changes.
    ///
    /// # Errors
    /// The file is written in a way that cannot be edited line by line.
    pub(crate) fn apply(&self, text: &str) -> Result<String, String> {
        let mut text = edit::set(text, &["version"], &quoted(&self.version))?;
        text = edit::set(&text, &["calibration"], &self.calibration_lines())?;
        for (category, texts, windows) in &self.tiers {
            let name = category.as_str();
            text = edit::set(&text, &["categories", name], &flow(texts))?;
            text = edit::set(&text, &["stream", "categories", name], &flow(windows))?;
        }
        if let Some(uncertain) = self.uncertain {
            text = edit::set(&text, &["second_look", "uncertain"], &uncertain.to_string())?;
        }
        Ok(text)
    }

    /// Compiles all policies with the changed file in place of the old one, and makes sure that it says what is proposed.
    ///
    /// # Errors
    /// The file is none of the policies', the changed one is refused, or says something else.
    pub(crate) fn check(
        &self,
        dir: &Path,
        sources: &Sources,
        file: &Path,
        text: &str,
    ) -> Result<PolicySet, String> {
        let same = |source: &&mut SourceFile| {
            let canonical = |path: &Path| path.canonicalize().ok();
            canonical(&source.path).is_some_and(|path| canonical(file) == Some(path))
        };
        let mut policies = sources.policies.clone();
        let changed = policies.iter_mut().find(same).ok_or_else(|| {
            format!(
                "{} is none of the policies in {}",
                file.display(),
                dir.display()
            )
        })?;
        text.clone_into(&mut changed.text);
        let set = PolicySet::parse(dir, &policies, &sources.rules)
            .map_err(|error| format!("the changed policy would be refused:\n{error}"))?;
        let policy = set
            .tenants()
            .map(|(_, policy)| policy)
            .find(|policy| policy.id == self.id);
        let Some(policy) = policy else {
            return Err(format!(
                "{} holds another policy than {}",
                file.display(),
                self.id
            ));
        };
        let tiers = self.tiers.iter().all(|(category, texts, windows)| {
            policy.tiers(*category) == texts && policy.stream_tiers(*category) == windows
        });
        let calibrated = policy.calibration.as_ref() == Some(&self.calibration);
        let uncertain = self
            .uncertain
            .is_none_or(|it| policy.second_look.uncertain == it);
        if tiers && calibrated && uncertain && policy.version == self.version {
            Ok(set)
        } else {
            Err(format!(
                "{} is written so that changing its lines does not change what it says; apply the patch by hand",
                file.display()
            ))
        }
    }
}

/// Policies, other than the changed one, whose own thresholds would now be measured on the new scale.
pub(crate) fn left_behind(
    old: &PolicySet,
    new: &PolicySet,
    patch: &Patch,
) -> Vec<(String, Vec<Category>)> {
    let find = |set: &PolicySet, id: &str| {
        let found = set.tenants().find(|(_, policy)| policy.id == id);
        found.map(|(_, policy)| policy.clone())
    };
    let mut behind = Vec::new();
    for (_, policy) in new.tenants().filter(|(_, policy)| policy.id != patch.id) {
        let Some(before) = find(old, &policy.id) else {
            continue;
        };
        let own = patch.tiers.iter().filter(|(category, texts, windows)| {
            let curve = |policy: &Policy| {
                let own = policy.calibration.as_ref();
                own.and_then(|own| own.curve(*category)).cloned()
            };
            let stays = policy.tiers(*category) == before.tiers(*category)
                && policy.stream_tiers(*category) == before.stream_tiers(*category);
            let follows =
                policy.tiers(*category) == texts && policy.stream_tiers(*category) == windows;
            curve(policy) != curve(&before) && (stays || !follows)
        });
        let categories: Vec<Category> = own.map(|(category, ..)| *category).collect();
        if !categories.is_empty() && !behind.iter().any(|(id, _)| *id == policy.id) {
            behind.push((policy.id.clone(), categories));
        }
    }
    behind
}

fn block(lines: &str, indent: usize) -> String {
    lines.replace('\n', &format!("\n{:indent$}", ""))
}

fn flow(tiers: &Tiers) -> String {
    let named = [
        ("warn", tiers.warn),
        ("attenuate", tiers.attenuate),
        ("block", tiers.block),
    ];
    let begin: Vec<String> = named
        .iter()
        .filter(|(_, at)| *at < NEVER)
        .map(|(name, at)| format!("{name}: {at}"))
        .collect();
    if begin.is_empty() {
        "{}".to_owned()
    } else {
        format!("{{ {} }}", begin.join(", "))
    }
}

fn curve_flow(curve: &Curve) -> String {
    let local = |(tag, own): (&str, Local)| match own.slope {
        None => format!("{}: {}", quoted(tag), own.shift),
        Some(slope) => format!(
            "{}: {{ slope: {slope}, shift: {} }}",
            quoted(tag),
            own.shift
        ),
    };
    let locales: Vec<String> = curve.locales().map(local).collect();
    let (slope, intercept) = (curve.slope, curve.intercept);
    if locales.is_empty() {
        format!("{{ slope: {slope}, intercept: {intercept} }}")
    } else {
        format!(
            "{{ slope: {slope}, intercept: {intercept}, locales: {{ {} }} }}",
            locales.join(", ")
        )
    }
}

/// A JSON string, which is a YAML one too: what stands in it is no syntax, and `no` no boolean.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use crate::error::{PolicyError, Problem, Problems};
use crate::policy::Policy;
use crate::resolve;
use crate::rules::{self, TextRule};
use crate::source::{SourceFile, read_folder};

/// The files that the policies of a folder are made of.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Policies by name, those of tenants last.
    pub policies: Vec<SourceFile>,
    /// Rules by name.
    pub rules: Vec<SourceFile>,
}

impl Sources {
    /// Reads what [`PolicySet::load`] reads, and compiles nothing.
    ///
    /// # Errors
    /// The folder or a file of it cannot be read.
    pub fn read(dir: &Path) -> Result<Self, PolicyError> {
        let mut problems = Problems::new();
        let sources = Self::read_into(dir, &mut problems)?;
        if problems.is_empty() {
            Ok(sources)
        } else {
            Err(PolicyError { problems })
        }
    }

    fn read_into(dir: &Path, problems: &mut Problems) -> Result<Self, PolicyError> {
        if !dir.is_dir() {
            let message = "no such directory: name the folder that holds the policies".to_owned();
            return Err(PolicyError {
                problems: vec![Problem::whole_file(dir, message)],
            });
        }
        let mut policies = read_folder(dir, problems);
        policies.extend(read_folder(&dir.join("tenants"), problems));
        Ok(Self {
            policies,
            rules: read_folder(&dir.join("rules"), problems),
        })
    }
}

/// Every policy of a deployment, and the rules they share.
#[derive(Debug, Clone)]
pub struct PolicySet {
    pub(crate) by_tenant: HashMap<String, Arc<Policy>>,
    pub(crate) default: Arc<Policy>,
    pub(crate) rules: Vec<TextRule>,
}

impl PolicySet {
    /// Reads `dir`: policies are `*.yaml` there and in `tenants/`, rules are `rules/*.yaml`.
    ///
    /// # Errors
    /// Everything that is wrong, with file, line and column: unreadable or malformed files,
    /// unknown keys, categories, parents, rules; thresholds out of range or order; a tenant with
    /// two policies; no policy for `"*"`.
    pub fn load(dir: &Path) -> Result<Self, PolicyError> {
        let mut problems = Problems::new();
        let sources = Sources::read_into(dir, &mut problems)?;
        Self::compile(dir, &sources.policies, &sources.rules, problems)
    }

    /// Checks and compiles sources that were read already: what [`PolicySet::load`] does with those of a
    /// folder, in their order. A pure function.
    ///
    /// `origin` is what a problem of the set as a whole is reported for, such as the folder.
    ///
    /// # Errors
    /// Those of [`PolicySet::load`], less those of reading.
    pub fn parse(
        origin: &Path,
        policies: &[SourceFile],
        rules: &[SourceFile],
    ) -> Result<Self, PolicyError> {
        Self::compile(origin, policies, rules, Problems::new())
    }

    fn compile(
        origin: &Path,
        policies: &[SourceFile],
        rule_files: &[SourceFile],
        mut problems: Problems,
    ) -> Result<Self, PolicyError> {
        let mut declared = Vec::new();
        for file in rule_files {
            declared.extend(rules::parse(&file.path, &file.text, &mut problems));
        }
        let resolved = resolve::resolve(origin, policies, rule_files, &declared, &mut problems);
        match resolved {
            Some((by_tenant, default)) if problems.is_empty() => Ok(Self {
                by_tenant,
                default,
                rules: declared.into_iter().map(|declared| declared.rule).collect(),
            }),
            _ => Err(PolicyError { problems }),
        }
    }

    /// The tenant's own policy, or the default one: an unknown tenant is judged, not refused.
    #[must_use]
    pub fn for_tenant(&self, tenant: &str) -> &Arc<Policy> {
        self.by_tenant.get(tenant).unwrap_or(&self.default)
    }

    /// The rules that the detector is to be compiled from.
    #[must_use]
    pub fn rules(&self) -> &[TextRule] {
        &self.rules
    }

    /// Tenants with a policy of their own, and the default policy's id under `"*"`.
    pub fn tenants(&self) -> impl Iterator<Item = (&str, &Policy)> {
        self.by_tenant
            .iter()
            .map(|(tenant, policy)| (tenant.as_str(), &**policy))
            .chain(std::iter::once(("*", &*self.default)))
    }
}

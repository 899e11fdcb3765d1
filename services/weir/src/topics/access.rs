//! Roles and the principals that have them, and the ACLs that follow.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, ensure};
use weir_bus::admin::acl::{Acl, CLUSTER, Operation, Pattern, Permission, Resource};
use weir_bus::admin::plan::Access;

use super::declaration::{Declaration, Role};

/// Role to the principals that have it, as `User:name`.
#[derive(Debug)]
pub(crate) struct Principals(BTreeMap<String, Vec<String>>);

impl Principals {
    /// Reads and checks a file.
    pub(crate) fn load(file: &Path, declaration: &Declaration) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        Self::parse(&text, declaration)
            .with_context(|| format!("{} does not map roles to principals", file.display()))
    }

    fn parse(text: &str, declaration: &Declaration) -> anyhow::Result<Self> {
        let principals: BTreeMap<String, Vec<String>> = serde_saphyr::from_str(text)?;
        for (role, names) in &principals {
            ensure!(
                declaration.roles.contains_key(role),
                "role {role} is not declared"
            );
            for name in names {
                let (kind, rest) = name.split_once(':').unwrap_or_default();
                ensure!(
                    !kind.is_empty() && !rest.is_empty(),
                    "role {role}: {name:?} is not a principal, which is like User:gate"
                );
                ensure!(
                    rest != "*",
                    "role {role}: {name} would be everybody; name the principals"
                );
            }
        }
        Ok(Self(principals))
    }

    /// Who has a role.
    pub(crate) fn of(&self, role: &str) -> &[String] {
        self.0.get(role).map_or(&[], Vec::as_slice)
    }

    /// Declared roles that nobody has.
    pub(crate) fn without<'a>(&self, declaration: &'a Declaration) -> Vec<&'a str> {
        let roles = declaration.roles.keys().map(String::as_str);
        roles.filter(|role| self.of(role).is_empty()).collect()
    }
}

/// What each principal may do, by its roles.
pub(crate) fn access(declaration: &Declaration, principals: &Principals) -> Access {
    let mut access = Access::default();
    for (name, role) in &declaration.roles {
        let grants = grants(declaration, name, role);
        for principal in principals.of(name) {
            access.principals.insert(principal.clone());
            let acls = grants.iter().map(|grant| grant.to(principal));
            access.acls.extend(acls);
        }
    }
    access
}

/// An ACL without its principal.
struct Grant<'a> {
    resource: Resource,
    name: &'a str,
    operation: Operation,
}

impl Grant<'_> {
    fn to(&self, principal: &str) -> Acl {
        let (name, pattern) = match self.name.strip_suffix('*') {
            Some(prefix) => (prefix, Pattern::Prefixed),
            None => (self.name, Pattern::Literal),
        };
        Acl {
            principal: principal.to_owned(),
            resource: self.resource,
            name: name.to_owned(),
            pattern,
            operation: self.operation,
            permission: Permission::Allow,
            host: "*".to_owned(),
        }
    }
}

/// Nothing says `Describe` that says `Read` or `Write` already, which include it.
fn grants<'a>(declaration: &'a Declaration, name: &str, role: &'a Role) -> Vec<Grant<'a>> {
    use Operation::{Describe, DescribeConfigs, Read, Write};
    let mut grants = Vec::new();
    let mut grant = |resource, name: &'a str, operation| {
        grants.push(Grant {
            resource,
            name,
            operation,
        });
    };
    let is_this = |role: &String| role == name;
    for topic in &declaration.topics {
        if topic.roles.produce.iter().any(is_this) {
            grant(Resource::Topic, &topic.name, Write);
        }
        if topic.roles.consume.iter().any(is_this) {
            grant(Resource::Topic, &topic.name, Read);
        }
    }
    for group in &role.groups {
        grant(Resource::Group, group, Read);
    }
    for id in &role.transactional_ids {
        grant(Resource::TransactionalId, id, Write);
    }
    if role.observes {
        for topic in &declaration.topics {
            grant(Resource::Topic, &topic.name, Describe);
            grant(Resource::Topic, &topic.name, DescribeConfigs);
        }
        let groups: BTreeSet<&String> = declaration
            .roles
            .values()
            .flat_map(|role| &role.groups)
            .collect();
        for group in groups {
            grant(Resource::Group, group, Describe);
        }
        grant(Resource::Cluster, CLUSTER, Describe);
        grant(Resource::Cluster, CLUSTER, DescribeConfigs);
    }
    grants
}

#[cfg(test)]
mod tests {
    use super::super::declaration::tests::GOOD;
    use super::*;

    fn declaration() -> Declaration {
        Declaration::parse(GOOD).unwrap()
    }

    fn shown(principals: &str) -> Vec<String> {
        let declaration = declaration();
        let principals = Principals::parse(principals, &declaration).unwrap();
        let acls = access(&declaration, &principals).acls;
        acls.iter().map(Acl::to_string).collect()
    }

    #[test]
    fn a_role_gives_what_it_is_declared_to_need() {
        assert_eq!(
            shown("gate: [\"User:g\"]"),
            [
                "allow User:g Read on topic in",
                "allow User:g Write on topic out",
                "allow User:g Read on group gates",
                "allow User:g Read on group gates-*",
                "allow User:g Write on transactional id tx-*",
            ]
        );
    }

    #[test]
    fn who_observes_sees_everything_and_reads_nothing() {
        let shown = shown("operator: [\"User:o\"]");
        for wanted in [
            "allow User:o Describe on topic in",
            "allow User:o DescribeConfigs on topic out",
            "allow User:o Describe on group gates",
            "allow User:o Describe on cluster kafka-cluster",
        ] {
            assert!(shown.iter().any(|acl| acl == wanted), "{shown:#?}");
        }
        assert!(!shown.iter().any(|acl| acl.contains("Read")), "{shown:#?}");
    }

    #[test]
    fn several_principals_have_a_role_and_one_has_several() {
        let both = shown("gate: [\"User:a\", \"User:b\"]\nworker: [\"User:a\"]");
        assert!(both.contains(&"allow User:a Write on topic in".to_owned()));
        assert!(both.contains(&"allow User:b Read on topic in".to_owned()));
        assert!(!both.contains(&"allow User:b Write on topic in".to_owned()));
        let declaration = declaration();
        let principals = Principals::parse("gate: [\"User:a\"]\nworker: []", &declaration).unwrap();
        assert_eq!(principals.without(&declaration), ["operator", "worker"]);
    }

    #[test]
    fn mistakes_are_errors_that_name_them() {
        let declaration = declaration();
        for (text, named) in [
            ("gait: [\"User:a\"]", "gait"),
            ("gate: [a]", "\"a\""),
            ("gate: [\"User:\"]", "\"User:\""),
            ("gate: [\":a\"]", "\":a\""),
            ("gate: [\"User:*\"]", "everybody"),
        ] {
            let error = Principals::parse(text, &declaration).unwrap_err();
            assert!(format!("{error:#}").contains(named), "{error:#}");
        }
    }
}

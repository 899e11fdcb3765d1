//! Brokers, topics and ACLs, against the declaration that `weir topics` applies.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::bail;
use weir_bus::BusConfig;
use weir_bus::admin::Admin;
use weir_bus::admin::acl::Acl;
use weir_bus::admin::plan::{Access, Declared, Difference, Plan, TopicSpec};

use super::DoctorArgs;
use super::report::{Check, Report, State};
use crate::topics::{Declaration, Principals, access};

/// How long a cluster may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// Checks them; the connection, if brokers answer.
pub(super) fn check(
    args: &DoctorArgs,
    bus: &BusConfig,
    report: &mut Report,
) -> anyhow::Result<Option<Admin>> {
    // Before anything is waited for: what is wrong with the command is no finding.
    let scope = match Declaration::load(&args.topics) {
        Ok(declaration) => Ok(Scope::of(args, declaration)?),
        Err(error) => Err(Check::failed(
            "topics",
            format!("{error:#}"),
            "--topics FILE: the declaration, topics/topics.yaml of the repository",
        )),
    };
    let admin = Admin::new(bus)?;
    let answers = brokers(&admin, bus);
    let down = answers.state == State::Failed;
    report.add(answers)?;
    match scope {
        Err(check) => report.add(check)?,
        Ok(_) if down => {
            report.add(Check::skipped("topics", "no broker answers"))?;
            report.add(Check::skipped("acls", "no broker answers"))?;
        }
        Ok(scope) => match admin.plan(&scope.declared) {
            Ok(plan) => scope.tell(args, &plan, report)?,
            Err(error) => report.add(Check::failed_by(
                "topics",
                &error,
                "look as a user with the role operator, which sees topics, their settings and ACLs",
            ))?,
        },
    }
    Ok((!down).then_some(admin))
}

fn brokers(admin: &Admin, bus: &BusConfig) -> Check {
    let how = "start it, or say where it is and how to log in: --brokers, --kafka-options (docs/SECURITY.md)";
    let mut check = match admin.brokers(PATIENCE) {
        Ok(count) => Check::ok("brokers", format!("{count} at {}", bus.brokers)),
        Err(error) => Check::failed_by("brokers", &error, how),
    };
    // What the cluster complained of is better advice than the question that stands in its place.
    if check.fix.as_ref().is_some_and(|fix| fix.ends_with('?')) {
        check.fix = Some(how.to_owned());
    }
    check
}

/// What of the declaration is looked at.
struct Scope {
    declared: Declared,
    /// Roles that nobody has; `None`: nobody said who has which.
    without: Option<Vec<String>>,
}

impl Scope {
    fn of(args: &DoctorArgs, mut declaration: Declaration) -> anyhow::Result<Self> {
        let principals = match &args.principals {
            Some(file) => Some(Principals::load(file, &declaration)?),
            None => None,
        };
        let mut granted = principals
            .as_ref()
            .map(|principals| access(&declaration, principals));
        let mut without = principals.as_ref().map(|principals| {
            let names = principals.without(&declaration).into_iter();
            names.map(str::to_owned).collect::<Vec<_>>()
        });
        if let Some(name) = &args.role {
            let Some(role) = declaration.roles.get(name) else {
                let roles: Vec<&str> = declaration.roles.keys().map(String::as_str).collect();
                bail!(
                    "--role {name} is not declared; roles are {}",
                    roles.join(", ")
                );
            };
            if !role.observes {
                declaration.topics.retain(|topic| {
                    let mut roles = topic.roles.produce.iter().chain(&topic.roles.consume);
                    roles.any(|one| one == name)
                });
            }
            if let (Some(granted), Some(principals)) = (&mut granted, &principals) {
                keep(granted, principals.of(name));
            }
            if let Some(without) = &mut without {
                without.retain(|one| one == name);
            }
        }
        Ok(Self {
            declared: Declared {
                topics: declaration.specs(),
                access: granted,
            },
            without,
        })
    }

    fn tell(&self, args: &DoctorArgs, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
        for topic in &self.declared.topics {
            report.add(of_topic(topic, plan, args))?;
        }
        for check in self.of_acls(plan, args) {
            report.add(check)?;
        }
        Ok(())
    }

    fn of_acls(&self, plan: &Plan, args: &DoctorArgs) -> Vec<Check> {
        let Some(access) = &self.declared.access else {
            let why = if plan.no_authorizer {
                "this broker has no authorizer: whoever reaches it may read and write everything"
            } else {
                "--principals FILE says who has which role"
            };
            return vec![Check::skipped("acls", why)];
        };
        let mut checks = Vec::new();
        for role in self.without.iter().flatten() {
            checks.push(Check::skipped(
                format!("acls of role {role}"),
                "nobody has it",
            ));
        }
        if plan.differences.contains(&Difference::NoAuthorizer) {
            let found =
                "the broker has no authorizer: whoever reaches it may read and write everything";
            let fix = "set authorizer.class.name on the broker, or leave --principals out";
            checks.push(Check::failed("acls", found, fix));
            return checks;
        }
        if plan.differences.contains(&Difference::AclsHidden) {
            let found = "this client may not read them";
            let fix = "look as a user with the role operator, or grant Describe on the cluster";
            checks.push(Check::failed("acls", found, fix));
            return checks;
        }
        let mut missing: BTreeMap<&str, Vec<&Acl>> = BTreeMap::new();
        let mut beyond: BTreeMap<&str, Vec<&Acl>> = BTreeMap::new();
        for difference in &plan.differences {
            match difference {
                Difference::NotGranted(acl) => missing.entry(&acl.principal).or_default().push(acl),
                Difference::Undeclared(acl) => beyond.entry(&acl.principal).or_default().push(acl),
                _ => {}
            }
        }
        let others = beyond.keys().copied();
        let all: BTreeSet<&str> = access
            .principals
            .iter()
            .map(String::as_str)
            .chain(others)
            .collect();
        for principal in all {
            let name = format!("acls of {principal}");
            match (missing.get(principal), beyond.get(principal)) {
                (Some(acls), _) => {
                    let found = format!("not granted: {}", listed(acls));
                    checks.push(Check::failed(name, found, apply(args, true)));
                }
                (None, Some(acls)) => {
                    let found = format!("granted and not declared: {}", listed(acls));
                    let fix =
                        "declare it (topics/README.md), or take it away: kafka-acls.sh --remove";
                    checks.push(Check::warning(name, found, fix));
                }
                (None, None) => checks.push(Check::ok(name, "as declared")),
            }
        }
        checks
    }
}

/// Leaves only what these principals have.
fn keep(access: &mut Access, principals: &[String]) {
    access.principals.retain(|one| principals.contains(one));
    access
        .acls
        .retain(|acl| principals.contains(&acl.principal));
}

fn listed(acls: &[&Acl]) -> String {
    let shown: Vec<String> = acls.iter().map(ToString::to_string).collect();
    shown.join(", ")
}

/// The command that makes it so.
fn apply(args: &DoctorArgs, acls: bool) -> String {
    let mut command = format!("weir topics apply --brokers {}", args.broker.brokers);
    if args.topics != std::path::Path::new(super::DECLARATION) {
        command.push_str(&format!(" --file {}", args.topics.display()));
    }
    if let (true, Some(file)) = (acls, &args.principals) {
        command.push_str(&format!(" --principals {}", file.display()));
    }
    command
}

fn of_topic(topic: &TopicSpec, plan: &Plan, args: &DoctorArgs) -> Check {
    let mut found = Vec::new();
    let mut fixes = Vec::new();
    for difference in &plan.differences {
        if difference.topic() != Some(&topic.name) {
            continue;
        }
        let (what, fix) = of_difference(difference, args);
        found.push(what);
        if !fixes.contains(&fix) {
            fixes.push(fix);
        }
    }
    let name = format!("topic {}", topic.name);
    if found.is_empty() {
        return Check::ok(
            name,
            format!("{} partitions, as declared", topic.partitions),
        );
    }
    Check::failed(name, found.join(", "), fixes.join("; then "))
}

fn of_difference(difference: &Difference, args: &DoctorArgs) -> (String, String) {
    let file = args.topics.display();
    match difference {
        Difference::Partitions {
            found, declared, ..
        } => (
            format!("it has {found} partitions and {declared} are declared"),
            format!(
                "never change it in place, keys would move: declare a new topic (v2) with {declared} and drain this one, or \
                 declare {found} in {file}"
            ),
        ),
        Difference::Replication {
            found, declared, ..
        } => (
            format!("its replication factor is {found} and {declared} is declared"),
            format!("kafka-reassign-partitions.sh, or declare {found} in {file}"),
        ),
        Difference::Setting {
            key,
            before,
            declared,
            ..
        } => (
            format!(
                "{key} is {} and {declared} is declared",
                before.as_deref().unwrap_or("unset")
            ),
            apply(args, false),
        ),
        // The others are of no topic.
        _ => ("it does not exist".to_owned(), apply(args, false)),
    }
}

//! The registry, and what it knows of this version's schemas.

use weir_registry::{CallError, Client, FULL_TRANSITIVE};
use weir_wire::Subject;

use super::DoctorArgs;
use super::report::{Check, Report};
use crate::schemas::{Done, What, register};

pub(super) fn check(args: &DoctorArgs, report: &mut Report) -> anyhow::Result<()> {
    let Some(url) = &args.registry else {
        let why = "--registry URL names one; without it ids are compiled in";
        return Ok(report.add(Check::skipped("registry", why))?);
    };
    let client = match Client::new(url) {
        Ok(client) => client,
        Err(error) => {
            return Ok(report.add(Check::failed_by("registry", &error, "--registry URL"))?);
        }
    };
    let subjects = args.subjects.subjects();
    let mut answers = false;
    for subject in Subject::ALL {
        let name = subjects.name(subject);
        let done = match register(&client, subject, name, true) {
            Ok(done) => done,
            Err(error) => {
                let why = error
                    .downcast_ref::<CallError>()
                    .map_or_else(|| format!("{error:#}"), ToString::to_string);
                let fix = "start it, or name another with --registry";
                return Ok(report.add(Check::failed_by("registry", &why, fix))?);
            }
        };
        if !answers {
            report.add(Check::ok("registry", format!("{} answers", client.url())))?;
            answers = true;
        }
        report.add(of_subject(name, &done, client.url()))?;
    }
    Ok(())
}

fn of_subject(subject: &str, done: &Done, url: &str) -> Check {
    let name = format!("schema {subject}");
    let register = format!("weir schemas register --registry {url}");
    match (done.what, &done.compatibility_was) {
        (What::Refused, _) => Check::failed(
            name,
            format!("incompatible: {}", done.refused.join(", ")),
            format!(
                "weir schemas check --registry {url} names the fields; run the release that fits what is registered, or, for what \
                 breaks compatibility, make a new topic (v2, schemas/README.md)"
            ),
        ),
        (What::Registered, _) => Check::failed(name, "not registered", register),
        (What::Unchanged, Some(was)) => {
            let was = if was.is_empty() { "unset" } else { was };
            let found = format!("its compatibility is {was}, not {FULL_TRANSITIVE}");
            Check::warning(name, found, register)
        }
        (What::Unchanged, None) => {
            let id = done.id.map_or_else(String::new, |id| format!(", id {id}"));
            Check::ok(name, format!("registered{id}"))
        }
    }
}

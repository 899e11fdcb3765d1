//! Policies, ONNX Runtime and models.

use weir_infer::{Classifier as _, FastModel, InferError, check_runtime};
use weir_policy::PolicySet;

use super::DoctorArgs;
use super::report::{Check, Report};

/// Which roles judge by the fast model, and which by the heavy one.
const FAST: &str = "gate";
const HEAVY: &str = "rescorer";

pub(super) fn check(args: &DoctorArgs, report: &mut Report) -> anyhow::Result<()> {
    let is_for = |role| args.role.as_deref() == Some(role);
    let fast = args.role.is_none() || is_for(FAST);
    let heavy = is_for(HEAVY);
    if !fast && !heavy {
        for name in ["policies", "onnx runtime", "model"] {
            report.add(Check::skipped(name, "this role has none"))?;
        }
        return Ok(());
    }
    report.add(policies(args))?;
    if fast {
        let runtime = check_runtime();
        report.add(match &runtime {
            Ok(()) => Check::ok("onnx runtime", "it loads"),
            Err(error) => Check::failed_by("onnx runtime", error, "scripts/onnxruntime"),
        })?;
        report.add(fast_model(args))?;
    }
    report.add(if heavy {
        heavy_model(args)
    } else {
        Check::skipped("heavy model", "only rescorers have it: --role rescorer")
    })?;
    Ok(())
}

fn policies(args: &DoctorArgs) -> Check {
    match PolicySet::load(&args.policies) {
        Ok(policies) => {
            let (tenants, rules) = (policies.tenants().count(), policies.rules().len());
            Check::ok(
                "policies",
                format!("for {tenants} tenants, with {rules} rules"),
            )
        }
        Err(error) => {
            let dir = args.policies.display();
            let fix = format!(
                "correct it, then: weir policy check {dir}; or name another folder with --policies"
            );
            Check::failed("policies", error.to_string(), fix)
        }
    }
}

fn fast_model(args: &DoctorArgs) -> Check {
    match FastModel::load(&args.model) {
        Ok(model) => loaded("model", &model.describe().name, &model.describe().hash),
        // Files are looked at first: what is wrong with them would have been said.
        Err(InferError::RuntimeMissing { .. } | InferError::RuntimeBroken { .. }) => {
            Check::skipped(
                "model",
                "its files are those of its manifest; it cannot be tried without ONNX Runtime",
            )
        }
        Err(error) => Check::failed_by("model", &error, "--model DIR"),
    }
}

fn heavy_model(args: &DoctorArgs) -> Check {
    match args.heavy.load() {
        Ok(model) => loaded(
            "heavy model",
            &model.describe().name,
            &model.describe().hash,
        ),
        Err(error) => Check::failed_by(
            "heavy model",
            &format!("{error:#}"),
            "--heavy-model DIR, --e5 DIR",
        ),
    }
}

fn loaded(check: &str, name: &str, hash: &str) -> Check {
    let short = hash.get(..12).unwrap_or(hash);
    Check::ok(check, format!("{name}, SHA-256 {short}..."))
}

//! The breaker.

use serde_json::Value;
use weir_client::{Admission, Breaker};
use weir_types::Micros;

use super::{Played, same};

pub(crate) fn play(scenario: &Value) -> Played {
    let setup = &scenario["setup"];
    let threshold = u32::try_from(setup["threshold"].as_u64().unwrap()).unwrap();
    let probe_every = Micros(setup["probe_every_us"].as_u64().unwrap());
    let mut breaker = Breaker::new(threshold, probe_every);
    for (number, step) in scenario["steps"].as_array().unwrap().iter().enumerate() {
        let now = Micros(step["at_us"].as_u64().unwrap());
        if step["timeout"] == true {
            breaker.on_timeout(now);
        } else if step["answer"] == true {
            breaker.on_answer();
        } else {
            let told = match breaker.admit(now) {
                Admission::Normal => "normal",
                Admission::Probe => "probe",
                Admission::Bypass => "bypass",
            };
            let wanted = step["admit"].as_str().unwrap();
            same(&format!("step {number}"), &told, &wanted)?;
        }
    }
    Ok(())
}

//! `weir rescore` beside `weir up`, with a small heavy model. What Kafka's transactions add is tested in `weir-rescore`.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::PATIENCE;
use common::gate::ask;
use common::tool::{HEAVY, HEAVY_E5, finish, weir};
use serde_json::Value;
use weir_testkit::Process;

/// Stands in the text; must not be seen anywhere else.
const MARKER: &str = "zwiebelfisch";

#[test]
fn what_is_flagged_gets_its_second_look() {
    let mut up =
        Process::spawn(&mut weir(["up", "--rules-only", "--admin", "127.0.0.1:0"])).unwrap();
    let broker = up
        .wait_for_line(PATIENCE, |line| line.starts_with("broker "))
        .unwrap();
    let address = broker.split_whitespace().nth(1).unwrap().to_owned();
    let on_it = ["--brokers", &address, "--embedded-broker"];

    let mut command = weir(["rescore", "--at-least-once", "--admin", "127.0.0.1:0"]);
    command.args(on_it);
    command.args(["--heavy-model", HEAVY, "--e5", HEAVY_E5]);
    let mut rescorer = Process::spawn(&mut command).unwrap();
    let admin = rescorer.wait_for_line(PATIENCE, |line| line.starts_with("admin "));
    let admin = admin.unwrap();

    let text = format!("{MARKER}: my card is 4111 1111 1111 1111");
    let sent = finish(weir(["send", "--wait", &text]).args(on_it));
    assert_eq!(sent.code, Some(0), "{sent:?}");
    let tail = || {
        let mut tail = weir(["tail", "moderation", "--from-beginning", "--count", "1"]);
        tail.args(on_it);
        tail
    };
    let found = finish(tail().arg("--json"));
    let record: Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(record["model"]["name"], "heavy-small-1");
    assert_eq!(record["fast_action"], "attenuate");
    assert_eq!(record["selection_reason"], "flagged");
    assert_eq!(
        record["span"]["end"].as_u64(),
        u64::try_from(text.len()).ok()
    );
    assert_ne!(record["outcome"], "unjudged");
    let for_people = finish(&mut tail());
    assert!(
        for_people.stdout.contains("attenuate -> "),
        "{for_people:?}"
    );

    let admin = admin.split("http://").nth(1).unwrap();
    let ready = ask(admin.split(' ').next().unwrap(), "/ready");
    assert!(
        ready.starts_with("200 ") && ready.contains("at least once"),
        "{ready}"
    );

    rescorer.terminate().unwrap();
    assert_eq!(rescorer.wait(PATIENCE).unwrap().code(), Some(0));
    let said = [
        rescorer.lines(),
        up.lines(),
        vec![found.stdout, for_people.stdout],
    ]
    .concat();
    assert!(!said.iter().any(|line| line.contains(MARKER)), "{said:?}");
    up.terminate().unwrap();
    up.wait(PATIENCE).unwrap();
}

#[test]
fn without_its_model_it_says_where_to_get_it() {
    for (options, why) in [
        (
            ["--heavy-model=no/such", "--admin=127.0.0.1:0"],
            "cannot read model file no/such/model.json",
        ),
        (["--heavy-model", HEAVY], "run `scripts/e5`"),
    ] {
        let refused = finish(weir(["rescore", "--e5=no/such"]).args(options));
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains(why), "{refused:?}");
    }
}

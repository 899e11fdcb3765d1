//! `weir calibrate`: from a day of traffic on Apache Kafka to a policy that a gate judges by.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use common::cluster::{Cluster, PARTITIONS, frame, prompt};
use common::gate::Gate;
use common::repository;
use common::tool::{Finished, finish, weir};
use serde_json::{Value, json};
use weir_bus::OutRecord;
use weir_testkit::{kafka_or_skip, unique_name};
use weir_types::{Action, Category, CategoryScore, ModelRef, Outcome, Verdict, logistic};
use weir_wire::Moderation;

/// Stands where a client could put text; must not be seen.
const MARKER: &str = "zwiebelfisch";
/// Texts of the day.
const TEXTS: u64 = 9000;
const POLICY: &str = "\
id: default
version: \"1\"
tenants: [\"*\"]
second_look: { uncertain: 0.1, sample: 0.2 }
categories:
  # A comment that stays.
  hate: { warn: 0.5, block: 0.9 }
";

/// What drew the day's labels.
fn truth(raw: f32, language: &str) -> f64 {
    let (slope, offset) = if language == "de" {
        (0.8, 0.5)
    } else {
        (1.5, -1.0)
    };
    f64::from(logistic(slope * f64::from(raw) + offset))
}

/// Numbers in `0..1` that repeat from run to run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn fast_model() -> ModelRef {
    let manifest = std::fs::read(repository().join("models/fast/model.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let text = |key: &str| manifest[key].as_str().unwrap().to_owned();
    ModelRef {
        name: format!("{}-{}", text("name"), text("version")),
        hash: text("sha256"),
    }
}

fn policies() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("default.yaml"), POLICY).unwrap();
    folder
}

/// One text of the day.
struct Text {
    verdict: Verdict,
    moderation: Option<Moderation>,
    label: Option<Value>,
}

fn text(number: u64, model: &ModelRef, random: &mut Random) -> Text {
    let language = ["en", "de-AT", "sv"][if number.is_multiple_of(50) {
        2
    } else {
        usize::from(number.is_multiple_of(2))
    }];
    #[expect(clippy::cast_possible_truncation, reason = "a logit")]
    let raw = (8.0 * random.next() - 5.0) as f32;
    let positive = random.next() < truth(raw, &language[..2]);
    let score = |category| CategoryScore {
        category,
        raw,
        calibrated: 0.25,
        threshold: 0.5,
        margin: -0.25,
    };
    let example = include_str!("../../../schemas/examples/verdict.json");
    let mut verdict: Verdict = serde_json::from_str(example).unwrap();
    verdict.verdict_id = format!("{number:032x}");
    verdict.request_id = format!("r-{number}");
    verdict.stream_id = None;
    verdict.findings.clear();
    verdict.would_action = Action::Allow;
    verdict.scores = Category::ALL.map(score).to_vec();
    verdict.provenance.policy_id = "default".to_owned();
    verdict.provenance.language = language.to_owned();
    verdict.provenance.models = vec![model.clone()];
    verdict.completion = Some(MARKER.to_owned());
    let probability = if raw > 0.0 { 1.0 } else { 0.2 };
    if random.next() >= probability {
        return Text {
            verdict,
            moderation: None,
            label: None,
        };
    }
    // The heavy model finds all harm, and one harmless text in ten besides.
    let heavy = CategoryScore {
        margin: if positive || number.is_multiple_of(10) {
            0.25
        } else {
            -0.25
        },
        ..score(Category::Hate)
    };
    let example = include_str!("../../../schemas/examples/moderation.json");
    let moderation = Moderation {
        moderation_id: format!("{:032x}", number + 1_000_000),
        verdict_id: verdict.verdict_id.clone(),
        request_id: verdict.request_id.clone(),
        stream_id: None,
        inclusion_probability: probability,
        outcome: Outcome::Confirmed,
        fast_scores: verdict.scores.clone(),
        heavy_scores: vec![heavy],
        locale_hint: Some(MARKER.to_owned()),
        ..serde_json::from_str(example).unwrap()
    };
    let label = json!({"verdict_id": verdict.verdict_id, "labels": {"hate": u8::from(positive)}});
    Text {
        verdict,
        moderation: Some(moderation),
        label: Some(label),
    }
}

/// Writes the day to topics, and its labels to a file.
fn write_day(cluster: &Cluster, moderation: &str, labels: &Path) {
    let model = fast_model();
    let mut random = Random(7);
    let (mut verdicts, mut moderated, mut lines) = (Vec::new(), Vec::new(), String::new());
    for number in 0..TEXTS {
        let text = text(number, &model, &mut random);
        verdicts.push(frame(&text.verdict));
        moderated.extend(text.moderation.as_ref().map(frame));
        if let Some(label) = text.label {
            writeln!(lines, "{label}").unwrap();
        }
    }
    // What does not count: a repeat, a stream's, another policy's, another model's, rules alone, and no verdict at all.
    let other = |change: fn(&mut Verdict)| {
        let mut verdict = text(TEXTS, &model, &mut Random(9)).verdict;
        verdict.verdict_id = "f".repeat(32);
        change(&mut verdict);
        frame(&verdict)
    };
    verdicts.push(verdicts[0].clone());
    verdicts.push(other(|verdict| verdict.stream_id = Some("s".to_owned())));
    verdicts.push(other(|verdict| {
        verdict.provenance.policy_id = "acme".to_owned();
    }));
    verdicts.push(other(|verdict| {
        verdict.provenance.models[0].hash = "0".repeat(64);
    }));
    verdicts.push(other(|verdict| {
        verdict.verdict_id = "e".repeat(32);
        verdict.scores.clear();
    }));
    verdicts.push(MARKER.as_bytes().to_vec());
    lines += "{\"request_id\":\"of another day\",\"benign\":true}\n";
    std::fs::write(labels, lines).unwrap();
    for (topic, payloads) in [
        (cluster.verdicts.as_str(), &verdicts),
        (moderation, &moderated),
    ] {
        let records: Vec<_> = (0..PARTITIONS)
            .cycle()
            .zip(payloads)
            .map(|(partition, payload)| OutRecord {
                topic,
                partition: Some(partition),
                key: Some(b"r"),
                payload,
                header: None,
            })
            .collect();
        cluster.produce(&records);
    }
}

fn json_of(finished: &Finished) -> Value {
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(!finished.stdout.contains(MARKER) && !finished.stderr.contains(MARKER));
    serde_json::from_str(&finished.stdout).unwrap()
}

fn category<'a>(report: &'a Value, name: &str) -> &'a Value {
    let categories = report["categories"].as_array().unwrap();
    categories
        .iter()
        .find(|one| one["category"] == name)
        .unwrap()
}

#[test]
fn from_a_day_of_traffic_to_a_gate_that_judges_so() {
    let Some(kafka) = kafka_or_skip() else {
        return;
    };
    let cluster = Cluster::on(kafka);
    let moderation = unique_name("moderation");
    cluster.make(&moderation, 1 << 20);
    let (folder, policies) = (tempfile::tempdir().unwrap(), policies());
    let file = |name: &str| folder.path().join(name);
    let labels = file("labels.jsonl");
    write_day(&cluster, &moderation, &labels);

    let base = policies.path().join("default.yaml");
    let calibrate = |target: &[&str]| {
        let mut command = weir([
            "calibrate",
            "--brokers",
            kafka.bootstrap(),
            "--since",
            "1h",
            "--bootstrap",
            "200",
        ]);
        command.args([
            "--verdicts-topic",
            &cluster.verdicts,
            "--moderation-topic",
            &moderation,
        ]);
        command.arg("--policies").arg(policies.path()).args(target);
        command
    };
    let out = file("reviewed.yaml");
    let mut command = calibrate(&["--json", "--target-fpr", "0.02", "--policy-version", "2"]);
    command.arg("--labels").arg(&labels);
    command.arg("--apply-to").arg(&base).arg("--out").arg(&out);
    command
        .arg("--html")
        .arg(file("page.html"))
        .arg("--patch")
        .arg(file("patch.yaml"));
    let report = json_of(&finish(&mut command));

    assert_eq!(report["target"]["kind"], "human_labels");
    let counted: BTreeMap<&str, u64> = report["rows"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, count)| (name.as_str(), count.as_u64().unwrap()))
        .collect();
    for (name, wanted) in [
        ("read", TEXTS + 6),
        ("unreadable", 1),
        ("repeated", 1),
        ("of_streams", 1),
        ("of_other_policies", 1),
        ("of_other_models", 1),
        ("without_scores", 1),
        ("without_text", 1),
        // Moderation tells with what probability.
        ("of_unknown_probability", 0),
        ("traffic", TEXTS + 1),
    ] {
        assert_eq!(counted[name], wanted, "{name} of {counted:?}");
    }
    let hate = category(&report, "hate");
    let number = |value: &Value| value.as_f64().unwrap();
    let curve = &hate["curve"];
    let slope = number(&curve["slopes"]["en"]);
    assert!((slope - 1.5).abs() < 0.2, "{curve}");
    assert!(
        (number(&curve["slopes"]["de"]) - 0.8).abs() < 0.1,
        "{curve}"
    );
    let offset = |locale: &str| number(&curve["intercept"]) + number(&curve["shifts"][locale]);
    assert!((offset("en") + 1.0).abs() < 0.25, "{curve}");
    assert!((offset("de") - 0.5).abs() < 0.25, "{curve}");
    let refused: Vec<_> = hate["cells"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|cell| !cell["refused"].is_null())
        .map(|cell| cell["locale"].as_str().unwrap())
        .collect();
    assert_eq!(refused, ["sv"]);
    let why = category(&report, "violence")["kept_because"]
        .as_str()
        .unwrap();
    assert!(why.contains("0 positives of at least 100"), "{why}");
    for errors in hate["errors"].as_array().unwrap() {
        assert!(
            number(&errors["after"]) < number(&errors["before"]),
            "{errors}"
        );
    }
    let [low, high] =
        [0, 1].map(|at| number(&hate["threshold"]["reported_after"]["fpr"]["interval"][at]));
    assert!(low < 0.02 && 0.02 < high, "{hate}");
    assert_eq!(report["impact"][0]["texts"], TEXTS + 1);

    // Nothing is applied: it is for whoever reviews it to put the file in its place.
    assert_eq!(std::fs::read_to_string(&base).unwrap(), POLICY);
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(text.contains("# A comment that stays."), "{text}");
    let patch = std::fs::read_to_string(file("patch.yaml")).unwrap();
    assert!(
        patch.contains("# Target: human_labels (labels.jsonl)"),
        "{patch}"
    );
    let page = std::fs::read_to_string(file("page.html")).unwrap();
    assert!(page.contains("Reliability of hate, proposed") && page.contains("human_labels"));
    assert!(!page.contains(MARKER) && !patch.contains(MARKER));
    let again = finish(&mut command);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.stderr.contains("is there already"), "{again:?}");

    std::fs::copy(&out, &base).unwrap();
    let checked = finish(weir(["policy", "check"]).arg(policies.path()));
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(checked.stdout.contains("version 2"), "{checked:?}");
    judged_by_it(&cluster, policies.path(), curve);

    // Against the heavy model, and said so: it finds more than there is.
    std::fs::write(&base, POLICY).unwrap();
    let other = json_of(&finish(&mut calibrate(&[
        "--json",
        "--target",
        "moderation",
    ])));
    assert_eq!(other["target"]["kind"], "heavy_model");
    assert_eq!(other["target"]["name"], "heavy-e5-1");
    assert!(
        other["target"]["note"]
            .as_str()
            .unwrap()
            .contains("no figure here is an accuracy")
    );
    let other = &category(&other, "hate")["curve"];
    assert!(number(&other["slopes"]["de"]) < slope, "{other} {curve}");
    let for_people = finish(&mut calibrate(&["--target", "moderation"]));
    assert!(
        for_people
            .stdout
            .contains("target    heavy_model (heavy-e5-1)"),
        "{for_people:?}"
    );
    assert!(
        for_people.stdout.contains("# Target: heavy_model"),
        "{for_people:?}"
    );
}

/// A gate's verdicts have the new probabilities beside the model's own scores.
fn judged_by_it(cluster: &Cluster, policies: &Path, curve: &Value) {
    let german = "Wie wird das Wetter heute in den Bergen, und wann gehen wir dann endlich los?";
    let english =
        "What is the weather going to be like in the mountains today, and when do we leave?";
    let judging = Cluster {
        verdicts: unique_name("verdicts"),
        ..cluster.clone()
    };
    judging.make_verdicts();
    let gate = Gate::start_under(&judging, policies.to_str().unwrap());
    let frames = [("de", german), ("en", english)].map(|(id, text)| frame(&prompt(id, text)));
    let records: Vec<_> = frames
        .iter()
        .zip([b"de", b"en"])
        .map(|(payload, key)| OutRecord {
            topic: &judging.prompts,
            partition: Some(0),
            key: Some(key),
            payload,
            header: None,
        })
        .collect();
    judging.produce(&records);
    common::wait_until("both are judged", || {
        gate.metric("weir_verdicts_total") >= 2.0
    });
    gate.stop();
    let verdicts = judging.all_verdicts();
    assert_eq!(verdicts.len(), 2);
    let number = |value: &Value| value.as_f64().unwrap();
    for answered in verdicts {
        let (id, scores) = (answered.verdict.request_id, answered.verdict.scores);
        let hate = scores
            .iter()
            .find(|score| score.category == Category::Hate)
            .unwrap();
        let logit = number(&curve["slopes"][&id]) * f64::from(hate.raw)
            + number(&curve["intercept"])
            + number(&curve["shifts"][&id]);
        assert_eq!(hate.calibrated, logistic(logit), "{id}");
        assert_eq!(answered.verdict.provenance.policy_version, "2");
    }
}

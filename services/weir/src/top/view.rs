//! What the screen shows. Pure: a snapshot in, a frame out.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Row, Table};

use crate::status::{
    Endpoint, Snapshot, Vitals, count, duration, mebibytes, partitions, quantiles, rate,
};

const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
/// Of what someone should look at. Not a colour alone: not everybody sees them.
const ALARM: Style = Style::new().add_modifier(Modifier::REVERSED);

const GATES: [(&str, u16); 13] = [
    ("gate", 22),
    ("state", 9),
    ("records/s", 9),
    ("verdicts/s", 10),
    ("unjudged/s", 10),
    ("p50", 8),
    ("p95", 8),
    ("p99", 8),
    ("queued", 6),
    ("streams", 7),
    ("held back", 9),
    ("cores", 5),
    ("memory", 9),
];
const LANES: [(&str, u16); 5] = [
    ("lane, by group", 28),
    ("member", 24),
    ("topic", 24),
    ("partitions", 12),
    ("lag", 10),
];

/// Draws the newest look; `None`: there was none yet.
pub(super) fn render(frame: &mut Frame<'_>, snapshot: Option<&Snapshot>) {
    let Some(snapshot) = snapshot else {
        frame.render_widget(Line::from("looking..."), frame.area());
        return;
    };
    let gates = gates(snapshot);
    let lanes = lanes(snapshot);
    let alarms = alarms(snapshot);
    let height = |rows: usize| u16::try_from(rows).unwrap_or(u16::MAX);
    let areas: [_; 6] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(height(alarms.len())),
        Constraint::Length(1),
        Constraint::Length(height(gates.len() + 2)),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let [title, alarm_area, _, gate_area, lane_area, keys] = areas;
    frame.render_widget(Line::from(headline(snapshot)).style(BOLD), title);
    for (line, row) in alarms.into_iter().zip(alarm_area.rows()) {
        frame.render_widget(Line::from(line).style(ALARM), row);
    }
    frame.render_widget(table(&GATES, gates), gate_area);
    frame.render_widget(table(&LANES, lanes), lane_area);
    frame.render_widget(Line::from("q: leave"), keys);
}

/// One line for all of it; the same where there is no terminal.
pub(super) fn headline(snapshot: &Snapshot) -> String {
    let none = Vitals::default();
    let total = snapshot.total.as_ref().unwrap_or(&none);
    let [p50, p95, p99] = quantiles(total.latency);
    let ready = snapshot.endpoints.iter().filter(|one| one.ready).count();
    format!(
        "{}  records/s {}  verdicts/s {}  unjudged/s {}  p50 {p50}  p95 {p95}  p99 {p99}  lag {}  ready {ready}/{}",
        snapshot.brokers,
        rate(total.records_per_s),
        rate(total.verdicts_per_s),
        rate(total.unjudged_per_s),
        snapshot.cluster.lag(),
        snapshot.endpoints.len(),
    )
}

/// What someone should look at.
fn alarms(snapshot: &Snapshot) -> Vec<String> {
    let trouble = snapshot.trouble.iter().cloned();
    let missing = snapshot.cluster.topics.iter();
    let missing = missing
        .filter(|topic| topic.partitions.is_none())
        .map(|topic| format!("topic {} does not exist", topic.name));
    let endpoints = snapshot.endpoints.iter();
    let unready = endpoints
        .clone()
        .filter(|one| !one.ready)
        .map(|one| format!("{}: {}", one.address, one.reasons.join(", ")));
    let circuits = endpoints
        .filter(|one| one.vitals.as_ref().and_then(|vitals| vitals.open_circuits) > Some(0.0))
        .map(|one| {
            format!(
                "{}: the classifier's circuit is open, verdicts are by rules alone",
                one.address
            )
        });
    trouble
        .chain(missing)
        .chain(unready)
        .chain(circuits)
        .collect()
}

fn gates(snapshot: &Snapshot) -> Vec<Row<'static>> {
    snapshot.endpoints.iter().map(gate).collect()
}

fn gate(endpoint: &Endpoint) -> Row<'static> {
    let none = Vitals::default();
    let vitals = endpoint.vitals.as_ref().unwrap_or(&none);
    let [p50, p95, p99] = quantiles(vitals.latency);
    let state = if endpoint.ready { "ready" } else { "not ready" };
    Row::new([
        endpoint.address.clone(),
        state.to_owned(),
        // A rescorer takes records of another kind.
        rate(vitals.records_per_s.or(vitals.moderation_per_s)),
        rate(vitals.verdicts_per_s),
        rate(vitals.unjudged_per_s),
        p50,
        p95,
        p99,
        count(vitals.queued_records.or(vitals.waiting_flagged_records)),
        count(vitals.open_streams),
        vitals.held_back_s.map_or_else(|| "-".to_owned(), duration),
        vitals
            .cores
            .map_or_else(|| "-".to_owned(), |cores| format!("{cores:.2}")),
        mebibytes(vitals.resident_bytes),
    ])
}

/// A line for each member of a group; for a group without any, one that says so.
fn lanes(snapshot: &Snapshot) -> Vec<Row<'static>> {
    let mut rows = Vec::new();
    for group in &snapshot.cluster.groups {
        if group.members.is_empty() {
            let state = group.state.as_deref().unwrap_or("not told");
            rows.push([
                group.name.clone(),
                format!("none ({state})"),
                group.topic.clone(),
                "-".to_owned(),
                group.lag.to_string(),
            ]);
        }
        rows.extend(group.members.iter().map(|member| {
            [
                group.name.clone(),
                format!("{} at {}", member.client, member.host),
                group.topic.clone(),
                partitions(&member.partitions),
                member.lag.to_string(),
            ]
        }));
    }
    rows.into_iter().map(Row::new).collect()
}

fn table<const N: usize>(
    columns: &[(&'static str, u16); N],
    rows: Vec<Row<'static>>,
) -> Table<'static> {
    let widths = columns.map(|(_, width)| Constraint::Length(width));
    let names = columns.map(|(name, _)| name);
    Table::new(rows, widths).header(Row::new(names).style(BOLD))
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use serde_json::{Value, json};

    use super::*;

    fn screen(snapshot: Option<&Snapshot>, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| render(frame, snapshot)).unwrap();
        terminal.backend().to_string()
    }

    fn snapshot() -> Snapshot {
        let mut snapshot = Snapshot {
            brokers: "kafka:9092".to_owned(),
            ..Snapshot::default()
        };
        let vitals = Vitals {
            records_per_s: Some(1234.0),
            verdicts_per_s: Some(1233.0),
            unjudged_per_s: Some(0.5),
            open_circuits: Some(1.0),
            queued_records: Some(3.0),
            ..Vitals::default()
        };
        snapshot.total = Some(vitals.clone());
        snapshot.endpoints = vec![
            Endpoint {
                address: "gate-a:9464".to_owned(),
                ready: true,
                reasons: Vec::new(),
                vitals: Some(vitals),
            },
            Endpoint {
                address: "gate-b:9464".to_owned(),
                ready: false,
                reasons: vec!["no answer: Connection refused".to_owned()],
                vitals: None,
            },
        ];
        snapshot
    }

    /// The rows of a screen without the quotation marks that the backend puts around them.
    fn rows(screen: &str) -> Vec<String> {
        let rows = screen.lines().map(|row| row.trim_matches('"').trim_end());
        rows.map(str::to_owned).collect()
    }

    #[test]
    fn gates_lanes_and_what_is_wrong_are_on_the_screen() {
        let mut snapshot = snapshot();
        snapshot.cluster = crate::status::Cluster::sample();
        let rows = rows(&screen(Some(&snapshot), 140, 24));
        let has = |words: &[&str]| {
            rows.iter()
                .any(|row| words.iter().all(|word| row.contains(word)))
        };
        assert!(rows[0].starts_with("kafka:9092  records/s 1234  verdicts/s 1233  unjudged/s 0.5"));
        assert!(rows[0].ends_with("lag 7  ready 1/2"), "{}", rows[0]);
        for words in [
            &["topic gone does not exist"][..],
            &["gate-b:9464: no answer: Connection refused"],
            &["gate-a:9464: the classifier's circuit is open"],
            &["gate-a:9464", "ready", "1234", "1233", "0.5"],
            &["gate-b:9464", "not ready", "-"],
            &["gates", "weir at 10.0.0.1", "prompts", "0-1", "7"],
            &["gates-streams", "none (Empty)"],
            &["q: leave"],
        ] {
            assert!(has(words), "{words:?} in\n{}", rows.join("\n"));
        }
    }

    #[test]
    fn any_size_of_screen_will_do() {
        let mut snapshot = snapshot();
        snapshot.cluster = crate::status::Cluster::sample();
        for (width, height) in [(1, 1), (20, 3), (80, 5), (300, 100)] {
            screen(Some(&snapshot), width, height);
        }
        assert!(screen(None, 40, 3).contains("looking..."));
        assert!(rows(&screen(Some(&Snapshot::default()), 80, 24))[0].contains("ready 0/0"));
    }

    #[test]
    fn the_names_in_json_are_kept() {
        let value: Value = serde_json::to_value(snapshot()).unwrap();
        assert_eq!(value["brokers"], json!("kafka:9092"));
        assert_eq!(value["endpoints"][0]["vitals"]["records_per_s"], 1234.0);
        assert_eq!(value["total"]["unjudged_per_s"], 0.5);
        assert!(value["topics"].is_array() && value["groups"].is_array());
    }
}

//! The admin endpoints over real HTTP on the loopback interface.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes helpers outside #[test] for production code"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use weir_telemetry::{
    AdminError, AdminHandle, BuildInfo, GateMetrics, Health, MetricKind, Registry, RescoreMetrics,
    catalogue, spawn_admin_thread,
};
use weir_types::{Action, Agreement, Category};

const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

struct Answer {
    status: u16,
    content_type: String,
    body: String,
}

fn ask(addr: SocketAddr, path: &str) -> Answer {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers: BTreeMap<String, &str> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    let length: usize = headers["content-length"].parse().unwrap();
    assert_eq!(length, body.len());
    Answer {
        status: status.parse().unwrap(),
        content_type: headers
            .get("content-type")
            .map_or_else(String::new, |&value| value.to_owned()),
        body: body.to_owned(),
    }
}

fn start() -> (GateMetrics, Health, AdminHandle) {
    let registry = Registry::new();
    let build = BuildInfo {
        version: "1.2.3",
        commit: "abc",
    };
    let metrics = GateMetrics::register(&registry, build).unwrap();
    // As in a process that is both; it is the registry that keeps them.
    let rescore = RescoreMetrics::register(&registry).unwrap();
    rescore.lag(0).set(0);
    rescore.compared(Category::Hate, "de", Agreement::Both, 1.0);
    let health = Health::new(Duration::from_secs(10));
    let admin = spawn_admin_thread(ANY_PORT, registry, health.clone()).unwrap();
    (metrics, health, admin)
}

/// Sample names without a histogram's suffixes, checked against the `# TYPE` lines on the way.
fn families(exposition: &str) -> BTreeMap<&str, &str> {
    let types: BTreeMap<&str, &str> = exposition
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| line.split_once(' ').unwrap())
        .collect();
    let mut sampled = BTreeSet::new();
    for line in exposition.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        value.parse::<f64>().unwrap();
        let name = series.split('{').next().unwrap();
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .filter_map(|suffix| name.strip_suffix(suffix))
            .find(|stem| types.get(stem) == Some(&"histogram"))
            .unwrap_or(name);
        assert!(types.contains_key(family), "{line}");
        sampled.insert(family);
    }
    assert!(sampled.iter().eq(types.keys()));
    types
}

#[test]
fn the_exposition_is_the_catalogue() {
    let (metrics, _, admin) = start();
    metrics.topic("weir.prompts.v1").inc_by(3);
    metrics
        .partition("weir.prompts.v1", 11)
        .lag_seconds
        .set(0.5);
    let mut lane = metrics.lane();
    lane.observe_end_to_end(300);
    lane.flush();
    metrics.verdicts(Action::Block).inc();

    let answer = ask(admin.addr(), "/metrics");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.content_type,
        "text/plain; version=0.0.4; charset=utf-8"
    );

    let listed: BTreeMap<&str, &str> = catalogue()
        // Read from /proc: absent where there is none.
        .filter(|spec| cfg!(target_os = "linux") || !spec.name.starts_with("process_"))
        .map(|spec| (spec.name, spec.kind.as_str()))
        .collect();
    assert_eq!(families(&answer.body), listed);

    for line in [
        "weir_records_total{topic=\"weir.prompts.v1\"} 3",
        "weir_lag_seconds{partition=\"11\",topic=\"weir.prompts.v1\"} 0.5",
        "weir_verdicts_total{action=\"block\"} 1",
        "weir_verdicts_total{action=\"allow\"} 0",
        "weir_unjudged_total{cause=\"expired\",detector=\"classifier\"} 0",
        "weir_stage_seconds_count{stage=\"classify\"} 0",
        "weir_end_to_end_seconds_bucket{le=\"0.00025\"} 0",
        "weir_end_to_end_seconds_bucket{le=\"0.0005\"} 1",
        "weir_build_info{commit=\"abc\",version=\"1.2.3\"} 1",
    ] {
        assert!(
            answer.body.lines().any(|found| found == line),
            "{line}\n{}",
            answer.body
        );
    }
    for spec in catalogue().filter(|spec| spec.kind == MetricKind::Histogram) {
        for bound in spec.buckets {
            assert!(
                answer.body.contains(&format!("le=\"{bound}\"")),
                "{}",
                spec.name
            );
        }
    }
    admin.stop().unwrap();
}

#[test]
fn ready_turns_with_its_conditions() {
    let (_, health, admin) = start();
    let ready = || {
        let answer = ask(admin.addr(), "/ready");
        assert_eq!(answer.content_type, "application/json");
        (answer.status, answer.body)
    };
    let not_ready = |reason: &str| {
        let body = format!("{{\"reasons\":[\"{reason}\"],\"status\":\"not_ready\"}}");
        (503, body)
    };
    assert_eq!(ready(), not_ready("starting"));

    let assignment = health.condition("assignment", "waiting for partition assignment");
    assert_eq!(
        ready(),
        not_ready("assignment: waiting for partition assignment")
    );
    assignment.ok();
    assert_eq!(
        ready(),
        (200, "{\"reasons\":[],\"status\":\"ready\"}".to_owned())
    );
    health.note("at least once");
    let noted = "{\"notes\":[\"at least once\"],\"reasons\":[],\"status\":\"ready\"}";
    assert_eq!(ready(), (200, noted.to_owned()));
    assignment.not_ok("said \"no\"");
    assert!(ready().1.contains("assignment: said \\\"no\\\""));

    assert_eq!(ask(admin.addr(), "/live").status, 200);
    admin.stop().unwrap();
}

#[test]
fn live_turns_with_the_heartbeat() {
    let health = Health::new(Duration::from_millis(300));
    let admin = spawn_admin_thread(ANY_PORT, Registry::new(), health.clone()).unwrap();
    health.condition("assignment", "waiting").ok();
    assert_eq!(ask(admin.addr(), "/live").status, 200);

    let heartbeat = health.heartbeat("lane-0");
    std::thread::sleep(Duration::from_millis(400));
    let answer = ask(admin.addr(), "/live");
    assert_eq!(answer.status, 503);
    assert!(
        answer.body.contains("lane-0: no heartbeat for"),
        "{}",
        answer.body
    );
    assert!(
        answer.body.ends_with("\"status\":\"not_live\"}"),
        "{}",
        answer.body
    );
    assert_eq!(ask(admin.addr(), "/ready").status, 503);

    heartbeat.retire();
    assert_eq!(ask(admin.addr(), "/live").status, 200);
    assert_eq!(ask(admin.addr(), "/ready").status, 200);
    admin.stop().unwrap();
}

#[test]
fn the_index_names_the_endpoints() {
    let (_, _, admin) = start();
    let index = ask(admin.addr(), "/");
    for path in ["/metrics", "/live", "/ready"] {
        assert!(index.body.contains(path));
        assert_ne!(ask(admin.addr(), path).status, 404, "{path}");
    }
    assert_eq!(ask(admin.addr(), "/nothing").status, 404);
    admin.stop().unwrap();
}

#[test]
fn a_taken_port_is_an_error_with_the_address_and_advice() {
    let taken = TcpListener::bind(ANY_PORT).unwrap();
    let addr = taken.local_addr().unwrap();
    let health = Health::new(Duration::from_secs(1));
    let error = spawn_admin_thread(addr, Registry::new(), health).unwrap_err();
    assert!(matches!(error, AdminError::AddressInUse { .. }), "{error}");
    assert!(error.to_string().contains(&addr.to_string()), "{error}");
    assert!(error.to_string().contains("set another address"), "{error}");
}

#[test]
fn a_request_that_never_ends_does_not_hold_up_the_stop() {
    let (_, _, admin) = start();
    let addr = admin.addr();
    let mut hanging = TcpStream::connect(addr).unwrap();
    hanging.write_all(b"GET /metrics HT").unwrap();
    // An answer shows that the server has taken up the connection before this one.
    assert_eq!(ask(addr, "/live").status, 200);
    let start = Instant::now();
    admin.stop().unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "{:?}",
        start.elapsed()
    );
}

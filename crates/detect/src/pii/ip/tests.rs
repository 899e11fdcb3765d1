//! Invented addresses, and those of the reserved blocks.

use super::*;
use crate::work;

fn found(text: &str) -> Vec<(String, String, f32)> {
    let mut out = Vec::new();
    IpDetector::new().scan(&View::new(text.as_bytes(), 0), &mut out);
    out.into_iter()
        .map(|m| {
            assert_eq!((m.detector, m.category), ("ip", Category::Pii));
            let range =
                usize::try_from(m.span.start).unwrap()..usize::try_from(m.span.end).unwrap();
            (m.rule.to_string(), text[range].to_owned(), m.score)
        })
        .collect()
}

#[test]
fn positives() {
    for (text, rule, address) in [
        ("93.184.17.34", "ipv4", "93.184.17.34"),
        ("from 185.12.44.7.", "ipv4", "185.12.44.7"),
        ("(77.91.3.250)", "ipv4", "77.91.3.250"),
        ("77.91.3.250:8080", "ipv4", "77.91.3.250"),
        ("http://77.91.3.250/index", "ipv4", "77.91.3.250"),
        ("https://77.91.3.250", "ipv4", "77.91.3.250"),
        ("ssh root@77.91.3.250", "ipv4", "77.91.3.250"),
        ("\"ip\":\"77.91.3.250\"", "ipv4", "77.91.3.250"),
        ("client=77.91.3.250,", "ipv4", "77.91.3.250"),
        ("my IP is 4.3.2.1", "ipv4", "4.3.2.1"),
        ("77.91.3.250/32", "ipv4", "77.91.3.250"),
        ("::ffff:77.91.3.250", "ipv4", "77.91.3.250"),
        ("服务器77.91.3.250。", "ipv4", "77.91.3.250"),
        ("172.15.0.1", "ipv4", "172.15.0.1"),
        ("172.32.0.1", "ipv4", "172.32.0.1"),
        ("100.128.0.1", "ipv4", "100.128.0.1"),
        (r"\n77.91.3.250\n", "ipv4", "77.91.3.250"),
        ("77.91.3.250, then left", "ipv4", "77.91.3.250"),
        ("at 77.91.3.250...", "ipv4", "77.91.3.250"),
        ("2a02:8070:d1c4::17", "ipv6", "2a02:8070:d1c4::17"),
        ("[2a02:8070:d1c4::17]:443", "ipv6", "2a02:8070:d1c4::17"),
        ("IP: 2600:1F18:4A3B::9.", "ipv6", "2600:1F18:4A3B::9"),
        (
            "2a02:8070:d1c4:0:1c2b:33aa:ff01:17",
            "ipv6",
            "2a02:8070:d1c4:0:1c2b:33aa:ff01:17",
        ),
        ("2a02:8070:d1c4::17/128", "ipv6", "2a02:8070:d1c4::17"),
        ("see 2a02:8070:d1c4::17: it", "ipv6", "2a02:8070:d1c4::17"),
    ] {
        let left: Vec<_> = found(text).into_iter().map(|(r, a, _)| (r, a)).collect();
        assert_eq!(left, [(rule.to_owned(), address.to_owned())], "{text:?}");
    }
    assert_eq!(found("77.91.3.250-77.91.3.254").len(), 2);
    assert_eq!(found("77.91.3.250 77.91.3.254").len(), 2);
}

#[test]
fn negatives() {
    for text in [
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "127.0.0.1",
        "169.254.10.10",
        "192.0.2.17",
        "198.51.100.7",
        "203.0.113.99",
        "198.18.0.1",
        "100.64.0.1",
        "224.0.0.251",
        "255.255.255.0",
        "240.0.0.1",
        "0.0.0.0",
        "DNS server 8.8.8.8",
        "version 10.14.77.91",
        "Version: 110.0.5481.77",
        "v110.0.81.77",
        "v 110.0.81.77",
        "version is 110.0.81.77",
        "upgraded to 110.0.81.77",
        "Chrome/110.0.81.77 Safari",
        "110.0.81.77-beta",
        "110.0.81.77-1",
        "1.2.3.4",
        "see n1256.html#7.18.2.4",
        "kernel headers (2.6.36.4)",
        "3.12.63.1. Credits",
        "section 11.12.13.14",
        "§ 11.12.13.14",
        "11.12.13.14.15",
        "1.11.12.13.14",
        "OID 11.12.13.14",
        "110.0.5481.77",
        "256.1.1.1",
        "77.91.3",
        "77.91.3.0250",
        "077.91.3.250",
        "77.91.3.250x",
        "x77.91.3.250",
        "77.91.3.0/24",
        "31.12.2024 12.30",
        "12:30:45",
        "2024:01:15 10:30:45",
        "::1",
        "::",
        "a::b",
        "fe80::1",
        "fd00:1234::1",
        "2001:db8::1",
        "2001:0db8:85a3::8a2e:370:7334",
        "2002:c000:204::1",
        "20:01:0d:b8:85:a3",
        "2a02:8070::",
        "2a02:8070:d1c4::/48",
        "std::net::Ipv4Addr",
        "dead::beef",
        "2a02:8070:d1c4:17",
        "2a02:8070:d1c4::17g",
        "3.14 and 2.71",
        "...",
        "a.b.c.d",
    ] {
        assert_eq!(found(text), [], "{text:?}");
    }
}

#[test]
fn words_raise_the_score() {
    assert_eq!(found("77.91.3.250")[0].2, SCORE_ALONE);
    assert_eq!(found("IP address 77.91.3.250")[0].2, SCORE_WORD);
}

#[test]
fn nothing_found_allocates_nothing() {
    let mut out = Vec::new();
    IpDetector::new().scan(&View::new(b"At 12:30. Pi is 3.14: see 1.2.", 0), &mut out);
    assert_eq!(out.capacity(), 0);
}

#[test]
fn cost_is_linear_on_hostile_texts() {
    for unit in [
        ".",
        ":",
        "1.",
        "1.1.1.1 ",
        "77.91.3.250 ",
        "version 1.1.1.1 ",
        "2a02:",
        "2a02::",
        ": ",
        "2a02:1:1::1 ",
        "1.1.1.1/",
        "§1.1.1.1",
        "77.91.3.250-",
    ] {
        let text: Vec<u8> = unit.bytes().cycle().take(1 << 20).collect();
        let mut out = Vec::new();
        let steps = work::count(|| IpDetector::new().scan(&View::new(&text, 0), &mut out));
        assert!(steps <= 40 * text.len(), "{unit:?}: {steps}");
    }
}

#[test]
fn findings_are_local() {
    let v6 = "2a02:8070:d1c4:0:1c2b:33aa:ff01:17";
    for (text, address) in [
        ("the server 77.91.3.250 is", "77.91.3.250"),
        ("and 77.91.3.250, whose host", "77.91.3.250"),
        (v6, v6),
    ] {
        let filler = "of no note ".repeat(20);
        let long = format!("{filler}{text} {filler}");
        let spot = long.find(address).unwrap();
        let window = &long[spot - BEHIND..spot + AHEAD];
        assert_eq!(found(&long), found(window), "{text:?}");
        assert_eq!(found(window).len(), 1, "{text:?}");
    }
}

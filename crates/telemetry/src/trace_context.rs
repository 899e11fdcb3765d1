//! W3C Trace Context, carried in Kafka record headers.

/// The record header that holds a trace context.
pub const TRACEPARENT_HEADER: &str = "traceparent";

/// Length of a version 00 header: `00-<32 hex>-<16 hex>-<2 hex>`.
const LENGTH: usize = 55;
/// "The caller may have recorded trace data."
const SAMPLED: u8 = 0x01;
/// "The trace id is random" (Trace Context level 2); every other bit must be sent as 0.
const RANDOM: u8 = 0x02;

/// Where in a distributed trace a record stands (<https://www.w3.org/TR/trace-context/>).
///
/// Made only by parsing and by [`TraceContext::root`] and [`TraceContext::child`], so both ids
/// are never all zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    flags: u8,
}

impl TraceContext {
    /// Reads the value of a `traceparent` header; `None` when it is invalid, since the
    /// standard asks for an invalid one to be ignored and never for the record to be refused.
    ///
    /// A later version than 00 is read as far as version 00 goes.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (head, rest) = value.split_at_checked(LENGTH)?;
        if [head[2], head[35], head[52]] != [b'-'; 3] {
            return None;
        }
        let [version] = hex_bytes(&head[..2])?;
        let trace_id: [u8; 16] = hex_bytes(&head[3..35])?;
        let span_id: [u8; 8] = hex_bytes(&head[36..52])?;
        let [flags] = hex_bytes(&head[53..])?;

        let known_flags = match version {
            0x00 if rest.is_empty() => SAMPLED | RANDOM,
            0x00 | 0xff => return None,
            // What further fields and bits mean there is unknown, save that bit 0 stays.
            _ if rest.first().is_none_or(|&byte| byte == b'-') => SAMPLED,
            _ => return None,
        };
        if trace_id == [0; 16] || span_id == [0; 8] {
            return None;
        }
        Some(Self {
            trace_id,
            span_id,
            flags: flags & known_flags,
        })
    }

    /// Starts a trace. `random` gives 64 random bits per call and is called three times.
    pub fn root(sampled: bool, mut random: impl FnMut() -> u64) -> Self {
        let mut trace_id = [0; 16];
        trace_id[..8].copy_from_slice(&random().to_be_bytes());
        // Non-zero low half: enough to keep the whole id from being zero.
        trace_id[8..].copy_from_slice(&non_zero(random()));
        Self {
            trace_id,
            span_id: non_zero(random()),
            flags: RANDOM | if sampled { SAMPLED } else { 0 },
        }
    }

    /// A new span of the same trace, to be sent with what the gate produces. `random` gives 64
    /// random bits and is called once.
    #[must_use]
    pub fn child(&self, random: impl FnOnce() -> u64) -> Self {
        Self {
            span_id: non_zero(random()),
            ..*self
        }
    }

    /// The header's value, version 00, 55 bytes of ASCII.
    #[must_use]
    pub fn to_header(&self) -> [u8; LENGTH] {
        let mut out = [b'-'; LENGTH];
        write_hex(&mut out[..2], &[0]);
        write_hex(&mut out[3..35], &self.trace_id);
        write_hex(&mut out[36..52], &self.span_id);
        write_hex(&mut out[53..], &[self.flags]);
        out
    }

    /// The trace's id; not all zero.
    #[must_use]
    pub const fn trace_id(&self) -> [u8; 16] {
        self.trace_id
    }

    /// The span's id; not all zero.
    #[must_use]
    pub const fn span_id(&self) -> [u8; 8] {
        self.span_id
    }

    /// Whether the caller may have recorded the trace.
    #[must_use]
    pub const fn sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }
}

impl std::fmt::Display for TraceContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_header()
            .iter()
            .try_for_each(|&byte| std::fmt::Write::write_char(f, char::from(byte)))
    }
}

/// All-zero ids are invalid; the one chance in 2^64 becomes 1 rather than another draw, so that
/// a broken random source cannot hang a lane.
fn non_zero(bits: u64) -> [u8; 8] {
    bits.max(1).to_be_bytes()
}

fn hex_bytes<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(out)
}

/// Lower case only: the standard rejects upper case.
const fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn write_hex(out: &mut [u8], bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in out.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const S: &str = "00f067aa0ba902b7";

    #[test]
    fn valid_headers_and_what_is_sent_on() {
        let table = [
            // The standard's own examples.
            (format!("00-{T}-{S}-01"), format!("00-{T}-{S}-01")),
            (format!("00-{T}-{S}-00"), format!("00-{T}-{S}-00")),
            // Level 2's random bit is kept, undefined bits are cleared.
            (format!("00-{T}-{S}-03"), format!("00-{T}-{S}-03")),
            (format!("00-{T}-{S}-ff"), format!("00-{T}-{S}-03")),
            (format!("00-{T}-{S}-fc"), format!("00-{T}-{S}-00")),
            // Later versions: same length, more fields, an empty further field.
            (format!("01-{T}-{S}-01"), format!("00-{T}-{S}-01")),
            (
                format!("cc-{T}-{S}-03-what-the-future"),
                format!("00-{T}-{S}-01"),
            ),
            (format!("fe-{T}-{S}-00-"), format!("00-{T}-{S}-00")),
        ];
        for (value, sent) in table {
            let context = TraceContext::parse(value.as_bytes()).expect(&value);
            assert_eq!(context.to_string(), sent, "{value}");
            assert_eq!(TraceContext::parse(&context.to_header()), Some(context));
        }
    }

    #[test]
    fn invalid_headers_are_ignored() {
        let zero_trace = "0".repeat(32);
        let zero_span = "0".repeat(16);
        let table = [
            String::new(),
            "00".to_owned(),
            format!("ff-{T}-{S}-01"),
            format!("ff-{T}-{S}-01-more"),
            format!("00-{zero_trace}-{S}-01"),
            format!("00-{T}-{zero_span}-01"),
            format!("01-{zero_trace}-{S}-01"),
            // Version 00 ends where it ends; later ones go on with a dash only.
            format!("00-{T}-{S}-01-"),
            format!("00-{T}-{S}-01-more"),
            format!("00-{T}-{S}-01\n"),
            format!("01-{T}-{S}-01.more"),
            format!("01-{T}-{S}-010"),
            // Too short, shifted, padded.
            format!("00-{T}-{S}-1"),
            format!("00-{T}-{S}"),
            format!("0-{T}-{S}-01"),
            format!(" 00-{T}-{S}-01"),
            format!("00-{}-{S}-001", &T[1..]),
            // Upper case and other non-digits in each field.
            format!("00-{}-{S}-01", T.to_uppercase()),
            format!("00-{T}-{}-01", S.to_uppercase()),
            format!("00-{T}-{S}-0A"),
            format!("0x-{T}-{S}-01"),
            format!("00-{T}-{S}-0g"),
            format!("00-{}+-{S}-01", &T[1..]),
            // Other separators.
            format!("00_{T}-{S}-01"),
            format!("00-{T}_{S}-01"),
            format!("00-{T}-{S}_01"),
        ];
        for value in table {
            assert_eq!(TraceContext::parse(value.as_bytes()), None, "{value:?}");
        }
        assert_eq!(TraceContext::parse(&[0xff; LENGTH]), None);
    }

    #[test]
    fn a_child_keeps_trace_and_flags_and_changes_the_span() {
        let parent = TraceContext::parse(format!("00-{T}-{S}-01").as_bytes()).unwrap();
        let child = parent.child(|| 0x0102_0304_0506_0708);
        assert_eq!(child.to_string(), format!("00-{T}-0102030405060708-01"));
        assert!(child.sampled());
        assert_eq!(child.trace_id(), parent.trace_id());
    }

    #[test]
    fn a_random_source_stuck_at_zero_still_makes_valid_ids() {
        let root = TraceContext::root(true, || 0);
        assert_eq!(TraceContext::parse(&root.to_header()), Some(root));
        let child = root.child(|| 0);
        assert_eq!(TraceContext::parse(&child.to_header()), Some(child));
        assert!(!TraceContext::root(false, || 5).sampled());
    }
}

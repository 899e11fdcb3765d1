//! The text of a stream that has not been shown.

/// Most text of one stream, bytes: 1 MiB. A record with all of it still fits its topic.
pub const MAX_STREAM_BYTES: usize = 1 << 20;

/// A stream's text from where it was shown to. Positions count from the stream's start.
#[derive(Default)]
pub(crate) struct Unshown {
    start: usize,
    bytes: Vec<u8>,
}

impl Unshown {
    /// Where it begins: what lies before has been shown.
    pub(crate) const fn start(&self) -> usize {
        self.start
    }

    /// Where it ends: how long the stream's text is so far.
    pub(crate) fn end(&self) -> usize {
        self.start + self.bytes.len()
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The bytes from `from` to `to`, as far as they are here.
    pub(crate) fn slice(&self, from: usize, to: usize) -> &[u8] {
        let place = |at: usize| at.saturating_sub(self.start).min(self.bytes.len());
        let (from, to) = (place(from), place(to));
        &self.bytes[from.min(to)..to]
    }

    /// Forgets what lies before `to`.
    pub(crate) fn drop_before(&mut self, to: usize) {
        let count = to.saturating_sub(self.start).min(self.bytes.len());
        self.bytes.drain(..count);
        self.start += count;
    }

    /// `to`, or where the character begins whose first bytes are the last ones before `to`.
    ///
    /// It goes by the length that a lead byte announces. Bytes that are no UTF-8 end where they end.
    pub(crate) fn whole_characters(&self, to: usize) -> usize {
        let before = self.slice(self.start, to);
        let tail = before.iter().rev().take(3);
        for (back, byte) in (1..).zip(tail) {
            let announced = match byte {
                0x80..=0xbf => continue,
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                _ => 1,
            };
            return if announced > back { to - back } else { to };
        }
        to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unshown(bytes: &[u8]) -> Unshown {
        let mut text = Unshown::default();
        text.push(bytes);
        text
    }

    #[test]
    fn positions_count_from_the_start_of_the_stream() {
        let mut text = unshown(b"one two");
        text.drop_before(4);
        assert_eq!((text.start(), text.end()), (4, 7));
        assert_eq!(text.slice(0, 6), b"tw");
        assert_eq!(text.slice(5, 99), b"wo");
        assert_eq!(text.slice(6, 5), b"");
        text.drop_before(99);
        assert_eq!((text.start(), text.end()), (7, 7));
    }

    #[test]
    fn a_character_is_shown_whole_or_not_at_all() {
        for sample in ["a", "é", "€", "😀"] {
            let text = unshown(format!("x{sample}").as_bytes());
            for to in 1..text.end() {
                assert_eq!(text.whole_characters(to), 1, "{sample} {to}");
            }
            assert_eq!(text.whole_characters(text.end()), text.end());
        }
    }

    #[test]
    fn broken_bytes_end_where_they_end() {
        for bytes in [
            &b"\x80\x80\x80\x80"[..],
            b"\xff",
            b"a\x80",
            b"\xc0",
            b"\xf5\x80",
        ] {
            let text = unshown(bytes);
            assert_eq!(text.whole_characters(text.end()), text.end(), "{bytes:?}");
        }
    }

    #[test]
    fn a_character_that_began_before_what_is_left_is_not_looked_for() {
        let mut text = unshown("€".as_bytes());
        text.drop_before(1);
        assert_eq!(text.whole_characters(2), 2);
    }
}

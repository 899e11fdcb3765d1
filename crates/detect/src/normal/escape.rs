//! From bytes to characters: UTF-8, percent escapes, HTML entities.

/// What stands at the head of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    /// A character and the bytes it took.
    Char(char, usize),
    /// More bytes are needed to tell.
    Incomplete,
}

/// Bytes of a character that does not decode.
const BROKEN: char = char::REPLACEMENT_CHARACTER;
/// Longest entity that is looked for: `&#x10FFFF;`, which is longer than every name known here.
const MAX_ENTITY: usize = 10;

/// Named entities that can hide or stand for something; HTML has 2,231, most of them symbols.
const NAMES: [(&[u8], char); 30] = [
    (b"amp", '&'),
    (b"lt", '<'),
    (b"gt", '>'),
    (b"quot", '"'),
    (b"apos", '\''),
    (b"nbsp", ' '),
    (b"shy", '\u{ad}'),
    (b"zwj", '\u{200d}'),
    (b"zwnj", '\u{200c}'),
    (b"commat", '@'),
    (b"num", '#'),
    (b"excl", '!'),
    (b"period", '.'),
    (b"lowbar", '_'),
    (b"hyphen", '-'),
    (b"dash", '-'),
    (b"dollar", '$'),
    (b"percnt", '%'),
    (b"sol", '/'),
    (b"bsol", '\\'),
    (b"colon", ':'),
    (b"semi", ';'),
    (b"comma", ','),
    (b"equals", '='),
    (b"quest", '?'),
    (b"lpar", '('),
    (b"rpar", ')'),
    (b"plus", '+'),
    (b"Tab", '\t'),
    (b"NewLine", '\n'),
];

/// Bytes at the head that stand for themselves: printable ASCII, tab and line breaks, no escape.
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|&byte| !PLAIN[usize::from(byte)])
        .unwrap_or(bytes.len())
}

const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0x20;
    while byte < 0x7f {
        plain[byte] = byte != b'&' as usize && byte != b'%' as usize;
        byte += 1;
    }
    plain[b'\t' as usize] = true;
    plain[b'\n' as usize] = true;
    plain[b'\r' as usize] = true;
    plain
};

/// The character at the head of `bytes`, which is not empty; `last`: nothing follows them.
pub(super) fn decode(bytes: &[u8], last: bool) -> Decoded {
    let escape = match bytes[0] {
        b'%' => percent(bytes),
        b'&' => entity(bytes),
        ..0x80 => Escape::None,
        _ => return utf8(bytes, last),
    };
    match escape {
        Escape::Char(c, length) => Decoded::Char(c, length),
        Escape::Incomplete if !last => Decoded::Incomplete,
        Escape::Incomplete | Escape::None => Decoded::Char(char::from(bytes[0]), 1),
    }
}

enum Escape {
    Char(char, usize),
    Incomplete,
    None,
}

fn utf8(bytes: &[u8], last: bool) -> Decoded {
    let Some(length) = sequence_length(bytes[0]) else {
        return Decoded::Char(BROKEN, 1);
    };
    let head = &bytes[..bytes.len().min(length)];
    match std::str::from_utf8(head) {
        Ok(text) => match text.chars().next() {
            Some(c) => Decoded::Char(c, length),
            None => Decoded::Char(BROKEN, 1),
        },
        // Cut off rather than wrong.
        Err(error) if error.error_len().is_none() && !last => Decoded::Incomplete,
        Err(_) => Decoded::Char(BROKEN, 1),
    }
}

/// Bytes of the UTF-8 sequence that `lead` begins.
fn sequence_length(lead: u8) -> Option<usize> {
    match lead {
        ..0x80 => Some(1),
        0xc2..=0xdf => Some(2),
        0xe0..=0xef => Some(3),
        0xf0..=0xf4 => Some(4),
        _ => None,
    }
}

/// `%XX`, as often as the UTF-8 sequence that it begins needs.
fn percent(bytes: &[u8]) -> Escape {
    let mut sequence = [0; 4];
    let mut length = 1;
    let mut have = 0;
    while have < length {
        let place = have * 3;
        let (Some(&sign), high, low) = (
            bytes.get(place),
            bytes.get(place + 1).copied(),
            bytes.get(place + 2).copied(),
        ) else {
            return Escape::Incomplete;
        };
        if sign != b'%' {
            return Escape::None;
        }
        let Some(high) = high else {
            return Escape::Incomplete;
        };
        let Some(high) = hex(high) else {
            return Escape::None;
        };
        let Some(low) = low else {
            return Escape::Incomplete;
        };
        let Some(low) = hex(low) else {
            return Escape::None;
        };
        sequence[have] = high << 4 | low;
        if have == 0 {
            match sequence_length(sequence[0]) {
                Some(needed) => length = needed,
                None => return Escape::None,
            }
        }
        have += 1;
    }
    match std::str::from_utf8(&sequence[..length]) {
        Ok(text) => match text.chars().next() {
            Some(c) => Escape::Char(c, length * 3),
            None => Escape::None,
        },
        Err(_) => Escape::None,
    }
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

fn entity(bytes: &[u8]) -> Escape {
    let head = &bytes[1..bytes.len().min(MAX_ENTITY)];
    let body = match head.iter().position(|&byte| byte == b';') {
        Some(end) => &head[..end],
        None => {
            let fits = head
                .iter()
                .enumerate()
                .all(|(at, byte)| byte.is_ascii_alphanumeric() || at == 0 && *byte == b'#');
            return if fits && bytes.len() < MAX_ENTITY {
                Escape::Incomplete
            } else {
                Escape::None
            };
        }
    };
    let c = match body {
        [b'#', b'x' | b'X', digits @ ..] => code_point(digits, 16),
        [b'#', digits @ ..] => code_point(digits, 10),
        name => NAMES
            .iter()
            .find(|known| known.0 == name)
            .map(|known| known.1),
    };
    match c {
        Some(c) => Escape::Char(c, body.len() + 2),
        None => Escape::None,
    }
}

fn code_point(digits: &[u8], radix: u32) -> Option<char> {
    if digits.is_empty() {
        return None;
    }
    let mut value: u32 = 0;
    for &digit in digits {
        let digit = char::from(digit).to_digit(radix)?;
        value = value.checked_mul(radix)?.checked_add(digit)?;
    }
    char::from_u32(value)
}

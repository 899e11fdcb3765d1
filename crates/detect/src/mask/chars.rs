//! Which characters masks keep, drop and swallow, and where characters begin and end.

use crate::word::char_after;
use crate::work::spend;

/// Punctuation and white space that a mask may show: ASCII, and what NFKC or the eye makes of it.
pub(super) fn is_separator(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' | ' ' => true,
        _ if c.is_ascii() => c.is_ascii_punctuation(),
        // No-break, em, en, thin and other spaces; not the zero-width one.
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => true,
        // Hyphens, dashes, minus.
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' => true,
        // Ideographic comma and full stop; full-width forms of ASCII punctuation, such as U+FF20.
        '\u{3001}' | '\u{3002}' | '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' => true,
        _ => false,
    }
}

/// Characters that take no room: controls, formats and marks over their neighbours.
///
/// By block, from the Unicode character database (general categories Cc, Cf and the Mn of scripts
/// in which marks are optional). Vowel signs of Indic scripts are not here: they count as letters.
pub(super) fn is_invisible(c: char) -> bool {
    match c {
        '\0'..='\u{7f}' => c.is_ascii_control(),
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' => true,
        '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{ffa0}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' => true,
        _ => extends(c),
    }
}

/// Whether `c` belongs to the character before it: the optional marks of the scripts that have
/// them, joiners, variation selectors, emoji modifiers, tags.
///
/// A part of `Grapheme_Extend` and `ZWJ` of Unicode Standard Annex 29, as ranges. Indic vowel signs are
/// left out: no detector ends a finding before one.
pub(super) fn extends(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' // combining diacritical marks
        | '\u{483}'..='\u{489}' // Cyrillic
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}' // Hebrew
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' // Arabic
        | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}' | '\u{6e7}' | '\u{6e8}' | '\u{6ea}'..='\u{6ed}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' // more diacritical marks
        | '\u{200d}' // zero-width joiner
        | '\u{20d0}'..='\u{20ff}' // marks for symbols, keycaps
        | '\u{302a}'..='\u{302f}' | '\u{3099}' | '\u{309a}' // Han and Kana
        | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' // variation selectors, half marks
        | '\u{1f3fb}'..='\u{1f3ff}' // skin tones
        | '\u{e0000}'..='\u{e0fff}' // tags, variation selectors
    )
}

/// The start of the character that byte `at` lies in; `at` where there is none.
pub(super) fn floor(text: &[u8], at: usize) -> usize {
    around(text, at).map_or(at, |(start, _)| start)
}

/// The end of the character that bytes `at - 1` and `at` both lie in; `at` where there is none.
pub(super) fn ceil(text: &[u8], at: usize) -> usize {
    around(text, at).map_or(at, |(_, end)| end)
}

/// The character that has a byte on either side of `at`.
fn around(text: &[u8], at: usize) -> Option<(usize, usize)> {
    spend(3);
    (1..=3.min(at)).find_map(|back| {
        let start = at - back;
        let (_, length) = char_after(text, start)?;
        (length > back).then_some((start, start + length))
    })
}

/// Where the marks end that begin at byte `at`; `at` when there are none.
pub(super) fn cluster_end(text: &[u8], mut at: usize) -> usize {
    while let Some((c, length)) = char_after(text, at)
        && extends(c)
    {
        at += length;
        spend(length);
    }
    at
}

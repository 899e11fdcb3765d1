//! What marks that follow may make of a character.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::char::{compose, decompose_canonical};

/// Composed characters by what they are composed from first: `é` and `ê` by `e`.
static COMPOSED: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut composed: HashMap<char, Vec<char>> = HashMap::new();
    for c in '\u{80}'..='\u{2ffff}' {
        let mut parts = Vec::new();
        decompose_canonical(c, |part| parts.push(part));
        // Of `ế` also `ê`, from which one more mark makes it.
        let mut whole = parts[0];
        for part in &parts[1..] {
            let Some(next) = compose(whole, *part) else {
                break;
            };
            composed.entry(whole).or_default().push(next);
            whole = next;
        }
    }
    for variants in composed.values_mut() {
        variants.sort_unstable();
        variants.dedup();
    }
    composed
});

/// What one mark or letter after it may turn `c` into.
pub(crate) fn may_become(c: char) -> &'static [char] {
    // Most texts end in these, and nothing joins them.
    if c == ' ' || c.is_ascii_digit() {
        return &[];
    }
    COMPOSED.get(&c).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_compositions_are_known() {
        assert!(may_become('e').contains(&'é') && may_become('ê').contains(&'ế'));
        assert!(may_become('и').contains(&'й') && may_become('가').contains(&'각'));
        assert_eq!((may_become('1'), may_become('字')), (&[][..], &[][..]));
        for c in ('\u{80}'..='\u{2ffff}').chain(' '..='~') {
            for mark in ('\u{300}'..='\u{36f}').chain('\u{11a8}'..='\u{11c2}') {
                if let Some(both) = compose(c, mark) {
                    assert!(may_become(c).contains(&both), "{c} {mark:?}");
                }
            }
        }
    }
}

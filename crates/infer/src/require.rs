//! What manifests have in common.

pub(crate) fn require(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// Refuses all but the name of a file in the folder at hand.
pub(crate) fn file_name(key: &str, name: &str) -> Result<(), String> {
    let inside = !name.is_empty() && name != ".." && !name.contains(['/', '\\']);
    require(inside, || {
        format!("{key} \"{name}\" is not the name of a file beside the manifest")
    })
}

/// Refuses all but 64 lower-case hex digits.
pub(crate) fn sha256(key: &str, digits: &str) -> Result<(), String> {
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    require(digits.len() == 64 && digits.chars().all(hex), || {
        format!("{key} \"{digits}\" is not 64 lower-case hex digits")
    })
}

//! Where scripts have put what they fetch.

use std::env;
use std::path::PathBuf;

/// Written last by the scripts, so that a half fetch is none.
const MARKER: &str = "complete";

/// The folder `home`, e.g. `.tools/kafka/4.3.1`, of the workspace: walks up from the crate under test (or the working
/// directory). Where there is none, where the search began.
pub(crate) fn find(home: &str) -> Result<PathBuf, PathBuf> {
    let start = match env::var_os("CARGO_MANIFEST_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => env::current_dir().unwrap_or_default(),
    };
    let found = start
        .ancestors()
        .map(|dir| dir.join(home))
        .find(|home| home.join(MARKER).is_file());
    found.ok_or(start)
}

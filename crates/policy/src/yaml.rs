use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;

use crate::error::{Problem, Problems};

/// Reads one YAML document into `T`; a failure becomes a problem that names file, line and column.
pub(crate) fn parse<T: DeserializeOwned>(
    file: &Path,
    source: &str,
    problems: &mut Problems,
) -> Option<T> {
    match serde_saphyr::from_str(source) {
        Ok(parsed) => Some(parsed),
        Err(error) => {
            let location = error.location();
            // The default rendering quotes the source over several lines; the position suffices.
            let message = error.without_snippet().to_string();
            let message = message.lines().next().unwrap_or("not valid YAML");
            let (line, column) = location.map_or((0, 0), |at| (at.line(), at.column()));
            problems.push(Problem::at_place(file, line, column, message.to_owned()));
            None
        }
    }
}

/// A mapping in the order of the file whose keys remember where they stand.
#[derive(Debug, Clone)]
pub(crate) struct Entries<T>(Vec<(Spanned<String>, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, T> IntoIterator for &'a Entries<T> {
    type Item = &'a (Spanned<String>, T);
    type IntoIter = std::slice::Iter<'a, (Spanned<String>, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

//! Whether versions of a schema can read one another's records. The Avro library decides; what is here finds the place.

use apache_avro::Schema;
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};

use crate::{SchemaError, evolve};

/// Why records written with one version cannot all be read with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The innermost field concerned, e.g. `provenance.stage`; empty: the whole record.
    pub field: String,
    /// What is wrong with it, in the Avro library's words.
    pub reason: String,
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.reason)
        } else {
            write!(f, "field {}: {}", self.field, self.reason)
        }
    }
}

/// What keeps some record written with `writer` from being read with `reader`, both as JSON; `None`: nothing.
///
/// # Errors
/// [`SchemaError`] if one of the two is no schema, or holds itself.
pub fn breach(writer: &str, reader: &str) -> Result<Option<Breach>, SchemaError> {
    let (_, writer) = evolve::parse(writer)?;
    let (_, reader) = evolve::parse(reader)?;
    Ok(breach_between(&writer, &reader))
}

/// The same of schemas without references.
pub(crate) fn breach_between(writer: &Schema, reader: &Schema) -> Option<Breach> {
    let reason = match SchemaCompatibility::can_read(writer, reader) {
        Ok(Compatibility::Full) => return None,
        Ok(Compatibility::Partial) => "not every value that is written can be read".to_owned(),
        Err(error) => error.to_string(),
    };
    Some(within(writer, reader).unwrap_or(Breach {
        field: String::new(),
        reason,
    }))
}

/// The breach in a part of the two, if one part alone has it.
fn within(writer: &Schema, reader: &Schema) -> Option<Breach> {
    match (writer, reader) {
        (Schema::Record(writer), Schema::Record(reader))
            if writer.name.name() == reader.name.name() =>
        {
            reader.fields.iter().find_map(|field| {
                let names = std::iter::once(&field.name).chain(&field.aliases);
                let mut names =
                    names.filter_map(|name| writer.fields.iter().find(|it| it.name == *name));
                let Some(written) = names.next() else {
                    return field.default.is_none().then(|| Breach {
                        field: field.name.clone(),
                        reason: "it is not written, and has no default to read in its place"
                            .to_owned(),
                    });
                };
                let inner = breach_between(&written.schema, &field.schema)?;
                let dot = if inner.field.is_empty() { "" } else { "." };
                Some(Breach {
                    field: format!("{}{dot}{}", field.name, inner.field),
                    ..inner
                })
            })
        }
        (Schema::Array(writer), Schema::Array(reader)) => {
            breach_between(&writer.items, &reader.items)
        }
        // Null, which our unions begin with, is no reason; their other half is, if both have one of its kind.
        (Schema::Union(writer), Schema::Union(reader)) => {
            writer.variants().iter().find_map(|written| {
                let same =
                    |it: &&Schema| std::mem::discriminant(*it) == std::mem::discriminant(written);
                breach_between(written, reader.variants().iter().find(same)?)
            })
        }
        _ => None,
    }
}

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::{Name, NamesRef, ResolvedSchema};
use apache_avro::{Schema, from_value};

use crate::compatibility::breach_between;
use crate::{DatumFault, Record, SchemaError, Subject, codec};

/// Another version of a subject's schema, whose records are resolved into the compiled-in one:
/// absent fields take their defaults, unknown fields are dropped, unknown enum symbols take the
/// enum's default (an action, `block`).
///
/// About ten times slower than the compiled-in schema (a prompt 3.5 us, a verdict 26 us), which
/// suits the time that a roll-out takes.
#[derive(Debug, Clone)]
pub struct WriterSchema {
    subject: Subject,
    schema: Schema,
    as_compiled: bool,
}

impl WriterSchema {
    /// Parses a schema and checks that its records can be read as `subject`'s.
    ///
    /// # Errors
    /// [`SchemaError`] if it is no schema, an incompatible one, or one with a type that holds
    /// itself: a datum of such a type nests as deep as its author likes, and reading recurses.
    pub fn parse(subject: Subject, json: &str) -> Result<Self, SchemaError> {
        let (schema, inlined) = parse(json)?;
        if let Some(breach) = breach_between(&inlined, codec::inlined(subject)) {
            return Err(SchemaError::Incompatible {
                subject,
                reason: breach.to_string(),
            });
        }
        let as_compiled = schema.canonical_form() == codec::schema(subject).canonical_form();
        Ok(Self {
            subject,
            schema,
            as_compiled,
        })
    }

    /// The subject whose records it writes.
    #[must_use]
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// Whether its records are, byte for byte, as the compiled-in schema has them: the two differ in documentation,
    /// defaults and spelling at most.
    #[must_use]
    pub fn is_as_compiled(&self) -> bool {
        self.as_compiled
    }

    pub(crate) fn read<T: Record>(&self, datum: &mut &[u8]) -> Result<T, DatumFault> {
        codec::limit_allocation();
        let value = GenericDatumReader::builder(&self.schema)
            .reader_schema(codec::schema(T::SUBJECT))
            .build()?
            .read_value(datum)?;
        Ok(from_value(&value)?)
    }
}

/// A schema as it stands, and with its references replaced by what they name.
pub(crate) fn parse(json: &str) -> Result<(Schema, Schema), SchemaError> {
    let invalid = |error: apache_avro::Error| SchemaError::Invalid(error.to_string());
    let schema = Schema::parse_str(json).map_err(invalid)?;
    let inlined = {
        let resolved = ResolvedSchema::try_from(&schema).map_err(invalid)?;
        if holds_itself(&schema, resolved.get_names(), &mut Vec::new()) {
            return Err(SchemaError::Recursive);
        }
        codec::inline(&schema, resolved.get_names())
    };
    Ok((schema, inlined))
}

/// Whether a type can be reached from within itself. `open` are the records around `schema`.
fn holds_itself<'s>(schema: &'s Schema, names: &NamesRef<'s>, open: &mut Vec<&'s Name>) -> bool {
    match schema {
        Schema::Ref { name } => names
            .get(name)
            .is_some_and(|named| holds_itself(named, names, open)),
        Schema::Array(array) => holds_itself(&array.items, names, open),
        Schema::Map(map) => holds_itself(&map.types, names, open),
        Schema::Union(union) => union
            .variants()
            .iter()
            .any(|variant| holds_itself(variant, names, open)),
        Schema::Record(record) => {
            if open.contains(&&record.name) {
                return true;
            }
            open.push(&record.name);
            let found = record
                .fields
                .iter()
                .any(|field| holds_itself(&field.schema, names, open));
            open.pop();
            found
        }
        _ => false,
    }
}

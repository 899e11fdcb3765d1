use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::{NamesRef, ResolvedSchema, UnionSchema};
use apache_avro::writer::datum::GenericDatumWriter;

use crate::{
    CompiledIn, DatumFault, DecodeError, EncodeError, Record, SchemaIds, Subject, Written, frame,
};

/// No single string or byte string is read that claims to be longer: 16 MiB.
///
/// Well above the largest record (a dead letter, twice the inputs' `max.message.bytes`), and low
/// enough that a lying length costs nothing. Avro's own limit is 512 MiB.
pub const MAX_FIELD_BYTES: usize = 16 << 20;

/// Appends `record` as a frame to `out`, under its fixed schema id.
///
/// Reuse `out` (cleared) to save the allocation. After an error it is as it was.
///
/// # Errors
/// [`EncodeError`] if type and schema disagree; the tests see to it that they do not.
pub fn encode<T: Record>(record: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    encode_with(&CompiledIn, record, out)
}

/// [`encode`] under the schema id that `ids` gives.
///
/// # Errors
/// As [`encode`].
pub fn encode_with<T: Record>(
    ids: &impl SchemaIds,
    record: &T,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let before = out.len();
    frame::write_header(ids.id_of(T::SUBJECT), out);
    let Ok(_) = codec(T::SUBJECT).writer.write_ser(out, record) else {
        out.truncate(before);
        return Err(EncodeError {
            subject: T::SUBJECT,
        });
    };
    Ok(())
}

/// Reads a frame that holds exactly one record of type `T`, with a fixed schema id.
///
/// # Errors
/// [`DecodeError`] for every frame that does not; never panics.
pub fn decode<T: Record>(frame: &[u8]) -> Result<T, DecodeError> {
    decode_with(&CompiledIn, frame)
}

/// [`decode`] with the schema ids that `ids` knows.
///
/// # Errors
/// As [`decode`].
pub fn decode_with<T: Record>(ids: &impl SchemaIds, frame: &[u8]) -> Result<T, DecodeError> {
    let (id, mut datum) = frame::split(frame)?;
    let written = ids.find(id).ok_or(DecodeError::UnknownSchema(id))?;
    let (Written::AsCompiled(found) | Written::Otherwise(found, _) | Written::Incompatible(found)) =
        written
    else {
        return Err(DecodeError::ForeignSchema(id));
    };
    if found != T::SUBJECT {
        return Err(DecodeError::WrongSchema {
            expected: T::SUBJECT,
            found,
        });
    }
    let read = match written {
        Written::AsCompiled(_) => codec(T::SUBJECT)
            .reader
            .read_deser(&mut datum)
            .map_err(DatumFault::from),
        Written::Otherwise(_, schema) => schema.read(&mut datum),
        Written::Foreign | Written::Incompatible(_) => {
            return Err(DecodeError::IncompatibleSchema(id));
        }
    };
    let record = read.map_err(DecodeError::Datum)?;
    match datum.len() {
        0 => Ok(record),
        left => Err(DecodeError::TrailingBytes(left)),
    }
}

struct Codec {
    inlined: &'static Schema,
    writer: GenericDatumWriter<'static>,
    reader: GenericDatumReader<'static>,
}

/// Builds what the first record would otherwise wait for (about 0.7 ms): call it at start.
pub fn prepare() {
    for subject in Subject::ALL {
        codec(subject);
    }
}

/// Built once; see [`prepare`].
fn codec(subject: Subject) -> &'static Codec {
    static CODECS: [LazyLock<Codec>; Subject::ALL.len()] = [
        LazyLock::new(|| Codec::new(Subject::Prompt)),
        LazyLock::new(|| Codec::new(Subject::Chunk)),
        LazyLock::new(|| Codec::new(Subject::Verdict)),
        LazyLock::new(|| Codec::new(Subject::Flagged)),
        LazyLock::new(|| Codec::new(Subject::DeadLetter)),
        LazyLock::new(|| Codec::new(Subject::Checkpoint)),
        LazyLock::new(|| Codec::new(Subject::Moderation)),
    ];
    &CODECS[subject as usize]
}

impl Codec {
    #[expect(
        clippy::expect_used,
        reason = "the schemas are compiled in, and tests parse them"
    )]
    fn new(subject: Subject) -> Self {
        limit_allocation();
        let named =
            ResolvedSchema::try_from(schema(subject)).expect("a compiled-in schema resolves");
        // Never freed: there is one for each subject, and the codec borrows it for good.
        let inlined: &'static Schema =
            Box::leak(Box::new(inline(schema(subject), named.get_names())));
        Self {
            inlined,
            writer: GenericDatumWriter::builder(inlined)
                .resolved_schemata(named.clone())
                .human_readable(false)
                .build()
                .expect("nothing is left to resolve"),
            reader: GenericDatumReader::builder(inlined)
                .resolved_writer_schemata(named)
                .human_readable(false)
                .build()
                .expect("nothing is left to resolve"),
        }
    }
}

/// The schema with every reference to a named type replaced by the type.
///
/// Avro looks a reference up by name, in a map, each time it meets one, so nine times in nine
/// scores: without that a verdict encodes in 3.3 us instead of 3.7 and decodes in 2.7 instead of
/// 3.0 (lowest of three alternating runs of `examples/bench_wire.rs`). Ends because no compiled-in
/// schema holds itself; callers see to it that no other does.
pub(crate) fn inline(schema: &Schema, names: &NamesRef<'_>) -> Schema {
    match schema {
        Schema::Ref { name } => names
            .get(name)
            .map_or_else(|| schema.clone(), |it| inline(it, names)),
        Schema::Record(record) => {
            let mut record = record.clone();
            for field in &mut record.fields {
                field.schema = inline(&field.schema, names);
            }
            Schema::Record(record)
        }
        Schema::Array(array) => {
            let mut array = array.clone();
            *array.items = inline(&array.items, names);
            Schema::Array(array)
        }
        Schema::Map(map) => {
            let mut map = map.clone();
            *map.types = inline(&map.types, names);
            Schema::Map(map)
        }
        Schema::Union(union) => {
            let variants = union
                .variants()
                .iter()
                .map(|variant| inline(variant, names))
                .collect();
            UnionSchema::new(variants).map_or_else(|_| schema.clone(), Schema::Union)
        }
        _ => schema.clone(),
    }
}

/// The compiled-in schema without references.
pub(crate) fn inlined(subject: Subject) -> &'static Schema {
    codec(subject).inlined
}

/// The compiled-in schema, parsed once.
#[expect(
    clippy::expect_used,
    reason = "the schemas are compiled in, and tests parse them"
)]
pub(crate) fn schema(subject: Subject) -> &'static Schema {
    static SCHEMAS: LazyLock<[Schema; Subject::ALL.len()]> = LazyLock::new(|| {
        Subject::ALL.map(|subject| {
            Schema::parse_str(subject.schema_json()).expect("a compiled-in schema parses")
        })
    });
    &SCHEMAS[subject as usize]
}

/// Sets Avro's limit, which is the process's and can be set once. No other crate of Weir uses
/// Avro, so the first call is this one.
pub(crate) fn limit_allocation() {
    apache_avro::util::max_allocation_bytes(MAX_FIELD_BYTES);
}

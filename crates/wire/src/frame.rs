use crate::DecodeError;

/// Bytes of a frame before its datum: the magic byte and the schema id.
pub const HEADER_BYTES: usize = 5;

/// The only magic byte that Confluent's wire format defines.
const MAGIC: u8 = 0;

/// The schema id in a frame's header, without looking at its datum.
///
/// # Errors
/// [`DecodeError::TooShort`] and [`DecodeError::BadMagic`].
pub fn schema_id(frame: &[u8]) -> Result<u32, DecodeError> {
    split(frame).map(|(id, _)| id)
}

/// The schema id and the datum.
pub(crate) fn split(frame: &[u8]) -> Result<(u32, &[u8]), DecodeError> {
    let Some((&[magic, a, b, c, d], datum)) = frame.split_first_chunk::<HEADER_BYTES>() else {
        return Err(DecodeError::TooShort);
    };
    if magic != MAGIC {
        return Err(DecodeError::BadMagic(magic));
    }
    Ok((u32::from_be_bytes([a, b, c, d]), datum))
}

/// Appends a header.
pub(crate) fn write_header(id: u32, out: &mut Vec<u8>) {
    out.push(MAGIC);
    out.extend_from_slice(&id.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_round_trips_and_rest_is_the_datum() {
        let mut frame = Vec::new();
        write_header(0x0102_0304, &mut frame);
        frame.extend_from_slice(b"xy");
        assert_eq!(frame, b"\0\x01\x02\x03\x04xy");
        assert_eq!(split(&frame), Ok((0x0102_0304, &b"xy"[..])));
        assert_eq!(schema_id(&frame), Ok(0x0102_0304));
    }

    #[test]
    fn short_frames_and_other_magics_are_refused() {
        assert_eq!(schema_id(b""), Err(DecodeError::TooShort));
        assert_eq!(schema_id(b"\0\0\0\0"), Err(DecodeError::TooShort));
        assert_eq!(schema_id(b"{\"a\":1}"), Err(DecodeError::BadMagic(b'{')));
    }
}

//! A matrix as it is stored, looked up by row.

/// Values of a Q4_0 block.
pub(crate) const BLOCK: usize = 32;
/// Its bytes: an f16 scale, then a nibble a value.
pub(crate) const BLOCK_BYTES: usize = 2 + BLOCK / 2;

/// Rows of f32, of i8 with a scale each, or of Q4_0 blocks. The word embeddings of a quarter of a
/// million tokens take 384 MB, 96 MB or 54 MB.
pub(crate) struct Table {
    cells: Cells,
    width: usize,
}

enum Cells {
    Floats(Vec<f32>),
    Integers { values: Vec<i8>, scales: Vec<f32> },
    Blocks(Vec<[u8; BLOCK_BYTES]>),
}

impl Table {
    /// `width` is not 0.
    pub(crate) fn floats(values: Vec<f32>, width: usize) -> Self {
        Self {
            cells: Cells::Floats(values),
            width,
        }
    }

    /// As many `scales` as rows; `width` is not 0.
    pub(crate) fn integers(values: Vec<i8>, scales: Vec<f32>, width: usize) -> Self {
        Self {
            cells: Cells::Integers { values, scales },
            width,
        }
    }

    /// Q4_0 blocks; `width` is a multiple of [`BLOCK`] and not 0. `None` if a scale is not finite.
    pub(crate) fn blocks(bytes: &[u8], width: usize) -> Option<Self> {
        let blocks = bytes.as_chunks().0.to_vec();
        let finite = |block: &[u8; BLOCK_BYTES]| scale(block).is_finite();
        blocks.iter().all(finite).then_some(Self {
            cells: Cells::Blocks(blocks),
            width,
        })
    }

    pub(crate) fn rows(&self) -> usize {
        match &self.cells {
            Cells::Floats(values) => values.len() / self.width,
            Cells::Integers { scales, .. } => scales.len(),
            Cells::Blocks(blocks) => blocks.len() / (self.width / BLOCK),
        }
    }

    /// Appends a row, which must be there.
    pub(crate) fn push_row(&self, row: usize, out: &mut Vec<f32>) {
        let cells = row * self.width..(row + 1) * self.width;
        match &self.cells {
            Cells::Floats(values) => out.extend_from_slice(&values[cells]),
            Cells::Integers { values, scales } => {
                let scale = scales[row];
                out.extend(values[cells].iter().map(|value| f32::from(*value) * scale));
            }
            Cells::Blocks(blocks) => {
                for block in &blocks[cells.start / BLOCK..cells.end / BLOCK] {
                    push_block(block, out);
                }
            }
        }
    }

    /// All of it, row by row.
    pub(crate) fn into_floats(self) -> Vec<f32> {
        if let Cells::Floats(values) = self.cells {
            return values;
        }
        let mut out = Vec::with_capacity(self.rows() * self.width);
        for row in 0..self.rows() {
            self.push_row(row, &mut out);
        }
        out
    }
}

/// The low nibbles are the first half of the values; each is 8 too high.
fn push_block(block: &[u8; BLOCK_BYTES], out: &mut Vec<f32>) {
    let scale = scale(block);
    let nibbles = &block[2..];
    let value = |nibble: u8| (f32::from(nibble) - 8.0) * scale;
    out.extend(nibbles.iter().map(|byte| value(byte & 15)));
    out.extend(nibbles.iter().map(|byte| value(byte >> 4)));
}

fn scale(block: &[u8; BLOCK_BYTES]) -> f32 {
    half(u16::from_le_bytes([block[0], block[1]]))
}

/// An IEEE 754 half-precision number.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let exponent = u32::from(bits >> 10 & 31);
    let fraction = u32::from(bits & 1023);
    let magnitude = match exponent {
        0 => f32::from(bits & 1023) / 16_777_216.0,
        // Infinite or NaN.
        31 => f32::from_bits(255 << 23 | fraction << 13),
        _ => f32::from_bits((exponent + 112) << 23 | fraction << 13),
    };
    sign * magnitude
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_read_as_the_standard_has_them() {
        // Expected: IEEE 754-2019, binary16.
        let known = [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x0400, 6.103_515_6e-5),
            (0x03ff, 6.097_555e-5),
            (0x8001, -5.960_464_5e-8),
            (0x3555, 0.333_251_95),
        ];
        for (bits, value) in known {
            assert!(
                (half(bits) - value).abs() <= f32::EPSILON * value.abs(),
                "{bits:x}"
            );
        }
        assert!(half(0x7c00).is_infinite() && half(0x7e00).is_nan());
    }

    #[test]
    fn blocks_have_their_low_nibbles_first() {
        let mut block = [0_u8; BLOCK_BYTES];
        block[1] = 0x40; // 2
        block[2] = 0x1f;
        let table = Table::blocks(&block, BLOCK).unwrap();
        let mut row = vec![];
        table.push_row(0, &mut row);
        assert_eq!((table.rows(), row.len()), (1, BLOCK));
        assert_eq!(
            (row[0], row[1], row[16], row[17]),
            (14.0, -16.0, -14.0, -16.0)
        );
        block[1] = 0x7c;
        assert!(Table::blocks(&block, BLOCK).is_none());
    }
}

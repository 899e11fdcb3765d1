//! A matrix as it is stored, looked up by row.

/// Rows of f32, or of i8 with a scale each. The word embeddings of a quarter of a million tokens
/// take 384 MB as the former, 96 MB as the latter.
pub(crate) struct Table {
    cells: Cells,
    width: usize,
}

enum Cells {
    Floats(Vec<f32>),
    Integers { values: Vec<i8>, scales: Vec<f32> },
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

    pub(crate) fn rows(&self) -> usize {
        match &self.cells {
            Cells::Floats(values) => values.len() / self.width,
            Cells::Integers { scales, .. } => scales.len(),
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

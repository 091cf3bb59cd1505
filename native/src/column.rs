//! A property over the rows of a batch: one part for each Edm type that its values have.

use std::sync::Arc;

use arrow_array::{Array, TimestampMicrosecondArray};
use arrow_array::{ArrayRef, BinaryArray, BooleanArray, Float64Array, Int32Array, Int64Array, StringArray};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, NullBuffer, OffsetBuffer, ScalarBuffer};
#[cfg(feature = "python")]
use arrow_schema::{DataType, TimeUnit};

use crate::edm::{self, Kind};
use crate::json::Garbled;
use crate::pattern::Pattern;
use crate::{pool, text};

enum Data {
    /// A byte each; they become bits all at once.
    Boolean(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Double(Vec<f64>),
    Bytes {
        ends: Vec<i32>,
        bytes: Vec<u8>,
    },
}

/// Values of one type. Rows that were passed over are null once a later one has a value, or the batch ends.
pub struct Part {
    pub kind: Kind,
    data: Data,
    rows: usize,
    nulls: usize,
    /// Lags behind: rows after its end, up to `rows`, have values.
    validity: Option<BooleanBufferBuilder>,
}

/// How many rows and bytes a part had: the next one will be about as long.
#[derive(Clone, Copy, Default)]
pub struct Size {
    rows: usize,
    bytes: usize,
}

impl Part {
    pub fn new(kind: Kind, size: Size) -> Part {
        let rows = size.rows.max(64);
        let data = match kind {
            Kind::Boolean => Data::Boolean(Vec::with_capacity(rows)),
            Kind::Int32 => Data::Int32(pool::take(rows)),
            Kind::Int64 | Kind::DateTime => Data::Int64(pool::take(rows)),
            Kind::Double => Data::Double(pool::take(rows)),
            Kind::String | Kind::Guid | Kind::Binary => {
                let mut ends = pool::take(rows + 1);
                ends.push(0);
                Data::Bytes { ends, bytes: pool::take(size.bytes) }
            }
        };
        Part { kind, data, rows: 0, nulls: 0, validity: None }
    }

    pub fn size(&self) -> Size {
        let bytes = match &self.data {
            Data::Bytes { bytes, .. } => bytes.len(),
            _ => 0,
        };
        Size { rows: self.rows, bytes: bytes + bytes / 16 }
    }

    pub fn has_values(&self) -> bool {
        self.rows > self.nulls
    }

    /// Append the string of `body` that begins at `at`, behind its quote, to a part of texts; the position after it.
    #[inline(always)]
    pub fn push_string(&mut self, body: &[u8], at: usize) -> Result<usize, Garbled> {
        let Data::Bytes { ends, bytes } = &mut self.data else { return Err(Garbled) };
        let after = text::append(body, at, bytes)?;
        ends.push(bytes.len() as i32);
        self.rows += 1;
        Ok(after)
    }

    /// As `push_string`, to a part of GUIDs.
    #[inline]
    pub fn push_guid(&mut self, body: &[u8], at: usize) -> Result<usize, Garbled> {
        let Data::Bytes { ends, bytes } = &mut self.data else { return Err(Garbled) };
        let start = bytes.len();
        let after = text::append(body, at, bytes)?;
        bytes[start..].make_ascii_lowercase();
        ends.push(bytes.len() as i32);
        self.rows += 1;
        Ok(after)
    }

    /// Append an integer; false, and nothing appended, if it is no value of the part's type. So do the next ones.
    #[inline]
    pub fn push_whole(&mut self, value: i64) -> bool {
        match &mut self.data {
            Data::Int32(values) => match i32::try_from(value) {
                Ok(value) => values.push(value),
                Err(_) => return false,
            },
            Data::Int64(values) if self.kind == Kind::Int64 => values.push(value),
            Data::Double(values) => values.push(value as f64),
            _ => return false,
        }
        self.rows += 1;
        true
    }

    /// Append what a text of the part's type, Int64 or DateTime, was read as.
    #[inline(always)]
    pub fn push_read(&mut self, value: i64) {
        if let Data::Int64(values) = &mut self.data {
            values.push(value);
            self.rows += 1;
        }
    }

    #[inline]
    pub fn push_real(&mut self, value: f64) -> bool {
        let Data::Double(values) = &mut self.data else { return false };
        values.push(value);
        self.rows += 1;
        true
    }

    #[inline]
    pub fn push_truth(&mut self, value: bool) -> bool {
        let Data::Boolean(values) = &mut self.data else { return false };
        values.push(value);
        self.rows += 1;
        true
    }

    /// Valid UTF-8, without escapes.
    #[inline]
    pub fn push_text(&mut self, text: &[u8]) -> bool {
        let fits = match &mut self.data {
            Data::Int64(values) => {
                let value = if self.kind == Kind::DateTime { edm::moment(text) } else { edm::integer(text) };
                value.map(|value| values.push(value)).is_some()
            }
            Data::Bytes { ends, bytes } => append_bytes(self.kind, text, ends, bytes),
            Data::Int32(values) => {
                let value = edm::integer(text).and_then(|value| i32::try_from(value).ok());
                value.map(|value| values.push(value)).is_some()
            }
            Data::Double(values) => edm::double(text).map(|value| values.push(value)).is_some(),
            Data::Boolean(values) => {
                let is_one = matches!(text, b"true" | b"false");
                if is_one {
                    values.push(text == b"true");
                }
                is_one
            }
        };
        self.rows += usize::from(fits);
        fits
    }

    /// Rows up to `row` have no value.
    fn pad(&mut self, row: usize) {
        let missing = row - self.rows;
        match &mut self.data {
            Data::Boolean(values) => values.resize(row, false),
            Data::Int32(values) => values.resize(row, 0),
            Data::Int64(values) => values.resize(row, 0),
            Data::Double(values) => values.resize(row, 0.0),
            Data::Bytes { ends, bytes } => ends.resize(row + 1, bytes.len() as i32),
        }
        let validity = self.validity.get_or_insert_with(|| BooleanBufferBuilder::new(row + 64));
        validity.append_n(self.rows - validity.len(), true);
        validity.append_n(missing, false);
        self.nulls += missing;
        self.rows = row;
    }

    /// Forget the rows from `row` on.
    fn truncate(&mut self, row: usize) {
        if let Data::Bytes { ends, bytes } = &mut self.data {
            bytes.truncate(*ends.last().unwrap_or(&0) as usize); // a text that broke off
        }
        if self.rows <= row {
            return;
        }
        match &mut self.data {
            Data::Boolean(values) => values.truncate(row),
            Data::Int32(values) => values.truncate(row),
            Data::Int64(values) => values.truncate(row),
            Data::Double(values) => values.truncate(row),
            Data::Bytes { ends, bytes } => {
                ends.truncate(row + 1);
                bytes.truncate(ends[row] as usize);
            }
        }
        if let Some(validity) = &mut self.validity {
            validity.truncate(row.min(validity.len()));
            let valid = BooleanBuffer::new(validity.as_slice().into(), 0, validity.len()).count_set_bits();
            self.nulls = validity.len() - valid;
        }
        self.rows = row;
    }

    /// The text at `row`, if the part has a value there and it is the last row.
    pub fn last_text(&self, row: usize) -> Option<&[u8]> {
        // After a page was refused, its rows may have left nulls behind in those before.
        if self.validity.as_ref().is_some_and(|validity| row < validity.len() && !validity.get_bit(row)) {
            return None;
        }
        match &self.data {
            Data::Bytes { ends, bytes } if self.rows == row + 1 => {
                Some(&bytes[ends[row] as usize..ends[row + 1] as usize])
            }
            _ => None,
        }
    }

    /// All `rows` of the batch as an array.
    pub fn finish(mut self, rows: usize) -> ArrayRef {
        if self.rows < rows {
            self.pad(rows);
        }
        let nulls = self.validity.map(|mut validity| {
            validity.append_n(rows - validity.len(), true);
            NullBuffer::new(validity.finish())
        });
        match self.data {
            Data::Boolean(values) => Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls)),
            Data::Int32(values) => Arc::new(Int32Array::new(ScalarBuffer::new(pool::lend(values), 0, rows), nulls)),
            Data::Int64(values) => {
                let values = ScalarBuffer::new(pool::lend(values), 0, rows);
                match self.kind {
                    Kind::DateTime => Arc::new(TimestampMicrosecondArray::new(values, nulls).with_timezone("UTC")),
                    _ => Arc::new(Int64Array::new(values, nulls)),
                }
            }
            Data::Double(values) => Arc::new(Float64Array::new(ScalarBuffer::new(pool::lend(values), 0, rows), nulls)),
            Data::Bytes { ends, bytes } => {
                // SAFETY: `ends` begins with 0 and never falls; pages of more than 2 GiB were refused.
                let offsets = unsafe { OffsetBuffer::new_unchecked(ScalarBuffer::new(pool::lend(ends), 0, rows + 1)) };
                let bytes = pool::lend(bytes);
                match self.kind {
                    Kind::Binary => Arc::new(BinaryArray::new(offsets, bytes, nulls)),
                    // SAFETY: the page was checked to be UTF-8, and every text ends where a quote or an escape did.
                    _ => Arc::new(unsafe { StringArray::new_unchecked(offsets, bytes, nulls) }),
                }
            }
        }
    }
}

#[inline]
fn append_bytes(kind: Kind, text: &[u8], ends: &mut Vec<i32>, bytes: &mut Vec<u8>) -> bool {
    match kind {
        Kind::Binary => {
            if !edm::append_binary(text, bytes) {
                return false;
            }
        }
        _ => bytes.extend_from_slice(text),
    }
    ends.push(bytes.len() as i32);
    true
}

/// The Arrow type of a kind.
#[cfg(feature = "python")]
pub fn arrow_type(kind: Kind) -> DataType {
    match kind {
        Kind::String | Kind::Guid => DataType::Utf8,
        Kind::Int32 => DataType::Int32,
        Kind::Int64 => DataType::Int64,
        Kind::Double => DataType::Float64,
        Kind::Boolean => DataType::Boolean,
        Kind::DateTime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Binary => DataType::Binary,
    }
}

/// A property.
pub struct Column {
    pub name: Box<str>,
    /// What its values are if nothing is said of them; None: the JSON tells.
    pub declared: Option<Kind>,
    /// What a string is of which nothing is said: of Timestamp, minimal metadata leaves the annotation out.
    pub kind_of_strings: Kind,
    /// When it first came in this batch.
    pub order: Option<u32>,
    pub parts: Vec<Part>,
    /// The part of the last value.
    current: usize,
    sizes: Box<[Size; 8]>,
    /// The last annotation, as it came, and what it stands for.
    pub annotation: Box<Pattern>,
    pub stated: Option<Kind>,
    /// The entity that `stated` belongs to.
    pub stated_in: u64,
    /// Where the last value began.
    pub value_at: usize,
    /// What the last value that does not fit is said to be.
    pub misfit: Option<Kind>,
}

impl Column {
    pub fn new(name: Box<str>, declared: Option<Kind>) -> Column {
        Column {
            kind_of_strings: if &*name == "Timestamp" { Kind::DateTime } else { Kind::String },
            name,
            declared,
            order: None,
            parts: Vec::new(),
            current: 0,
            sizes: Box::default(),
            annotation: Box::default(),
            stated: None,
            stated_in: 0,
            value_at: 0,
            misfit: None,
        }
    }

    /// The type that is stated in that entity, before the value.
    #[inline]
    pub fn stated_for(&self, entity: u64) -> Option<Kind> {
        if self.stated_in == entity { self.stated } else { None }
    }

    /// The part of that type, in which `row` is the next.
    #[inline(always)]
    pub fn part(&mut self, kind: Kind, row: usize) -> &mut Part {
        if self.parts.get(self.current).is_none_or(|part| part.kind != kind) {
            self.turn_to(kind);
        }
        let part = &mut self.parts[self.current];
        if part.rows < row {
            part.pad(row);
        }
        part
    }

    #[cold]
    fn turn_to(&mut self, kind: Kind) {
        self.current = self.parts.iter().position(|part| part.kind == kind).unwrap_or_else(|| {
            self.parts.push(Part::new(kind, self.sizes[kind as usize]));
            self.parts.len() - 1
        });
    }

    /// Forget the rows from `row` on.
    pub fn truncate(&mut self, row: usize) {
        for part in &mut self.parts {
            part.truncate(row);
        }
    }

    /// Forget all rows.
    pub fn empty(&mut self) {
        self.parts.clear();
        self.order = None;
        self.current = 0;
    }

    /// The parts that have values, as arrays over all rows.
    pub fn finish(&mut self, rows: usize) -> Vec<(Kind, ArrayRef)> {
        let parts = std::mem::take(&mut self.parts);
        parts
            .into_iter()
            .filter(Part::has_values)
            .map(|part| {
                self.sizes[part.kind as usize] = part.size();
                let (kind, array) = (part.kind, part.finish(rows));
                debug_assert_eq!(array.len(), rows);
                (kind, array)
            })
            .collect()
    }
}

//! Pages, one after the other, to one batch after the other.

use std::collections::{HashMap, HashSet};

use arrow_array::ArrayRef;

use crate::column::{Column, Value};
use crate::edm::Kind;
use crate::json::{self, Garbled, Number, expect, expect_word, past_space};
use crate::text;

/// Why a page was refused; nothing of it was kept. In the order of what is told of a page with several faults.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// The pages of a batch are larger than the 32 bits of an offset allow.
    Oversized,
    /// The page is cut, or no JSON.
    Garbled,
    /// It is JSON, but no page of entities.
    Shapeless,
    /// An entity has a property of that name twice.
    Repeated(String),
    /// The property of that name holds a list or an object.
    Nested(String),
    /// The property of that name holds a value that is not of the type that its annotation states.
    Unfit(String, Kind),
}

impl Fault {
    fn rank(&self) -> u8 {
        match self {
            Fault::Oversized => 0,
            Fault::Garbled => 1,
            Fault::Shapeless => 2,
            Fault::Repeated(_) => 3,
            Fault::Nested(_) => 4,
            Fault::Unfit(..) => 5,
        }
    }
}

/// A column of a batch, or a part of one: one whose values have several types comes as several parts of one name.
pub struct Decoded {
    pub name: String,
    pub kind: Kind,
    pub values: ArrayRef,
}

#[derive(Clone, Copy)]
enum Role {
    /// A member that is no property, or one that nobody wants.
    Passed,
    /// The type of a column.
    Annotation(usize),
    /// The value of a column.
    Value(usize),
}

/// A name that members of entities have.
struct Member {
    /// The name as it came, with its quotes and the colon: most members are told by one comparison.
    raw: Box<[u8]>,
    role: Role,
    /// The member that came after this one last time.
    next: usize,
    /// The last entity that had it.
    seen_in: u64,
}

/// Names that are kept from batch to batch. A service that invents ever new ones must not use up memory.
const MOST_NAMES: usize = 8192;
/// Stands before the first member of an entity.
const BEGINNING: usize = 0;
const ANNOTATION: &[u8] = b"@odata.type";
const SYSTEM: [&str; 3] = ["PartitionKey", "RowKey", "Timestamp"];

/// Collects pages into batches.
pub struct Decoder {
    wanted: Option<HashSet<String>>,
    declared: HashMap<String, Kind>,
    members: Vec<Member>,
    by_name: HashMap<Box<[u8]>, usize>,
    columns: Vec<Column>,
    by_property: HashMap<Box<[u8]>, usize>,
    keys: [usize; 2],
    rows: usize,
    /// Of the pages since the last batch: no text is longer than the page that it came in.
    bytes: usize,
    /// Entities so far, of this batch and others: marks what was seen in the present one.
    entities: u64,
    columns_in_order: u32,
    fault: Option<Fault>,
    /// Columns of the present entity whose value does not fit, which an annotation behind it may still mend.
    misfits: Vec<usize>,
    scratch: Vec<u8>,
}

impl Decoder {
    /// Of the properties `wanted` (None: all), those without annotation with types as `declared`.
    pub fn new(wanted: Option<HashSet<String>>, declared: HashMap<String, Kind>) -> Decoder {
        let mut decoder = Decoder {
            wanted,
            declared,
            members: Vec::new(),
            by_name: HashMap::new(),
            columns: Vec::new(),
            by_property: HashMap::new(),
            keys: [0, 1],
            rows: 0,
            bytes: 0,
            entities: 0,
            columns_in_order: 0,
            fault: None,
            misfits: Vec::new(),
            scratch: Vec::new(),
        };
        decoder.forget_names();
        decoder
    }

    /// Rows since the last batch.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// PartitionKey and RowKey of the last row.
    pub fn last_key(&self) -> Option<(&str, &str)> {
        let row = self.rows.checked_sub(1)?;
        let [partition, key] = self.keys.map(|column| {
            let mut parts = self.columns[column].parts.iter().filter(|part| part.kind == Kind::String);
            parts.next().and_then(|part| part.last_text(row)).and_then(|text| std::str::from_utf8(text).ok())
        });
        Some((partition?, key?))
    }

    /// Append the entities of a page, or nothing of it; how many.
    pub fn add(&mut self, body: &[u8]) -> Result<usize, Fault> {
        if self.bytes + body.len() > i32::MAX as usize {
            return Err(Fault::Oversized);
        }
        let order = self.columns_in_order;
        self.fault = None;
        self.misfits.clear();
        let read = match simdutf8::basic::from_utf8(body) {
            Ok(_) => self.page(body),
            Err(_) => Err(Garbled),
        };
        let fault = match (read, self.fault.take()) {
            (Ok(rows), None) => {
                self.rows += rows;
                self.bytes += body.len();
                return Ok(rows);
            }
            (Ok(_), Some(fault)) => fault,
            (Err(Garbled), _) => Fault::Garbled,
        };
        for column in &mut self.columns {
            column.truncate(self.rows);
            column.order = column.order.filter(|own| *own < order);
        }
        self.columns_in_order = order;
        if self.rows == 0 && self.members.len() > MOST_NAMES {
            self.forget_names();
        }
        Err(fault)
    }

    /// The columns of all rows since the last batch: keys and Timestamp, then in the order in which they came.
    pub fn finish(&mut self) -> (Vec<Decoded>, usize) {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let mut present: Vec<usize> = (0..self.columns.len()).filter(|at| self.columns[*at].order.is_some()).collect();
        present.sort_by_key(|at| {
            let column = &self.columns[*at];
            let place = SYSTEM.iter().position(|name| *name == &*column.name).unwrap_or(SYSTEM.len());
            (place, column.order)
        });
        let mut decoded = Vec::with_capacity(present.len());
        for at in present {
            let column = &mut self.columns[at];
            let wanted = self.wanted.as_ref().is_none_or(|wanted| wanted.contains(&*column.name));
            for (kind, values) in column.finish(rows) {
                if wanted {
                    decoded.push(Decoded { name: column.name.to_string(), kind, values });
                }
            }
        }
        for column in &mut self.columns {
            column.empty(); // a page that was refused may have left rows without values
        }
        self.columns_in_order = 0;
        if self.members.len() > MOST_NAMES {
            self.forget_names();
        }
        (decoded, rows)
    }

    fn forget_names(&mut self) {
        self.by_name.clear();
        self.by_property.clear();
        self.columns.clear();
        // No text of a page begins with that byte.
        self.members = vec![Member { raw: Box::new([0xff]), role: Role::Passed, next: BEGINNING, seen_in: 0 }];
        self.keys = ["PartitionKey", "RowKey"].map(|name| self.column_of(name.as_bytes()));
    }

    fn column_of(&mut self, name: &[u8]) -> usize {
        if let Some(at) = self.by_property.get(name) {
            return *at;
        }
        let text = String::from_utf8_lossy(name);
        let declared = self.declared.get(&*text).copied();
        self.columns.push(Column::new(text.into(), declared));
        self.by_property.insert(name.into(), self.columns.len() - 1);
        self.columns.len() - 1
    }

    /// Of several faults the gravest is told, and of those the first.
    #[cold]
    fn note(&mut self, fault: Fault) {
        if self.fault.as_ref().is_none_or(|noted| fault.rank() < noted.rank()) {
            self.fault = Some(fault);
        }
    }

    /// All of the body; how many entities it holds.
    fn page(&mut self, body: &[u8]) -> Result<usize, Garbled> {
        let mut rows = None;
        let mut has_value = false;
        let start = past_space(body, 0);
        let mut at;
        if body.get(start) == Some(&b'{') {
            at = past_space(body, start + 1);
            if body.get(at) == Some(&b'}') {
                at += 1;
            } else {
                loop {
                    let name_at = expect(body, at, b'"')?;
                    let (end, _) = text::end_of(body, name_at)?;
                    self.scratch.clear();
                    text::unescape(&body[name_at..end], &mut self.scratch)?;
                    let is_value = self.scratch == b"value";
                    at = past_space(body, expect(body, past_space(body, end + 1), b':')?);
                    if is_value && has_value {
                        self.note(Fault::Repeated("value".into()));
                        at = json::skip(body, at)?;
                    } else if is_value && body.get(at) == Some(&b'[') {
                        let (found, after) = self.list(body, at + 1)?;
                        rows = Some(found);
                        at = after;
                    } else {
                        at = json::skip(body, at)?;
                    }
                    has_value |= is_value;
                    at = past_space(body, at);
                    match body.get(at) {
                        Some(b',') => at = past_space(body, at + 1),
                        Some(b'}') => break at += 1,
                        _ => return Err(Garbled),
                    }
                }
            }
        } else {
            at = json::skip(body, start)?;
        }
        if past_space(body, at) != body.len() {
            return Err(Garbled);
        }
        if rows.is_none() {
            self.note(Fault::Shapeless);
        }
        Ok(rows.unwrap_or(0))
    }

    fn list(&mut self, body: &[u8], at: usize) -> Result<(usize, usize), Garbled> {
        let mut at = past_space(body, at);
        if body.get(at) == Some(&b']') {
            return Ok((0, at + 1));
        }
        let mut rows = 0;
        loop {
            if body.get(at) == Some(&b'{') {
                at = self.entity(body, at + 1, self.rows + rows)?;
                rows += 1;
            } else {
                self.note(Fault::Shapeless);
                at = json::skip(body, at)?;
            }
            at = past_space(body, at);
            match body.get(at) {
                Some(b',') => at = past_space(body, at + 1),
                Some(b']') => return Ok((rows, at + 1)),
                _ => return Err(Garbled),
            }
        }
    }

    fn entity(&mut self, body: &[u8], at: usize, row: usize) -> Result<usize, Garbled> {
        self.entities += 1;
        let entity = self.entities;
        let mut at = past_space(body, at);
        if body.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        let mut before = BEGINNING;
        loop {
            let guess = self.members[before].next;
            let raw = &self.members[guess].raw;
            let member = if body[at..].starts_with(raw) {
                at += raw.len();
                guess
            } else {
                let (member, after) = self.member(body, at)?;
                self.members[before].next = member;
                at = after;
                member
            };
            let own = &mut self.members[member];
            let is_repeated = own.seen_in == entity;
            own.seen_in = entity;
            let role = own.role;
            if is_repeated {
                self.note_repeated(member);
            }
            at = past_space(body, at);
            at = match role {
                _ if is_repeated => json::skip(body, at)?,
                Role::Value(column) => self.value(body, at, column, row)?,
                Role::Annotation(column) => self.annotation(body, at, column, row)?,
                Role::Passed => json::skip(body, at)?,
            };
            before = member;
            at = past_space(body, at);
            match body.get(at) {
                Some(b',') => at = past_space(body, at + 1),
                Some(b'}') => break,
                _ => return Err(Garbled),
            }
        }
        if !self.misfits.is_empty() {
            self.note_misfits();
        }
        Ok(at + 1)
    }

    #[cold]
    fn note_misfits(&mut self) {
        for column in std::mem::take(&mut self.misfits) {
            let own = &self.columns[column];
            if let Some(kind) = own.misfit {
                let name = own.name.to_string();
                self.note(Fault::Unfit(name, kind));
            }
        }
    }

    /// The member whose name is at `at`, and the position after its colon.
    #[cold]
    fn member(&mut self, body: &[u8], at: usize) -> Result<(usize, usize), Garbled> {
        let start = expect(body, at, b'"')?;
        let (end, _) = text::end_of(body, start)?;
        let mut name = Vec::new();
        text::unescape(&body[start..end], &mut name)?;
        let after = expect(body, past_space(body, end + 1), b':')?;
        if let Some(member) = self.by_name.get(&name[..]) {
            return Ok((*member, after));
        }
        let role = if name.starts_with(b"odata.") {
            Role::Passed
        } else if let Some(property) = name.strip_suffix(ANNOTATION) {
            if self.is_passed(property) { Role::Passed } else { Role::Annotation(self.column_of(property)) }
        } else if self.is_passed(&name) {
            Role::Passed
        } else {
            Role::Value(self.column_of(&name))
        };
        let member = self.members.len();
        self.members.push(Member { raw: body[at..after].into(), role, next: BEGINNING, seen_in: 0 });
        self.by_name.insert(name.into(), member);
        Ok((member, after))
    }

    /// Keys are looked at in any case: reading goes on after the last one.
    fn is_passed(&self, property: &[u8]) -> bool {
        let is_key = property == b"PartitionKey" || property == b"RowKey";
        let name = String::from_utf8_lossy(property);
        !is_key && self.wanted.as_ref().is_some_and(|wanted| !wanted.contains(&*name))
    }

    #[cold]
    fn note_repeated(&mut self, member: usize) {
        let name = self.by_name.iter().find(|(_, at)| **at == member).map(|(name, _)| name);
        let name = name.map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default();
        self.note(Fault::Repeated(name));
    }

    fn annotation(&mut self, body: &[u8], at: usize, column: usize, row: usize) -> Result<usize, Garbled> {
        let entity = self.entities;
        let own = &mut self.columns[column];
        let after = if !own.annotation.is_empty() && body[at..].starts_with(&own.annotation) {
            at + own.annotation.len()
        } else {
            let after = json::skip(body, at)?;
            own.annotation = body[at..after].into();
            own.stated = match &body[at..after] {
                [b'"', text @ .., b'"'] => {
                    self.scratch.clear();
                    text::unescape(text, &mut self.scratch)?;
                    Kind::of(&self.scratch)
                }
                _ => None,
            };
            after
        };
        own.stated_in = entity;
        if own.value_in == entity && own.stated.is_some() && own.stated != own.taken_as && own.taken_as.is_some() {
            // The value came before its type.
            let (value_at, taken_as) = (own.value_at, own.taken_as);
            if let Some(kind) = taken_as {
                own.take_back(row, kind);
            }
            self.value(body, value_at, column, row)?;
        }
        Ok(after)
    }

    #[inline]
    fn value(&mut self, body: &[u8], at: usize, column: usize, row: usize) -> Result<usize, Garbled> {
        let own = &mut self.columns[column];
        if own.order.is_none() {
            own.order = Some(self.columns_in_order);
            self.columns_in_order += 1;
        }
        own.value_in = self.entities;
        own.value_at = at;
        own.taken_as = None;
        let stated = (own.stated_in == self.entities).then_some(own.stated).flatten().or(own.declared);
        match body.get(at) {
            Some(b'"') => {
                let (end, escaped) = text::end_of(body, at + 1)?;
                let inferred = if own.is_timestamp { Kind::DateTime } else { Kind::String };
                let kind = stated.unwrap_or(inferred);
                let fits = if escaped {
                    self.scratch.clear();
                    text::unescape(&body[at + 1..end], &mut self.scratch)?;
                    own.push(row, kind, Value::Text(&self.scratch))
                } else {
                    own.push(row, kind, Value::Text(&body[at + 1..end]))
                };
                self.took(column, kind, fits);
                Ok(end + 1)
            }
            Some(b't') => {
                let after = expect_word(body, at, b"true")?;
                self.push(column, row, stated.unwrap_or(Kind::Boolean), Value::Truth(true));
                Ok(after)
            }
            Some(b'f') => {
                let after = expect_word(body, at, b"false")?;
                self.push(column, row, stated.unwrap_or(Kind::Boolean), Value::Truth(false));
                Ok(after)
            }
            Some(b'n') => expect_word(body, at, b"null"),
            Some(b'[' | b'{') => {
                let name = own.name.to_string();
                self.note(Fault::Nested(name));
                json::skip(body, at)
            }
            Some(_) => {
                let (number, after) = json::number(body, at)?;
                let (value, inferred) = match number {
                    Number::Whole(value) if i32::try_from(value).is_ok() => (Value::Whole(value), Kind::Int32),
                    Number::Whole(value) => (Value::Whole(value), Kind::Int64),
                    Number::Real(value) => (Value::Real(value), Kind::Double),
                };
                self.push(column, row, stated.unwrap_or(inferred), value);
                Ok(after)
            }
            None => Err(Garbled),
        }
    }

    #[inline]
    fn push(&mut self, column: usize, row: usize, kind: Kind, value: Value) {
        let fits = self.columns[column].push(row, kind, value);
        self.took(column, kind, fits);
    }

    #[inline]
    fn took(&mut self, column: usize, kind: Kind, fits: bool) {
        let own = &mut self.columns[column];
        own.taken_as = Some(kind);
        own.misfit = None;
        if !fits {
            own.misfit = Some(kind);
            self.misfits.push(column);
        }
    }
}

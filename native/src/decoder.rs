//! Pages, one after the other, to one batch after the other.

use std::collections::{HashMap, HashSet};

use arrow_array::ArrayRef;

use crate::column::Column;
use crate::edm::{self, Kind};
use crate::json::{self, Garbled, Number, expect, expect_word, past_space};
use crate::pattern::Pattern;
use crate::text;

/// Why a page was refused; nothing of it was kept. In the order of what is told of a page with several faults.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// With the page the batch would be larger than the 32 bits of an offset allow, or have more cells than `MOST_CELLS`.
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
            Fault::Repeated(_) => REPEATED,
            Fault::Nested(_) => 4,
            Fault::Unfit(..) => 5,
        }
    }
}

const REPEATED: u8 = 3;

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
    Annotation(u32),
    /// The value of a column.
    Value(u32),
}

enum Expected {
    /// An annotation and the value it is about: that one's member, where it begins, its column and its type.
    Stated(usize, usize, usize, Option<Kind>),
    /// A member, and where its value begins.
    Member(usize, usize),
    No,
}

enum Next {
    Member(usize, usize),
    End(usize),
}

/// A name that members of entities have.
#[repr(C)] // what every value needs stands together
struct Member {
    /// The last entity that had it.
    seen_in: u64,
    /// The member that comes after this one, if all are there.
    next: usize,
    /// Of an annotation: how it went on last time.
    run: Option<Box<Run>>,
    role: Role,
    /// The name as it came, with its quotes and the colon, and any byte before: most members are told by one comparison.
    raw: Pattern,
}

/// All that came from the name of an annotation to the value that it is about.
struct Run {
    pattern: Pattern,
    to: usize,
    column: usize,
    stated: Option<Kind>,
}

impl Member {
    fn new(raw: &[u8], role: Role) -> Member {
        Member { raw: Pattern::behind_a_byte(raw), role, next: BEGINNING, run: None, seen_in: 0 }
    }
}

/// Rows times columns of a batch: where each entity has properties of its own, a batch is mostly nulls.
const MOST_CELLS: usize = 1 << 22;
/// An entity has 255 properties at most, each with an annotation at most.
const MOST_MEMBERS: usize = 1024;
/// Names that are kept from batch to batch. A service that invents ever new ones must not use up memory.
const MOST_NAMES: usize = 8192;
/// How many that are missing are passed over before a name is looked up.
const MOST_MISSING: usize = 6;
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
    /// The same members, by their name as it came.
    by_raw: HashMap<Box<[u8]>, usize>,
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
            by_raw: HashMap::new(),
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
            (Ok(rows), None) if (self.rows + rows) * self.columns_in_order as usize > MOST_CELLS => Fault::Oversized,
            (Ok(rows), None) => {
                self.rows += rows;
                self.bytes += body.len();
                return Ok(rows);
            }
            (Ok(_), Some(fault)) => fault,
            (Err(Garbled), Some(fault @ (Fault::Oversized | Fault::Shapeless))) => fault,
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
        self.by_raw.clear();
        self.by_property.clear();
        self.columns.clear();
        self.members = vec![Member::new(&[], Role::Passed)];
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
                at = self.entity(body, at, self.rows + rows)?;
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

    /// The entity whose brace is at `at`; the position after it.
    fn entity(&mut self, body: &[u8], mut at: usize, row: usize) -> Result<usize, Garbled> {
        self.entities += 1;
        let entity = self.entities;
        let mut before = BEGINNING;
        // The annotation that came just before, its column, and where it began.
        let mut annotated: Option<(usize, usize, usize)> = None;
        let (mut separator, mut members) = (b'{', 0);
        loop {
            let start = at;
            members += 1;
            if members > MOST_MEMBERS {
                self.note(Fault::Shapeless);
                return Err(Garbled);
            }
            let (member, value_at) = match self.expected(body, at, separator, before) {
                Expected::Stated(value, value_at, column, stated) => {
                    (before, separator, annotated) = (value, b',', None);
                    at = self.value(body, value_at, column, row, stated)?;
                    continue;
                }
                Expected::Member(member, value_at) => (member, value_at),
                Expected::No => match self.next_member(body, at, separator, before)? {
                    Next::Member(member, value_at) => (member, value_at),
                    Next::End(after) => {
                        at = after;
                        break;
                    }
                },
            };
            separator = b',';
            before = member;
            let annotated_before = annotated.take();
            let own = &mut self.members[member];
            let is_repeated = own.seen_in == entity;
            own.seen_in = entity;
            let role = own.role;
            if is_repeated {
                self.note_repeated(member);
                at = json::skip(body, past_space(body, value_at))?;
                continue;
            }
            at = match role {
                Role::Value(column) => {
                    let column = column as usize;
                    if let Some((annotation, of, from)) = annotated_before
                        && of == column
                        && self.fault.is_none()
                        && !self.has_run(body, annotation, from, value_at)
                    {
                        self.keep_run(&body[from..value_at], annotation, member, column);
                    }
                    let stated = self.columns[column].stated_for(entity);
                    self.value(body, value_at, column, row, stated)?
                }
                Role::Annotation(column) => {
                    let column = column as usize;
                    // What is kept of it begins with the comma; after white space it does not.
                    annotated = matches!(body.get(start), Some(b',' | b'{')).then_some((member, column, start));
                    at = past_space(body, value_at);
                    let after = self.annotation(body, at, column)?;
                    if self.has_value(column) {
                        self.type_anew(body, column, row)?;
                    }
                    after
                }
                Role::Passed => json::skip(body, past_space(body, value_at))?,
            };
        }
        if !self.misfits.is_empty() {
            self.note_misfits();
        }
        Ok(at)
    }

    /// What most likely comes after `before`, if it does.
    #[inline(always)]
    fn expected(&mut self, body: &[u8], at: usize, separator: u8, before: usize) -> Expected {
        if body.get(at) != Some(&separator) {
            return Expected::No;
        }
        let next = self.members[before].next;
        let own = &self.members[next];
        if let Some(run) = &own.run
            && let Some(after) = run.pattern.after(body, at)
        {
            let (to, column, stated) = (run.to, run.column, run.stated);
            let fresh = self.entities != own.seen_in && self.entities != self.members[to].seen_in;
            self.members[next].seen_in = self.entities;
            // A second time: that is told where members are looked at one by one.
            if fresh {
                self.members[to].seen_in = self.entities;
                return Expected::Stated(to, after, column, stated);
            }
        }
        match self.members[next].raw.after(body, at) {
            Some(after) => Expected::Member(next, after),
            None => Expected::No,
        }
    }

    /// What comes at `at`: a member and where its value begins, or the end of the entity.
    #[cold]
    fn next_member(&mut self, body: &[u8], at: usize, separator: u8, before: usize) -> Result<Next, Garbled> {
        let at = past_space(body, at);
        let is_first = separator == b'{';
        match body.get(at) {
            Some(b'}') if !is_first => return Ok(Next::End(at + 1)),
            Some(byte) if *byte == separator => {}
            _ => return Err(Garbled),
        }
        // Properties mostly come in one order, and some are missing.
        let mut guess = self.members[before].next;
        for _ in 0..MOST_MISSING {
            guess = self.members[guess].next;
            if let Some(after) = self.members[guess].raw.after(body, at) {
                return Ok(Next::Member(guess, after));
            }
        }
        let at = past_space(body, at + 1);
        if is_first && body.get(at) == Some(&b'}') {
            return Ok(Next::End(at + 1));
        }
        let (member, after) = self.member(body, at)?;
        self.members[before].next = member;
        Ok(Next::Member(member, after))
    }

    /// Whether the way from an annotation at `from` to the value at `to` is known already.
    fn has_run(&self, body: &[u8], annotation: usize, from: usize, to: usize) -> bool {
        let run = self.members[annotation].run.as_ref();
        run.is_some_and(|run| run.pattern.after(body, from) == Some(to))
    }

    #[cold]
    fn keep_run(&mut self, run: &[u8], annotation: usize, value: usize, column: usize) {
        let stated = self.columns[column].stated;
        let pattern = Pattern::behind_a_byte(&run[1..]);
        self.members[annotation].run = Some(Box::new(Run { pattern, to: value, column, stated }));
    }

    /// The member whose name is at `at`, and the position after its colon.
    #[cold]
    fn member(&mut self, body: &[u8], at: usize) -> Result<(usize, usize), Garbled> {
        let start = expect(body, at, b'"')?;
        let (end, _) = text::end_of(body, start)?;
        let after = expect(body, past_space(body, end + 1), b':')?;
        let raw = &body[at..after];
        if let Some(member) = self.by_raw.get(raw) {
            return Ok((*member, after));
        }
        let mut name = Vec::new();
        text::unescape(&body[start..end], &mut name)?;
        if let Some(member) = self.by_name.get(&name[..]) {
            return Ok((*member, after));
        }
        let role = if name.starts_with(b"odata.") {
            Role::Passed
        } else if let Some(property) = name.strip_suffix(ANNOTATION) {
            if self.is_passed(property) { Role::Passed } else { Role::Annotation(self.column_of(property) as u32) }
        } else if self.is_passed(&name) {
            Role::Passed
        } else {
            Role::Value(self.column_of(&name) as u32)
        };
        let member = self.members.len();
        self.members.push(Member::new(raw, role));
        self.by_raw.insert(raw.into(), member);
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
        if self.fault.as_ref().is_some_and(|noted| noted.rank() <= REPEATED) {
            return; // the first one is told, and looking for its name takes time
        }
        let name = self.by_name.iter().find(|(_, at)| **at == member).map(|(name, _)| name);
        let name = name.map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default();
        self.note(Fault::Repeated(name));
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

    fn annotation(&mut self, body: &[u8], at: usize, column: usize) -> Result<usize, Garbled> {
        let own = &mut self.columns[column];
        let after = if let Some(after) = own.annotation.after(body, at) {
            after
        } else {
            let after = json::skip(body, at)?;
            // Only of a string nothing longer begins with it.
            *own.annotation = if body[at] == b'"' { Pattern::of(&body[at..after]) } else { Pattern::default() };
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
        own.stated_in = self.entities;
        Ok(after)
    }

    /// Whether the present entity had a value of the column already.
    fn has_value(&self, column: usize) -> bool {
        let value = self.by_name.get(self.columns[column].name.as_bytes());
        value.is_some_and(|member| self.members[*member].seen_in == self.entities)
    }

    /// The value came before its type: take it again.
    #[cold]
    fn type_anew(&mut self, body: &[u8], column: usize, row: usize) -> Result<(), Garbled> {
        let own = &mut self.columns[column];
        if let Some(stated) = own.stated {
            let at = own.value_at;
            own.truncate(row);
            own.misfit = None;
            self.value(body, at, column, row, Some(stated))?;
        }
        Ok(())
    }

    /// Take the value at `at` as that of `row`, of the type that an annotation states, if one does.
    #[inline(always)]
    fn value(
        &mut self,
        body: &[u8],
        at: usize,
        column: usize,
        row: usize,
        stated: Option<Kind>,
    ) -> Result<usize, Garbled> {
        let own = &mut self.columns[column];
        own.value_at = at;
        // Most values are strings.
        if body.get(at) == Some(&b'"') {
            let kind = stated.or(own.declared).unwrap_or(own.kind_of_strings);
            if own.order.is_some() {
                match kind {
                    Kind::String => return own.part(kind, row).push_string(body, at + 1),
                    Kind::DateTime => {
                        if let Some((value, after)) = edm::moment_in(body, at + 1) {
                            own.part(kind, row).push_read(value);
                            return Ok(after);
                        }
                    }
                    Kind::Int64 => {
                        if let Some((value, after)) = edm::integer_in(body, at + 1) {
                            own.part(kind, row).push_read(value);
                            return Ok(after);
                        }
                    }
                    _ => {}
                }
            }
        }
        self.other_value(body, at, column, row, stated)
    }

    fn other_value(
        &mut self,
        body: &[u8],
        at: usize,
        column: usize,
        row: usize,
        stated: Option<Kind>,
    ) -> Result<usize, Garbled> {
        let own = &mut self.columns[column];
        if own.order.is_none() {
            own.order = Some(self.columns_in_order);
            self.columns_in_order += 1;
            if (row + 1) * self.columns_in_order as usize > MOST_CELLS {
                self.fault = Some(Fault::Oversized);
                return Err(Garbled); // at once: what is left of the page would only make it larger
            }
        }
        let kind = stated.or(own.declared);
        let (after, kind, fits) = match body.get(at) {
            Some(b'"') => {
                let kind = kind.unwrap_or(own.kind_of_strings);
                if kind == Kind::String {
                    (own.part(kind, row).push_string(body, at + 1)?, kind, true)
                } else if kind == Kind::Guid {
                    (own.part(kind, row).push_guid(body, at + 1)?, kind, true)
                } else {
                    let (end, escaped) = text::end_of(body, at + 1)?;
                    let fits = if escaped {
                        self.scratch.clear();
                        text::unescape(&body[at + 1..end], &mut self.scratch)?;
                        own.part(kind, row).push_text(&self.scratch)
                    } else {
                        own.part(kind, row).push_text(&body[at + 1..end])
                    };
                    (end + 1, kind, fits)
                }
            }
            Some(b'-' | b'0'..=b'9') => {
                let (number, after) = json::number(body, at)?;
                match number {
                    Number::Whole(value) => {
                        let inferred = if i32::try_from(value).is_ok() { Kind::Int32 } else { Kind::Int64 };
                        let kind = kind.unwrap_or(inferred);
                        (after, kind, own.part(kind, row).push_whole(value))
                    }
                    Number::Real(value) => {
                        let kind = kind.unwrap_or(Kind::Double);
                        (after, kind, own.part(kind, row).push_real(value))
                    }
                }
            }
            Some(b't') => {
                let kind = kind.unwrap_or(Kind::Boolean);
                (expect_word(body, at, b"true")?, kind, own.part(kind, row).push_truth(true))
            }
            Some(b'f') => {
                let kind = kind.unwrap_or(Kind::Boolean);
                (expect_word(body, at, b"false")?, kind, own.part(kind, row).push_truth(false))
            }
            Some(b'n') => return expect_word(body, at, b"null"),
            Some(b' ' | b'\t' | b'\n' | b'\r') => {
                return self.value(body, past_space(body, at), column, row, stated);
            }
            Some(b'[' | b'{') => {
                let name = own.name.to_string();
                self.note(Fault::Nested(name));
                return json::skip(body, at);
            }
            _ => return Err(Garbled),
        };
        if !fits {
            own.misfit = Some(kind);
            self.misfits.push(column);
        }
        Ok(after)
    }
}

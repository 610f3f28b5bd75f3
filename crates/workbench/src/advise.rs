//! The match advisor: by which properties the records of two record types could be matched, and
//! which hold the same.
//!
//! Both sides are read whole, nothing is written and nothing stored. Candidates are found by what
//! the values are, not by what the properties are called: two properties whose normalised values
//! (L2) overlap. It rests on one sorted list of hashes a property (64 bits of the normalised value,
//! 32 of the record's number), so a hundred thousand records a side take some hundred bytes each,
//! and comparing two properties is one pass over two sorted lists (a merge join).
//!
//! Property rows are proposed by agreement *within* the records that the best match row would link:
//! a city that is "Oslo" on both sides of most links is the same property; one that merely has the
//! same words in it is not. Rows of other forms (value lists, parts of a name, factors, lists by
//! element) are seen from the values of some of these records, which are read once more ([`forms`]).

mod forms;

use std::collections::{BTreeMap, HashMap};

use lockstep_config::{row_path, yaml_in_line};
use lockstep_connector::{Checkpoint, Connector, ReadRequest, Trouble};
use lockstep_model::flow::PropertyRef;
use lockstep_model::matching::{Normal, Placeholders, forms, key_hash};
use lockstep_model::value::{effective, is_empty};
use lockstep_model::{Kind, PlainType, Region, TypeName, TypeSchema, Value};

pub use forms::FormAdvice;
use forms::{Group, Linked};

/// A page of records.
const PAGE: usize = 1000;
/// More properties of a side are not looked at: the first of the schema, which lists what matters
/// first.
const PROPERTIES: usize = 80;
/// A match row is proposed where so large a share of the rarer side's values is there once only.
const UNIQUE_ENOUGH: f64 = 0.9;
/// And where it would link so large a share of the smaller side.
const LINKS_ENOUGH: f64 = 0.05;
/// A property row is proposed where both sides hold the same in so large a share of the linked
/// records that hold anything.
const AGREES_ENOUGH: f64 = 0.6;
/// Values of a property are telephone numbers, or addresses, where so large a share of them looks so.
const LOOKS_SO: f64 = 0.8;
/// Candidates shown.
const SHOWN: usize = 12;
/// Addresses that stand for a place, not for a person: what comes before the `@`.
const SHARED: [&str; 20] = [
    "info",
    "post",
    "noreply",
    "no-reply",
    "donotreply",
    "admin",
    "support",
    "hello",
    "contact",
    "kontakt",
    "office",
    "mail",
    "sales",
    "salg",
    "faktura",
    "invoice",
    "billing",
    "regnskap",
    "firmapost",
    "service",
];

/// What was found of two record types.
#[derive(Debug)]
pub struct Advice {
    pub from: SideAdvice,
    pub to: SideAdvice,
    /// Pairs of properties with values in common, the best to match by first.
    pub candidates: Vec<Candidate>,
    /// Rows that agree in the records which the first match row would link.
    pub rows: Vec<RowAdvice>,
    /// Rows of other forms that hold in these records: value lists, parts of a whole, factors, lists
    /// by element, and groups of the rows above.
    pub forms: Vec<FormAdvice>,
    /// A flow to paste.
    pub yaml: String,
}

/// One side.
#[derive(Debug)]
pub struct SideAdvice {
    pub record_type: String,
    pub records: usize,
    /// Records that could not be read.
    pub unreadable: usize,
}

/// How one property is filled.
#[derive(Clone, Debug)]
pub struct Filled {
    pub path: String,
    /// Records that hold anything.
    pub filled: usize,
    /// Different values, normalised.
    pub distinct: usize,
    /// Records whose value another record of the same side has too.
    pub collisions: usize,
    /// Addresses such as `info@` and `noreply@`, which several records may share without being the
    /// same.
    pub shared_addresses: usize,
}

/// Two properties by which records could be matched.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub from: Filled,
    pub to: Filled,
    /// Different values that both sides have.
    pub overlap: usize,
    /// Records of the first side that match exactly one of the other, which matches no other
    /// record.
    pub would_link: usize,
    /// Records of the first side of which a person would be asked (L6).
    pub would_ask: usize,
    /// Records of the first side that match nothing: `create: always` would make a counterpart of
    /// each.
    pub would_create: usize,
    /// Of those, records that another row would have linked: they would be there twice.
    pub created_twice: usize,
    /// It is good enough to be proposed.
    pub proposed: bool,
    /// The kind that the row has to say (`as`), as the names do not tell it: `phone`, `email`.
    pub kind: Option<&'static str>,
}

/// Two properties that hold the same in linked records.
#[derive(Clone, Debug)]
pub struct RowAdvice {
    pub from: String,
    pub to: String,
    /// Linked records in which both hold something.
    pub both: usize,
    /// In so many of those, the same.
    pub same: usize,
    /// One side can't be written: the arrow of the row.
    pub arrow: &'static str,
    /// The kind that the row has to say (`as`), as the names do not tell it.
    pub kind: Option<&'static str>,
}

/// Reads both sides and says what could be matched. With each record type and its system comes the
/// country of telephone numbers that name none.
pub fn advise(
    from: (&TypeName, &dyn Connector, Option<Region>),
    to: (&TypeName, &dyn Connector, Option<Region>),
) -> Result<Advice, Trouble> {
    let (a, b) = (Side::read(from)?, Side::read(to)?);
    let mut found: Vec<(Candidate, Links)> = Vec::new();
    for p in &a.columns {
        for q in &b.columns {
            found.extend(compare(p, q, &a, &b));
        }
    }
    // An address is a person's own; names and telephone numbers several people have.
    let is_address = |c: &Candidate| {
        [&c.from.path, &c.to.path].iter().any(|path| Kind::hinted_by(path) == Kind::LikelyEmail)
    };
    let rank = |c: &Candidate| {
        (c.proposed, c.proposed && is_address(c), c.would_link, usize::MAX - c.would_ask, c.overlap)
    };
    found.sort_by(|x, y| {
        rank(&y.0)
            .cmp(&rank(&x.0))
            .then_with(|| (&x.0.from.path, &x.0.to.path).cmp(&(&y.0.from.path, &y.0.to.path)))
    });
    let linkable = linkable(&found, a.records);
    for (candidate, links) in &mut found {
        candidate.created_twice = linkable
            .iter()
            .zip(&links.of)
            .filter(|(any, mine)| **any && **mine == UNMATCHED)
            .count();
    }
    let links: Option<&Links> = found.first().filter(|(c, _)| c.proposed).map(|(_, links)| links);
    let rows = links.map(|links| rows(links, &a, &b)).unwrap_or_default();
    let (mut forms, mut groups) = (Vec::new(), Vec::new());
    if let Some(links) = links {
        let linked = Linked::read((from.0, &a, from.1), (to.0, &b, to.1), links)?;
        (forms, groups) = (linked.forms(&rows), linked.groups(&rows));
    }
    let matches = match_rows(&found);
    let mut candidates: Vec<Candidate> =
        found.into_iter().map(|(candidate, _)| candidate).collect();
    candidates.truncate(SHOWN);
    let yaml = yaml((from.0, to.0), &matches, &rows, (&groups, &forms));
    forms.extend(groups.iter().map(|group| group.advice(&rows)));
    let side = |side: &Side, name: &TypeName| SideAdvice {
        record_type: name.to_string(),
        records: side.records,
        unreadable: side.unreadable,
    };
    Ok(Advice { from: side(&a, from.0), to: side(&b, to.0), candidates, rows, forms, yaml })
}

/// What a record of the first side matches: no other, several, or one.
const UNMATCHED: u32 = u32::MAX;
const SEVERAL: u32 = u32::MAX - 1;

/// For each record of the first side, the record of the other that it matches.
struct Links {
    of: Vec<u32>,
}

/// The records that some proposed candidate would link.
fn linkable(found: &[(Candidate, Links)], records: usize) -> Vec<bool> {
    let mut any = vec![false; records];
    for (_, links) in found.iter().filter(|(candidate, _)| candidate.proposed) {
        any.iter_mut().zip(&links.of).for_each(|(any, to)| *any |= *to < SEVERAL);
    }
    any
}

/// One property of a side: its hashes, each with the record that has it, sorted.
struct Column {
    path: String,
    kind: Kind,
    region: Option<Region>,
    writable: bool,
    list: bool,
    filled: usize,
    shared: usize,
    /// Values that look like telephone numbers, and like addresses.
    phones: usize,
    mails: usize,
    /// Records in which it holds the record's own id.
    own_ids: usize,
    /// By the rule for texts, for e-mail addresses and, where the name says so, for telephone
    /// numbers.
    hashes: BTreeMap<u8, Vec<(u64, u32)>>,
}

struct Side {
    records: usize,
    /// The number of each record, by its id.
    numbers: HashMap<String, u32>,
    unreadable: usize,
    columns: Vec<Column>,
}

fn number(kind: Kind) -> u8 {
    match kind {
        Kind::LikelyEmail => 1,
        Kind::LikelyPhone => 2,
        _ => 0,
    }
}

impl Side {
    fn read(
        (name, connector, region): (&TypeName, &dyn Connector, Option<Region>),
    ) -> Result<Side, Trouble> {
        let schema = connector.types().iter().find(|schema| schema.kind == name.kind);
        let schema = schema
            .ok_or_else(|| Trouble::Misconfigured(format!("there is no record type {name}")))?;
        let mut columns = columns(schema, region);
        let watch: Vec<PropertyRef> =
            columns.iter().map(|column| PropertyRef::new(column.path.as_str())).collect();
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let (mut checkpoint, mut unreadable): (Option<Checkpoint>, usize) = (None, 0);
        loop {
            let request = ReadRequest {
                kind: &name.kind,
                watch: &watch,
                checkpoint: checkpoint.as_ref(),
                page_size: PAGE,
            };
            let page = connector.read(request)?;
            unreadable += page.faults.len();
            for record in page.records.into_iter().filter(|record| !record.deleted) {
                let next = u32::try_from(numbers.len()).unwrap_or(SEVERAL - 1);
                // A page may show a record twice.
                if *numbers.entry(record.id.clone()).or_insert(next) != next {
                    continue;
                }
                for (column, value) in columns.iter_mut().zip(&record.values) {
                    column.own_ids +=
                        usize::from(value.as_ref().is_some_and(|value| says(value, &record.id)));
                    column.take(next, value.as_ref().unwrap_or(&Value::Null));
                }
            }
            if !page.more {
                break;
            }
            checkpoint = Some(page.checkpoint);
        }
        for column in &mut columns {
            for hashes in column.hashes.values_mut() {
                hashes.sort_unstable();
                hashes.dedup();
            }
        }
        columns.retain(|column| column.filled > 0);
        Ok(Side { records: numbers.len(), numbers, unreadable, columns })
    }
}

/// Whether a value is this text, or the number that it says.
fn says(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => own == text,
        Value::Number(number) => number.to_string() == text,
        _ => false,
    }
}

/// The properties worth comparing: single values, each once whatever paths lead to it.
fn columns(schema: &TypeSchema, region: Option<Region>) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for property in &schema.properties {
        let Some(path) = schema.resolve(&property.path) else { continue };
        let plain = !matches!(property.ty, PlainType::Boolean | PlainType::List)
            && property.reference.is_none();
        if !plain
            || columns.len() == PROPERTIES
            || columns.iter().any(|column| column.path == path.as_str())
        {
            continue;
        }
        columns.push(Column {
            kind: Kind::hinted_by(path.as_str()),
            region,
            writable: !property.read_only && (schema.can.update || schema.can.create),
            list: property.list,
            path: path.as_str().into(),
            filled: 0,
            shared: 0,
            phones: 0,
            mails: 0,
            own_ids: 0,
            hashes: BTreeMap::new(),
        });
    }
    columns
}

impl Column {
    /// It is the record's own id: given by its system, the same elsewhere by chance only, and never
    /// written.
    fn is_own_id(&self) -> bool {
        self.own_ids == self.filled
    }

    fn take(&mut self, record: u32, value: &Value) {
        if is_empty(value) || matches!(effective(value, false), Value::Object(_) | Value::Array(_))
        {
            return;
        }
        self.filled += 1;
        let one = effective(value, false);
        let text = one.as_str().map(str::trim).unwrap_or_default();
        self.phones += usize::from(looks_like_phone(text));
        self.mails += usize::from(text.contains('@'));
        let none = Placeholders::default();
        let texts = forms(value, Normal::of(Kind::LikelyEmail), &none);
        self.shared += usize::from(texts.iter().any(|text| is_shared(text)));
        for kind in [Kind::Seen, Kind::LikelyEmail, Kind::LikelyPhone] {
            let hashes = self.hashes.entry(number(kind)).or_default();
            hashes.extend(
                forms(value, Normal { kind, region: self.region }, &none)
                    .iter()
                    .map(|form| (key_hash(0, &[form]), record)),
            );
        }
    }

    /// As the engine compares the two: by what either name speaks for, if the values are of that
    /// kind.
    fn rule(&self, other: &Column) -> u8 {
        number(self.kind.with(other.kind))
    }

    /// A rule that the values of both speak for and neither name does, with the word for it.
    fn other_rule(&self, other: &Column) -> Option<(u8, &'static str)> {
        let most = |count: usize, filled: usize| count as f64 >= LOOKS_SO * filled as f64;
        let both =
            |of: fn(&Column) -> usize| most(of(self), self.filled) && most(of(other), other.filled);
        let rule = self.rule(other);
        let phones = both(|column| column.phones).then_some((number(Kind::LikelyPhone), "phone"));
        let mails = both(|column| column.mails).then_some((number(Kind::LikelyEmail), "email"));
        phones.or(mails).filter(|(other, _)| *other != rule)
    }

    fn hashes(&self, rule: u8) -> &[(u64, u32)] {
        self.hashes.get(&rule).map(Vec::as_slice).unwrap_or_default()
    }

    fn filled(&self, rule: u8) -> Filled {
        let hashes = self.hashes(rule);
        let (mut distinct, mut collisions) = (0, 0);
        for same in hashes.chunk_by(|a, b| a.0 == b.0) {
            distinct += 1;
            collisions += if same.len() > 1 { same.len() } else { 0 };
        }
        Filled {
            path: self.path.clone(),
            filled: self.filled,
            distinct,
            collisions,
            shared_addresses: self.shared,
        }
    }
}

/// `info@`, `no-reply@`: an address of a place.
fn is_shared(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, _)| SHARED.contains(&name))
}

/// `22 00 00 01`, `+4722000001`
fn looks_like_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let sign = |c: char| c.is_ascii_digit() || "+ ()-./".contains(c);
    (7..=15).contains(&digits) && text.chars().all(sign)
}

/// Two properties compared; nothing where no value is in both. As their names have it, or by what
/// their values are where that links more: then the row has to say so.
fn compare(p: &Column, q: &Column, a: &Side, b: &Side) -> Option<(Candidate, Links)> {
    // Both sides count 1, 2, 3. The one's id in a property of the other's is another matter.
    if p.is_own_id() && q.is_own_id() {
        return None;
    }
    let by_name = compared(p, q, a, b, p.rule(q));
    let Some((rule, kind)) = p.other_rule(q) else { return by_name };
    let by_values = compared(p, q, a, b, rule);
    let links = |found: &Option<(Candidate, Links)>| {
        found.as_ref().map_or(0, |(candidate, _)| candidate.would_link)
    };
    if links(&by_values) <= links(&by_name) {
        return by_name;
    }
    by_values.map(|(candidate, links)| (Candidate { kind: Some(kind), ..candidate }, links))
}

fn compared(p: &Column, q: &Column, a: &Side, b: &Side, rule: u8) -> Option<(Candidate, Links)> {
    let (left, right) = (p.hashes(rule), q.hashes(rule));
    let mut of = vec![UNMATCHED; a.records];
    let mut back = vec![UNMATCHED; b.records];
    let meet = |slot: &mut u32, other: u32| {
        *slot = if *slot == UNMATCHED || *slot == other { other } else { SEVERAL }
    };
    let (mut i, mut j, mut overlap) = (0, 0, 0);
    while i < left.len() && j < right.len() {
        let (x, y) = (left[i].0, right[j].0);
        if x != y {
            if x < y {
                i += 1
            } else {
                j += 1
            }
            continue;
        }
        overlap += 1;
        let (mine, theirs) = (run(&left[i..]), run(&right[j..]));
        // Two different ones are several already: no need to look at each of a thousand.
        for one in mine {
            theirs.iter().take(2).for_each(|other| meet(&mut of[one.1 as usize], other.1));
        }
        for other in theirs {
            mine.iter().take(2).for_each(|one| meet(&mut back[other.1 as usize], one.1));
        }
        (i, j) = (i + mine.len(), j + theirs.len());
    }
    if overlap == 0 {
        return None;
    }
    // A match is clear where it is from both sides (L6).
    for (one, to) in of.iter_mut().enumerate() {
        if *to < SEVERAL && back[*to as usize] != one as u32 {
            *to = SEVERAL;
        }
    }
    let would_link = of.iter().filter(|to| **to < SEVERAL).count();
    let would_ask = of.iter().filter(|to| **to == SEVERAL).count();
    let (from, to) = (p.filled(rule), q.filled(rule));
    let unique = |filled: &Filled| 1.0 - filled.collisions as f64 / filled.filled.max(1) as f64;
    let smaller = a.records.min(b.records).max(1);
    let proposed = unique(&from).max(unique(&to)) >= UNIQUE_ENOUGH
        && would_link as f64 >= LINKS_ENOUGH * smaller as f64
        && would_link > 4 * would_ask;
    let would_create = a.records - would_link - would_ask;
    Some((
        Candidate {
            from,
            to,
            overlap,
            would_link,
            would_ask,
            would_create,
            created_twice: 0,
            proposed,
            kind: None,
        },
        Links { of },
    ))
}

fn run(hashes: &[(u64, u32)]) -> &[(u64, u32)] {
    let end = hashes.iter().position(|other| other.0 != hashes[0].0).unwrap_or(hashes.len());
    &hashes[..end]
}

/// Property rows: for each property of the first side the one that agrees best in linked records.
fn rows(links: &Links, a: &Side, b: &Side) -> Vec<RowAdvice> {
    // What a record of the other side is linked with, as a number that both sides share.
    let mut linked_to = vec![UNMATCHED; b.records];
    for (one, to) in links.of.iter().enumerate().filter(|(_, to)| **to < SEVERAL) {
        linked_to[*to as usize] = one as u32;
    }
    let mut all: Vec<RowAdvice> = Vec::new();
    for p in &a.columns {
        for q in b.columns.iter().filter(|q| !p.is_own_id() && !q.is_own_id()) {
            let agree = |rule: u8| {
                let mut left: Vec<(u32, u64)> = p
                    .hashes(rule)
                    .iter()
                    .filter(|(_, one)| links.of[*one as usize] < SEVERAL)
                    .map(|(hash, one)| (*one, *hash))
                    .collect();
                let theirs =
                    q.hashes(rule).iter().map(|(hash, other)| (linked_to[*other as usize], *hash));
                let mut right: Vec<(u32, u64)> =
                    theirs.filter(|(one, _)| *one != UNMATCHED).collect();
                left.sort_unstable();
                right.sort_unstable();
                agreement(&left, &right)
            };
            let ((mut both, mut same), mut kind) = (agree(p.rule(q)), None);
            if let Some((rule, word)) = p.other_rule(q) {
                let (more, agreeing) = agree(rule);
                if agreeing > same {
                    (both, same, kind) = (more, agreeing, Some(word));
                }
            }
            let Some(arrow) = arrow(p.writable, q.writable) else { continue };
            if same > 0 && same as f64 >= AGREES_ENOUGH * both as f64 {
                let (from, to) = (p.path.clone(), q.path.clone());
                all.push(RowAdvice { from, to, both, same, arrow, kind });
            }
        }
    }
    // Each property once: the pairs that agree most are taken first; lists give way to single
    // values on a tie.
    let is_list = |side: &Side, path: &str| {
        side.columns.iter().any(|column| column.path == path && column.list)
    };
    all.sort_by_key(|row| {
        (std::cmp::Reverse(row.same), row.both, is_list(a, &row.from), is_list(b, &row.to))
    });
    let mut rows: Vec<RowAdvice> = Vec::new();
    for row in all {
        if !rows.iter().any(|taken| taken.from == row.from || taken.to == row.to) {
            rows.push(row);
        }
    }
    rows
}

/// The arrow of a row between properties of which these can be written.
fn arrow(from: bool, to: bool) -> Option<&'static str> {
    match (from, to) {
        (true, true) => Some("<->"),
        (false, true) => Some("->"),
        (true, false) => Some("<-"),
        (false, false) => None,
    }
}

/// In how many records both have something, and in how many of those a value is the same.
fn agreement(left: &[(u32, u64)], right: &[(u32, u64)]) -> (usize, usize) {
    let (mut both, mut same, mut j) = (0, 0, 0);
    for mine in left.chunk_by(|x, y| x.0 == y.0) {
        while j < right.len() && right[j].0 < mine[0].0 {
            j += 1;
        }
        let end = right[j..]
            .iter()
            .position(|other| other.0 != mine[0].0)
            .map_or(right.len(), |at| j + at);
        let theirs = &right[j..end];
        if !theirs.is_empty() {
            both += 1;
            same += usize::from(mine.iter().any(|one| theirs.iter().any(|other| other.1 == one.1)));
        }
    }
    (both, same)
}

/// The match rows to paste: the best, and others that find more without contradicting those before.
fn match_rows(found: &[(Candidate, Links)]) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    let mut linked: Vec<u32> = Vec::new();
    for (candidate, links) in found.iter().filter(|(candidate, _)| candidate.proposed) {
        let row = format!("{} = {}", row_path(&candidate.from.path), row_path(&candidate.to.path));
        let row = with_kind("match", &row, candidate.kind);
        if rows.is_empty() {
            (rows, linked) = (vec![row], links.of.clone());
            continue;
        }
        let both = || linked.iter().zip(&links.of).filter(|(_, new)| **new < SEVERAL);
        let more = both().filter(|(old, _)| **old == UNMATCHED).count();
        if more > 0 && both().all(|(old, new)| *old == UNMATCHED || old == new) {
            rows.push(format!("{row}    # finds {more} more"));
            linked
                .iter_mut()
                .zip(&links.of)
                .filter(|(old, _)| **old == UNMATCHED)
                .for_each(|(old, new)| *old = *new);
        }
    }
    rows
}

/// A row as an item of a list: with the kind that it has to say.
fn with_kind(what: &str, row: &str, kind: Option<&str>) -> String {
    let text = yaml_in_line(row);
    kind.map_or(text.clone(), |kind| format!("{{ {what}: {text}, as: {kind} }}"))
}

impl RowAdvice {
    /// As it stands in a flow file.
    fn item(&self) -> String {
        let row = format!("{} {} {}", row_path(&self.from), self.arrow, row_path(&self.to));
        with_kind("row", &row, self.kind)
    }
}

impl Group {
    /// As it stands in a flow file, in one line.
    fn advice(&self, rows: &[RowAdvice]) -> FormAdvice {
        let members: Vec<String> = self.members.iter().map(|at| rows[*at].item()).collect();
        FormAdvice {
            form: "group",
            yaml: format!("{{ group: {}, rows: [{}] }}", self.name, members.join(", ")),
            both: self.both,
            same: self.same,
        }
    }
}

/// A flow to paste: match rows that were proposed, property rows that agree and forms that hold; it
/// links, and creates nothing until a person says so.
fn yaml(
    (from, to): (&TypeName, &TypeName),
    matches: &[String],
    rows: &[RowAdvice],
    (groups, forms): (&[Group], &[FormAdvice]),
) -> String {
    let mut text = format!(
        "  - from: {}\n    to: {}\n    create: never\n",
        yaml_in_line(&from.to_string()),
        yaml_in_line(&to.to_string())
    );
    if matches.is_empty() {
        return text
            + "    # no two properties have values in common by which records could be matched\n    match: []\n    properties: []\n";
    }
    text += "    match:\n";
    matches.iter().for_each(|row| text += &format!("      - {row}\n"));
    let none = rows.is_empty() && forms.is_empty();
    text += if none { "    properties: []\n" } else { "    properties:\n" };
    let row = |indent: &str, row: &RowAdvice| {
        format!("{indent}- {}    # the same in {} of {}\n", row.item(), row.same, row.both)
    };
    let grouped = |at: usize| groups.iter().any(|group| group.members.contains(&at));
    for (_, one) in rows.iter().enumerate().filter(|(at, _)| !grouped(*at)) {
        text += &row("      ", one);
    }
    for Group { name, members, both, same } in groups {
        text += &format!(
            "      - group: {name}    # all the same in {same} of {both}\n        rows:\n"
        );
        members.iter().for_each(|at| text += &row("          ", &rows[*at]));
    }
    for FormAdvice { yaml, both, same, .. } in forms {
        text += &format!("      - {yaml}    # holds in {same} of {both}\n");
    }
    text
}

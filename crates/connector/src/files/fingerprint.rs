//! What a reading remembers of every row: a fingerprint of its bytes, and the id of the record on
//! it.
//!
//! When a file has changed, a row whose fingerprint is known need not be parsed; and the ids of
//! rows that vanished are the records that are gone. The fingerprint is 64 bits of XXH3: among a
//! million rows two differing ones share one with a chance of 1 in 37 million, and then an edit is
//! missed only if it turns one row into exactly that other one.
//!
//! Stored as: the letters `LKF2`, the number of rows, the fingerprints, the ids packed. A UUID takes 17
//! bytes and a whole number 9.

use xxhash_rust::xxh3::xxh3_64;

const MAGIC: &[u8; 4] = b"LKF2";
const TAG_UUID: u8 = 255;
const TAG_NUMBER: u8 = 254;
const TAG_LONG: u8 = 253;

/// The fingerprint of a row.
pub(super) fn fingerprint(row: &[u8]) -> u64 {
    xxh3_64(row)
}

/// Appends an id in packed form.
pub(super) fn pack(id: &str, into: &mut Vec<u8>) {
    if let Some(bytes) = uuid_bytes(id) {
        into.push(TAG_UUID);
        into.extend_from_slice(&bytes);
    } else if let Ok(number) = id.parse::<i64>()
        && number.to_string() == id
    {
        into.push(TAG_NUMBER);
        into.extend_from_slice(&number.to_le_bytes());
    } else if id.len() < usize::from(TAG_LONG) {
        into.push(id.len() as u8);
        into.extend_from_slice(id.as_bytes());
    } else {
        into.push(TAG_LONG);
        into.extend_from_slice(&(id.len() as u32).to_le_bytes());
        into.extend_from_slice(id.as_bytes());
    }
}

/// Whether a packed id is a whole number.
pub(super) fn is_number(packed: &[u8]) -> bool {
    packed.first() == Some(&TAG_NUMBER)
}

/// The id that was packed; empty for a row that could not be read.
pub(super) fn unpack(packed: &[u8]) -> String {
    match packed {
        [TAG_UUID, bytes @ ..] => uuid_text(bytes),
        [TAG_NUMBER, bytes @ ..] => {
            i64::from_le_bytes(bytes.try_into().unwrap_or_default()).to_string()
        }
        [TAG_LONG, rest @ ..] => {
            String::from_utf8_lossy(rest.get(4..).unwrap_or_default()).into_owned()
        }
        [_, bytes @ ..] => String::from_utf8_lossy(bytes).into_owned(),
        [] => String::new(),
    }
}

/// A UUID's bytes as it is written.
pub(super) fn uuid_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    text
}

/// The bytes of a UUID in the usual form, small letters: only that form comes back the same.
fn uuid_bytes(id: &str) -> Option<[u8; 16]> {
    let text = id.as_bytes();
    if text.len() != 36 || [8, 13, 18, 23].iter().any(|&at| text[at] != b'-') {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 16];
    let mut at = 0;
    for byte in &mut bytes {
        if text[at] == b'-' {
            at += 1;
        }
        *byte = digit(text[at])? << 4 | digit(text[at + 1])?;
        at += 2;
    }
    Some(bytes)
}

/// The length of the packed id that these bytes begin with; `None` where they are too few.
fn packed_length(bytes: &[u8]) -> Option<usize> {
    let length = match *bytes.first()? {
        TAG_UUID => 17,
        TAG_NUMBER => 9,
        TAG_LONG => 5 + u32::from_le_bytes(bytes.get(1..5)?.try_into().ok()?) as usize,
        length => 1 + usize::from(length),
    };
    (length <= bytes.len()).then_some(length)
}

/// The rows of a file as they are read, in their order.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    rows: Vec<u64>,
    ids: Vec<u8>,
}

impl Fingerprints {
    /// A row and its record's id (empty where it could not be read).
    pub(super) fn push(&mut self, row: u64, id: &str) {
        self.rows.push(row);
        pack(id, &mut self.ids);
    }

    /// A row whose id is packed already.
    pub(super) fn push_packed(&mut self, row: u64, id: &[u8]) {
        self.rows.push(row);
        self.ids.extend_from_slice(id);
    }

    /// Gives a row another fingerprint than its own: it will not be known again.
    pub(super) fn doubt(&mut self, at: usize, print: u64) {
        self.rows[at] = print;
    }

    /// How many rows.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The packed ids.
    pub(super) fn ids(&self) -> PackedIds<'_> {
        PackedIds(&self.ids)
    }

    /// As a checkpoint keeps them.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(12 + self.rows.len() * 8 + self.ids.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(self.rows.len() as u64).to_le_bytes());
        self.rows.iter().for_each(|row| bytes.extend_from_slice(&row.to_le_bytes()));
        bytes.extend_from_slice(&self.ids);
        bytes
    }
}

/// Packed ids one after the other.
pub(super) struct PackedIds<'a>(&'a [u8]);

impl<'a> Iterator for PackedIds<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (id, rest) = self.0.split_at_checked(packed_length(self.0)?)?;
        self.0 = rest;
        Some(id)
    }
}

/// The rows that a checkpoint remembers, and which of them were met again.
#[derive(Debug)]
pub(super) struct Known {
    rows: Vec<u64>,
    ids: Vec<u8>,
    /// Where each row's id begins in `ids`, and at last where they end.
    at: Vec<usize>,
    met: Vec<bool>,
    /// The row that comes next if nothing was changed here.
    expected: usize,
    /// Rows by fingerprint, made when first a row is not the expected one: open addressing over row
    /// numbers plus one.
    index: Option<Vec<u32>>,
}

impl Known {
    /// From a checkpoint's bytes; `None` if they are not whole.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Known> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (count, rest) = rest.split_at_checked(8)?;
        let count = usize::try_from(u64::from_le_bytes(count.try_into().ok()?)).ok()?;
        let (rows, ids) = rest.split_at_checked(count.checked_mul(8)?)?;
        let rows: Vec<u64> =
            rows.as_chunks::<8>().0.iter().map(|row| u64::from_le_bytes(*row)).collect();
        let mut at = Vec::with_capacity(count + 1);
        at.push(0);
        for id in PackedIds(ids) {
            at.push(at[at.len() - 1] + id.len());
        }
        let whole = at.len() == count + 1 && at[count] == ids.len() && u32::try_from(count).is_ok();
        whole.then(|| Known {
            met: vec![false; count],
            rows,
            ids: ids.to_vec(),
            at,
            expected: 0,
            index: None,
        })
    }

    /// The packed id of a row that was there before, if it was. Most rows stay in their order: then
    /// this is one comparison.
    pub(super) fn meet(&mut self, row: u64) -> Option<&[u8]> {
        let at = match self.rows.get(self.expected) {
            Some(&expected) if expected == row => self.expected,
            _ => self.look_up(row)?,
        };
        self.met[at] = true;
        self.expected = at + 1;
        Some(self.id(at))
    }

    /// As if no row had been met.
    pub(super) fn forget(&mut self) {
        self.met.fill(false);
        self.expected = 0;
    }

    fn id(&self, at: usize) -> &[u8] {
        &self.ids[self.at[at]..self.at[at + 1]]
    }

    fn look_up(&mut self, row: u64) -> Option<usize> {
        // Of rows that are the same to the byte each stands for one.
        self.find(row, |known, at| !known.met[at])
    }

    /// Whether a row was there before, met again or not.
    pub(super) fn remembers(&mut self, row: u64) -> bool {
        self.find(row, |_, _| true).is_some()
    }

    fn make_index(&mut self) {
        let rows = &self.rows;
        self.index.get_or_insert_with(|| {
            let mut index = vec![0u32; (rows.len() * 2).next_power_of_two()];
            for (at, &row) in rows.iter().enumerate() {
                let mut slot = row as usize & (index.len() - 1);
                while index[slot] != 0 {
                    slot = (slot + 1) & (index.len() - 1);
                }
                index[slot] = at as u32 + 1;
            }
            index
        });
    }

    /// The first place of a row that will do.
    fn find(&mut self, row: u64, will_do: impl Fn(&Known, usize) -> bool) -> Option<usize> {
        self.make_index();
        let index = self.index.as_ref()?;
        let mut slot = row as usize & (index.len() - 1);
        while index[slot] != 0 {
            let at = index[slot] as usize - 1;
            if self.rows[at] == row && will_do(self, at) {
                return Some(at);
            }
            slot = (slot + 1) & (index.len() - 1);
        }
        None
    }

    /// The rows that were not met again, with their packed ids.
    pub(super) fn vanished(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.met
            .iter()
            .enumerate()
            .filter(|&(_, &met)| !met)
            .map(|(at, _)| (self.rows[at], self.id(at)))
    }
}

/// Hashes what is a fingerprint already.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plain(u64);

impl std::hash::BuildHasher for Plain {
    type Hasher = Plain;

    fn build_hasher(&self) -> Plain {
        Plain(0)
    }
}

impl std::hash::Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 ^= xxh3_64(bytes);
    }

    fn write_u64(&mut self, fingerprint: u64) {
        self.0 = fingerprint;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_as_they_were() {
        let long = "x".repeat(300);
        let ids = [
            "5940a623-d848-690f-bbba-2b88d73e036d",
            "5940A623-D848-690F-BBBA-2B88D73E036D",
            "100001",
            "-7",
            "007",
            "",
            "Åse",
            &long,
        ];
        let mut bytes = Vec::new();
        ids.iter().for_each(|id| pack(id, &mut bytes));
        assert_eq!(PackedIds(&bytes).map(unpack).collect::<Vec<_>>(), ids);
    }

    #[test]
    fn rows_are_known_again_wherever_they_moved() {
        let mut before = Fingerprints::default();
        for (row, id) in [(11, "a"), (12, "b"), (12, "b"), (13, "c"), (14, "d")] {
            before.push(row, id);
        }
        let mut known = Known::from_bytes(&before.to_bytes()).unwrap();
        let mut meet = |row| known.meet(row).map(unpack);
        assert_eq!(meet(14), Some("d".into()), "moved to the front");
        assert_eq!(meet(99), None, "new");
        assert_eq!((meet(12), meet(12), meet(12)), (Some("b".into()), Some("b".into()), None));
        assert_eq!(meet(13), Some("c".into()));
        assert_eq!(known.vanished().map(|(_, id)| unpack(id)).collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn bytes_that_are_cut_are_not_taken_for_a_memory() {
        let mut before = Fingerprints::default();
        before.push(1, "a");
        let bytes = before.to_bytes();
        assert!(Known::from_bytes(&bytes).is_some());
        for end in 0..bytes.len() {
            assert!(Known::from_bytes(&bytes[..end]).is_none(), "{end}");
        }
    }
}

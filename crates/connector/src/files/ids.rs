//! Ids for new records, of the kind that a file has: the next number where all ids are whole
//! numbers, else a UUID.
//!
//! The UUID (version 8 of RFC 9562, whose bits are the maker's own) is drawn from the write's token
//! and content. The same write tried again makes the same id, finds it in the file, and so is known
//! to be done (C2). Numbers can't tell that: there the hub looks for the record by what it holds.

use lockstep_model::Value;
use xxhash_rust::xxh3::Xxh3;

use super::fingerprint::uuid_text;
use crate::Write;
use crate::numbers::Used;

/// What the ids of a file are like, as far as it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kind {
    any: bool,
    /// At least one is no whole number.
    words: bool,
    /// At least one is written as a JSON number.
    as_number: bool,
    largest: i64,
}

impl Kind {
    /// Takes note of an id; `as_number` if it stands without quotes.
    pub(super) fn meet(&mut self, id: &str, as_number: bool) {
        match id.parse::<i64>() {
            Ok(number) if self.largest < i64::MAX => {
                self.largest = if self.any { self.largest.max(number) } else { number };
            }
            _ => self.words = true,
        }
        self.any = true;
        self.as_number |= as_number;
    }

    /// Takes note of the largest number that any record of the file ever had (R9): a number that
    /// was used is not handed out again.
    pub(super) fn go_on_after(&mut self, used: Used) {
        if !self.any {
            self.as_number = used.as_number;
        }
        self.largest = if self.any { self.largest.max(used.largest) } else { used.largest };
        self.any = true;
    }

    /// The largest number among the ids, where all are numbers.
    pub(super) fn used(&self) -> Option<Used> {
        (self.any && !self.words)
            .then_some(Used { largest: self.largest, as_number: self.as_number })
    }

    /// The next number; `None` where ids are not numbers.
    pub(super) fn next(&mut self) -> Option<Value> {
        if !self.any || self.words {
            return None;
        }
        let next = self.largest.checked_add(1)?;
        self.largest = next;
        Some(if self.as_number { Value::from(next) } else { Value::String(next.to_string()) })
    }
}

/// The UUID for a write that creates. `salt` tells apart writes that are the same in all else.
pub(super) fn uuid(kind: &str, write: &Write, salt: u64) -> String {
    let mut content = Xxh3::new();
    for part in [kind, &write.token] {
        content.update(&(part.len() as u64).to_le_bytes());
        content.update(part.as_bytes());
    }
    content.update(&salt.to_le_bytes());
    let mut text = Vec::new();
    for value in &write.values {
        content.update(&(value.prop as u64).to_le_bytes());
        text.clear();
        serde_json::to_writer(&mut text, &value.value).expect("a JSON value can be written");
        content.update(&text);
    }
    let mut bytes = content.digest128().to_be_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    uuid_text(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ids_go_on_in_the_kind_that_is_there() {
        let after = |ids: &[(&str, bool)]| {
            let mut kind = Kind::default();
            ids.iter().for_each(|&(id, as_number)| kind.meet(id, as_number));
            kind.next()
        };
        assert_eq!(after(&[("7", true), ("100", true), ("9", true)]), Some(json!(101)));
        assert_eq!(after(&[("7", false), ("-3", false)]), Some(json!("8")));
        assert_eq!(after(&[("-3", true)]), Some(json!(-2)));
        assert_eq!(after(&[("7", true), ("x7", false)]), None);
        assert_eq!(after(&[]), None);
        assert_eq!(after(&[("9223372036854775807", true)]), None, "there is no next number");
    }
}

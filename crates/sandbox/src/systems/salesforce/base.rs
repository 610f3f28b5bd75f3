//! What every part of the emulator works on: its state, refusals, ids and times.

use super::types::OBJECTS;
use crate::http::Reply;
use crate::state::Table;
use crate::tokens::Tokens;
use crate::util::ids::Source;
use crate::util::json as tree;
use crate::util::time;
use jiff::Timestamp;
use serde_json::{Value, json};

#[derive(Clone)]
pub(crate) struct Salesforce {
    /// In the order of [`OBJECTS`].
    pub(super) tables: Vec<Table>,
    /// What is in the recycle bin, by object.
    pub(super) deleted: Vec<Vec<Value>>,
    /// Answers to queries of which there is more to get.
    pub(super) cursors: Vec<(String, Vec<Value>)>,
    pub(super) tokens: Tokens,
    pub(super) next: u64,
    pub(super) orders: u64,
    pub(super) ids: Source,
    pub(super) owner: String,
}

/// Why a request is refused.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// Only refusals of a record name fields.
    pub(super) fields: Option<Vec<String>>,
}

pub(super) fn refusal(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { status, code, message: message.into(), fields: None }
}

/// A record that is not taken.
pub(super) fn rejected(code: &'static str, message: impl Into<String>, fields: &[&str]) -> Refusal {
    let fields = Some(fields.iter().map(|name| (*name).to_owned()).collect());
    Refusal { fields, ..refusal(400, code, message) }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let mut error = json!({"message": refusal.message, "errorCode": refusal.code});
        if let Some(fields) = refusal.fields {
            error["fields"] = json!(fields);
        }
        Reply::json(refusal.status, &json!([error]))
    }
}

pub(super) fn not_found() -> Refusal {
    refusal(404, "NOT_FOUND", "The requested resource does not exist")
}

/// `2013-05-07T22:07:19.000+0000`.
pub(super) fn stamp(at: Timestamp) -> String {
    time::millis_z(at).replace('Z', "+0000")
}

pub(super) fn keys(record: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    if let Some(account) = tree::filled(record, "AccountId") {
        keys.push(format!("account:{account}"));
    }
    if let Some(name) = tree::filled(record, "Username") {
        keys.push(format!("username:{}", name.to_lowercase()));
    }
    keys
}

/// The three characters that make an id of 15 characters, whose letters matter, one of 18: a bit
/// for each capital.
fn suffix(id: &str) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    id.as_bytes()
        .chunks(5)
        .map(|chunk| {
            let bits = chunk.iter().enumerate().filter(|(_, byte)| byte.is_ascii_uppercase());
            char::from(letters[bits.map(|(place, _)| 1 << place).sum::<usize>()])
        })
        .collect()
}

/// An id in its long form, if it can be one.
pub(super) fn long_id(id: &str) -> Option<String> {
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    match id.len() {
        15 => Some(format!("{id}{}", suffix(id))),
        18 => Some(format!("{}{}", &id[..15], suffix(&id[..15]))),
        _ => None,
    }
}

impl Salesforce {
    pub(super) fn new_id(&mut self, prefix: &str) -> String {
        self.next += 1;
        let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let (mut rest, mut tail) = (self.next, Vec::new());
        while tail.len() < 5 {
            tail.push(digits[usize::try_from(rest % 62).unwrap_or(0)]);
            rest /= 62;
        }
        let tail: String = tail.into_iter().rev().map(char::from).collect();
        let id = format!("{prefix}Wy00000{tail}");
        format!("{id}{}", suffix(&id))
    }

    /// The object of an id, and the record.
    pub(super) fn record(&self, id: &str) -> Option<(usize, &Value)> {
        let at = OBJECTS.iter().position(|object| id.starts_with(object.prefix))?;
        Some((at, self.tables[at].get(id)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_suffix_that_the_vendor_gives_them() {
        // From the vendor's pages: an account and its long form.
        assert_eq!(long_id("001D000000IqhSL").as_deref(), Some("001D000000IqhSLIAZ"));
        assert_eq!(long_id("001D000000IqhSLIAZ").as_deref(), Some("001D000000IqhSLIAZ"));
        assert_eq!(long_id("001"), None);
    }
}

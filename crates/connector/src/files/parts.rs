//! Where the members of an object and the elements of a list are in the text of a JSON value.

use std::borrow::Cow;
use std::ops::Range;

use lockstep_model::Value;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// A member of an object or an element of a list.
pub(super) struct Part<'t> {
    pub name: Option<Cow<'t, str>>,
    /// Where the name ends; with the start of the value that shows how colons are written here.
    pub name_end: usize,
    pub start: usize,
    pub value: Range<usize>,
}

/// The parts of an object's or a list's text; `None` if it is neither, or has a name twice.
pub(super) fn parts(text: &str) -> Option<Vec<Part<'_>>> {
    let bytes = text.as_bytes();
    let blank = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        at
    };
    let mut at = blank(0);
    let (is_object, close) = match bytes.get(at)? {
        b'{' => (true, b'}'),
        b'[' => (false, b']'),
        _ => return None,
    };
    at = blank(at + 1);
    let mut parts: Vec<Part<'_>> = Vec::new();
    while *bytes.get(at)? != close {
        if !parts.is_empty() {
            at = (bytes[at] == b',').then(|| blank(at + 1))?;
        }
        let start = at;
        let mut name = None;
        if is_object {
            let (read, end) = name_at(&text[at..])?;
            if parts.iter().any(|part| part.name.as_ref() == Some(&read)) {
                return None;
            }
            name = Some(read);
            at = blank(at + end);
            at = (*bytes.get(at)? == b':').then(|| blank(at + 1))?;
            let length = length_of(&text[at..])?;
            parts.push(Part { name, name_end: start + end, start, value: at..at + length });
            at = blank(at + length);
            continue;
        }
        let length = length_of(&text[at..])?;
        parts.push(Part { name, name_end: start, start, value: at..at + length });
        at = blank(at + length);
    }
    Some(parts)
}

/// The name that a text begins with, and the length of its text in bytes.
fn name_at(text: &str) -> Option<(Cow<'_, str>, usize)> {
    match plain(text) {
        Some(length) => Some((Cow::Borrowed(&text[1..length - 1]), length)),
        None => one::<String>(text).map(|(name, length)| (Cow::Owned(name), length)),
    }
}

/// The length of the text of the value that a text begins with, in bytes.
fn length_of(text: &str) -> Option<usize> {
    plain(text).or_else(|| one::<IgnoredAny>(text).map(|(_, length)| length))
}

/// The length of the string that a text begins with, where it is one without escapes: nearly all
/// are, and need no parser.
fn plain(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('"')?;
    let end = rest.bytes().position(is_escaped)?;
    (rest.as_bytes()[end] == b'"').then_some(end + 2)
}

/// What can't stand in a JSON string as it is.
fn is_escaped(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < b' '
}

/// Writes a string.
pub(super) fn put_text(text: &str, out: &mut String) {
    if text.bytes().any(is_escaped) {
        out.push_str(&Value::from(text).to_string());
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

/// The first value of a text and its length in bytes.
fn one<'t, T: Deserialize<'t>>(text: &'t str) -> Option<(T, usize)> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<T>();
    let value = stream.next()?.ok()?;
    Some((value, stream.byte_offset()))
}

//! Reading a JSON object value by value without building a tree of it.
//!
//! Millions of shadows are read in a run. They were written by this store, in the order of the
//! plan's properties, and most values are short texts without escapes and small numbers: those are
//! taken straight from the text, the rest is left to `serde_json`.

use lockstep_model::Value;
use serde::Deserialize;
use serde_json::Deserializer;

/// Reads a text that this store wrote. Values were as deep as `serde_json` lets them be when they
/// came in, and the store put them a few levels deeper: so its limit does not hold here, else one
/// such value would make everything around it unreadable.
pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    let mut reader = Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let value = T::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// A place in a JSON text that this store wrote (no blanks between tokens).
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the beginning.
    pub(super) fn new(text: &'a str) -> Self {
        Cursor { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Steps over this text, if it comes next.
    pub(super) fn take(&mut self, expected: &str) -> bool {
        let comes = self.text.as_bytes()[self.at..].starts_with(expected.as_bytes());
        if comes {
            self.at += expected.len();
        }
        comes
    }

    /// Everything was read.
    pub(super) fn is_done(&self) -> bool {
        self.at == self.text.len()
    }

    /// Reads a value, and stands behind it; `None` if there is none.
    pub(super) fn value(&mut self) -> Option<Value> {
        let rest = self.rest();
        match rest.as_bytes().first()? {
            b'"' => {
                let inner = &rest[1..];
                let end = inner.bytes().position(|byte| byte == b'"' || byte == b'\\')?;
                if inner.as_bytes()[end] == b'"' {
                    self.at += end + 2;
                    return Some(Value::String(inner[..end].to_string()));
                }
                self.any()
            }
            b'n' if self.take("null") => Some(Value::Null),
            b't' if self.take("true") => Some(Value::Bool(true)),
            b'f' if self.take("false") => Some(Value::Bool(false)),
            b'0'..=b'9' => {
                let end =
                    rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
                // Eighteen digits surely fit; a fraction or an exponent makes it another kind of
                // number.
                if end <= 18 && !matches!(rest.as_bytes().get(end), Some(b'.' | b'e' | b'E')) {
                    self.at += end;
                    return rest[..end].parse::<u64>().ok().map(Value::from);
                }
                self.any()
            }
            _ => self.any(),
        }
    }

    fn any(&mut self) -> Option<Value> {
        let mut reader = Deserializer::from_str(self.rest());
        reader.disable_recursion_limit();
        let mut values = reader.into_iter::<Value>();
        let value = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_read_as_serde_json_reads_them() {
        let values = json!([
            null, true, false, 0, 7, 123_456_789_012_345_678u64, u64::MAX, -1, i64::MIN, 0.1, 1e300, 5e-324, "", "Åse", "a\"b\\", "\u{0}",
            [], {}, [1, [2]], {"a": {"b": null}}, "日本",
        ]);
        let text = values.to_string();
        let mut cursor = Cursor::new(&text);
        assert!(cursor.take("["));
        for (at, expected) in values.as_array().unwrap().iter().enumerate() {
            assert!(at == 0 || cursor.take(","));
            assert_eq!(cursor.value().as_ref(), Some(expected));
        }
        assert!(!cursor.is_done() && cursor.take("]") && cursor.is_done());
        assert_eq!(Cursor::new("\"open").value(), None);
        assert_eq!(Cursor::new("nul").value(), None);
        assert_eq!(Cursor::new("").value(), None);
    }
}

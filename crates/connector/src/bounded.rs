//! Answers are taken in with bounds, whatever a server sends: so many bytes as they are after
//! decompression (a gigabyte of blanks is a megabyte on the way, and `ureq` counts what comes over
//! the wire), so many values in their JSON (`[0,0,…]` takes forty times as much memory as text).

use std::io::Read as _;

use serde_json::Value;

/// Two for each property of an object: ten thousand records of two hundred properties.
const MOST_VALUES: usize = 4_000_000;
/// Shorter texts can't have too many.
const SHORT: usize = 2 << 20;

/// Why an answer was not taken in, in words that go on "expected …, and".
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    #[error("the answer is larger than {} MB", most >> 20)]
    TooLarge { most: u64 },
    #[error("the answer has more than {MOST_VALUES} values")]
    TooMany,
    #[error("the answer broke off ({0})")]
    BrokeOff(String),
    #[error("the answer is not text in UTF-8")]
    NoText,
    #[error("it is not: {0}")]
    NoJson(String),
}

/// The text of an answer.
pub fn text(body: &mut ureq::Body, most: u64) -> Result<String, Unread> {
    let mut bytes = Vec::new();
    let read = body.with_config().limit(most).reader().take(most + 1).read_to_end(&mut bytes);
    if bytes.len() as u64 > most {
        return Err(Unread::TooLarge { most });
    }
    match read {
        Ok(_) => String::from_utf8(bytes).map_err(|_| Unread::NoText),
        Err(error) => {
            Err(match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
                Some(ureq::Error::BodyExceedsLimit(_)) => Unread::TooLarge { most },
                _ => Unread::BrokeOff(error.to_string()),
            })
        }
    }
}

/// What a text holds as JSON.
pub fn json(text: &str) -> Result<Value, Unread> {
    // RFC 8259 lets a reader pass over a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > SHORT && has_many_values(text) {
        return Err(Unread::TooMany);
    }
    serde_json::from_str(text).map_err(|error| Unread::NoJson(error.to_string()))
}

/// Counts what stands between values, outside of texts.
fn has_many_values(text: &str) -> bool {
    let (mut values, mut quoted, mut escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b',' | b':' | b'[' | b'{' if !quoted => values += 1,
            _ => {}
        }
    }
    values > MOST_VALUES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_and_texts_are_not() {
        let many = format!("[{}0]", "0,".repeat(MOST_VALUES + 1));
        assert_eq!(json(&many), Err(Unread::TooMany));
        let text = format!("[\"{}\"]", ",\\\"[".repeat(MOST_VALUES));
        assert!(text.len() > SHORT && json(&text).is_ok());
        assert!(matches!(json(&"[".repeat(SHORT)), Err(Unread::NoJson(_))), "nested without end");
    }
}

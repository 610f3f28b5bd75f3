//! What a system answered.

use lockstep_model::Timestamp;
use serde_json::Value;
use ureq::http::HeaderMap;

use super::value::{HEADERS, at};
use super::written::ErrorRule;

/// What came of a request.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    /// The server's clock, RFC 9110 `Date`.
    pub date: Option<Timestamp>,
    /// The whole address that was asked, without keys.
    pub url: String,
    /// The address of the next page, RFC 8288 `Link` with `rel="next"`, as it was written.
    pub link: Option<String>,
    pub retry_after_ms: Option<u64>,
    /// The version of what is shown, RFC 9110 `ETag`.
    pub etag: Option<String>,
    pub headers: HeaderMap,
    /// What answers to this request mean, before what the manifest says of all.
    pub rules: Vec<ErrorRule>,
}

impl Answer {
    /// What is at a place of the answer: in its body, or in a header (`$headers.X-Total-Count`).
    pub fn at(&self, place: &str) -> Option<Value> {
        match place.strip_prefix(HEADERS) {
            Some(name) => Some(Value::String(
                String::from_utf8_lossy(self.headers.get(name)?.as_bytes()).into_owned(),
            )),
            None => at(&self.body, place).cloned(),
        }
    }
}

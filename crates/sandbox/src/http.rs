//! What an emulator is asked and what it answers: plain values, so that an emulator is a function
//! of a request, a time and its own tables, without sockets or tasks.

use crate::util::base64;
use axum::http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

/// One request to one system, its prefix taken off.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// Decoded path segments after the system's prefix, empty ones left out.
    pub segments: Vec<String>,
    /// Decoded query parameters in their order.
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The system's own address as the caller wrote it, for links: `http://127.0.0.1:8080/zendesk`.
    pub base: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A query parameter by its exact name.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A query parameter whatever the case of its name.
    pub fn param_any_case(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// A number from the query; `Err` holds what was written instead.
    pub fn number(&self, name: &str) -> Result<Option<usize>, String> {
        match self.param_any_case(name) {
            None | Some("") => Ok(None),
            Some(text) => text.trim().parse().map(Some).map_err(|_| text.to_owned()),
        }
    }

    /// The body as JSON; `None` when there is none or it does not parse.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as form fields (`application/x-www-form-urlencoded`).
    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&String::from_utf8_lossy(&self.body))
    }

    /// Whether this asks for records, by whatever method: some vendors' queries are POSTs.
    pub fn reads(&self) -> bool {
        let last = self.segments.last().map(|segment| segment.to_lowercase()).unwrap_or_default();
        match self.method.as_str() {
            "GET" | "HEAD" => true,
            "POST" if last == "graphql.json" => !self.mutates(),
            "POST" => {
                let batch = self.segments.iter().rev().nth(1).is_some_and(|one| one == "batch");
                ["query", "search", "coql"].iter().any(|word| last.starts_with(word))
                    || batch && last == "read"
            }
            _ => false,
        }
    }

    /// Whether the body is a GraphQL mutation.
    fn mutates(&self) -> bool {
        let sent = self.json().unwrap_or_default();
        let text = sent["query"].as_str().unwrap_or_default();
        text.lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with('#'))
            .is_some_and(|line| line.starts_with("mutation"))
    }

    /// Whether the path segments are these; `*` stands for any one. Names are compared without
    /// regard to case.
    pub fn is(&self, method: &str, pattern: &[&str]) -> bool {
        self.method == method && self.path_is(pattern)
    }

    pub fn path_is(&self, pattern: &[&str]) -> bool {
        self.segments.len() == pattern.len()
            && self
                .segments
                .iter()
                .zip(pattern)
                .all(|(segment, wanted)| *wanted == "*" || segment.eq_ignore_ascii_case(wanted))
    }

    /// User and password of `Authorization: Basic`.
    pub fn basic(&self) -> Option<(String, String)> {
        let (scheme, coded) = self.header("authorization")?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let plain = String::from_utf8(base64::decode(coded.trim())?).ok()?;
        let (user, password) = plain.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }

    /// The token after `Authorization: {scheme} `.
    pub fn credential(&self, scheme: &str) -> Option<&str> {
        let (found, token) = self.header("authorization")?.split_once(' ')?;
        found.eq_ignore_ascii_case(scheme).then_some(token.trim())
    }
}

/// Decodes `a=1&b=%20`, with `+` as a blank.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    let escaped: String = text
        .chars()
        .map(|c| match c {
            ' ' => "%20".to_owned(),
            c if c.is_ascii_graphic() => c.to_string(),
            c => c.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect(),
        })
        .collect();
    format!("/?{escaped}")
        .parse::<Uri>()
        .ok()
        .and_then(|uri| axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).ok())
        .map(|query| query.0)
        .unwrap_or_default()
}

/// Decodes `%41`; `+` stays what it is in a path.
pub(crate) fn percent_decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// RFC 3986: everything but unreserved characters.
const NOT_UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes for use in a query value.
pub(crate) fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, NOT_UNRESERVED).to_string()
}

/// What a successful request did to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Create,
    Update,
    Delete,
}

/// One record written by a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wrote {
    pub collection: &'static str,
    pub act: Act,
    /// False for an update that left everything as it was.
    pub changed: bool,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub wrote: Vec<Wrote>,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json; charset=utf-8".to_owned())],
            body: body.to_string().into_bytes(),
            wrote: Vec::new(),
        }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), wrote: Vec::new() }
    }

    pub fn text(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            body: body.into().into_bytes(),
            wrote: Vec::new(),
        }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    /// Notes that the request wrote a record.
    pub fn wrote(mut self, collection: &'static str, act: Act, changed: bool) -> Self {
        self.wrote.push(Wrote { collection, act, changed });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_and_paths_are_decoded() {
        assert_eq!(
            pairs("$filter=a%20eq%20'%C3%B8'&page[size]=2&x=a+b"),
            vec![
                ("$filter".to_owned(), "a eq 'ø'".to_owned()),
                ("page[size]".to_owned(), "2".to_owned()),
                ("x".to_owned(), "a b".to_owned())
            ]
        );
        assert_eq!(percent_decode("a%2Bb+c%"), "a+b+c%");
        assert_eq!(percent_encode("a b/ø"), "a%20b%2F%C3%B8");
    }
}

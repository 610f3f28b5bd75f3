//! Requests to a CardDAV server (RFC 6352 over RFC 4918) and its answers of many statuses.

use std::time::Duration;

use roxmltree::{Document, Node};
use ureq::http::Request;

use crate::Trouble;
use crate::coding::base64;
use crate::http::{Http, Limits, NoAnswer, once_more};

/// No answer is larger: a page of cards with their pictures.
const MOST_BYTES: u64 = 256 << 20;
const PATIENCE: Duration = Duration::from_secs(60);

/// An address book at a server. No `Debug`: it holds a password.
pub(super) struct DavClient {
    http: Http,
    /// Ends with a slash.
    url: String,
    authorization: String,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) etag: Option<String>,
    pub(super) modified: Option<String>,
    pub(super) retry_after_ms: Option<u64>,
    pub(super) body: String,
}

/// One resource in an answer of many statuses (RFC 4918, section 13).
#[derive(Debug, Default, PartialEq)]
pub(super) struct Found {
    /// The last step of its address, as the server writes it.
    pub(super) name: String,
    /// It is not there (RFC 6578, section 3.5.2).
    pub(super) gone: bool,
    pub(super) etag: Option<String>,
    pub(super) modified: Option<String>,
    pub(super) card: Option<String>,
}

/// An answer of many statuses.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Many {
    pub(super) found: Vec<Found>,
    pub(super) token: Option<String>,
    /// There is more than the server wanted to tell at once (RFC 6578, section 3.6).
    pub(super) cut: bool,
}

impl DavClient {
    pub(super) fn new(
        url: &str,
        user: &str,
        password: &str,
        rate_per_second: Option<f64>,
    ) -> DavClient {
        let per_second = rate_per_second.filter(|rate| *rate > 0.0);
        DavClient {
            http: Http::new(PATIENCE, &Limits { per_second, ..Limits::default() }),
            url: format!("{}/", url.trim_end_matches('/')),
            authorization: format!("Basic {}", base64(format!("{user}:{password}"))),
        }
    }

    /// Where it is, for messages.
    pub(super) fn place(&self) -> &str {
        &self.url
    }

    /// A request for a resource of the book, or for the book itself where the name is empty.
    pub(super) fn send(
        &self,
        method: &str,
        name: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, NoAnswer> {
        let once = || self.send_once(method, name, headers, body);
        match method {
            "GET" | "PROPFIND" | "REPORT" => once_more(once),
            _ => once(),
        }
    }

    fn send_once(
        &self,
        method: &str,
        name: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, NoAnswer> {
        let named = format!("{method} {}{name}", self.url);
        let mut builder = Request::builder().method(method).uri(format!("{}{name}", self.url));
        builder = builder.header("Authorization", &self.authorization);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let unclear = |error: ureq::http::Error| {
            NoAnswer::NotSent(Trouble::Misconfigured(format!(
                "{named} can't be asked: {error}: correct `url`"
            )))
        };
        let received = if body.is_empty() && !matches!(method, "PUT" | "REPORT" | "PROPFIND") {
            self.http.send(&named, builder.body(()).map_err(unclear)?, MOST_BYTES)
        } else {
            self.http.send(&named, builder.body(body).map_err(unclear)?, MOST_BYTES)
        }?;
        self.http.heed(&received);
        let (etag, modified) = (received.header("etag"), received.header("last-modified"));
        let body = received.text.map_err(|why| {
            NoAnswer::Lost(Trouble::Malformed(format!("{named}: expected cards, and {why}")))
        })?;
        let retry_after_ms = received.retry_after_ms;
        Ok(Answer { status: received.status, etag, modified, retry_after_ms, body })
    }

    /// A report on the book (RFC 3253, section 3.6).
    pub(super) fn report(&self, depth: &str, body: &str) -> Result<Result<Many, Answer>, Trouble> {
        let headers = [("Depth", depth), ("Content-Type", "application/xml; charset=utf-8")];
        let answer = self.send("REPORT", "", &headers, body)?;
        if answer.status != 207 {
            return Ok(Err(answer));
        }
        self.many(&answer.body).map(Ok)
    }

    fn many(&self, body: &str) -> Result<Many, Trouble> {
        many(body).map_err(|why| {
            Trouble::Malformed(format!(
                "{} was asked for cards and answered with what is no multistatus: {why}",
                self.url
            ))
        })
    }

    /// What an answer means that is neither what was asked for nor a word on one record.
    pub(super) fn trouble(&self, what: &str, answer: &Answer) -> Trouble {
        let place = &self.url;
        match answer.status {
            401 | 403 => Trouble::Unauthorized(format!(
                "{place}: {what}: the server refuses the user (status {}): check `user` and `password` under `with:`",
                answer.status
            )),
            404 | 405 | 301..=308 => Trouble::Misconfigured(format!(
                "{place}: {what}: there is no address book (status {}): `url` is the address of the book itself",
                answer.status
            )),
            429 | 500..=599 => Trouble::Busy {
                retry_after_ms: answer.retry_after_ms,
                message: format!("{place}: {what}: status {}", answer.status),
            },
            status => {
                Trouble::Malformed(format!("{place}: {what}: status {status} was not expected"))
            }
        }
    }
}

fn many(body: &str) -> Result<Many, String> {
    let document = Document::parse(body).map_err(|error| error.to_string())?;
    let root = document.root_element();
    if root.tag_name().name() != "multistatus" {
        return Err(format!("it begins with `{}`", root.tag_name().name()));
    }
    let child = |node: Node<'_, '_>, name: &str| {
        node.children()
            .find(|child| child.tag_name().name() == name)
            .and_then(|n| n.text().map(str::to_string))
    };
    let mut many = Many {
        token: child(root, "sync-token").map(|token| token.trim().to_string()),
        ..Many::default()
    };
    for response in root.children().filter(|node| node.tag_name().name() == "response") {
        let href = child(response, "href").unwrap_or_default();
        let name = href.trim().rsplit('/').next().unwrap_or_default().to_string();
        let status = child(response, "status").unwrap_or_default();
        if name.is_empty() {
            many.cut |= status.contains(" 507");
            continue;
        }
        let mut found = Found {
            name,
            gone: status.contains(" 404") || status.contains(" 410"),
            ..Found::default()
        };
        for propstat in response.children().filter(|node| node.tag_name().name() == "propstat") {
            if !child(propstat, "status").unwrap_or_default().contains(" 200") {
                continue;
            }
            for property in propstat.descendants() {
                let text = property.text().map(|text| text.trim().to_string());
                match property.tag_name().name() {
                    "getetag" => found.etag = text,
                    "getlastmodified" => found.modified = text,
                    "address-data" => found.card = property.text().map(str::to_string),
                    _ => {}
                }
            }
        }
        many.found.push(found);
    }
    Ok(many)
}

/// A text in XML.
pub(super) fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_many_statuses() {
        let body = r#"<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">
            <d:response><d:href>/a/b/1.vcf</d:href><d:propstat><d:prop><d:getetag>"x"</d:getetag><C:address-data>BEGIN:VCARD</C:address-data></d:prop>
            <d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>
            <d:response><d:href>/a/b/2.vcf</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>
            <d:response><d:href>/a/b/</d:href><d:status>HTTP/1.1 507 Insufficient Storage</d:status></d:response>
            <d:sync-token>http://example.com/ns/sync/1</d:sync-token></d:multistatus>"#;
        let read = many(body).unwrap();
        assert_eq!((read.cut, read.token.as_deref()), (true, Some("http://example.com/ns/sync/1")));
        let names: Vec<(&str, bool)> =
            read.found.iter().map(|found| (found.name.as_str(), found.gone)).collect();
        assert_eq!(names, [("1.vcf", false), ("2.vcf", true)]);
        assert_eq!(
            (read.found[0].etag.as_deref(), read.found[0].card.as_deref()),
            (Some("\"x\""), Some("BEGIN:VCARD"))
        );
        assert!(many("<html></html>").is_err() && many("not XML").is_err());
    }
}

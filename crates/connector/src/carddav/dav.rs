//! Requests to a CardDAV server (RFC 6352 over RFC 4918) and its answers of many statuses.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use roxmltree::{Document, Node};

use crate::Trouble;

/// No answer is larger: a page of cards with their pictures.
const MOST_BYTES: u64 = 256 << 20;
const PATIENCE: Duration = Duration::from_secs(60);

/// An address book at a server. No `Debug`: it holds a password.
pub(super) struct Book {
    agent: ureq::Agent,
    /// Ends with a slash.
    url: String,
    authorization: String,
    /// Between the beginnings of two requests, where the settings name a rate; and not before when
    /// the next begins.
    pause: Duration,
    next: Mutex<Option<Instant>>,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) etag: Option<String>,
    pub(super) modified: Option<String>,
    pub(super) body: String,
}

/// Why there is none.
pub(super) enum NoAnswer {
    /// Surely nothing was done.
    NotSent(Trouble),
    /// It may have been done.
    Lost(Trouble),
}

impl From<NoAnswer> for Trouble {
    fn from(no_answer: NoAnswer) -> Trouble {
        match no_answer {
            NoAnswer::NotSent(trouble) | NoAnswer::Lost(trouble) => trouble,
        }
    }
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

impl Book {
    pub(super) fn new(url: &str, user: &str, password: &str, rate_per_second: Option<f64>) -> Book {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .build();
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        let rate = rate_per_second.filter(|rate| *rate > 0.0);
        Book {
            agent: agent.into(),
            url: format!("{}/", url.trim_end_matches('/')),
            authorization: format!("Basic {pair}"),
            pause: rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate)),
            next: Mutex::default(),
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
        self.keep_the_rate();
        let mut builder =
            ureq::http::Request::builder().method(method).uri(format!("{}{name}", self.url));
        builder = builder.header("Authorization", &self.authorization);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let unclear = |error: &dyn std::fmt::Display| {
            NoAnswer::NotSent(Trouble::Misconfigured(format!(
                "{method} {}{name} can't be asked: {error}: correct `url`",
                self.url
            )))
        };
        let answered = if body.is_empty() && !matches!(method, "PUT" | "REPORT" | "PROPFIND") {
            self.agent.run(builder.body(()).map_err(|error| unclear(&error))?)
        } else {
            self.agent.run(builder.body(body).map_err(|error| unclear(&error))?)
        };
        let mut answer = answered.map_err(|error| self.no_answer(method, &error))?;
        let header = |name: &str| {
            answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_string)
        };
        let (etag, modified, status) =
            (header("etag"), header("last-modified"), answer.status().as_u16());
        let body = crate::bounded::text(answer.body_mut(), MOST_BYTES);
        let body = body.map_err(|why| {
            NoAnswer::Lost(Trouble::Malformed(format!(
                "{method} {}{name}: expected cards, and {why}",
                self.url
            )))
        })?;
        Ok(Answer { status, etag, modified, body })
    }

    fn keep_the_rate(&self) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(next) = next.filter(|next| *next > now) {
            std::thread::sleep(next - now);
        }
        *next = Some(Instant::now() + self.pause);
    }

    fn no_answer(&self, method: &str, error: &ureq::Error) -> NoAnswer {
        use ureq::Error as E;
        let trouble = Trouble::Unreachable(format!(
            "{method} {}: {error}: is the address right, is the server running?",
            self.url
        ));
        match error {
            E::HostNotFound
            | E::ConnectionFailed
            | E::BadUri(_)
            | E::Http(_)
            | E::Tls(_)
            | E::Rustls(_) => NoAnswer::NotSent(trouble),
            E::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                NoAnswer::NotSent(trouble)
            }
            E::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
                NoAnswer::NotSent(trouble)
            }
            _ => NoAnswer::Lost(trouble),
        }
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
                retry_after_ms: None,
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

//! Injected faults: the failures of networks and services that a caller has to survive.
//!
//! There are two ways to have them. An armed [`Fault`] strikes the next N requests that match it,
//! for a test that needs one thing to happen now. A [`Rate`] strikes so many of a thousand requests
//! for as long as it stands, for trying whether everything survives; [`setting`] reads and keeps
//! those. What strikes is the same [`What`] in both. `lost-answer` is the one that matters most:
//! the work is done and the caller does not hear of it (rule C2).

pub mod past;
pub mod rewrite;
pub mod setting;

use crate::http::Request;
use serde::{Deserialize, Serialize};

pub use rewrite::How;
pub use setting::{Rate, Setting, SettingError, Struck};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The request is answered with `status` and not carried out.
    Status,
    /// The request is carried out and the connection is dropped before the answer.
    LostAnswer,
    /// The request is carried out and its answer is cut in the middle.
    BrokenJson,
    /// The request is neither carried out nor answered, and the connection stays open.
    Hang,
    /// The connection is dropped; nothing is carried out.
    Down,
    /// The vendor's 401, as if the credential had expired.
    Unauthorized,
    /// The request is carried out, and answered after `delay_ms`.
    Slow,
    /// A read shows what there was before the writes of the last `for_ms`, as a replica does that
    /// lags behind.
    StaleRead,
    /// A list is answered with status 200 and no records in it.
    EmptyList,
    /// A write stores other values than it was given: trimmed, cut, in capitals, rounded,
    /// reformatted.
    Rewrite,
}

impl FaultKind {
    /// Whether a fault of this kind can strike a request at all.
    fn fits(self, request: &Request) -> bool {
        match self {
            Self::StaleRead | Self::EmptyList => request.reads(),
            Self::Rewrite => !request.reads() && request.method != "DELETE",
            _ => true,
        }
    }
}

/// What strikes, and which requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct What {
    pub kind: FaultKind,
    /// Status for [`FaultKind::Status`]; 503 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Seconds for the `Retry-After` header of [`FaultKind::Status`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Milliseconds that [`FaultKind::Slow`] waits before it answers; 500 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Milliseconds that [`FaultKind::StaleRead`] lags behind; 2000 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
    /// What [`FaultKind::Rewrite`] makes of values; trimmed when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<How>,
    /// How many characters [`How::Cut`] leaves; 20 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters: Option<usize>,
    /// The names of the properties that [`FaultKind::Rewrite`] rewrites; names of people and things
    /// and telephone numbers when absent, which no system uses as ids or refuses to see changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Vec<String>>,
    /// Only requests with this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only requests whose path (with prefix, without query) contains this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_contains: Option<String>,
}

impl What {
    /// A kind with its defaults, for every request that it can strike.
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            status: None,
            retry_after: None,
            delay_ms: None,
            for_ms: None,
            how: None,
            characters: None,
            properties: None,
            method: None,
            path_contains: None,
        }
    }

    fn matches(&self, request: &Request, path: &str) -> bool {
        self.kind.fits(request)
            && self
                .method
                .as_deref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(&request.method))
            && self
                .path_contains
                .as_deref()
                .is_none_or(|part| path.to_lowercase().contains(&part.to_lowercase()))
    }
}

/// A fault for the next `next` requests that match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// How many requests it strikes.
    #[serde(default = "one")]
    pub next: u32,
    #[serde(flatten)]
    pub what: What,
}

fn one() -> u32 {
    1
}

impl Fault {
    /// The next `next` requests, whatever they are.
    pub fn new(kind: FaultKind, next: u32) -> Self {
        Self { next, what: What::new(kind) }
    }

    /// Only requests with this method.
    pub fn on_method(mut self, method: &str) -> Self {
        self.what.method = Some(method.to_owned());
        self
    }

    /// Only requests whose path contains `part`.
    pub fn on_path(mut self, part: &str) -> Self {
        self.what.path_contains = Some(part.to_owned());
        self
    }

    /// The status to answer with, and seconds for `Retry-After`.
    pub fn with_status(mut self, status: u16, retry_after: Option<u64>) -> Self {
        self.what.status = Some(status);
        self.what.retry_after = retry_after;
        self
    }
}

/// Takes one strike of the first armed fault that matches.
pub(crate) fn strike(armed: &mut Vec<Fault>, request: &Request, path: &str) -> Option<What> {
    let position =
        armed.iter().position(|fault| fault.next > 0 && fault.what.matches(request, path))?;
    let what = armed[position].what.clone();
    armed[position].next -= 1;
    if armed[position].next == 0 {
        armed.remove(position);
    }
    Some(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str) -> Request {
        let (segments, query, headers) = (vec!["person".to_owned()], vec![], vec![]);
        Request {
            method: method.to_owned(),
            segments,
            query,
            headers,
            body: vec![],
            base: String::new(),
        }
    }

    #[test]
    fn a_fault_strikes_its_number_of_matching_requests() {
        let mut armed = vec![Fault::new(FaultKind::Down, 2).on_method("post").on_path("Person")];
        let mut strikes = |method, path| strike(&mut armed, &request(method), path).is_some();
        assert!(!strikes("GET", "/superoffice/Person"));
        assert!(!strikes("POST", "/superoffice/Contact"));
        assert!(strikes("POST", "/superoffice/person"));
        assert!(strikes("POST", "/superoffice/person/1"));
        assert!(!strikes("POST", "/superoffice/person"));
    }

    #[test]
    fn what_is_about_reads_strikes_no_writes() {
        let mut armed = vec![Fault::new(FaultKind::EmptyList, 1)];
        assert_eq!(strike(&mut armed, &request("POST"), "/wix/contacts"), None);
        assert!(strike(&mut armed, &request("GET"), "/wix/contacts").is_some());
        let mut armed = vec![Fault::new(FaultKind::Rewrite, 1)];
        assert_eq!(strike(&mut armed, &request("GET"), "/wix/contacts"), None);
        assert!(strike(&mut armed, &request("PATCH"), "/wix/contacts").is_some());
    }
}

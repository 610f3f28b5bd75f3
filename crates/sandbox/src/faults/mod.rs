//! Injected faults: the failures of networks and services that a caller has to survive.
//!
//! There are two ways to have them. An armed [`Fault`] strikes the next N requests that match it,
//! for a test that needs one thing to happen now. A [`Rate`] strikes so many of a thousand requests
//! for as long as it stands, for trying whether everything survives; [`setting`] reads and keeps
//! those. What strikes is the same [`What`] in both. `lost-answer` is the one that matters most:
//! the work is done and the caller does not hear of it (rule C2).

mod how;
pub mod past;
pub mod rewrite;
pub mod setting;
mod what;

use crate::http::Request;
use serde::{Deserialize, Serialize};

pub use how::How;
pub use setting::{Rate, Setting, SettingError, Struck};
pub use what::{FaultKind, What};

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

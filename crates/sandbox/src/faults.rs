//! Injected faults: the failures of networks and services that a caller has to survive.
//!
//! A fault is armed for the next N requests of a system that match it. `lost-answer` is the one that matters most: the
//! work is done and the caller does not hear of it (rule C2).

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// A fault for the next `next` requests that match `method` and `path_contains`, where those are given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// How many requests it strikes.
    #[serde(default = "one")]
    pub next: u32,
    pub kind: FaultKind,
    /// Status for [`FaultKind::Status`]; 503 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Seconds for the `Retry-After` header of [`FaultKind::Status`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Only requests with this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only requests whose path (with prefix, without query) contains this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_contains: Option<String>,
}

fn one() -> u32 {
    1
}

impl Fault {
    /// The next `next` requests, whatever they are.
    pub fn new(kind: FaultKind, next: u32) -> Self {
        Self { next, kind, status: None, retry_after: None, method: None, path_contains: None }
    }

    /// Only requests with this method.
    pub fn on_method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only requests whose path contains `part`.
    pub fn on_path(mut self, part: &str) -> Self {
        self.path_contains = Some(part.to_owned());
        self
    }

    /// The status to answer with, and seconds for `Retry-After`.
    pub fn with_status(mut self, status: u16, retry_after: Option<u64>) -> Self {
        self.status = Some(status);
        self.retry_after = retry_after;
        self
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.next > 0
            && self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path_contains.as_deref().is_none_or(|part| path.to_lowercase().contains(&part.to_lowercase()))
    }
}

/// Takes one strike of the first armed fault that matches.
pub(crate) fn strike(armed: &mut Vec<Fault>, method: &str, path: &str) -> Option<Fault> {
    let position = armed.iter().position(|fault| fault.matches(method, path))?;
    let fault = armed[position].clone();
    armed[position].next -= 1;
    if armed[position].next == 0 {
        armed.remove(position);
    }
    Some(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_its_number_of_matching_requests() {
        let mut armed = vec![Fault::new(FaultKind::Down, 2).on_method("post").on_path("Person")];
        assert_eq!(strike(&mut armed, "GET", "/superoffice/Person"), None);
        assert_eq!(strike(&mut armed, "POST", "/superoffice/Contact"), None);
        assert!(strike(&mut armed, "POST", "/superoffice/person").is_some());
        assert!(strike(&mut armed, "POST", "/superoffice/person/1").is_some());
        assert_eq!(strike(&mut armed, "POST", "/superoffice/person"), None);
    }
}

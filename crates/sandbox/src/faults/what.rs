//! What goes wrong, and for which requests.

use super::how::How;
use crate::http::Request;
use serde::{Deserialize, Serialize};

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
    pub(super) fn fits(self, request: &Request) -> bool {
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

    pub(super) fn matches(&self, request: &Request, path: &str) -> bool {
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

//! Pages that were asked for before their turn: where a listing counts its pages and has told how
//! many records there are, several pages are asked for side by side. So are the first pages of
//! several parents.
//!
//! This loses nothing (R1). A record moves from one page to another while a listing is read because
//! others vanish; then two neighbouring pages tell different totals, in whatever order they were
//! answered, and the walk goes back as ever. What was kept is used by the listing that asked for it
//! alone: another one that begins, or a write (P5a), has it forgotten.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lockstep_model::Timestamp;

use super::answer::Answer;
use super::walk::Next;
use super::written::RequestYaml;

/// What is older than this is asked for again.
const FRESH: Duration = Duration::from_secs(30);

/// Which listing pages are of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Listing {
    /// The request as the manifest has it: several lists may have the same path and differ in their
    /// body, as those of GraphQL do.
    pub request: String,
    pub since: Option<Timestamp>,
    pub limit: usize,
    pub first: Option<usize>,
}

impl Listing {
    /// What tells one list from others.
    pub(super) fn key(request: &RequestYaml) -> String {
        format!("{request:?}")
    }
}

#[derive(Default)]
pub(super) struct Ahead(Mutex<Known>);

#[derive(Default)]
struct Known {
    kept: Vec<Kept>,
    /// How often all was forgotten.
    forgotten: u64,
}

/// A moment before pages are asked for: what is forgotten after it holds for them, too.
#[derive(Clone, Copy)]
pub(super) struct Asked(u64);

/// What is asked for: a page, or the first page of a parent's records.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Turn {
    Page(Next),
    Parent(String),
}

struct Kept {
    listing: Listing,
    pages: Vec<(Turn, Answer)>,
    at: Instant,
    /// The listing went on otherwise than was foreseen.
    in_vain: bool,
}

impl Ahead {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The listing begins anew.
    pub(super) fn forget(&self, request: &RequestYaml) {
        let key = Listing::key(request);
        self.known().kept.retain(|kept| kept.listing.request != key);
    }

    pub(super) fn forget_all(&self) {
        let mut known = self.known();
        known.kept.clear();
        known.forgotten += 1;
    }

    /// Pages are about to be asked for.
    pub(super) fn asks(&self) -> Asked {
        Asked(self.known().forgotten)
    }

    /// The answer for a page, if it was asked for. The pages before it are of no use any more.
    pub(super) fn take(&self, listing: &Listing, turn: &Turn) -> Option<Answer> {
        let mut known = self.known();
        let kept = known.kept.iter_mut().find(|kept| kept.listing == *listing)?;
        if kept.pages.is_empty() {
            return None;
        }
        let at = kept
            .pages
            .iter()
            .position(|(page, _)| page == turn)
            .filter(|_| kept.at.elapsed() < FRESH);
        match at {
            Some(at) => {
                let answer = kept.pages.drain(..=at).next_back();
                answer.map(|(_, answer)| answer)
            }
            None => {
                kept.pages.clear();
                kept.in_vain = true;
                None
            }
        }
    }

    /// Whether what a listing asks for ahead has been what it needed so far.
    pub(super) fn is_of_use(&self, listing: &Listing) -> bool {
        self.known().kept.iter().all(|kept| kept.listing != *listing || !kept.in_vain)
    }

    /// Keeps pages, unless all was forgotten since they were asked for.
    pub(super) fn keep(&self, asked: Asked, listing: Listing, pages: Vec<(Turn, Answer)>) {
        let mut known = self.known();
        if known.forgotten != asked.0 {
            return;
        }
        known.kept.retain(|kept| kept.listing.request != listing.request);
        known.kept.push(Kept { listing, pages, at: Instant::now(), in_vain: false });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer() -> Answer {
        Answer {
            status: 200,
            body: json!([]),
            date: None,
            url: String::new(),
            link: None,
            retry_after_ms: None,
            etag: None,
            headers: ureq::http::HeaderMap::new(),
            rules: vec![],
        }
    }

    #[test]
    fn p5a_what_is_asked_for_before_a_write_is_not_kept_after_it() {
        let ahead = Ahead::default();
        let listing =
            || Listing { request: "GET /people".into(), since: None, limit: 2, first: None };
        let page = || vec![(Turn::Page(Next::Page(2)), answer())];
        let asked = ahead.asks();
        ahead.forget_all();
        ahead.keep(asked, listing(), page());
        assert!(ahead.take(&listing(), &Turn::Page(Next::Page(2))).is_none());
        ahead.keep(ahead.asks(), listing(), page());
        assert!(ahead.take(&listing(), &Turn::Page(Next::Page(2))).is_some());
    }
}

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

/// What is older than this is asked for again.
const FRESH: Duration = Duration::from_secs(30);

/// Which listing pages are of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Listing {
    pub path: String,
    pub since: Option<Timestamp>,
    pub limit: usize,
    pub first: Option<usize>,
}

#[derive(Default)]
pub(super) struct Ahead(Mutex<Vec<Kept>>);

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
    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The listing begins anew.
    pub(super) fn forget(&self, listing: &Listing) {
        self.kept().retain(|kept| kept.listing.path != listing.path);
    }

    pub(super) fn forget_all(&self) {
        self.kept().clear();
    }

    /// The answer for a page, if it was asked for. The pages before it are of no use any more.
    pub(super) fn take(&self, listing: &Listing, turn: &Turn) -> Option<Answer> {
        let mut all = self.kept();
        let kept = all.iter_mut().find(|kept| kept.listing == *listing)?;
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
        self.kept().iter().all(|kept| kept.listing != *listing || !kept.in_vain)
    }

    pub(super) fn keep(&self, listing: Listing, pages: Vec<(Turn, Answer)>) {
        let mut all = self.kept();
        all.retain(|kept| kept.listing.path != listing.path);
        all.push(Kept { listing, pages, at: Instant::now(), in_vain: false });
    }
}

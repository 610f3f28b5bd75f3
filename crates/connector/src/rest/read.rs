//! Reading: pages of everything, or of what changed since the last reading.
//!
//! The time from which the next reading asks is the server's own clock at the first request of this
//! one (its `Date` header), less the overlap: it is never later than what was listed (R1). How far
//! that clock is ahead of this machine's is remembered, so that a clock that was wrong once, or was
//! set back, is noticed at the next reading. Nor is it later than the latest time of change that
//! was shown: these may be of another clock than `Date`, and without a zone they may be of another
//! one.

use std::sync::PoisonError;

use lockstep_model::flow::PropertyRef;
use lockstep_model::id_text::id_text;
use lockstep_model::{ReadRecord, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ahead::{Listing, Turn};
use super::answer::Answer;
use super::connected::Rest;
use super::errors::{self, says_error};
use super::ids::{id_variables, parent_variables, with_parent};
use super::paged::page_request;
use super::record::{RESOLUTION_MS, Unread, layout, modified};
use super::value::at;
use super::walk::{Listed, Next, Walk, fingerprint};
use super::written::{GoneYaml, ListYaml, Meaning, Paging, ParentsYaml, RequestYaml, TypeYaml};
use crate::{Checkpoint, Page, ReadRequest, RecordFault, Trouble, side_by_side};

/// By so much two clocks are compared: `Date` counts whole seconds, and an answer takes its time.
const CLOCK_TOLERANCE_MS: i64 = 2_000;
/// Times of change lag behind `Date` by so much at most: no zone is further from another.
const FURTHEST_ZONE_MS: i64 = 15 * 3_600_000;

/// What the checkpoint's text holds, as JSON.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Mark {
    /// What changed before this has been read.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// How far the server's clock was ahead of this machine's when `since` was taken, in
    /// milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    ahead: Option<i64>,
    /// The server's clock when the listing under way began.
    #[serde(skip_serializing_if = "Option::is_none")]
    began: Option<Timestamp>,
    /// How far it was ahead then.
    #[serde(skip_serializing_if = "Option::is_none")]
    began_ahead: Option<i64>,
    /// The latest time of change that was ever shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    latest: Option<Timestamp>,
    /// The smallest difference that the times of change can express, in milliseconds; the coarsest
    /// that was seen.
    #[serde(skip_serializing_if = "is_zero")]
    resolution: i64,
    /// The number of the first page, where the manifest does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<usize>,
    /// How the manifest made values of what was listed: where it does so otherwise, what was read
    /// says something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    layout: Option<u64>,
    #[serde(flatten)]
    walk: Walk,
    /// Parents whose records have not been listed yet; the first one's are being listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parents: Vec<String>,
    /// Where the list of parents goes on.
    #[serde(flatten)]
    parents_next: ParentsWalk,
}

/// Where a list of parents stands.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(super) struct ParentsWalk {
    #[serde(rename = "parents_next", skip_serializing_if = "is_zero")]
    walk: Walk,
    /// Of the records through which they are listed themselves: those whose parents have not been
    /// listed to the end, and where their list goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<Box<Through>>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
struct Through {
    ids: Vec<String>,
    #[serde(flatten)]
    next: ParentsWalk,
}

impl ParentsWalk {
    /// Whether there are more.
    fn is_under_way(&self) -> bool {
        self.walk.next.is_some()
            || self
                .through
                .as_ref()
                .is_some_and(|through| !through.ids.is_empty() || through.next.is_under_way())
    }

    fn all_next(&mut self) -> Vec<&mut Next> {
        let mut all: Vec<&mut Next> = self.walk.next.iter_mut().collect();
        all.extend(self.through.iter_mut().flat_map(|through| through.next.all_next()));
        all
    }
}

/// A checkpoint with which the next reading asks for what changed since then.
pub(super) fn checkpoint_since(since: Timestamp) -> Checkpoint {
    let mark = Mark { since: Some(since), ..Mark::default() };
    Checkpoint { text: serde_json::to_string(&mark).unwrap_or_default(), bytes: vec![] }
}

fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Mark {
    /// The same reading from its beginning.
    fn anew(&self) -> Mark {
        let Mark { since, ahead, latest, resolution, first, layout, .. } = *self;
        Mark { since, ahead, latest, resolution, first, layout, ..Mark::default() }
    }

    /// A reading of everything in place of what changed.
    fn everything(&self) -> Mark {
        Mark { since: None, ahead: None, ..self.anew() }
    }

    fn is_under_way(&self) -> bool {
        self.walk.next.is_some() || self.parents_next.is_under_way() || !self.parents.is_empty()
    }

    /// Notes the server's clock at the first answer.
    fn begin(&mut self, date: Option<Timestamp>) {
        if self.began.is_none() {
            self.began = date;
            self.began_ahead = date.map(ahead);
        }
    }
}

/// How far a server's clock is ahead of this machine's.
fn ahead(date: Timestamp) -> i64 {
    date.0.saturating_sub(jiff::Timestamp::now().as_millisecond())
}

impl Rest {
    pub(super) fn got(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        let ty = self.ty(kind)?;
        if let Some(get) = &ty.get {
            let Some(body) = self.fetch(ty, get, id)? else { return Ok(None) };
            let record = self.read_record(ty, watch, &body).map_err(|unread| {
                Trouble::Malformed(format!(
                    "{}: {}",
                    self.client.name(&get.request, &self.client.context(id_variables(ty, id))),
                    unread.told(ty, &ty.id)
                ))
            })?;
            return Ok(Some(record).filter(|record| !record.deleted));
        }
        // Only the list has it.
        let (mut checkpoint, mut unread) = (None, None);
        loop {
            let page = self.next_page(ReadRequest {
                kind,
                watch,
                checkpoint: checkpoint.as_ref(),
                page_size: 0,
            })?;
            if let Some(found) = page.records.into_iter().find(|record| record.id == id) {
                return Ok(Some(found).filter(|record| !record.deleted));
            }
            unread = unread.or(page
                .faults
                .into_iter()
                .find(|fault| fault.id.as_deref().is_none_or(|known| known == id)));
            match (page.more, unread) {
                (true, kept) => unread = kept,
                (false, None) => return Ok(None),
                // What can't be read may be the one.
                (false, Some(fault)) => {
                    return Err(Trouble::Malformed(format!("{}: {}", fault.place, fault.message)));
                }
            }
            checkpoint = Some(page.checkpoint);
        }
    }

    /// The next page of a record type.
    pub(super) fn next_page(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        let mark: Mark = match request.checkpoint {
            Some(checkpoint) => serde_json::from_str(&checkpoint.text).unwrap_or_default(),
            None => Mark::default(),
        };
        let mut mark = self.unsealed(mark);
        let ty = self.ty(request.kind)?;
        if ty.changes.is_none() {
            mark.since = None;
        }
        let layout = Some(layout(ty));
        if mark.layout.is_some() && mark.layout != layout {
            mark = mark.everything();
        }
        mark.layout = layout;
        let mut page = self.page(request, &mark);
        // Cursors and addresses of pages grow old, and a system may have moved: once, the listing
        // begins anew.
        if matches!(page, Err(Trouble::Malformed(_)))
            && mark.is_under_way()
            && self.restarts.begin(request.kind)
        {
            page = self.page(request, &mark.anew());
        } else if matches!(page, Err(Trouble::Malformed(_)))
            && mark.is_under_way()
            && mark.since.is_some()
        {
            // R1: what changed can't be listed to its end, so everything is: a list by time that
            // has more records of one second than a page holds shows the same page for ever.
            page = self.page(request, &mark.everything());
        }
        if !page.as_ref().is_ok_and(|page| page.more) {
            self.restarts.end(request.kind);
        }
        page
    }

    fn page(&self, request: ReadRequest<'_>, mark: &Mark) -> Result<Page, Trouble> {
        let ty = self.ty(request.kind)?;
        let mut mark = mark.clone();
        let mut faults = vec![];
        let list = |mark: &Mark| match (&ty.changes, mark.since) {
            (Some(changes), Some(_)) => changes,
            _ => &ty.list,
        };
        if !mark.is_under_way() {
            self.ahead.forget(&list(&mark).request);
        }
        if let Some(parents) = &list(&mark).parents
            && mark.parents.is_empty()
        {
            let begins = mark.began.is_none();
            let before = mark.parents_next.clone();
            let mut read = self.parents(parents, &mut mark.parents_next, mark.since)?;
            if begins && let Some(earlier) = earlier(&mark, read.date) {
                (mark.since, mark.parents_next) = (earlier, before);
                // What else is listed may be listed otherwise; a listing of everything has parents,
                // too.
                let parents = list(&mark).parents.as_ref().unwrap_or(parents);
                read = self.parents(parents, &mut mark.parents_next, mark.since)?;
            }
            mark.begin(read.date);
            faults.extend(read.faults);
            if read.ids.is_empty() {
                return Ok(self.ended(ty, mark, vec![], faults));
            }
            mark.parents = read.ids;
        }
        let parent = mark.parents.first().cloned();
        let begins = mark.began.is_none();
        let mut asked = self.ask_page(list(&mark), &mark, request.page_size, parent.as_deref())?;
        if begins && let Some(earlier) = earlier(&mark, asked.answer.date) {
            mark.since = earlier;
            asked = self.ask_page(list(&mark), &mark, request.page_size, parent.as_deref())?;
        }
        let list = list(&mark);
        let id_place = list.each_id.as_ref().unwrap_or(&ty.id);
        let Asked { answer, named, limit } = asked;
        let items = self.items(list.items.as_deref(), &named, &answer)?;
        let zero = self.page_zero(list, &mut mark, limit, parent.as_deref(), items, id_place);
        mark.begin(answer.date);
        let stops = list.stops_at_since
            && mark.since.is_some_and(|since| items.iter().any(|item| older(ty, item, since)));
        let position = mark.walk.shown;
        mark.walk.shown += zero.len();
        let next_address = |address: &str| self.client.resolved(&list.request, &answer, address);
        let listed = Listed {
            paging: &list.paging,
            named: &named,
            limit,
            answer: &answer,
            items,
            id: id_place,
            first: mark.first,
            whole: mark.since.is_none(),
        };
        let goes_on = mark.walk.pass(listed, stops, &next_address)?;
        let items = if mark.walk.repeated { &[][..] } else { items };
        let mut records = Vec::with_capacity(items.len());
        let mut times = (0, None);
        // The page at which the listing is left has records that were not asked for.
        let before = |item: &&Value| {
            list.stops_at_since && mark.since.is_some_and(|since| older(ty, item, since))
        };
        let all: Vec<&Value> = zero.iter().chain(items).filter(|item| !before(item)).collect();
        // Records that a list only names are read one by one.
        let at_once = if list.each_id.is_some() { self.client.at_once() } else { 1 };
        let read_one =
            |item: &&Value| self.record_of(ty, list, request.watch, item, parent.as_deref());
        let read = side_by_side(at_once, &all, read_one, Result::is_err);
        for (place, (item, read)) in all.into_iter().zip(read).enumerate() {
            // What was not asked for any more comes after what went wrong.
            let Some(read) = read.transpose()? else { continue };
            let place = || format!("{named}, record {}", position + place + 1);
            match read {
                Ok(record) => {
                    times.0 += usize::from(record.modified.is_some());
                    mark.latest = mark.latest.max(record.modified);
                    if self.client.gives_away(item) {
                        let message =
                            "a property of it holds a key of this project, which is not taken in"
                                .into();
                        faults.push(RecordFault {
                            part: true,
                            place: place(),
                            message,
                            id: Some(record.id.clone()),
                        });
                    }
                    records.push(record);
                }
                Err(unread) => {
                    let message = unread.told(ty, id_place);
                    let (id, is_time) = match &unread {
                        Unread::Time { id, .. } => (Some(id.clone()), true),
                        Unread::Alone { id, .. } => (Some(id.clone()), false),
                        Unread::NoId | Unread::Secret => (None, false),
                    };
                    if is_time {
                        times.1.get_or_insert(message.clone());
                    }
                    faults.push(RecordFault { part: false, place: place(), message, id });
                }
            }
        }
        // R8: where no time at all is understood the manifest is wrong, and not a record.
        if let (0, Some(message)) = times {
            return Err(Trouble::Malformed(format!(
                "{named}: expected times at `{}`: {message}",
                ty.modified.as_deref().unwrap_or("")
            )));
        }
        let times = [items.first(), items.last()]
            .into_iter()
            .flatten()
            .filter_map(|item| modified(ty, item).ok().flatten());
        mark.resolution =
            times.map(|time| time.resolution_ms).max().unwrap_or(0).max(mark.resolution);
        if goes_on {
            return Ok(self.going_on(mark, records, faults));
        }
        if !mark.parents.is_empty() {
            mark.parents.remove(0);
            mark.walk = Walk::default();
            if !mark.parents.is_empty() || mark.parents_next.is_under_way() {
                return Ok(self.going_on(mark, records, faults));
            }
        }
        let since = mark.since;
        let mut page = self.ended(ty, mark, records, faults);
        if let (Some(gone), Some(since)) = (&ty.gone, since) {
            let (ids, faults) = self.gone(gone, since)?;
            page.gone = ids;
            page.faults.extend(faults);
        }
        Ok(page)
    }

    /// Asks for the page at which a listing stands. Where those after it can be told, they are
    /// asked for side by side.
    fn ask_page(
        &self,
        list: &ListYaml,
        mark: &Mark,
        page_size: usize,
        parent: Option<&str>,
    ) -> Result<Asked, Trouble> {
        let limit = mark.walk.limit.unwrap_or_else(|| list.paging.limit(page_size));
        let listing = Listing {
            request: Listing::key(&list.request),
            since: mark.since,
            limit,
            first: mark.first,
        };
        if let (Some(parent), None) = (parent, &mark.walk.next)
            && page_size > 0
            && !list.stops_at_since
        {
            return self.ask_parent(list, mark, listing, parent);
        }
        let next = match &mark.walk.next {
            // Who looks for one record in a list is not to be shown what somebody else has asked
            // for.
            Some(next) if parent.is_none() && page_size > 0 && !list.stops_at_since => next,
            _ => {
                let (answer, named) =
                    self.ask(list, &mark.walk, mark.first, limit, mark.since, parent)?;
                return Ok(Asked { answer, named, limit });
            }
        };
        let named = self.client.name(&list.request, &self.client.context([]));
        if let Some(answer) = self.ahead.take(&listing, &Turn::Page(next.clone())) {
            return Ok(Asked { answer, named, limit });
        }
        let most = if self.ahead.is_of_use(&listing) { self.client.at_once() } else { 1 };
        let pages = mark.walk.ahead(&list.paging, most);
        if pages.len() < 2 {
            let (answer, named) =
                self.ask(list, &mark.walk, mark.first, limit, mark.since, parent)?;
            return Ok(Asked { answer, named, limit });
        }
        let ask = |next: &Next| {
            let mut walk = mark.walk.clone();
            walk.next = Some(next.clone());
            self.ask(list, &walk, mark.first, limit, mark.since, parent)
        };
        let asked = self.ahead.asks();
        let mut answers = side_by_side(most, &pages, ask, Result::is_err).into_iter();
        let first = answers.next().flatten().unwrap_or_else(|| ask(next));
        // What went wrong with a later page is found out when it is that page's turn.
        let later = pages
            .into_iter()
            .skip(1)
            .zip(answers)
            .filter_map(|(next, answer)| Some((Turn::Page(next), answer?.ok()?.0)));
        self.ahead.keep(asked, listing, later.collect());
        let (answer, named) = first?;
        Ok(Asked { answer, named, limit })
    }

    /// Asks for the first page of a parent's records. Those of the parents after it are asked for
    /// side by side.
    fn ask_parent(
        &self,
        list: &ListYaml,
        mark: &Mark,
        listing: Listing,
        parent: &str,
    ) -> Result<Asked, Trouble> {
        let limit = listing.limit;
        if let Some(answer) = self.ahead.take(&listing, &Turn::Parent(parent.into())) {
            let context = self.client.context(variables_of(list, parent));
            let named = self.client.name(&list.request, &context);
            return Ok(Asked { answer, named, limit });
        }
        let ask = |parent: &String| {
            self.ask(list, &mark.walk, mark.first, limit, mark.since, Some(parent))
        };
        let most = self.client.at_once();
        let parents: Vec<String> = mark.parents.iter().take(most).cloned().collect();
        let asked = self.ahead.asks();
        let mut answers = side_by_side(most, &parents, ask, Result::is_err).into_iter();
        let first = answers.next().flatten().unwrap_or_else(|| ask(&parent.to_string()));
        // What went wrong with a later parent is found out when it is that one's turn.
        let later = parents
            .into_iter()
            .skip(1)
            .zip(answers)
            .filter_map(|(parent, answer)| Some((Turn::Parent(parent), answer?.ok()?.0)));
        self.ahead.keep(asked, listing, later.collect());
        let (answer, named) = first?;
        Ok(Asked { answer, named, limit })
    }

    /// Pages are counted from 1, or from 0. Where the manifest does not say which, page 0 is asked
    /// for once: what it shows besides page 1 would be missed. Gives its records.
    fn page_zero(
        &self,
        list: &ListYaml,
        mark: &mut Mark,
        limit: usize,
        parent: Option<&str>,
        items: &[Value],
        id_place: &str,
    ) -> Vec<Value> {
        if !matches!(list.paging, Paging::Page { first: None, .. })
            || mark.first.is_some()
            || mark.walk.next.is_some()
            || !sends_the_page_as_it_is(&list.request)
        {
            return vec![];
        }
        let walk = Walk::at(Next::Page(0));
        let since = mark.since;
        let (asked, mut variables) =
            page_request(&list.request, &list.paging, &walk, None, limit, since);
        variables.extend(parent.iter().flat_map(|parent| variables_of(list, parent)));
        let Some(answer) = self.client.try_once(&asked, &self.client.context(variables)) else {
            return vec![];
        };
        mark.first = Some(1);
        if errors::meaning(&self.manifest, &answer).is_some() {
            return vec![];
        }
        let Ok(zero) = self.items(list.items.as_deref(), "", &answer) else { return vec![] };
        if zero.is_empty() || fingerprint(zero, id_place) == fingerprint(items, id_place) {
            return vec![];
        }
        mark.first = Some(0);
        zero.to_vec()
    }

    /// The last page: the next reading asks for what changed since this one began.
    fn ended(
        &self,
        ty: &TypeYaml,
        mark: Mark,
        records: Vec<ReadRecord>,
        faults: Vec<RecordFault>,
    ) -> Page {
        let everything = mark.since.is_none();
        let said = ty.changes.as_ref().map_or(0, |changes| changes.overlap_s.saturating_mul(1000));
        // R1: never less than what can't be told apart by a time of change, and what a listing may
        // lag behind.
        let least = mark.resolution.max(RESOLUTION_MS) + CLOCK_TOLERANCE_MS;
        let overlap_ms = said.max(least.saturating_add(ty.settles_ms.unwrap_or(0).max(0)));
        // Without the server's clock the next reading lists everything: late, but nothing is
        // missed.
        let from = mark.began.filter(|_| ty.changes.is_some()).map(|began| match mark.latest {
            Some(latest) => began.min(latest.max(began.plus_ms(-FURTHEST_ZONE_MS))),
            // None has been seen yet, so nothing is known of the clock that they are of.
            None if ty.modified.is_some() => began.plus_ms(-FURTHEST_ZONE_MS),
            None => began,
        });
        let next = Mark {
            since: from.map(|from| from.plus_ms(-overlap_ms)),
            latest: mark.latest,
            ahead: mark.began_ahead,
            resolution: mark.resolution,
            first: mark.first,
            layout: mark.layout,
            ..Mark::default()
        };
        let checkpoint =
            Checkpoint { text: serde_json::to_string(&next).unwrap_or_default(), bytes: vec![] };
        Page { records, faults, gone: vec![], below: vec![], checkpoint, more: false, everything }
    }

    /// A page after which the listing goes on.
    fn going_on(&self, mark: Mark, records: Vec<ReadRecord>, faults: Vec<RecordFault>) -> Page {
        let everything = mark.since.is_none();
        let text = serde_json::to_string(&self.sealed(mark)).unwrap_or_default();
        Page {
            records,
            faults,
            gone: vec![],
            below: vec![],
            checkpoint: Checkpoint { text, bytes: vec![] },
            more: true,
            everything,
        }
    }

    /// The mark without secrets: an address or cursor that holds one stays in this process. Another
    /// one begins the listing anew.
    fn sealed(&self, mut mark: Mark) -> Mark {
        for next in mark.walk.next.iter_mut().chain(mark.parents_next.all_next()) {
            if let Next::Cursor(text) | Next::Address(text) = next
                && self.client.gives_away(&json!(text))
            {
                *text = self.seals.seal(text);
            }
        }
        mark
    }

    fn unsealed(&self, mut mark: Mark) -> Mark {
        let mut lost = false;
        for next in mark.walk.next.iter_mut().chain(mark.parents_next.all_next()) {
            if let Next::Cursor(text) | Next::Address(text) = next {
                match self.seals.open(text) {
                    Some(opened) => *text = opened,
                    None => lost = true,
                }
            }
        }
        if lost { mark.anew() } else { mark }
    }

    /// Asks for one page of a list.
    pub(super) fn ask(
        &self,
        list: &ListYaml,
        walk: &Walk,
        first: Option<usize>,
        limit: usize,
        since: Option<Timestamp>,
        parent: Option<&str>,
    ) -> Result<(Answer, String), Trouble> {
        let (mut asked, mut variables) =
            page_request(&list.request, &list.paging, walk, first, limit, since);
        if let Some(Next::Address(address)) = &walk.next {
            asked.path.clone_from(address);
            asked.query.clear();
        }
        variables.extend(parent.iter().flat_map(|parent| variables_of(list, parent)));
        let context = self.client.context(variables);
        let named = self.client.name(&list.request, &context);
        self.wait_for_budget(list.budget.as_ref());
        let mut answer = self.client.read(&asked, &context)?;
        // RFC 9110: nothing has changed since `If-Modified-Since`. That is said of the whole list,
        // so of its first page; where the request has no such header it means something else.
        let names_a_time =
            list.request.headers.keys().any(|name| name.eq_ignore_ascii_case("if-modified-since"));
        if answer.status == 304 && since.is_some() && names_a_time && walk.next.is_none() {
            return Ok((Answer { status: 204, body: Value::Null, ..answer }, named));
        }
        // Some systems have no page behind the last one. A page in the middle is not taken for it
        // because of one answer.
        let counted = matches!(walk.next, Some(Next::Offset(_) | Next::Page(_))) && walk.shown > 0;
        let is_past = |answer: &Answer| {
            answer.status == 416
                || errors::meaning(&self.manifest, answer)
                    .is_some_and(|(meaning, _)| meaning == Meaning::Gone)
        };
        if counted && is_past(&answer) {
            answer = self.client.read(&asked, &context)?;
            if is_past(&answer) {
                return Ok((Answer { status: 204, body: Value::Null, ..answer }, named));
            }
        }
        if parent.is_some()
            && walk.next.is_none()
            && self.has_no_parent(&list.request.path, &answer)
        {
            return Ok((Answer { status: 204, body: Value::Null, ..answer }, named));
        }
        match errors::trouble(&self.manifest, &named, &answer) {
            Some(trouble) => Err(trouble),
            None => Ok((answer, named)),
        }
    }

    /// Whether an answer says that the record is not there any more below which something is listed:
    /// it has been deleted since the parents were listed, and has nothing. That no parent at all has
    /// the list is another matter, as where its path is wrong.
    fn has_no_parent(&self, path: &str, answer: &Answer) -> bool {
        let mut answered = self.answered_below.lock().unwrap_or_else(PoisonError::into_inner);
        if (200..300).contains(&answer.status) {
            answered.insert(path.to_string());
        }
        matches!(answer.status, 404 | 410) && answered.contains(path)
    }

    /// A page of parents: their ids, behind those of the records through which they are listed. The
    /// walk then stands at the next page; it is at its end where there is none.
    pub(super) fn parents(
        &self,
        parents: &ParentsYaml,
        at: &mut ParentsWalk,
        since: Option<Timestamp>,
    ) -> Result<Parents, Trouble> {
        let Some(of) = &parents.parents else {
            return self.parents_of(parents, &mut at.walk, since, None);
        };
        let through = at.through.get_or_insert_default();
        let (mut faults, mut date) = (vec![], None);
        loop {
            if through.ids.is_empty() {
                let page = self.parents(of, &mut through.next, since)?;
                faults.extend(page.faults);
                date = date.or(page.date);
                through.ids = page.ids;
            }
            let Some(parent) = through.ids.first().cloned() else {
                if through.next.is_under_way() {
                    continue;
                }
                return Ok(Parents { ids: vec![], faults, date });
            };
            let page = self.parents_of(parents, &mut at.walk, since, Some(&parent))?;
            faults.extend(page.faults);
            date = date.or(page.date);
            if at.walk.next.is_none() {
                through.ids.remove(0);
            }
            let ids: Vec<String> = page.ids.iter().map(|id| format!("{parent}/{id}")).collect();
            let ends = through.ids.is_empty() && !through.next.is_under_way();
            if !ids.is_empty() || ends {
                return Ok(Parents { ids, faults, date });
            }
        }
    }

    /// A page of the parents that one record has, or of all that there are.
    fn parents_of(
        &self,
        parents: &ParentsYaml,
        walk: &mut Walk,
        since: Option<Timestamp>,
        parent: Option<&str>,
    ) -> Result<Parents, Trouble> {
        let mut list = plain_list(&parents.request, &parents.items, &parents.paging);
        list.parents = parents.parents.as_deref().cloned();
        let limit = list.paging.limit(0);
        let (mut faults, mut date) = (vec![], None);
        loop {
            let (answer, named) = self.ask(&list, walk, None, limit, since, parent)?;
            let items = self.items(list.items.as_deref(), &named, &answer)?;
            date = date.or(answer.date);
            let mut ids = vec![];
            for (place, item) in items.iter().enumerate() {
                match at(item, &parents.id).and_then(id_text) {
                    Some(id) => ids.push(id),
                    None => faults.push(RecordFault {
                        part: false,
                        place: format!("{named}, record {}", walk.shown + place + 1),
                        message: format!(
                            "it has no `{}`, so what is listed through it is left out",
                            parents.id
                        ),
                        id: None,
                    }),
                }
            }
            let next_address =
                |address: &str| self.client.resolved(&list.request, &answer, address);
            let listed = Listed {
                paging: &list.paging,
                named: &named,
                limit,
                answer: &answer,
                items,
                id: &parents.id,
                first: None,
                whole: false,
            };
            let goes_on = walk.pass(listed, false, &next_address)?;
            if !goes_on {
                *walk = Walk::default();
            }
            // A page without any is passed over, so that an empty answer means the end.
            if !ids.is_empty() || !goes_on {
                return Ok(Parents { ids, faults, date });
            }
        }
    }

    /// What was deleted since a time.
    fn gone(
        &self,
        gone: &GoneYaml,
        since: Timestamp,
    ) -> Result<(Vec<String>, Vec<RecordFault>), Trouble> {
        let list = plain_list(&gone.request, &gone.items, &gone.paging);
        let limit = list.paging.limit(0);
        let place = gone.id.as_deref().unwrap_or("");
        let (mut walk, mut ids, mut faults) = (Walk::default(), vec![], vec![]);
        loop {
            let (answer, named) = self.ask(&list, &walk, None, limit, Some(since), None)?;
            let items = self.items(list.items.as_deref(), &named, &answer)?;
            for item in items {
                match at(item, place).and_then(id_text) {
                    Some(id) => ids.push(id),
                    None => {
                        let message =
                            format!("it has no `{place}`, so it can't be told what was deleted");
                        faults.push(RecordFault {
                            part: false,
                            place: named.clone(),
                            message,
                            id: None,
                        });
                    }
                }
            }
            let next_address =
                |address: &str| self.client.resolved(&list.request, &answer, address);
            let listed = Listed {
                paging: &list.paging,
                named: &named,
                limit,
                answer: &answer,
                items,
                id: place,
                first: None,
                whole: false,
            };
            if !walk.pass(listed, false, &next_address)? {
                return Ok((ids, faults));
            }
        }
    }

    pub(super) fn items<'v>(
        &self,
        place: Option<&str>,
        named: &str,
        answer: &'v Answer,
    ) -> Result<&'v [Value], Trouble> {
        if answer.status == 204 {
            return Ok(&[]);
        }
        if let Some(error) = says_error(&answer.body) {
            return Err(Trouble::Malformed(format!(
                "{named}: expected a list of records, and the answer has an error: {error}"
            )));
        }
        match at(&answer.body, place.unwrap_or("")) {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(Trouble::Malformed(format!(
                "{named}: expected a list of records at `{}`, and the answer has none there",
                place.unwrap_or("the top")
            ))),
        }
    }

    /// A listed item as a record; read by itself where the list only names ids.
    fn record_of(
        &self,
        ty: &TypeYaml,
        list: &ListYaml,
        watch: &[PropertyRef],
        item: &Value,
        parent: Option<&str>,
    ) -> Result<Result<ReadRecord, Unread>, Trouble> {
        let Some(each) = &list.each_id else {
            return Ok(match parent {
                Some(parent) => self.read_record(ty, watch, &with_parent(item, parent)),
                None => {
                    match ty.parent.as_ref().and_then(|place| at(item, place)).and_then(id_text) {
                        Some(parent) => self.read_record(ty, watch, &with_parent(item, &parent)),
                        // Without the parent it can't be told apart, nor asked for.
                        None if ty.parent.is_some() => Err(Unread::NoId),
                        None => self.read_record(ty, watch, item),
                    }
                }
            });
        };
        let (Some(id), Some(get)) = (at(item, each).and_then(id_text), &ty.get) else {
            return Ok(Err(Unread::NoId));
        };
        let id = parent.map_or(id.clone(), |parent| format!("{parent}/{id}"));
        match self.fetch_patiently(ty, get, &id, true) {
            Ok(Some(body)) => Ok(self.read_record(ty, watch, &body)),
            // Deleted between the list and the look-up.
            Ok(None) => Ok(Ok(ReadRecord {
                id,
                version: None,
                modified: None,
                deleted: true,
                values: vec![None; watch.len()],
            })),
            // G4: one record that can't be read does not stop the others.
            Err(Trouble::Malformed(why)) => Ok(Err(Unread::Alone { id, why })),
            Err(trouble) => Err(trouble),
        }
    }
}

/// An answer with a page.
struct Asked {
    answer: Answer,
    named: String,
    limit: usize,
}

/// From when on to ask instead, where the server's clock has been set back since `since` was taken,
/// or was wrong then. `None` within means: everything.
fn earlier(mark: &Mark, date: Option<Timestamp>) -> Option<Option<Timestamp>> {
    let (since, date) = (mark.since?, date?);
    if date.plus_ms(CLOCK_TOLERANCE_MS) < since {
        return Some(None);
    }
    let back = mark.ahead?.saturating_sub(ahead(date));
    (back > CLOCK_TOLERANCE_MS).then(|| Some(since.plus_ms(-back)))
}

/// Whether a request sends the number of a page as it is counted here, and does no sums with it.
pub(super) fn sends_the_page_as_it_is(request: &RequestYaml) -> bool {
    let texts = [&request.path].into_iter().chain(request.query.values());
    let in_body = request.body.as_ref().map(Value::to_string).unwrap_or_default();
    let expressions = texts
        .map(String::as_str)
        .chain([in_body.as_str()])
        .flat_map(|text| text.split("{{").skip(1));
    let of_page = expressions
        .filter_map(|rest| rest.split("}}").next())
        .filter(|expression| expression.contains("page"));
    let plain = |expression: &str| {
        matches!(
            expression.replace([' ', '"', '\\'], "").as_str(),
            "page" | "page|int" | "page|string"
        )
    };
    of_page
        .fold(None, |all: Option<bool>, expression| Some(all.unwrap_or(true) && plain(expression)))
        .unwrap_or(false)
}

/// The variables by which the requests of a list name the record that what it lists stands in.
fn variables_of(list: &ListYaml, parent: &str) -> [(&'static str, Value); 2] {
    parent_variables(list.parents.as_ref().map_or(1, |parents| parents.depth()), parent)
}

/// A page of parents.
pub(super) struct Parents {
    pub(super) ids: Vec<String>,
    /// Those without an id: what is listed through them can't be seen.
    faults: Vec<RecordFault>,
    /// The server's clock.
    date: Option<Timestamp>,
}

fn plain_list(request: &RequestYaml, items: &Option<String>, paging: &Paging) -> ListYaml {
    ListYaml {
        request: request.clone(),
        items: items.clone(),
        paging: paging.clone(),
        budget: None,
        each_id: None,
        overlap_s: 0,
        stops_at_since: false,
        parents: None,
    }
}

fn older(ty: &TypeYaml, item: &Value, since: Timestamp) -> bool {
    modified(ty, item).ok().flatten().is_some_and(|time| time.at < since)
}

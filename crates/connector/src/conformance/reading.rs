//! Listing, paging, changes, single records and look-ups: what needs no writing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use lockstep_model::value::is_empty;
use lockstep_model::{Kind, PlainType, ReadRecord, Timestamp, Value};
use serde_json::json;

use super::{Run, Seen, Verdict, brief, listed};
use crate::{Absent, Checkpoint, Page, Probe, ReadRequest, RecordFault, Trouble};

/// Pages as large as the manifest allows. A system may be large: no more than so much of it is
/// listed.
const WHOLE: usize = 10_000;
const MOST_PAGES: usize = 25;
const MOST_RECORDS: usize = 2_000;
const LONGEST: Duration = Duration::from_secs(60);
/// Filters by whole days, in whatever zone, are as good as others.
const DAYS_MS: i64 = 2 * 86_400_000;
const YEAR_MS: i64 = 366 * 86_400_000;

/// What a listing gave.
#[derive(Default)]
pub(super) struct Listing {
    pub records: Vec<ReadRecord>,
    /// Ids of records that are shown as deleted, or told to be.
    pub gone: BTreeSet<String>,
    /// Shown on two pages.
    twice: Option<String>,
    faults: Vec<RecordFault>,
    /// How many records each page had.
    pages: Vec<usize>,
    pub complete: bool,
    pub everything: bool,
    checkpoint: Option<Checkpoint>,
}

impl Listing {
    pub fn ids(&self) -> BTreeSet<&str> {
        self.records.iter().map(|record| record.id.as_str()).collect()
    }

    fn shown(&self) -> usize {
        self.pages.iter().sum()
    }
}

impl Run<'_> {
    /// Lists from a checkpoint on, to the end or as far as is reasonable.
    pub(super) fn listing(
        &self,
        from: Option<Checkpoint>,
        page_size: usize,
        most: usize,
    ) -> Result<Listing, Trouble> {
        let began = Instant::now();
        let mut listing = Listing { checkpoint: from, ..Listing::default() };
        let mut ids = BTreeMap::new();
        loop {
            let checkpoint = listing.checkpoint.as_ref();
            let request =
                ReadRequest { kind: &self.ty.kind, watch: &self.watch, checkpoint, page_size };
            let Page { records, faults, gone, checkpoint, more, everything, .. } =
                self.connector.read(request)?;
            listing.pages.push(records.len() + faults.len());
            let page = listing.pages.len();
            listing.faults.extend(faults);
            listing.gone.extend(gone);
            for record in records {
                if ids.insert(record.id.clone(), page).is_some_and(|before| before != page) {
                    listing.twice.get_or_insert(record.id.clone());
                }
                if record.deleted {
                    listing.gone.insert(record.id);
                } else {
                    listing.records.push(record);
                }
            }
            (listing.checkpoint, listing.everything, listing.complete) =
                (Some(checkpoint), everything, !more);
            if !more
                || page >= most
                || listing.records.len() >= MOST_RECORDS
                || began.elapsed() > LONGEST
            {
                return Ok(listing);
            }
        }
    }

    /// Everything that there is, or as much of it as is reasonable; then what can be told from it.
    /// Gives records to go on with.
    pub(super) fn reading(&mut self) -> Seen {
        let whole = match self.listing(None, WHOLE, MOST_PAGES) {
            Ok(whole) => whole,
            Err(trouble) => {
                self.list_fails(&trouble);
                return Seen::default();
            }
        };
        if let Some(fault) = whole.faults.first() {
            let (place, message) = (fault.place.clone(), fault.message.clone());
            let word = if message.contains("modified-form") { "modified:" } else { "id:" };
            self.fails("list", &[word], format!("{place}: {message}"));
            return Seen { records: whole.records, ..Seen::default() };
        }
        if whole.records.is_empty() && !whole.gone.is_empty() {
            self.fails(
                "list",
                &["deleted:"],
                format!("all {} records listed count as deleted: does `deleted` say it the wrong way round?", whole.gone.len()),
            );
            return Seen::default();
        }
        let probed = self.connector.probe(&self.ty.kind, Probe::List { page_size: 0 });
        let probed = probed.ok().flatten();
        let ids = probed.as_ref().map(|probed| probed.ids.as_slice()).unwrap_or_default();
        let distinct = ids.iter().collect::<BTreeSet<_>>().len();
        if distinct < ids.len() {
            let why = format!(
                "{} records on one page have {distinct} ids: `id` is to be what tells one record from all others",
                ids.len()
            );
            self.fails("list", &["id:"], why);
            return Seen::default();
        }
        self.note("list", Verdict::Holds);
        let verdict = self.paging(&whole, probed.as_ref());
        match verdict {
            Err((words, why)) => self.fails("paging", &words, why),
            Ok(verdict) => self.note("paging", verdict),
        }
        let absent = probed.map(|probed| probed.absent).unwrap_or_default();
        self.properties(&whole.records, &absent);
        self.changes(&whole);
        Seen { complete: whole.complete, checkpoint: whole.checkpoint, records: whole.records }
    }

    fn list_fails(&mut self, trouble: &Trouble) {
        let told = trouble.to_string();
        // It is listed, and not to its end.
        if told.contains("not complete") || told.contains("the same page comes again") {
            let before = self
                .connector
                .probe(&self.ty.kind, Probe::BeforeFirst)
                .ok()
                .flatten()
                .map_or(0, |before| before.shown);
            let before = match before {
                0 => String::new(),
                some => format!(
                    " Before the first page there are {some} records: look at `first`, and at how the request names the page."
                ),
            };
            return self.fails(
                "list",
                &["list:", "paging:"],
                format!("pages are lost: {told}{before}"),
            );
        }
        let Ok(small) = self.listing(None, 1, 2) else {
            return self.fails("list", &["list:"], trouble.to_string());
        };
        if small.records.is_empty() {
            return self.fails("list", &["list:"], trouble.to_string());
        }
        self.fails(
            "list",
            &["list:", "limit:"],
            format!("pages of one record are listed, and larger ones are not ({trouble}): say a smaller `limit`"),
        );
    }

    /// R1: pages of whatever size show the same records, and as many as there are.
    fn paging(
        &self,
        whole: &Listing,
        probed: Option<&crate::Probed>,
    ) -> Result<Verdict, (Vec<&'static str>, String)> {
        let listed = whole.shown();
        if let Some(before) = self.connector.probe(&self.ty.kind, Probe::BeforeFirst).ok().flatten()
        {
            let known = whole.ids();
            let lost: Vec<&String> =
                before.ids.iter().filter(|id| !known.contains(id.as_str())).collect();
            if whole.complete && !lost.is_empty() {
                let why = format!(
                    "before the first page there are {} records that are not listed, {} among them: if pages are counted from 0, say `first: \
                     0`; the request sends {{{{ page }}}} or {{{{ offset }}}} as it is, without sums",
                    lost.len(),
                    lost[0]
                );
                return Err((vec!["list:", "first:"], why));
            }
        }
        let unseen = || Verdict::NotTried("there are no records".into());
        if listed == 0 {
            if let Some((place, total)) = probed.and_then(|probed| probed.totals_above(0)) {
                let why = format!(
                    "no record is listed, and the answer says {total} at `{place}`: look at `items` and at `first`"
                );
                return Err((vec!["list:"], why));
            }
            return Ok(unseen());
        }
        if let Some(place) = probed.and_then(|probed| probed.without_total.as_ref()) {
            let told = probed.map(|probed| probed.totals.as_slice()).unwrap_or_default();
            let told =
                told.first().map(|(place, _)| format!(": it is at `{place}`")).unwrap_or_default();
            let why = format!(
                "the answer has no `{place}`, so that a listing that ends too early would not be noticed{told}"
            );
            return Err((vec!["list:", "total:"], why));
        }
        if whole.complete
            && let Some((place, total)) = probed.and_then(|probed| probed.totals_above(listed))
        {
            let why = format!(
                "{listed} records are listed, and the answer says {total} at `{place}`: pages are lost. Look at how `paging` goes on (say \
                 `total: {place}` there, so that a run notices, too)"
            );
            return Err((vec!["list:", "paging:"], why));
        }
        if whole.complete
            && whole.pages.len() == 1
            && let Some(place) = probed.and_then(|probed| probed.more.first())
        {
            let why = format!(
                "{listed} records are listed on one page, and the answer says at `{place}` that there are more: `paging` does not follow it"
            );
            return Err((vec!["list:", "paging:"], why));
        }
        if let Some(id) = &whole.twice {
            return Err((vec!["list:", "paging:"], twice(id)));
        }
        self.page_is_cut(whole, probed)?;
        self.smaller_pages(whole)
    }

    /// The system gives fewer records than the manifest's `limit` on every page, however many are
    /// asked for.
    fn page_is_cut(
        &self,
        whole: &Listing,
        probed: Option<&crate::Probed>,
    ) -> Result<(), (Vec<&'static str>, String)> {
        let (Some(&first), Some(limit)) = (whole.pages.first(), probed.map(|probed| probed.limit))
        else {
            return Ok(());
        };
        let follows = whole.pages.get(1).is_some_and(|next| *next > 0);
        if !follows || first >= limit || first == 0 {
            return Ok(());
        }
        let more = self
            .connector
            .probe(&self.ty.kind, Probe::List { page_size: first + 1 })
            .ok()
            .flatten();
        if more.is_some_and(|more| more.shown == first) {
            let why = format!(
                "pages of {limit} are asked for, and the system gives {first} however many are asked for: say `limit: {first}`, and see that \
                 the request sends {{{{ limit }}}} under the name that the system knows"
            );
            return Err((vec!["list:", "limit:"], why));
        }
        Ok(())
    }

    fn smaller_pages(&self, whole: &Listing) -> Result<Verdict, (Vec<&'static str>, String)> {
        let wrong = |why: String| Err((vec!["list:", "paging:"], why));
        let count = whole.shown();
        // What is compared: all records, or those of the first page of many.
        let first = whole.pages.first().copied().unwrap_or(0);
        let compared = if whole.complete { count } else { first };
        let size = (compared / 4).clamp(1, 500);
        let most = if whole.complete { MOST_PAGES * 4 } else { compared.div_ceil(size) };
        let small = match self.listing(None, size, most) {
            Ok(small) => small,
            Err(trouble) => {
                return wrong(format!("pages of {size} are not listed to the end: {trouble}"));
            }
        };
        if let Some(id) = &small.twice {
            return wrong(twice(id));
        }
        let (all, some) = (whole.ids(), small.ids());
        let extra: Vec<&str> = some.difference(&all).copied().collect();
        let missing: Vec<&str> = match whole.complete && small.complete {
            true => all.difference(&some).copied().collect(),
            false if whole.complete => vec![],
            // The first page, as long as none of it is a deleted record.
            false => {
                let first = whole.records.iter().take(first).map(|record| record.id.as_str());
                first.filter(|id| whole.gone.is_empty() && !some.contains(id)).collect()
            }
        };
        if missing.is_empty() && (extra.is_empty() || !whole.complete && compared == 0) {
            return Ok(match small.pages.len() {
                _ if !whole.complete => Verdict::NotTried(format!(
                    "the list is long: it was read up to {count} records, and pages of {size} show the first {compared} alike. What comes after, and how many there are in all, is not compared"
                )),
                0 | 1 => Verdict::NotTried("one page has all the records".into()),
                _ => Verdict::Holds,
            });
        }
        // Somebody may have worked in it meanwhile.
        let again = self.listing(None, WHOLE, MOST_PAGES);
        if again.as_ref().is_ok_and(|again| again.ids() != all) {
            return Ok(Verdict::NotTried("records come and go while it is listed".into()));
        }
        let lead = "what the request sends must be the page that is meant ({{ offset }}, {{ page }}, {{ cursor }}), pages are counted from \
                    `first`, and the list is to be sorted";
        match (missing.first(), extra.first()) {
            (Some(id), _) => wrong(format!(
                "pages of {size} show {} records and larger ones {}: {} is missing: pages are lost. {lead}",
                some.len(),
                all.len(),
                format_args!("{id}")
            )),
            (_, Some(id)) => wrong(format!(
                "pages of {size} show {id}, which larger ones do not show: pages are lost. {lead}"
            )),
            _ => Ok(Verdict::Holds),
        }
    }

    /// Whether the manifest's places are in the records, and what is there is of the type that it
    /// says.
    fn properties(&mut self, records: &[ReadRecord], absent: &[Absent]) {
        if records.is_empty() {
            return;
        }
        let before = self.trials.len();
        let told =
            |record: &&ReadRecord| record.values.iter().flatten().any(|value| !value.is_null());
        let nothing = records.iter().filter(told).count() == 0;
        let mut untold = vec![];
        for Absent { path, is_property, at, like, names } in absent {
            let property =
                self.ty.properties.iter().find(|property| property.path.as_str() == path);
            let excused = *is_property
                && like.is_none()
                && !nothing
                && (self.ty.absent_is_empty
                    || property.is_some_and(|property| {
                        property.create_only || property.derived_from.is_some()
                    }));
            if excused {
                untold.push(path.clone());
                continue;
            }
            let advice = match like {
                Some(like) if *is_property => format!("Is it at `{like}`? Say `at: {like}`"),
                Some(like) => format!("Is it at `{like}`? Say `{path}: {like}`"),
                None if *is_property => format!(
                    "They have {}. If the system leaves out what is empty, say `absent-is-empty: true`",
                    listed(names.iter().map(String::as_str))
                ),
                None => format!("They have {}", listed(names.iter().map(String::as_str))),
            };
            let why = format!("`{path}`: none of the records listed has `{at}`. {advice}");
            let key = format!("{path}:");
            match is_property {
                true => self.fails("properties", &["properties:", &key], why),
                false => self.fails("properties", &[&key], why),
            }
        }
        if self.trials.len() == before && nothing {
            self.fails(
                "properties",
                &["properties:"],
                "no record listed shows any of the properties: are they where the manifest says?",
            );
        }
        self.types_of(records);
        self.references_of(records);
        if self.ty.tells_times
            && absent.iter().all(|absent| absent.is_property)
            && records.iter().all(|record| record.modified.is_none())
        {
            self.fails(
                "properties",
                &["modified:"],
                "no record listed has a time of change at `modified`: is it there?",
            );
        }
        if self.trials.len() > before {
            return;
        }
        let verdict = match untold.is_empty() {
            true => Verdict::Holds,
            false => Verdict::NotTried(format!(
                "no record listed holds {}",
                listed(untold.iter().map(String::as_str))
            )),
        };
        self.note("properties", verdict);
    }

    fn types_of(&mut self, records: &[ReadRecord]) {
        for prop in 0..self.watch.len() {
            let property = &self.ty.properties[prop];
            if property.assumed || property.reference.is_some() {
                continue;
            }
            let odd = records.iter().find_map(|record| {
                let values = match record.values[prop].as_ref()? {
                    Value::Array(list) if property.list => list.as_slice(),
                    one => std::slice::from_ref(one),
                };
                values
                    .iter()
                    .find(|value| !is_of(property.ty, value))
                    .map(|value| (record.id.clone(), value.clone()))
            });
            if let Some((id, value)) = odd {
                let (path, ty) = (self.path(prop).to_string(), property.ty.name());
                let why = format!(
                    "`{path}` is said to be of type {ty}, and {id} shows {}: correct `type` or `at`",
                    brief(Some(&value))
                );
                self.fails("properties", &["properties:", &format!("{path}:")], why);
            }
        }
    }

    /// P8: what is said to refer to a record type holds ids of it.
    fn references_of(&mut self, records: &[ReadRecord]) {
        for prop in 0..self.watch.len() {
            let Some(to) = &self.ty.properties[prop].reference else { continue };
            let Some(ty) = self.connector.types().iter().find(|ty| ty.kind == *to) else {
                continue;
            };
            let Some((id, value)) =
                records.iter().find_map(|record| Some((record.id.clone(), sought(record, prop)?)))
            else {
                continue;
            };
            let Some(referred) = lockstep_model::id_text::id_text(&value) else { continue };
            let is_nobody = match ty.can.get {
                true => matches!(self.connector.get(&ty.kind, &[], &referred), Ok(None)),
                // What can't be read by itself is in its list, where that is told to its end.
                false => {
                    let request = ReadRequest {
                        kind: &ty.kind,
                        watch: &[],
                        checkpoint: None,
                        page_size: WHOLE,
                    };
                    let list = self.connector.read(request).ok().filter(|page| !page.more);
                    list.is_some_and(|page| page.records.iter().all(|record| record.id != referred))
                }
            };
            if is_nobody {
                let path = self.path(prop).to_string();
                let why = format!(
                    "`{path}` is said to refer to {to}, and {id} has {} there, which is no id of it",
                    brief(Some(&value))
                );
                self.fails("properties", &["properties:", &format!("{path}:"), "reference:"], why);
            }
        }
    }

    /// R1: what changed is shown, and what did not is not. Without a write of its own, by the times
    /// that the records tell.
    fn changes(&mut self, whole: &Listing) {
        let words = ["changes:"];
        if !self.ty.can.since {
            return self.note("changes", Verdict::NotOffered);
        }
        match self.connector.probe(&self.ty.kind, Probe::Changes { since: now().plus_ms(YEAR_MS) })
        {
            Ok(Some(probed)) if probed.shown > 0 => {
                return self.fails(
                    "changes",
                    &words,
                    format!(
                        "asked for what changed since a time in a year, it shows {} records that have not: the system does not know the \
                         filter, or compares times as texts. Give it the time in its own form: {{{{ since }}}}, {{{{ since_plain }}}} \
                         without a zone, {{{{ since_unix }}}} in seconds",
                        probed.shown
                    ),
                );
            }
            _ => {}
        }
        if whole.complete {
            match self.listing(whole.checkpoint.clone(), WHOLE, MOST_PAGES) {
                Ok(page) if page.everything => {
                    let why = "everything is listed again: the answers have no Date header, from which the next reading asks";
                    return self.fails("changes", &words, why);
                }
                Ok(_) => {}
                Err(trouble) => return self.fails("changes", &words, trouble.to_string()),
            }
        }
        let verdict = self.changes_by_time(&whole.records);
        self.verdict("changes", &words, verdict);
    }

    fn changes_by_time(&self, records: &[ReadRecord]) -> Verdict {
        let timed = || records.iter().filter_map(|record| Some((record.modified?, record)));
        let latest = timed().filter(|(at, _)| *at <= now()).max_by_key(|(at, _)| *at);
        let Some((latest, record)) = latest else {
            return Verdict::NotTried(
                "no record tells when it was changed, and none was to be changed".into(),
            );
        };
        let Some(since) = self.connector.changes_since(&self.ty.kind, latest.plus_ms(-1_000))
        else {
            return Verdict::NotTried("it does not go by times".into());
        };
        let changes = match self.listing(Some(since), WHOLE, MOST_PAGES) {
            Ok(changes) => changes,
            Err(trouble) => return Verdict::Fails(trouble.to_string()),
        };
        let ids = changes.ids();
        if !ids.contains(record.id.as_str()) && changes.complete {
            return Verdict::Fails(format!(
                "{} was changed at {latest}, and is not among what changed since a second before: the filter goes by another time (of creation?), \
                 or compares times as texts. Give it the time in its own form: {{{{ since }}}}, {{{{ since_plain }}}} without a zone, {{{{ since_unix }}}} in seconds",
                record.id
            ));
        }
        let old = changes
            .records
            .iter()
            .find(|shown| shown.modified.is_some_and(|at| at.plus_ms(DAYS_MS) < latest));
        match old {
            Some(old) => Verdict::Fails(format!(
                "asked for what changed since {latest}, it shows {}, which was changed at {}: the filter is not heeded",
                old.id,
                old.modified.map(|at| at.to_string()).unwrap_or_default()
            )),
            None => Verdict::Holds,
        }
    }

    pub(super) fn getting(&mut self) {
        if !self.ty.can.get {
            return self.note("get", Verdict::NotOffered);
        }
        let records = &self.seen.records;
        let some: Vec<ReadRecord> = match records.len() {
            0 => return self.note("get", Verdict::NotTried("there is no record".into())),
            1 | 2 => records.clone(),
            many => [0, many / 2, many - 1].map(|at| records[at].clone()).to_vec(),
        };
        for seen in some {
            let failed = match self.get(&seen.id) {
                Ok(Some(record)) if record.id != seen.id => {
                    Some(format!("{} was asked for, and {} came", seen.id, record.id))
                }
                Ok(Some(record)) => self.differs(&seen, &record),
                Ok(None) => Some(format!(
                    "{} is listed and is not there by itself: look at its `path` and `item`",
                    seen.id
                )),
                Err(trouble) => Some(trouble.to_string()),
            };
            if let Some(why) = failed {
                return self.fails("get", &["get:"], why);
            }
        }
        self.note("get", Verdict::Holds);
    }

    /// Which property a record does not show alike in the list and by itself.
    fn differs(&self, listed: &ReadRecord, got: &ReadRecord) -> Option<String> {
        // Somebody may have changed it since.
        if listed.modified != got.modified
            || listed.version.is_some() && got.version.is_some() && listed.version != got.version
        {
            return None;
        }
        let mut pairs = self.watch.iter().zip(listed.values.iter().zip(&got.values));
        let (path, (listed, got)) = pairs.find(|(_, (listed, got))| listed != got)?;
        Some(match (listed, got) {
            (None, Some(_)) => format!(
                "`{path}` is shown by `get` and not by `list`, so that no edit of it would be noticed: ask for it in the list, or say `each-id`"
            ),
            (Some(_), None) => {
                format!("`{path}` is shown by `list` and not by `get`: look at `item`")
            }
            _ => format!(
                "`{path}` is not the same in the list ({}) and by itself ({})",
                brief(listed.as_ref()),
                brief(got.as_ref())
            ),
        })
    }

    /// C2: a look-up finds who is there, and nobody who is not.
    pub(super) fn finding(&mut self) {
        if !self.ty.can.find {
            return self.note("find", Verdict::NotOffered);
        }
        let before = self.trials.len();
        let mut tried = 0;
        for prop in 0..self.watch.len() {
            tried += self.finding_by(prop);
        }
        if !self.trials[before..].iter().any(|trial| matches!(trial.verdict, Verdict::Fails(_))) {
            let none = || Verdict::NotTried("no record holds a value to look for".into());
            self.note("find", if tried > 0 { Verdict::Holds } else { none() });
        }
    }

    fn finding_by(&mut self, prop: usize) -> usize {
        let holds = |record: &&ReadRecord| sought(record, prop).is_some();
        let records = &self.seen.records;
        let (first, last) = (records.iter().find(holds), records.iter().rev().find(holds));
        let some: Vec<(String, Value)> = first
            .into_iter()
            .chain(last)
            .filter_map(|record| Some((record.id.clone(), sought(record, prop)?)))
            .collect();
        let path = self.path(prop).to_string();
        let key = format!("{path}:");
        let words = ["find:", key.as_str()];
        let mut tried = 0;
        for (id, value) in &some {
            match self.connector.find(&self.ty.kind, &self.watch, prop, value) {
                Ok(None) => return 0,
                Ok(Some(found)) if found.iter().any(|record| record.id == *id) => tried += 1,
                Ok(Some(_)) => {
                    let why = format!(
                        "{id} is not found by its `{path}` ({}): the request must look for {{{{ value }}}} in that property, and `item` is where \
                         the records are",
                        brief(Some(value))
                    );
                    self.fails("find", &words, why);
                    return tried;
                }
                Err(trouble) => {
                    self.fails("find", &words, format!("`{path}`: {trouble}"));
                    return tried;
                }
            }
        }
        if let Some(why) = some.first().and_then(|(id, value)| self.minds_case(prop, id, value)) {
            self.fails("find", &words, why);
        }
        let nobodys = self.nobodys_value(prop);
        match self.connector.probe(&self.ty.kind, Probe::Find { path: &path, value: &nobodys }) {
            Ok(Some(probed)) if probed.shown > 0 => {
                let why = format!(
                    "`{path}`: nobody has {}, and {} records come: the look-up ignores its value, so that who is on a later page would not be \
                     found. The request must send {{{{ value }}}} under the name that the system knows",
                    brief(Some(&nobodys)),
                    probed.shown
                );
                self.fails("find", &words, why);
            }
            Ok(Some(_)) => match self.connector.find(&self.ty.kind, &self.watch, prop, &nobodys) {
                Err(trouble) => {
                    let why = format!(
                        "`{path}`: a value that nobody has is not answered with \"nobody\": {trouble}"
                    );
                    self.fails("find", &words, why);
                }
                Ok(_) => {
                    tried += 1;
                    self.finding_quoted(prop);
                }
            },
            _ => {}
        }
        tried
    }

    /// P3: values that differ in case only are one where the manifest says `caseless`, and so are
    /// e-mail addresses: a look-up that tells them apart finds nobody, and a second record is made.
    fn minds_case(&self, prop: usize, id: &str, value: &Value) -> Option<String> {
        let property = &self.ty.properties[prop];
        let text = value.as_str()?;
        let is_address = property.kind == Kind::Seen
            && text
                .split_once('@')
                .is_some_and(|(_, host)| host.contains('.') && !text.contains(' '));
        if !property.stored_as.caseless && property.kind != Kind::Email && !is_address {
            return None;
        }
        let other = match text.to_uppercase() {
            upper if upper == text => text.to_lowercase(),
            upper => upper,
        };
        if other == text {
            return None;
        }
        let found = self.connector.find(&self.ty.kind, &self.watch, prop, &json!(other)).ok()??;
        let path = self.path(prop);
        (!found.iter().any(|record| record.id == id)).then(|| {
            format!(
                "{id} is found by its `{path}` {} and not by {}, which is the same to Lockstep: a second record would be made. Send the value as the system keeps it ({{{{ value | lower }}}}), ask for a comparison without case, or leave this `find` out",
                brief(Some(value)),
                brief(Some(&json!(other)))
            )
        })
    }

    /// A look-up that puts its value into a text of its own must double the quotation marks in it.
    fn finding_quoted(&mut self, prop: usize) {
        let path = self.path(prop).to_string();
        let quoted = match self.nobodys_value(prop) {
            Value::String(text) if text.contains('@') => {
                json!(text.replace("lockstep-", "lock'step-"))
            }
            Value::String(text) if text.starts_with("Lockstep") => {
                json!(text.replace("Lockstep-", "Lock'step & "))
            }
            _ => return,
        };
        if let Err(trouble) = self.connector.find(&self.ty.kind, &self.watch, prop, &quoted) {
            let why = format!(
                "`{path}`: {} can't be looked for ({trouble}): where the value stands between quotation marks, write {{{{ value | quoted }}}}, \
                 or what the system takes instead",
                brief(Some(&quoted))
            );
            self.note("find by a text with a quotation mark", Verdict::NotTried(why));
        }
    }

    /// A value in the form of the others that nobody has.
    fn nobodys_value(&self, prop: usize) -> Value {
        let property = &self.ty.properties[prop];
        let numbers = self
            .seen
            .records
            .iter()
            .filter_map(|record| sought(record, prop))
            .any(|value| value.is_number());
        let path = property.path.as_str().to_lowercase();
        let text = |text: &str| {
            json!(text.chars().take(property.stored_as.max_chars.unwrap_or(64)).collect::<String>())
        };
        match property.ty {
            PlainType::Integer | PlainType::Float | PlainType::Decimal | PlainType::Minutes => {
                json!(987_654_321)
            }
            PlainType::Date => json!("1901-02-03"),
            PlainType::Datetime => json!("1901-02-03T04:05:06Z"),
            _ if numbers => json!(987_654_321),
            _ if path.contains("mail") => json!("lockstep-nobody-7f3a@example.com"),
            _ if path.contains("phone") || path.contains("mobile") => json!("+4798765432"),
            _ => text("Lockstep-nobody-7f3a"),
        }
    }
}

fn twice(id: &str) -> String {
    format!(
        "{id} is on two pages, so that another record is on none: does the request name the page ({{{{ offset }}}}, {{{{ page }}}}, \
         {{{{ cursor }}}}), and is the list sorted?"
    )
}

/// A value by which a record can be looked up.
fn sought(record: &ReadRecord, prop: usize) -> Option<Value> {
    let value = record.values[prop].as_ref()?;
    let value = match value {
        Value::Array(list) => list.first()?,
        one => one,
    };
    (!is_empty(value) && !value.is_array() && !value.is_object() && !value.is_boolean())
        .then(|| value.clone())
}

fn is_of(ty: PlainType, value: &Value) -> bool {
    if is_empty(value) {
        return true;
    }
    let number = |value: &Value| match value {
        Value::Number(_) => true,
        Value::String(text) => {
            text.trim().replace(',', ".").parse::<f64>().is_ok_and(f64::is_finite)
        }
        _ => false,
    };
    match ty {
        PlainType::Integer | PlainType::Minutes => match value {
            Value::Number(number) => {
                number.as_i64().is_some() || number.as_f64().is_none_or(|n| n.fract() == 0.0)
            }
            Value::String(text) => text.trim().parse::<i128>().is_ok(),
            _ => false,
        },
        PlainType::Float | PlainType::Decimal => number(value),
        PlainType::Boolean => match value {
            Value::Bool(_) => true,
            Value::Number(number) => matches!(number.to_string().as_str(), "0" | "1"),
            Value::String(text) => {
                matches!(
                    text.trim().to_lowercase().as_str(),
                    "true" | "false" | "0" | "1" | "yes" | "no" | "y" | "n" | "on" | "off"
                )
            }
            _ => false,
        },
        PlainType::Date | PlainType::Datetime => Timestamp::read(value).is_ok(),
        PlainType::String => !value.is_object() && !value.is_array(),
        PlainType::List | PlainType::Any => true,
    }
}

pub(super) fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}

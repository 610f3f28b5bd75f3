//! A record of the run's own, from its creation to its end: every property is written and read
//! back, and what was changed is among the changes.

use std::time::{Duration, Instant};

use lockstep_model::value::{effective, is_empty};
use lockstep_model::{PlainType, ReadRecord, Timestamp, Value};

use super::reading::now;
use super::{Run, Verdict, brief, told};
use crate::vault::{hex, random};
use crate::{Action, Answers, Checkpoint, Outcome, Trouble, Write, WriteValue};

/// Two changes are so far apart in time that a filter by seconds can tell them apart.
const APART: Duration = Duration::from_millis(2_100);
/// What is not shown at once is looked for again after so long, in milliseconds.
const WAITS_MS: [u64; 3] = [0, 1_000, 2_000];
/// A stated delay is waited for, but not longer.
const LONGEST_WAIT_MS: u64 = 60_000;
const LARGE_PAGE: usize = 10_000;
const MOST_PAGES: usize = 50;

impl Run<'_> {
    /// One record of its own, from its creation to its end.
    pub(super) fn writing(&mut self) {
        if !self.ty.can.create {
            return self.note("create", Verdict::NotOffered);
        }
        let mark = match random::<4>() {
            Ok(bytes) => hex(&bytes),
            Err(trouble) => return self.note("create", Verdict::NotTried(trouble.to_string())),
        };
        let before = self.seen.checkpoint.clone().filter(|_| self.seen.complete);
        let Some((made, values)) = self.creating(&mark) else { return };
        let made_at = Instant::now();
        let shown = self.get(&made.id).ok().flatten();
        let since = self.since_after(shown.as_ref());
        self.listed_after(&made, &mark);
        self.duplicating(&values, &mark, &made);
        std::thread::sleep(APART.saturating_sub(made_at.elapsed()));
        self.updating(&values, &mark, &made);
        self.changes_after(&made, since, before);
        self.all_properties(&values, &mark, &made);
        self.emptying(&values, &mark, &made);
        self.refusing(&values, &made);
        self.deleting(&values, &mark, &made);
    }

    fn left_behind(&mut self, id: &str, mark: &str) {
        self.left.insert(id.to_string(), format!("made by the test, with the mark {mark}"));
    }

    /// Creates the record, with as many of its properties as the system takes. Gives what was sent.
    fn creating(&mut self, mark: &str) -> Option<(ReadRecord, Vec<WriteValue>)> {
        let mut values = self.marked(mark);
        let mut refused = vec![];
        let made = loop {
            let create = Write {
                action: Action::Create,
                values: values.clone(),
                token: format!("lockstep-test-{mark}"),
            };
            match self.write(create) {
                Outcome::Done(made) => break made,
                // One of a few words is wanted there, or something that only people know: it is
                // tried without.
                Outcome::Rejected { prop: Some(prop), message }
                    if values.len() > 1
                        && values.iter().any(|v| v.prop == prop)
                        && !self.ty.properties[prop].required =>
                {
                    refused.push(format!("`{}` ({message})", self.path(prop)));
                    values.retain(|value| value.prop != prop);
                }
                // What is refused is not named: the record is made of the plain texts, and the rest
                // is tried one by one.
                // What is marked is nobody's: a duplicate is one by a value of another record.
                Outcome::Rejected { prop: None, .. } | Outcome::Duplicate { .. }
                    if values.iter().any(|value| self.is_risky(value.prop)) =>
                {
                    values.retain(|value| !self.is_risky(value.prop));
                }
                other => {
                    self.not_created(&other, mark);
                    return None;
                }
            }
        };
        self.left_behind(&made.id, mark);
        let shown = match self.get(&made.id) {
            Ok(Some(record)) => record,
            Ok(None) => {
                let why = format!(
                    "{} was created and is not there: the id in the answer must be that by which `get` asks (`item` of `create`, `id`)",
                    made.id
                );
                self.fails("create", &["create:"], why);
                return None;
            }
            Err(trouble) => {
                self.fails("create", &["create:"], trouble.to_string());
                return None;
            }
        };
        self.kept("create", &values, &shown);
        self.as_answered(true, &made, &shown);
        if !refused.is_empty() {
            self.note(
                "values that are refused",
                Verdict::NotTried(format!(
                    "the system takes none of ours for {}",
                    refused.join(", ")
                )),
            );
        }
        Some((shown, values))
    }

    fn not_created(&mut self, outcome: &Outcome, mark: &str) {
        if !matches!(outcome, Outcome::Unknown { .. } | Outcome::Accepted { .. }) {
            let advice = match outcome {
                Outcome::Rejected { .. } => {
                    ". Is the record where the system looks for it in the body (`wrap`), with all that it requires (`required`)?"
                }
                _ => "",
            };
            return self.fails("create", &["create:"], told(outcome) + advice);
        }
        // It was made, and nothing tells which it is.
        let listing = self.listing(None, LARGE_PAGE, MOST_PAGES);
        let holds = |record: &ReadRecord| {
            record.values.iter().flatten().any(|value| value.to_string().contains(mark))
        };
        let found = listing.ok().and_then(|listing| listing.records.into_iter().find(holds));
        let advice =
            "say with `item` where the record is in the answer, or with `id-at` where its id is";
        match found {
            Some(record) => {
                self.left_behind(&record.id, mark);
                self.fails(
                    "create",
                    &["create:"],
                    format!("{}: it was created as {}; {advice}", told(outcome), record.id),
                );
            }
            None => {
                self.left.insert(
                    "(unknown)".into(),
                    format!("perhaps made by the test, with the mark {mark}"),
                );
                self.fails(
                    "create",
                    &["create:"],
                    format!("{}: it may have been created; {advice}", told(outcome)),
                );
            }
        }
    }

    /// Compares what was written with what is shown.
    fn kept(&mut self, what: &'static str, values: &[WriteValue], shown: &ReadRecord) -> bool {
        let lost: Vec<&WriteValue> = values
            .iter()
            .filter(|value| {
                !self.shows(value.prop, shown.values[value.prop].as_ref(), &value.value)
            })
            .collect();
        let word = if what == "create" { "create:" } else { "update:" };
        if values.len() > 1 && lost.len() == values.len() {
            let why = "nothing that was sent is shown: does the system look for the record where `wrap` puts it, and does nothing in `beside` \
                       take its place?";
            self.fails(what, &[word], why);
            return false;
        }
        let lost: Vec<(usize, Value)> =
            lost.into_iter().map(|value| (value.prop, value.value.clone())).collect();
        for (prop, value) in &lost {
            let path = self.path(*prop).to_string();
            let cut = match (value, shown.values[*prop].as_ref()) {
                (Value::String(sent), Some(Value::String(held))) if !held.is_empty() && sent.starts_with(held.as_str()) => {
                    format!("The system cuts it: say `max-chars: {}`", held.chars().count())
                }
                _ => "Is it read and written at the same place (`at`), and of this `type`? If the system sets it itself, say `read-only: \
                      true`; if it takes it only at creation, `create-only: true`"
                    .into(),
            };
            let why = format!(
                "{path} was written and is not shown: {} was sent, and {} is there. {cut}",
                brief(Some(value)),
                brief(shown.values[*prop].as_ref())
            );
            self.fails(what, &["properties:", &format!("{path}:")], why);
        }
        if lost.is_empty() {
            self.note(what, Verdict::Holds);
        }
        lost.is_empty()
    }

    /// A time between the creation and what comes after, by the system's own clock.
    fn since_after(&self, shown: Option<&ReadRecord>) -> Option<Timestamp> {
        let at = shown?.modified?;
        // Times of whole minutes or days can't tell the two apart.
        Some(if at.0 % 60_000 == 0 { at.plus_ms(-1_000) } else { at.plus_ms(1_000) })
    }

    /// Looks until it is there, as long as the system may lag behind. Gives after how long it was,
    /// beyond what is stated.
    fn waits_for(
        &self,
        found: &mut dyn FnMut() -> Result<bool, Trouble>,
    ) -> Result<Option<u64>, Trouble> {
        let stated = u64::try_from(self.ty.settles_ms).unwrap_or(0).min(LONGEST_WAIT_MS);
        let began = Instant::now();
        loop {
            if found()? {
                return Ok(Some(0));
            }
            let waited = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            if waited >= stated {
                break;
            }
            std::thread::sleep(Duration::from_millis((stated - waited).min(1_000)));
        }
        for wait in WAITS_MS.into_iter().skip(1) {
            std::thread::sleep(Duration::from_millis(wait));
            if found()? {
                return Ok(Some(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)));
            }
        }
        Ok(None)
    }

    /// R1: what was created is listed.
    fn listed_after(&mut self, made: &ReadRecord, mark: &str) {
        let what = "what is created is listed";
        let before: Vec<String> =
            self.seen.records.iter().map(|record| record.id.clone()).collect();
        let mut vanished = None;
        let mut complete = true;
        let found = self.waits_for(&mut || {
            let listing = self.listing(None, LARGE_PAGE, MOST_PAGES)?;
            complete = listing.complete;
            let ids = listing.ids();
            vanished = before.iter().find(|id| !ids.contains(id.as_str())).cloned();
            Ok(ids.contains(made.id.as_str()))
        });
        let vanished = vanished
            .filter(|id| self.seen.complete && complete && matches!(self.get(id), Ok(Some(_))));
        match (found, vanished) {
            (Err(trouble), _) => self.fails(what, &["list:"], trouble.to_string()),
            (Ok(None), _) if complete => {
                let why = format!(
                    "{} ({mark}) was created and is not in the list: does `list` show all pages and all records (a filter, an archive)?",
                    made.id
                );
                self.fails(what, &["list:"], why);
            }
            (Ok(None), _) => self.note(
                what,
                Verdict::NotTried("the list is too long to be read to its end here".into()),
            ),
            (Ok(_), Some(id)) => {
                let why = format!(
                    "{id} was listed before {} was created, is still there, and is not listed any more: the list has a limit, and `paging` does \
                     not go beyond it",
                    made.id
                );
                self.fails(what, &["list:", "paging:"], why);
            }
            (Ok(Some(0)), None) => self.note(what, Verdict::Holds),
            (Ok(Some(late)), None) => self.lags(what, late),
        }
    }

    fn lags(&mut self, what: &'static str, late_ms: u64) {
        let why = format!(
            "it is shown only after {:.0} s: say `settles-ms: {}`, or a reading right after a write takes what was before for an edit",
            late_ms as f64 / 1000.0,
            late_ms.next_multiple_of(1_000) * 2
        );
        self.fails(what, &["settles-ms:"], why);
    }

    /// C2: whether a second one with the same values is refused; where it is not, Lockstep must
    /// look before it creates, and does.
    fn duplicating(&mut self, values: &[WriteValue], mark: &str, made: &ReadRecord) {
        let again = Write {
            action: Action::Create,
            values: values.to_vec(),
            token: format!("lockstep-test-{mark}-2"),
        };
        let words = ["errors:"];
        let what = "duplicates are told";
        match self.write(again) {
            Outcome::Duplicate { id: Some(id), .. } if id == made.id => {
                self.note(what, Verdict::Holds)
            }
            Outcome::Duplicate { id: Some(id), .. } => {
                self.fails(
                    what,
                    &words,
                    format!(
                        "{} is there already, and {id} was named: look at `id` of the rule",
                        made.id
                    ),
                );
            }
            Outcome::Duplicate { id: None, .. } => {
                let why = "the record that is there is neither named nor found: say `id` in the rule, or `property` and a `find` by it";
                self.fails(what, &words, why);
            }
            Outcome::Done(second) if second.id == made.id => {
                self.fails(what, &["create:"], "a second creation wrote over the first record");
            }
            Outcome::Done(second) => {
                self.left_behind(&second.id, mark);
                if self.ty.can.delete {
                    let action = Action::Delete { id: second.id.clone(), version: None };
                    let delete =
                        Write { action, values: vec![], token: format!("lockstep-test-{mark}-3") };
                    if matches!(self.write(delete), Outcome::Done(_)) {
                        self.left.remove(&second.id);
                    }
                }
                self.note(what, Verdict::NotOffered);
            }
            other => {
                let why = format!(
                    "a second creation: {}. If that is how it says so, add a rule with `means: duplicate`",
                    told(&other)
                );
                self.fails(what, &words, why);
            }
        }
    }

    /// Whether something about this property has failed already.
    fn has_failed(&self, path: &str) -> bool {
        let key = format!("{path}:");
        self.trials.iter().any(|trial| {
            matches!(trial.verdict, Verdict::Fails(_)) && trial.place.last() == Some(&key)
        })
    }

    fn can_change(&self, prop: usize) -> bool {
        !self.ty.properties[prop].create_only && self.is_writable(prop)
    }

    fn change(
        &self,
        made: &ReadRecord,
        version: Option<String>,
        values: Vec<WriteValue>,
        token: String,
    ) -> Outcome {
        self.write(Write { action: Action::Update { id: made.id.clone(), version }, values, token })
    }

    /// A new value in the place of what is shown.
    fn replacing(shown: &ReadRecord, prop: usize, value: Value) -> WriteValue {
        let held = shown.values[prop].clone().unwrap_or(Value::Null);
        let displaced = effective(&held, value.is_array()).clone();
        WriteValue { prop, value, displaced: displaced.into() }
    }

    /// P6: one property is changed, and nothing else; the time and the version of the record move;
    /// what was decided before is refused.
    fn updating(&mut self, values: &[WriteValue], mark: &str, made: &ReadRecord) {
        if !self.ty.can.update {
            return self.note("update", Verdict::NotOffered);
        }
        let plain = |value: &&WriteValue| {
            let property = &self.ty.properties[value.prop];
            !self.has_failed(self.path(value.prop))
                && self.can_change(value.prop)
                && property.reference.is_none()
                && !property.list
                && !self.is_risky(value.prop)
        };
        let any = |value: &&WriteValue| {
            self.can_change(value.prop) && self.sample(value.prop, mark, 1).is_some()
        };
        let Some(value) = values.iter().find(plain).or_else(|| values.iter().find(any)) else {
            return self.note("update", Verdict::NotTried("no property can be changed".into()));
        };
        let prop = value.prop;
        let path = self.path(prop).to_string();
        let stale = self.get(&made.id).ok().flatten().unwrap_or_else(|| made.clone());
        let Some(after) = self.sample(prop, &format!("{mark}b"), 1) else {
            return self.note(
                "update",
                Verdict::NotTried(format!("there is no other value for `{path}`")),
            );
        };
        let change = Self::replacing(&stale, prop, after.clone());
        let outcome = self.change(
            made,
            stale.version.clone(),
            vec![change],
            format!("lockstep-test-{mark}-u1"),
        );
        let answered = match outcome {
            Outcome::Done(answered) => answered,
            other => return self.fails("update", &["update:"], told(&other)),
        };
        if answered.id != made.id {
            self.left_behind(&answered.id, mark);
            let why = format!(
                "{} was to be changed, and {} came: the request makes a record instead of changing one",
                made.id, answered.id
            );
            return self.fails("update", &["update:"], why);
        }
        let now = match self.get(&made.id) {
            Ok(Some(now)) => now,
            Ok(None) => {
                return self.fails(
                    "update",
                    &["update:"],
                    format!("{} is not there after it was updated", made.id),
                );
            }
            Err(trouble) => return self.fails("update", &["update:"], trouble.to_string()),
        };
        if !self.shows(prop, now.values[prop].as_ref(), &after) {
            let why = format!(
                "{path} was written and is not shown: {} was sent, and {} is there: does the system look for the record where `wrap` puts it, \
                 and does the request say the record that is meant?",
                brief(Some(&after)),
                brief(now.values[prop].as_ref())
            );
            return self.fails("update", &["update:"], why);
        }
        if let Some(other) = self.disturbed(&stale, &now, &[prop]) {
            let why = format!(
                "an update of `{path}` changed `{other}`, too: the request replaces the whole record. Say `style: whole` with `read-before: \
                 true`, or the method for parts (PATCH)"
            );
            return self.fails("update", &["update:"], why);
        }
        self.note("update", Verdict::Holds);
        self.as_answered(false, &answered, &now);
        self.moved_on(&stale, &now);
        let third =
            self.sample(prop, &format!("{mark}c"), 2).unwrap_or_else(|| value.value.clone());
        let change = Self::replacing(&stale, prop, third);
        // P6: decided on what has changed since.
        let outcome = self.change(
            made,
            stale.version.clone(),
            vec![change],
            format!("lockstep-test-{mark}-u2"),
        );
        let refused = match outcome {
            Outcome::Conflict { .. } => Ok(()),
            Outcome::Done(_) => Err(
                "an edit made meanwhile was written over: add `read-before`, a version, or a lock"
                    .into(),
            ),
            other => Err(format!(
                "{}. If that is how it says so, add a rule to `errors` with `means: conflict`",
                told(&other)
            )),
        };
        self.held("locking", &["update:"], refused);
    }

    /// R6: where the manifest says that an answer shows the record as it is stored, it does.
    fn as_answered(&mut self, creates: bool, answered: &ReadRecord, shown: &ReadRecord) {
        if self.connector.answers(&self.ty.kind, creates) == Answers::Unsure {
            return;
        }
        let other = |prop: &usize| match (&answered.values[*prop], &shown.values[*prop]) {
            (Some(answered), Some(shown)) => !self.shows(*prop, Some(shown), answered),
            _ => false,
        };
        let Some(prop) = (0..self.watch.len()).find(other) else { return };
        let word = if creates { "create:" } else { "update:" };
        let why = format!(
            "the answer shows {} for `{}`, and {} is stored: it does not show the record as it is, so leave out `read-after: false`",
            brief(answered.values[prop].as_ref()),
            self.path(prop),
            brief(shown.values[prop].as_ref())
        );
        self.fails("the answer to a write is as it is stored", &[word, "read-after:"], why);
    }

    /// A property that changed though it was not written.
    fn disturbed(
        &self,
        before: &ReadRecord,
        after: &ReadRecord,
        written: &[usize],
    ) -> Option<String> {
        let other = |prop: &usize| {
            !written.contains(prop)
                && self.is_writable(*prop)
                && self.ty.properties[*prop].derived_from.is_none()
        };
        let lost = |prop: &usize| {
            let was = before.values[*prop].as_ref().filter(|value| !is_empty(value));
            was.is_some_and(|was| !self.shows(*prop, after.values[*prop].as_ref(), was))
        };
        (0..self.watch.len()).filter(other).find(lost).map(|prop| self.path(prop).to_string())
    }

    /// The time of change, and the version, are those of the last change.
    fn moved_on(&mut self, before: &ReadRecord, after: &ReadRecord) {
        let what = "the time of change moves";
        match (before.modified, after.modified) {
            (Some(then), Some(now)) if now > then => self.note(what, Verdict::Holds),
            (Some(then), Some(_)) if then.0 % 60_000 == 0 => {
                self.note(
                    what,
                    Verdict::NotTried("times of whole minutes or days don't tell".into()),
                );
            }
            (Some(then), Some(_)) => {
                let why = format!(
                    "the record was changed, and `modified` still says {then}: is it the time of its creation?"
                );
                self.fails(what, &["modified:"], why);
            }
            _ => {}
        }
        let created = self
            .ty
            .created
            .as_ref()
            .and_then(|path| self.watch.iter().position(|watched| watched.path == *path));
        if let Some(prop) = created
            && before.values[prop] != after.values[prop]
        {
            let path = self.path(prop).to_string();
            let why = format!(
                "the record was changed, and `{path}`, its time of creation, with it: another property says when it was made"
            );
            self.fails("the time of creation stays", &["created:"], why);
        }
        if let (Some(then), Some(now)) = (&before.version, &after.version)
            && then == now
        {
            let why = format!(
                "the record was changed, and its version is still {then}: nothing is locked by it"
            );
            self.fails("the version moves", &["version:"], why);
        }
    }

    /// R1: what was changed is among the changes.
    fn changes_after(
        &mut self,
        made: &ReadRecord,
        since: Option<Timestamp>,
        before: Option<Checkpoint>,
    ) {
        if !self.ty.can.since
            || self
                .trials
                .iter()
                .any(|trial| trial.what == "changes" && matches!(trial.verdict, Verdict::Fails(_)))
        {
            return;
        }
        let what = "what is changed is among the changes";
        let by_time = since.and_then(|since| self.connector.changes_since(&self.ty.kind, since));
        let Some(checkpoint) = by_time.or(before) else {
            return self.note(
                what,
                Verdict::NotTried("the list is too long to be read to its end here".into()),
            );
        };
        let (mut everything, mut old) = (false, None);
        let found = self.waits_for(&mut || {
            let changes = self.listing(Some(checkpoint.clone()), LARGE_PAGE, MOST_PAGES)?;
            everything = changes.everything;
            let is_old = |record: &&ReadRecord| {
                since
                    .zip(record.modified)
                    .is_some_and(|(since, at)| at.plus_ms(2 * 86_400_000) < since)
            };
            old = changes.records.iter().find(is_old).map(|record| record.id.clone());
            Ok(changes.ids().contains(made.id.as_str()))
        });
        match found {
            Err(trouble) => self.fails(what, &["changes:"], trouble.to_string()),
            Ok(_) if everything => {
                self.fails(what, &["changes:"], "everything is listed again, and not what changed")
            }
            Ok(None) => {
                let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
                let why = format!(
                    "{} was changed a moment ago ({}), and is not among what changed{since}: the filter goes by another time (of creation?), or \
                     compares times as texts. Give it the time in its own form: {{{{ since }}}}, {{{{ since_plain }}}} without a zone, \
                     {{{{ since_unix }}}} in seconds",
                    made.id,
                    now()
                );
                self.fails(what, &["changes:"], why);
            }
            Ok(Some(_)) if old.is_some() => {
                let why = format!(
                    "{} was not changed and is among the changes: the filter is not heeded",
                    old.unwrap_or_default()
                );
                self.fails(what, &["changes:"], why);
            }
            Ok(Some(0)) => self.note(what, Verdict::Holds),
            Ok(Some(late)) => self.lags(what, late),
        }
    }

    /// Every property that can be changed is changed and read back: all at once, and one by one
    /// where that is refused.
    fn all_properties(&mut self, values: &[WriteValue], mark: &str, made: &ReadRecord) {
        let what = "every property is kept";
        if !self.ty.can.update {
            return;
        }
        let Some(shown) = self.get(&made.id).ok().flatten() else { return };
        let first: Vec<WriteValue> = (0..self.watch.len())
            .filter(|prop| self.can_change(*prop) && !self.may_hide(*prop))
            .filter_map(|prop| {
                let was_sent = values.iter().any(|value| value.prop == prop);
                let value = self.sample(prop, &format!("{mark}d"), usize::from(was_sent))?;
                Some(Self::replacing(&shown, prop, value))
            })
            .collect();
        if first.is_empty() {
            return;
        }
        let outcome = self.change(
            made,
            shown.version.clone(),
            first.clone(),
            format!("lockstep-test-{mark}-u3"),
        );
        if let (Outcome::Done(_), Some(now)) = (&outcome, self.get(&made.id).ok().flatten()) {
            self.kept_after("every property is kept", &first, &now);
            return;
        }
        let (mut refused, mut held) = (vec![], true);
        for (number, value) in first.into_iter().enumerate() {
            let Some(shown) = self.get(&made.id).ok().flatten() else { break };
            let value = Self::replacing(&shown, value.prop, value.value);
            let token = format!("lockstep-test-{mark}-w{number}");
            match self.change(made, shown.version.clone(), vec![value.clone()], token) {
                Outcome::Done(_) => {
                    let Some(now) = self.get(&made.id).ok().flatten() else { break };
                    if !self.shows(value.prop, now.values[value.prop].as_ref(), &value.value) {
                        self.kept_after(what, &[value], &now);
                        held = false;
                    }
                }
                Outcome::Rejected { message, .. } => {
                    refused.push(format!("`{}` ({message})", self.path(value.prop)))
                }
                other => {
                    let path = self.path(value.prop).to_string();
                    self.fails(what, &["update:"], format!("`{path}`: {}", told(&other)));
                    held = false;
                }
            }
        }
        if held {
            self.note(
                what,
                match refused.is_empty() {
                    true => Verdict::Holds,
                    false => Verdict::NotTried(format!(
                        "the system takes none of ours for {}",
                        refused.join(", ")
                    )),
                },
            );
        }
    }

    /// What was written already by the creation, and failed there, is not told twice.
    fn kept_after(&mut self, what: &'static str, values: &[WriteValue], shown: &ReadRecord) {
        let fresh: Vec<WriteValue> = values
            .iter()
            .filter(|value| !self.has_failed(self.path(value.prop)))
            .cloned()
            .collect();
        if fresh.len() == values.len() || !fresh.is_empty() {
            self.kept(what, &fresh, shown);
        }
    }

    /// R5: what is emptied is empty.
    fn emptying(&mut self, values: &[WriteValue], mark: &str, made: &ReadRecord) {
        let what = "what is emptied is empty";
        if !self.ty.can.update {
            return;
        }
        let Some(shown) = self.get(&made.id).ok().flatten() else { return };
        let can_be_empty = |prop: &usize| {
            let property = &self.ty.properties[*prop];
            self.can_change(*prop)
                && !property.required
                && property.ty != PlainType::Boolean
                && shown.values[*prop].as_ref().is_some_and(|value| !is_empty(value))
        };
        // One property at least stays, so that the record can be known.
        let keeps = values
            .iter()
            .map(|value| value.prop)
            .find(|prop| self.ty.properties[*prop].ty == PlainType::String);
        let all: Vec<usize> = (0..self.watch.len())
            .filter(can_be_empty)
            .filter(|prop| Some(*prop) != keeps)
            .collect();
        if all.is_empty() {
            return self.note(what, Verdict::NotTried("no property can be emptied".into()));
        }
        let empty = |shown: &ReadRecord, prop: usize| {
            let value =
                if self.ty.properties[prop].list { Value::Array(vec![]) } else { Value::Null };
            Self::replacing(shown, prop, value)
        };
        let written: Vec<WriteValue> = all.iter().map(|prop| empty(&shown, *prop)).collect();
        let outcome =
            self.change(made, shown.version.clone(), written, format!("lockstep-test-{mark}-e"));
        let mut refused = vec![];
        if !matches!(outcome, Outcome::Done(_)) {
            for (number, prop) in all.iter().enumerate() {
                let Some(shown) = self.get(&made.id).ok().flatten() else { return };
                let token = format!("lockstep-test-{mark}-e{number}");
                if let Outcome::Rejected { message, .. } =
                    self.change(made, shown.version.clone(), vec![empty(&shown, *prop)], token)
                {
                    refused.push((*prop, message));
                }
            }
        }
        let Some(now) = self.get(&made.id).ok().flatten() else {
            return self.fails(
                what,
                &["update:"],
                format!("{} is not there after properties of it were emptied", made.id),
            );
        };
        let is_refused = |prop: &usize| refused.iter().any(|(other, _)| other == prop);
        let held: Vec<usize> = all
            .iter()
            .copied()
            .filter(|prop| {
                !is_refused(prop) && now.values[*prop].as_ref().is_some_and(|v| !is_empty(v))
            })
            .collect();
        // A number that can't be without a value is 0.
        let is_zero = |prop: &usize| {
            now.values[*prop].as_ref().is_some_and(|value| value.as_f64() == Some(0.0))
        };
        let (zeros, held): (Vec<usize>, Vec<usize>) = held.into_iter().partition(is_zero);
        for prop in &held {
            let path = self.path(*prop).to_string();
            let why = format!(
                "`{path}` was emptied and still shows {}: say with `none` what the system takes for empty (`none: [\"\"]`), `emptied-via` where \
                 that takes a request of its own, or `required: true`",
                brief(now.values[*prop].as_ref())
            );
            self.fails(what, &["properties:", &format!("{path}:")], why);
        }
        if !held.is_empty() {
            return;
        }
        let refused: Vec<String> = refused
            .iter()
            .map(|(prop, message)| format!("`{}` ({message})", self.path(*prop)))
            .collect();
        if !zeros.is_empty() {
            let zeros: Vec<String> =
                zeros.iter().map(|prop| format!("`{}`", self.path(*prop))).collect();
            let why = format!(
                "{} shows 0 where it was emptied: say `none: [0]` if 0 means nothing there",
                zeros.join(", ")
            );
            return self.note(what, Verdict::NotTried(why));
        }
        self.note(
            what,
            match refused.is_empty() {
                true => Verdict::Holds,
                false => {
                    Verdict::NotTried(format!("the system refuses to empty {}", refused.join(", ")))
                }
            },
        );
    }

    fn deleting(&mut self, values: &[WriteValue], mark: &str, made: &ReadRecord) {
        if !self.ty.can.delete {
            return self.note("delete", Verdict::NotOffered);
        }
        let since = self
            .get(&made.id)
            .ok()
            .flatten()
            .and_then(|shown| shown.modified)
            .map(|at| at.plus_ms(-1_000));
        let delete = || Write {
            action: Action::Delete { id: made.id.clone(), version: None },
            values: vec![],
            token: format!("lockstep-test-{mark}-d"),
        };
        let outcome = self.write(delete());
        if !matches!(outcome, Outcome::Done(_)) {
            return self.fails("delete", &["delete:"], told(&outcome));
        }
        match self.get(&made.id) {
            Ok(None) => {
                self.left.remove(&made.id);
            }
            Ok(Some(_)) => {
                let why = format!(
                    "{} was deleted and is still there: if the system keeps what is deleted, say with `deleted` how it looks",
                    made.id
                );
                return self.fails("delete", &["delete:"], why);
            }
            Err(trouble) => {
                self.left.remove(&made.id);
                let why = format!(
                    "after {} was deleted, asking for it passes for trouble with the system, so that its deletion would never be noticed: \
                     {trouble}. If that is how the system says so, add a rule to `errors` for this status with `means: gone`",
                    made.id
                );
                return self.fails("delete", &["errors:"], why);
            }
        }
        match self.write(delete()) {
            Outcome::Done(_) => self.note("delete", Verdict::Holds),
            other => {
                let why = format!("what is gone already can't be deleted again: {}", told(&other));
                return self.fails("delete", &["delete:"], why);
            }
        }
        self.deletion_is_told(made, since);
        self.changing_what_is_gone(values, made);
    }

    /// R3: where the manifest says that deletions are told, this one is.
    fn deletion_is_told(&mut self, made: &ReadRecord, since: Option<Timestamp>) {
        if !self.ty.can.tells_deletions || !self.ty.can.since {
            return;
        }
        let what = "deletions are told";
        let Some(checkpoint) =
            since.and_then(|since| self.connector.changes_since(&self.ty.kind, since))
        else {
            return;
        };
        let found = self.waits_for(&mut || {
            let changes = self.listing(Some(checkpoint.clone()), LARGE_PAGE, MOST_PAGES)?;
            Ok(changes.gone.contains(&made.id))
        });
        match found {
            Err(trouble) => self.fails(what, &["gone:"], trouble.to_string()),
            Ok(None) => {
                let why = format!(
                    "{} was deleted, and neither `changes` (`deleted`, `told-by-changes`) nor `gone` tells of it: look at where the list and the \
                     ids are, and at the form of {{{{ since }}}}",
                    made.id
                );
                self.fails(what, &["gone:"], why);
            }
            Ok(Some(0)) => self.note(what, Verdict::Holds),
            Ok(Some(late)) => self.lags(what, late),
        }
    }
}

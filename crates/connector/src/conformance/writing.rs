//! A record of the run's own, from its creation to its end: every property is written and read
//! back, and what was changed is among the changes.

use std::time::{Duration, Instant};

use lockstep_model::value::is_empty;
use lockstep_model::{PlainType, ReadRecord, Timestamp, Value};

use super::own::{LARGE_PAGE, MOST_PAGES};
use super::reading::now;
use super::{Run, Verdict, brief, told};
use crate::vault::{hex, random};
use crate::{Action, Answers, Checkpoint, Outcome, Write, WriteValue};

/// Two changes are so far apart in time that a filter by seconds can tell them apart.
const APART: Duration = Duration::from_millis(2_100);
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
        self.several(&values, &mark);
        self.unknown_words(&mark, &made);
        self.hiding(&mark, &made);
        self.deleting(&values, &mark, &made);
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
        let shown = self.shown_as_made(&values, &made, mark)?;
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
        self.tried.extend(values.iter().map(|value| value.prop));
        self.is_of_now(&shown);
        Some((shown, values))
    }

    /// The record that was made, if it is that and nobody else's.
    fn shown_as_made(
        &mut self,
        values: &[WriteValue],
        made: &ReadRecord,
        mark: &str,
    ) -> Option<ReadRecord> {
        if self.seen.records.iter().any(|record| record.id == made.id) {
            let why = format!(
                "a record was created, and {} came, which was there before: `item` or `id-at` of `create` leads to another record's id",
                made.id
            );
            self.not_ours(mark, why);
            return None;
        }
        self.left_behind(&made.id, mark);
        match self.get(&made.id) {
            Ok(Some(record)) if !self.is_ours(values, &record, mark) => {
                self.left.remove(&made.id);
                let why = format!(
                    "{} was created, and shows nothing of what was sent: its id leads to another record (`item` or `id-at` of `create`), or the system looks for the record elsewhere in the body (`wrap`, `beside`)",
                    made.id
                );
                self.not_ours(mark, why);
                None
            }
            Ok(Some(record)) => Some(record),
            Ok(None) => {
                let why = format!(
                    "{} was created and is not there: the id in the answer must be that by which `get` asks (`item` of `create`, `id`)",
                    made.id
                );
                self.fails("create", &["create:"], why);
                None
            }
            Err(trouble) => {
                self.fails("create", &["create:"], trouble.to_string());
                None
            }
        }
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
        let advice =
            "say with `item` where the record is in the answer, or with `id-at` where its id is";
        self.not_ours(mark, format!("{}; {advice}", told(outcome)));
    }

    /// It was made, and nothing tells which it is.
    fn not_ours(&mut self, mark: &str, why: String) {
        let listing = self.listing(None, LARGE_PAGE, MOST_PAGES);
        let holds = |record: &ReadRecord| {
            record.values.iter().flatten().any(|value| value.to_string().contains(mark))
        };
        let found = listing.ok().and_then(|listing| listing.records.into_iter().find(holds));
        let told = match &found {
            Some(record) => {
                self.left_behind(&record.id, mark);
                format!("it was created as {}", record.id)
            }
            None => {
                self.left.insert(
                    "(unknown)".into(),
                    format!("perhaps made by the test, with the mark {mark}"),
                );
                "it may have been created".into()
            }
        };
        self.fails("create", &["create:"], format!("{why}; {told}"));
    }

    /// P1: the time of a change that was just made is this moment: one of another zone would let the
    /// wrong edit win.
    fn is_of_now(&mut self, shown: &ReadRecord) {
        const MINUTE_MS: i64 = 60_000;
        let Some(at) = shown.modified.filter(|at| at.0 % (24 * 60 * MINUTE_MS) != 0) else {
            return;
        };
        let off = (at.0 - now().0 + 5 * MINUTE_MS).div_euclid(15 * MINUTE_MS) * 15;
        let exact = (at.0 - now().0 - off * MINUTE_MS).abs() <= 5 * MINUTE_MS;
        if off != 0 && exact && off.abs() <= 15 * 60 {
            let why = format!(
                "the record was created a moment ago, and `modified` says {at}, which is {} hours off: the system tells local times without a zone. Ask for times in UTC (a setting of the account, a header), or name another property; without `modified`, edits count from when they are noticed",
                off as f64 / 60.0
            );
            self.fails("the time of change is right", &["modified:"], why);
        }
    }

    /// A time between the creation and what comes after, by the system's own clock.
    fn since_after(&self, shown: Option<&ReadRecord>) -> Option<Timestamp> {
        let at = shown?.modified?;
        // Times of whole minutes or days can't tell the two apart.
        Some(if at.0 % 60_000 == 0 { at.plus_ms(-1_000) } else { at.plus_ms(1_000) })
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
            Outcome::Done(second) if !self.is_own(&second.id, values, mark) => {
                let why = format!(
                    "a second creation was answered with {}, which shows nothing of what was sent: `item` or `id-at` of `create` leads to another \
                     record's id",
                    second.id
                );
                self.fails(what, &["create:"], why);
            }
            Outcome::Done(second) => {
                self.left_behind(&second.id, mark);
                if self.ty.can.delete {
                    self.delete_own(&second.id, mark);
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
        let sent = Self::replacing(&stale, prop, after.clone());
        let outcome = self.change(
            made,
            stale.version.clone(),
            vec![sent.clone()],
            format!("lockstep-test-{mark}-u1"),
        );
        let answered = match outcome {
            Outcome::Done(answered) => answered,
            other => return self.fails("update", &["update:"], told(&other)),
        };
        if answered.id != made.id {
            if self.is_own(&answered.id, &[sent], mark) {
                self.left_behind(&answered.id, mark);
            }
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
        self.tried.extend(first.iter().map(|value| value.prop));
        let outcome = self.change(
            made,
            shown.version.clone(),
            first.clone(),
            format!("lockstep-test-{mark}-u3"),
        );
        if let (Outcome::Done(_), Some(now)) = (&outcome, self.get(&made.id).ok().flatten()) {
            self.kept_after("every property is kept", &first, &now);
            return self.still_listed(&first, made);
        }
        self.one_by_one(&first, mark, made);
        self.still_listed(&first, made);
    }

    /// The same, one property after the other.
    fn one_by_one(&mut self, first: &[WriteValue], mark: &str, made: &ReadRecord) {
        let what = "every property is kept";
        let (mut refused, mut held) = (vec![], true);
        for (number, value) in first.iter().cloned().enumerate() {
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
                Outcome::Rejected { message, .. } if self.is_plain(value.prop) => {
                    let path = self.path(value.prop).to_string();
                    let why = format!(
                        "{} is refused for `{path}` ({message}): is it of another `type`, or set by the system itself (`read-only: true`)?",
                        brief(Some(&value.value))
                    );
                    self.fails(what, &["properties:", &format!("{path}:")], why);
                    held = false;
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

    /// Values of which every one of the type is as good as others, so that a refusal says something
    /// about the manifest.
    fn is_plain(&self, prop: usize) -> bool {
        use PlainType::{Boolean, Datetime, Decimal, Float, Integer};
        let property = &self.ty.properties[prop];
        property.reference.is_none()
            && !property.list
            && !self.is_code(prop)
            && matches!(property.ty, Boolean | Datetime | Decimal | Float | Integer)
    }

    /// R3: a filter of the list by what was changed would have the record pass for deleted.
    fn still_listed(&mut self, changed: &[WriteValue], made: &ReadRecord) {
        let filters =
            |prop: usize| self.ty.properties[prop].ty == PlainType::Boolean || self.is_code(prop);
        let may: Vec<&str> = changed
            .iter()
            .filter(|value| filters(value.prop))
            .map(|value| self.path(value.prop))
            .collect();
        let what = "what is changed is still listed";
        let was_listed = |trial: &super::Trial| {
            trial.what == "what is created is listed" && trial.verdict == Verdict::Holds
        };
        if may.is_empty() || !self.trials.iter().any(was_listed) {
            return;
        }
        match self.is_listed(&made.id) {
            Some(true) => self.note(what, Verdict::Holds),
            Some(false) => {
                let why = format!(
                    "{} is there and not listed any more since {} changed: the request of `list` filters by one of them, and its record would count as deleted",
                    made.id,
                    super::listed(may.into_iter())
                );
                self.fails(what, &["list:"], why);
            }
            None => {}
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
                && !self.may_hide(*prop)
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
                match self.change(made, shown.version.clone(), vec![empty(&shown, *prop)], token) {
                    Outcome::Done(_) => {}
                    Outcome::Rejected { message, .. } => refused.push((*prop, message)),
                    other => {
                        let why = format!("`{}`: {}", self.path(*prop), told(&other));
                        return self.fails(what, &["update:"], why);
                    }
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
        // A number that can't be without a value is 0, and a yes or no is no.
        let is_zero = |prop: &usize| {
            now.values[*prop]
                .as_ref()
                .is_some_and(|value| value.as_f64() == Some(0.0) || *value == Value::Bool(false))
        };
        let left_out = all.iter().find(|prop| !is_refused(prop) && self.left_out(&now, **prop));
        if let Some(prop) = left_out {
            let path = self.path(*prop);
            let why = format!(
                "`{path}` was emptied and is left out of the record: that counts as not told, so that nobody would ever know. Say `absent-is-empty: true`"
            );
            return self.fails(what, &["absent-is-empty:"], why);
        }
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
                "{} shows 0 or false where it was emptied: say `none: [0]` if 0 means nothing there",
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
        let before = self.get(&made.id).ok().flatten();
        let since = before.as_ref().and_then(|shown| shown.modified).map(|at| at.plus_ms(-1_000));
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
        if let Some(before) = before {
            self.restoring(values, mark, &before);
        }
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

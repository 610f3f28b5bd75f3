//! Writing: what is sent for a creation, an update, a deletion, and what the answer says.
//!
//! A record is read just before it is updated where the manifest asks for it: lists are then sent
//! with their other elements as they are (P9), and the write is refused here if the record is not
//! what the decision was made on (P6), also in systems that lock nothing.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use lockstep_model::flow::PropertyRef;
use lockstep_model::value::{effective, equal, equal_as, is_added, is_empty};
use lockstep_model::{Path, PlainType, ReadRecord};
use serde_json::{Value, json};

use super::answer::Answer;
use super::connected::Rest;
use super::errors;
use super::errors::{Asked, busy};
use super::ids::{
    apart, depth, has_parents, id_in, id_variables, own_of, parent_variables, with_etag,
    with_parent,
};
use super::refer::refers_by_name;
use super::template::{render_value, variables};
use super::value::{HEADERS, Located, at, locate, put, put_beside, same_text, text};
use super::written::{StepYaml, Style, TypeYaml, WriteYaml};
use crate::http::NoAnswer;
use crate::{Action, Outcome, Trouble, Write};

/// How long a blank record is taken for what the system would give now.
const BLANK_FOR: Duration = Duration::from_secs(60);

impl Rest {
    /// Carries out one write.
    pub(super) fn write_one(&self, kind: &str, watch: &[PropertyRef], write: &Write) -> Outcome {
        let ty = match self.ty(kind) {
            Ok(ty) => ty,
            Err(trouble) => return Outcome::Stopped(trouble),
        };
        self.write_one_of(ty, watch, write)
    }

    pub(super) fn write_one_of(
        &self,
        ty: &TypeYaml,
        watch: &[PropertyRef],
        write: &Write,
    ) -> Outcome {
        let named;
        let write = match refers_by_name(ty) {
            true => match self.with_names(ty, watch, write) {
                Ok(write) => {
                    named = write;
                    &named
                }
                Err(outcome) => return outcome,
            },
            false => write,
        };
        let done = match &write.action {
            Action::Create => self.create(ty, watch, write),
            Action::Update { id, version } => self.update(ty, watch, write, id, version.as_deref()),
            Action::Delete { id, version } => self.delete(ty, watch, id, version.as_deref()),
            Action::Restore { id } => self.restore(ty, watch, id),
        };
        done.unwrap_or_else(|outcome| outcome)
    }

    /// A record to create, complete with the manifest's defaults, and the variables of its request.
    pub(super) fn new_record(
        &self,
        ty: &TypeYaml,
        how: &WriteYaml,
        watch: &[PropertyRef],
        write: &Write,
    ) -> Result<(Value, Value), Outcome> {
        let mut record = match &how.from {
            None => json!({}),
            Some(path) => self.blank(ty, path)?,
        };
        for value in &write.values {
            let located = self.located(ty, watch, value.prop)?;
            located.write(&mut record, &value.value, &Value::Null);
            if !is_empty(&value.value) {
                located.satisfy(&mut record);
            }
        }
        let parent = record.get("$parent").cloned().unwrap_or_default();
        let parents = match (text(&parent), depth(ty)) {
            (Some(parent), depth @ 1..) => parent_variables(depth, &parent),
            _ => [("parent", parent), ("parents", json!([]))],
        };
        let context = self.client.context(
            [("record", record.clone()), ("intent", json!(write.token))].into_iter().chain(parents),
        );
        for (place, template) in &how.defaults {
            let made = render_value(template, &context).map_err(misconfigured)?;
            if !is_empty(&made) && at(&record, place).is_none_or(is_empty) {
                put(&mut record, place, made);
            }
        }
        Ok((record, context))
    }

    /// A blank record to begin with. It is the same for all, so it is asked for once in a while.
    fn blank(&self, ty: &TypeYaml, path: &str) -> Result<Value, Outcome> {
        // Who creates many at one time waits for the one who asks.
        let mut blanks = self.blanks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, blank)) = blanks.get(path)
            && at.elapsed() < BLANK_FOR
        {
            return Ok(blank.clone());
        }
        let request = super::written::RequestYaml {
            path: path.into(),
            api: ty.api.clone(),
            ..Default::default()
        };
        let get = super::written::GetYaml { request, item: None };
        let blank =
            self.fetch_with(&get, vec![], None, false).map_err(busy)?.unwrap_or_else(|| json!({}));
        blanks.insert(path.into(), (Instant::now(), blank.clone()));
        Ok(blank)
    }

    /// Keeps the distance in time that a system wants between two creations.
    fn pause_before(&self, how: &WriteYaml) {
        let Some(pause_ms) = how.pause_ms else { return };
        let own = super::given::number(&self.client.settings, "rate_per_second");
        let faster = own
            .zip(self.manifest.rate.per_second)
            .map_or(1.0, |(own, vendors)| (own / vendors).max(1.0));
        let pause = Duration::from_millis(pause_ms).div_f64(faster);
        let mut last = self.created.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) =
            last.get(&how.request.path).and_then(|at| pause.checked_sub(at.elapsed()))
        {
            std::thread::sleep(left);
        }
        last.insert(how.request.path.clone(), Instant::now());
    }

    fn create(
        &self,
        ty: &TypeYaml,
        watch: &[PropertyRef],
        write: &Write,
    ) -> Result<Outcome, Outcome> {
        let Some(how) = &ty.create else { return Err(cannot("created")) };
        let (record, context) = self.new_record(ty, how, watch, write)?;
        let parent = record.get("$parent").cloned().unwrap_or_default();
        let body = self.wrapped(ty, how, record, &context)?;
        let named = self.client.name(&how.request, &context);
        self.pause_before(how);
        self.wait_for_budget(how.budget.as_ref());
        let sent = self.client.send(&how.request, &context, Some(&body));
        let sent = match sent {
            // C2: sent twice, it makes one.
            Err(NoAnswer::Lost(_)) if how.upsert => {
                self.client.send(&how.request, &context, Some(&body))
            }
            sent => sent,
        };
        let mut answer = sent.map_err(errors::unanswered)?;
        if let (Some(parent), true) = (text(&parent), has_parents(ty)) {
            // The answer does not say whose it is; we know.
            let place = how.item.as_deref().unwrap_or("");
            let whole = at(&answer.body, place).map(|shown| with_parent(shown, &parent));
            match whole {
                Some(whole) if place.is_empty() => answer.body = whole,
                Some(whole) => put(&mut answer.body, place, whole),
                None => {}
            }
        }
        let asked = Asked { ty, watch, sent: &write.values, item: how.item.as_deref() };
        let outcome = errors::outcome_of_one(&self.manifest, asked, &named, &answer);
        // C2: the system has it already; where it does not say which record that is, it is looked
        // up.
        if let (Some(Outcome::Duplicate { id: None, message }), Some(prop)) =
            (&outcome, errors::duplicate_of(&self.manifest, ty, watch, &answer))
            && let Some(value) = write.values.iter().find(|v| v.prop == prop)
        {
            // It has just said that there is one: an empty answer is asked for twice, and where
            // there is none nothing is settled, so that it is tried again and not put before a
            // person.
            let look_up = || self.look_up(ty, watch, prop, &value.value).map_err(busy);
            let mut found = look_up()?;
            if found.as_ref().is_some_and(Vec::is_empty) {
                found = look_up()?;
            }
            if let Some([only]) = found.as_deref() {
                return Err(Outcome::Duplicate {
                    id: Some(only.id.clone()),
                    message: message.clone(),
                });
            }
        }
        match outcome {
            Some(outcome) => Err(outcome),
            None => {
                let made = how.id_at.as_ref().and_then(|place| id_at(&answer, place));
                let made = match text(&parent).filter(|_| has_parents(ty)) {
                    Some(parent) => made.map(|made| format!("{parent}/{made}")),
                    None => made,
                };
                let outcome = self.told(ty, watch, how, &named, &answer, (None, made))?;
                self.completed(ty, watch, write, how, (&context, answer.body), outcome)
            }
        }
    }

    /// Sends the requests that complete a new record. C2: what is not completed is not left half
    /// made, where it can be deleted.
    fn completed(
        &self,
        ty: &TypeYaml,
        watch: &[PropertyRef],
        write: &Write,
        how: &WriteYaml,
        (context, answer): (&Value, Value),
        outcome: Outcome,
    ) -> Result<Outcome, Outcome> {
        let Outcome::Done(made) = &outcome else { return Ok(outcome) };
        if how.then.is_empty() {
            return Ok(outcome);
        }
        let mut context = context.clone();
        for (name, value) in id_variables(ty, &made.id) {
            put(&mut context, name, value);
        }
        put(&mut context, "last", answer);
        let Err(failed) = self.steps(ty, watch, write, &how.then, &context, &Value::Null) else {
            return Ok(self.read_after(ty, watch, &made.id).unwrap_or(outcome));
        };
        let why = match failed {
            Outcome::Rejected { message, .. }
            | Outcome::Conflict { message }
            | Outcome::Gone { message } => message,
            Outcome::Duplicate { message, .. } | Outcome::Later { message, .. } => message,
            Outcome::Unknown { message } | Outcome::Accepted { message } => message,
            Outcome::Stopped(trouble) => trouble.to_string(),
            Outcome::Done(_) => String::new(),
        };
        match self.delete(ty, watch, &made.id, None) {
            Ok(Outcome::Done(_)) => {
                let message = format!(
                    "a request that completes the record was refused, and it was deleted again: {why}"
                );
                Err(Outcome::Rejected { prop: None, message })
            }
            _ => {
                let message = format!(
                    "{} was created, and a request that completes it failed: {why}",
                    made.id
                );
                Err(Outcome::Unknown { message })
            }
        }
    }

    fn update(
        &self,
        ty: &TypeYaml,
        watch: &[PropertyRef],
        write: &Write,
        id: &str,
        version: Option<&str>,
    ) -> Result<Outcome, Outcome> {
        let Some(how) = &ty.update else { return Err(cannot("updated")) };
        // P6: what is waited for comes before the reading, so that nothing lies between that and
        // the write.
        self.wait_for_budget(how.budget.as_ref());
        let current = match (&ty.get, how.read_before) {
            (Some(get), true) => match self.fetch(ty, get, id).map_err(busy)? {
                Some(current) => Some(current),
                None => {
                    return Err(Outcome::Gone { message: format!("{id} is not there any more") });
                }
            },
            _ => None,
        };
        if let Some(current) = &current {
            if self.record(ty, &[], current).is_some_and(|record| record.deleted) {
                return Err(Outcome::Gone { message: format!("{id} is deleted") });
            }
            self.unchanged_since(ty, watch, write, current, version)?;
        }
        let now = current
            .as_ref()
            .and_then(|c| ty.version.as_ref().and_then(|p| at(c, p)).and_then(text));
        let modified = current
            .as_ref()
            .and_then(|c| ty.modified.as_ref().and_then(|p| at(c, p)).and_then(text));
        let [id_part, parent, parents] = id_variables(ty, id);
        let mut context = self.client.context([
            id_part,
            parent,
            parents,
            ("version", json!(now.or(version.map(str::to_string)))),
            ("modified", json!(modified)),
            ("modified_http", json!(modified.as_deref().and_then(as_http_date))),
            ("record", current.clone().unwrap_or(Value::Null)),
            ("intent", json!(write.token)),
        ]);
        let mut changed = current.clone().unwrap_or_else(|| json!({}));
        let mut places: Vec<String> = vec![];
        let mut by_steps: Vec<(&[StepYaml], &Value)> = vec![];
        for value in &write.values {
            let located = self.located(ty, watch, value.prop)?;
            if !located.property.update_via.is_empty() {
                by_steps.push((&located.property.update_via, &value.value));
                continue;
            }
            located.write(&mut changed, &value.value, &value.displaced);
            let place = match (&located.child, located.property.list) {
                (Some(child), false) if located.property.element.is_none() => {
                    format!("{}.{child}", located.at)
                }
                _ => located.at.clone(),
            };
            if !located.property.emptied_via.is_empty() && at(&changed, &place).is_none_or(is_empty)
            {
                by_steps.push((&located.property.emptied_via, &value.value));
                continue;
            }
            let place = match how.whole {
                Some(steps) => Path::of_steps(Path::new(&place).steps().take(steps)).to_string(),
                None => place,
            };
            if !places.contains(&place) {
                places.push(place);
            }
        }
        // First what has requests of its own: if one is refused, nothing else of the record has
        // been written.
        for (steps, value) in &by_steps {
            self.steps(ty, watch, write, steps, &context, value)?;
        }
        if places.is_empty() {
            return Ok(self
                .read_after(ty, watch, id)
                .unwrap_or(Outcome::Done(untold(id.into(), watch))));
        }
        put(&mut context, "fields", json!(places.join(",")));
        let body = match how.style {
            Style::Part => {
                let mut part = json!({});
                for place in &places {
                    put(&mut part, place, at(&changed, place).cloned().unwrap_or(Value::Null));
                }
                self.wrapped(ty, how, part, &context)?
            }
            Style::Whole => self.wrapped(ty, how, changed, &context)?,
            Style::JsonPatch => {
                json_patch(&places, current.as_ref().unwrap_or(&Value::Null), &changed)
            }
        };
        let outcome = self.send((ty, watch, write), how, &context, body, Some(id))?;
        match outcome {
            // The answer to the last request does not show what the steps before it did.
            Outcome::Done(_) if !by_steps.is_empty() => {
                Ok(self.read_after(ty, watch, id).unwrap_or(outcome))
            }
            other => Ok(other),
        }
    }

    /// P6: the record is as it was when the write was decided. Where it has no version, what is to
    /// be replaced tells.
    fn unchanged_since(
        &self,
        ty: &TypeYaml,
        watch: &[PropertyRef],
        write: &Write,
        current: &Value,
        version: Option<&str>,
    ) -> Result<(), Outcome> {
        let now = ty.version.as_ref().and_then(|place| at(current, place)).and_then(text);
        match (version, now.as_deref()) {
            (Some(then), Some(now)) if then != now => {
                return Err(Outcome::Conflict {
                    message: format!("it changed meanwhile (version {now}, decided on {then})"),
                });
            }
            // A version that counts each change tells it all.
            (Some(_), Some(_)) => return Ok(()),
            _ => {}
        }
        for value in &write.values {
            let Ok(located) = self.located(ty, watch, value.prop) else { continue };
            let Some(shown) = located.read(current, ty.absent_is_empty) else { continue };
            // What is added to a list takes nobody's place (P9).
            if is_added(&value.displaced) {
                continue;
            }
            let whole = value.value.is_array();
            let same = |held: &Value, other: &Value| {
                equal(held, other) || equal_as(PlainType::Any, held, other)
            };
            // Of a list, the element that is to be replaced is still there, wherever it stands.
            let among = |list: &Value| {
                list.as_array()
                    .is_some_and(|list| list.iter().any(|held| same(held, &value.displaced)))
            };
            let as_decided = same(effective(&shown, whole), &value.displaced)
                || (!whole && !is_empty(&value.displaced) && among(&shown));
            if !as_decided && !same(effective(&shown, whole), &value.value) {
                return Err(Outcome::Conflict {
                    message: format!("{} changed meanwhile", watch[value.prop]),
                });
            }
        }
        Ok(())
    }

    fn steps(
        &self,
        ty: &TypeYaml,
        watch: &[PropertyRef],
        write: &Write,
        steps: &[StepYaml],
        context: &Value,
        value: &Value,
    ) -> Result<(), Outcome> {
        let mut context = context.clone();
        put(&mut context, "value", value.clone());
        for step in steps {
            let left_out = step
                .unless
                .as_ref()
                .map(|unless| render_value(&json!(unless), &context).map_err(misconfigured));
            if left_out.transpose()?.is_some_and(|given| !is_empty(&given)) {
                continue;
            }
            let named = self.client.name(&step.request, &context);
            let answer =
                self.client.send(&step.request, &context, None).map_err(errors::unanswered)?;
            let asked = Asked { ty, watch, sent: &[], item: None };
            if let Some(outcome) = errors::outcome_of_one(&self.manifest, asked, &named, &answer) {
                // Whatever is refused here is this property.
                return Err(match outcome {
                    Outcome::Rejected { prop: None, message }
                    | Outcome::Duplicate { id: None, message } => {
                        let prop = write.values.iter().find(|v| v.value == *value).map(|v| v.prop);
                        Outcome::Rejected { prop, message }
                    }
                    other => other,
                });
            }
            if let Some(pick) = &step.pick {
                let holds = |element: &&Value| {
                    at(element, &pick.at).is_some_and(|held| same_text(held, value))
                };
                let picked = at(&answer.body, &pick.from)
                    .and_then(Value::as_array)
                    .and_then(|list| list.iter().find(holds));
                put(&mut context, "picked", picked.cloned().unwrap_or(Value::Null));
            }
            put(&mut context, "last", answer.body);
        }
        Ok(())
    }

    fn delete(
        &self,
        ty: &TypeYaml,
        watch: &[PropertyRef],
        id: &str,
        version: Option<&str>,
    ) -> Result<Outcome, Outcome> {
        let Some(request) = &ty.delete else { return Err(cannot("deleted")) };
        // P6: what changed since it was decided is not deleted.
        if let (Some(then), Some(place), Some(get)) = (version, &ty.version, &ty.get)
            && let Some(current) = self.fetch(ty, get, id).map_err(busy)?
            && let Some(now) = at(&current, place).and_then(text)
            && now != then
        {
            return Err(Outcome::Conflict {
                message: format!("it changed meanwhile (version {now}, decided on {then})"),
            });
        }
        let mut now = version.map(str::to_string);
        if let (Some("$etag"), Some(get)) = (ty.version.as_deref(), &ty.get) {
            let current = self.fetch(ty, get, id).map_err(busy)?;
            now = current.and_then(|current| at(&current, "$etag").and_then(text)).or(now);
        }
        let gone = || ReadRecord {
            id: id.into(),
            version: None,
            modified: None,
            deleted: true,
            values: vec![None; watch.len()],
        };
        // Some addresses name more of the record than its id.
        let mut record = None;
        if let (true, Some(get)) = (variables(&request.path).contains("record"), &ty.get) {
            record = self.fetch(ty, get, id).map_err(busy)?;
            if record.is_none() {
                return Ok(Outcome::Done(gone()));
            }
        }
        let context = self.client.context(
            id_variables(ty, id)
                .into_iter()
                .chain([("version", json!(now)), ("record", json!(record))]),
        );
        let named = self.client.name(request, &context);
        let answer = self.client.send(request, &context, None).map_err(errors::unanswered)?;
        match errors::outcome_of_one(
            &self.manifest,
            Asked { ty, watch, sent: &[], item: None },
            &named,
            &answer,
        ) {
            // R3: that it is gone already is looked at once more: the address may have been wrong.
            Some(Outcome::Gone { message }) if self.is_there(ty, id)? => {
                let message = format!("{message}; but {id} is there");
                Err(Outcome::Rejected { prop: None, message })
            }
            // Already gone is as good.
            None | Some(Outcome::Gone { .. }) => Ok(Outcome::Done(gone())),
            Some(outcome) => Err(outcome),
        }
    }

    /// D2: a deleted record is brought back by its id.
    fn restore(&self, ty: &TypeYaml, watch: &[PropertyRef], id: &str) -> Result<Outcome, Outcome> {
        let Some(request) = &ty.restore else { return Err(cannot("restored")) };
        let context = self.client.context(id_variables(ty, id));
        let named = self.client.name(request, &context);
        let answer = self.client.send(request, &context, None).map_err(errors::unanswered)?;
        let asked = Asked { ty, watch, sent: &[], item: None };
        match errors::outcome_of_one(&self.manifest, asked, &named, &answer) {
            None => Ok(Outcome::Done(untold(id.into(), watch))),
            Some(outcome) => Err(outcome),
        }
    }

    fn wrapped(
        &self,
        ty: &TypeYaml,
        how: &WriteYaml,
        mut record: Value,
        context: &Value,
    ) -> Result<Value, Outcome> {
        if let Some(map) = record.as_object_mut() {
            own_of(ty).for_each(|own| drop(map.remove(own)));
        }
        let mut body = match &how.wrap {
            Some(key) => {
                let mut body = json!({});
                put(&mut body, key, record);
                body
            }
            None => record,
        };
        for (place, template) in &how.beside {
            let made = render_value(template, context).map_err(misconfigured)?;
            if !made.is_null() {
                put_beside(&mut body, place, made);
            }
        }
        Ok(body)
    }

    fn send(
        &self,
        (ty, watch, write): (&TypeYaml, &[PropertyRef], &Write),
        how: &WriteYaml,
        context: &Value,
        body: Value,
        id: Option<&str>,
    ) -> Result<Outcome, Outcome> {
        let named = self.client.name(&how.request, context);
        let answer =
            self.client.send(&how.request, context, Some(&body)).map_err(errors::unanswered)?;
        let asked = Asked { ty, watch, sent: &write.values, item: how.item.as_deref() };
        match errors::outcome_of_one(&self.manifest, asked, &named, &answer) {
            // Only a creation can be a duplicate; here it is a value that another record holds.
            Some(Outcome::Duplicate { message, .. }) => {
                let prop = errors::duplicate_of(&self.manifest, ty, watch, &answer);
                Err(Outcome::Rejected { prop, message })
            }
            Some(outcome) => Err(outcome),
            None => self.told(ty, watch, how, &named, &answer, (id, None)),
        }
    }

    /// What the answer to a write that was done tells of the record.
    fn told(
        &self,
        ty: &TypeYaml,
        watch: &[PropertyRef],
        how: &WriteYaml,
        named: &str,
        answer: &Answer,
        (id, told_apart): (Option<&str>, Option<String>),
    ) -> Result<Outcome, Outcome> {
        let shown = at(&answer.body, how.item.as_deref().unwrap_or("")).map(|shown| {
            let shown = with_etag(shown.clone(), answer);
            match id.and_then(|id| apart(ty, id)) {
                Some((parent, _)) => with_parent(&shown, parent),
                None => shown,
            }
        });
        let shown = shown.as_ref();
        let made = told_apart
            .or_else(|| shown.and_then(|shown| id_in(ty, shown)))
            .or(id.map(str::to_string));
        if answer.status == ACCEPTED {
            // C2: it will be done. Whether the id in the answer is the record's, or that of the
            // task, tells the record itself.
            let read = made
                .as_ref()
                .filter(|_| id.is_none())
                .and_then(|made| self.read_after(ty, watch, made));
            return Ok(read.unwrap_or(Outcome::Accepted {
                message: format!("{named} answered 202: it will be done later"),
            }));
        }
        let Some(made) = made else {
            // It was done, and nothing tells what it is: to be found out (C2).
            return Err(Outcome::Unknown {
                message: format!("{named}: the answer has no `{}`", ty.id),
            });
        };
        if how.read_after == Some(true)
            && let Some(outcome) = self.read_written(ty, watch, &made, id.is_none())
        {
            return Ok(outcome);
        }
        match shown.and_then(|shown| self.record(ty, watch, shown)) {
            Some(record) => Ok(Outcome::Done(record)),
            None => Ok(self
                .read_written(ty, watch, &made, id.is_none())
                .unwrap_or_else(|| Outcome::Done(untold(made, watch)))),
        }
    }

    /// Whether a record is there, where it can be read by itself.
    fn is_there(&self, ty: &TypeYaml, id: &str) -> Result<bool, Outcome> {
        let Some(get) = &ty.get else { return Ok(false) };
        let found = self.fetch(ty, get, id).map_err(busy)?;
        Ok(found.and_then(|body| self.record(ty, &[], &body)).is_some_and(|record| !record.deleted))
    }

    fn read_after(&self, ty: &TypeYaml, watch: &[PropertyRef], id: &str) -> Option<Outcome> {
        self.read_written(ty, watch, id, false)
    }

    /// What a record shows that was written. C2, R6: what was created and is not there may have
    /// been thrown away since, or its id is that of something else: what became of it is to be
    /// found out.
    fn read_written(
        &self,
        ty: &TypeYaml,
        watch: &[PropertyRef],
        id: &str,
        created: bool,
    ) -> Option<Outcome> {
        match self.fetch(ty, ty.get.as_ref()?, id).ok()? {
            Some(body) => self.record(ty, watch, &body).map(Outcome::Done),
            None if created && ty.settles_ms.unwrap_or(0) == 0 => Some(Outcome::Accepted {
                message: format!("it was answered with {id}, which is not there"),
            }),
            None => None,
        }
    }

    pub(super) fn located<'a>(
        &self,
        ty: &'a TypeYaml,
        watch: &[PropertyRef],
        prop: usize,
    ) -> Result<Located<'a>, Outcome> {
        let watched = &watch[prop];
        locate(ty, watched).ok_or_else(|| Outcome::Rejected {
            prop: Some(prop),
            message: format!("there is no property {watched}"),
        })
    }
}

/// The id of a new record where the answer tells it apart from the record; of an address
/// (`Location`) the last step.
fn id_at(answer: &Answer, place: &str) -> Option<String> {
    let told = answer.at(place).as_ref().and_then(text)?;
    if !place.starts_with(HEADERS) {
        return Some(told);
    }
    let step = told.split(['?', '#']).next()?.trim_end_matches('/').rsplit('/').next()?;
    Some(percent_encoding::percent_decode_str(step).decode_utf8_lossy().into_owned())
        .filter(|step| !step.is_empty())
}

/// RFC 6902: replaces what is there, adds what is not; where there is not even an object to add it
/// to, adds the object.
fn json_patch(places: &[String], current: &Value, changed: &Value) -> Value {
    let mut touched: Vec<&str> = vec![];
    for place in places {
        let mut place = place.as_str();
        while let Some((parent, _)) = place.rsplit_once('.')
            && !at(current, parent).is_some_and(Value::is_object)
        {
            place = parent;
        }
        if !touched.contains(&place) {
            touched.push(place);
        }
    }
    let pointer =
        |place: &str| format!("/{}", place.replace('~', "~0").replace('/', "~1").replace('.', "/"));
    let operation = |place: &&str| {
        let op = if at(current, place).is_some() { "replace" } else { "add" };
        json!({"op": op, "path": pointer(place), "value": at(changed, place)})
    };
    Value::Array(touched.iter().map(operation).collect())
}

fn cannot(what: &str) -> Outcome {
    Outcome::Rejected {
        prop: None,
        message: format!("records of this type can't be {what} through the API"),
    }
}

fn misconfigured(message: String) -> Outcome {
    Outcome::Stopped(Trouble::Misconfigured(message))
}

/// A record of which an answer tells nothing but that the write was done.
pub(super) fn untold(id: String, watch: &[PropertyRef]) -> ReadRecord {
    ReadRecord {
        id,
        version: None,
        modified: None,
        deleted: false,
        values: vec![None; watch.len()],
    }
}

/// RFC 9110, section 15.3.3: the request has been accepted, and what it asks for has not been done
/// yet.
const ACCEPTED: u16 = 202;

/// RFC 9110's form of a time, as `If-Unmodified-Since` wants it.
fn as_http_date(time: &str) -> Option<String> {
    let at = lockstep_model::Timestamp::read(&json!(time)).ok().flatten()?.at;
    let zoned = jiff::Timestamp::from_millisecond(at.0).ok()?.to_zoned(jiff::tz::TimeZone::UTC);
    Some(zoned.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_patch_makes_what_it_needs() {
        let current = json!({"A": 1, "Address": null, "Mail": {"City": "Oslo"}});
        let changed = json!({"A": 2, "B": 3, "Address": {"City": "Moss", "Zip": "1530"}, "Mail": {"City": "Moss"}});
        let places = ["A", "B", "Address.City", "Address.Zip", "Mail.City"].map(String::from);
        assert_eq!(
            json_patch(&places, &current, &changed),
            json!([
                {"op": "replace", "path": "/A", "value": 2},
                {"op": "add", "path": "/B", "value": 3},
                {"op": "replace", "path": "/Address", "value": {"City": "Moss", "Zip": "1530"}},
                {"op": "replace", "path": "/Mail/City", "value": "Moss"},
            ])
        );
    }

    #[test]
    fn http_dates() {
        assert_eq!(
            as_http_date("1994-11-06T08:49:37").as_deref(),
            Some("Sun, 06 Nov 1994 08:49:37 GMT")
        );
    }
}

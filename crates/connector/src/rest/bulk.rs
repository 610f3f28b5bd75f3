//! Several writes in one request, where the system has one for it. Each has its own result; what
//! can't be told apart is unknown (C2).

use lockstep_model::flow::PropertyRef;
use lockstep_model::value::{equal_as, is_empty};
use lockstep_model::{PlainType, ReadRecord};
use serde_json::{Value, json};

use super::connected::Rest;
use super::errors;
use super::errors::Asked;
use super::ids::own_of;
use super::refer::refers_by_name;
use super::value::{at, put, text};
use super::written::{BulkYaml, TypeYaml, WriteYaml};
use crate::{Action, Outcome, Write, WriteValue};

impl Rest {
    /// Carries out writes, several of one action in one request where the system takes that.
    pub(super) fn written(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        writes: &[Write],
    ) -> Vec<Outcome> {
        let Ok(ty) = self.ty(kind) else {
            return writes.iter().map(|write| self.write_one(kind, watch, write)).collect();
        };
        let mut outcomes = Vec::with_capacity(writes.len());
        while let Some(first) = writes.get(outcomes.len()) {
            let rest = &writes[outcomes.len()..];
            let same = |write: &&Write| {
                std::mem::discriminant(&write.action) == std::mem::discriminant(&first.action)
            };
            let together = rest.iter().take_while(same).count();
            match self.bulk_of(ty, &first.action) {
                Some(bulk) if together > 1 => {
                    outcomes.extend(self.write_bulk(
                        ty,
                        bulk,
                        watch,
                        &rest[..together.min(bulk.1.most)],
                    ));
                }
                _ => outcomes.push(self.write_one_of(ty, watch, first)),
            }
        }
        outcomes
    }

    /// How many writes of this action go together.
    fn bulk_of<'t>(
        &self,
        ty: &'t TypeYaml,
        action: &Action,
    ) -> Option<(&'t WriteYaml, &'t BulkYaml)> {
        let how = match action {
            Action::Create => ty.create.as_ref()?,
            // P6: what is read before it is written is written by itself.
            Action::Update { .. } => ty.update.as_ref().filter(|how| !how.read_before)?,
            Action::Delete { .. } | Action::Restore { .. } => return None,
        };
        let own_requests = |ty: &TypeYaml| {
            ty.properties
                .values()
                .any(|property| !property.update_via.is_empty() || !property.emptied_via.is_empty())
        };
        Some((
            how,
            how.bulk
                .as_ref()
                .filter(|bulk| bulk.most > 1 && !own_requests(ty) && !refers_by_name(ty))?,
        ))
    }

    /// Carries out writes of one action in one request.
    fn write_bulk(
        &self,
        ty: &TypeYaml,
        (how, bulk): (&WriteYaml, &BulkYaml),
        watch: &[PropertyRef],
        writes: &[Write],
    ) -> Vec<Outcome> {
        let all = |outcome: Outcome| vec![outcome; writes.len()];
        let mut records = Vec::new();
        for write in writes {
            match self.bulk_record(ty, how, watch, write) {
                Ok(record) => records.push(record),
                Err(outcome) => return all(outcome),
            }
        }
        let body = match &bulk.wrap {
            Some(key) => {
                let mut body = json!({});
                put(&mut body, key, Value::Array(records));
                body
            }
            None => Value::Array(records),
        };
        let context = self.client.context([("intent", json!(writes[0].token))]);
        let named = self.client.name(&bulk.request, &context);
        self.wait_for_budget(how.budget.as_ref());
        let answer = match self.client.send(&bulk.request, &context, Some(&body)) {
            Ok(answer) => answer,
            Err(no_answer) => return all(errors::unanswered(no_answer)),
        };
        match errors::outcome(
            &self.manifest,
            Asked { ty, watch, sent: &[], item: bulk.results.as_deref() },
            &named,
            &answer,
        ) {
            None => {}
            // Which of them it is about is not said.
            Some(
                Outcome::Rejected { .. }
                | Outcome::Duplicate { .. }
                | Outcome::Conflict { .. }
                | Outcome::Gone { .. },
            ) => {
                return writes
                    .iter()
                    .map(|write| {
                        self.made_already(ty, watch, write)
                            .unwrap_or_else(|| self.write_one_of(ty, watch, write))
                    })
                    .collect();
            }
            Some(outcome) => return all(outcome),
        }
        if answer.status == 202 {
            return all(Outcome::Accepted {
                message: format!("{named} answered 202: it will be done later"),
            });
        }
        let results = match at(&answer.body, bulk.results.as_deref().unwrap_or("")) {
            Some(Value::Array(results)) if results.len() == writes.len() => results,
            _ => {
                let message = format!(
                    "{named}: expected {} results, and the answer has others",
                    writes.len()
                );
                return all(Outcome::Unknown { message });
            }
        };
        let mut outcomes: Vec<Outcome> = writes
            .iter()
            .zip(results)
            .map(|(write, result)| self.bulk_result(ty, bulk, watch, write, result, &named))
            .collect();
        // One record is not the result of two creations.
        let ids: Vec<Option<String>> = outcomes.iter().map(done_id).collect();
        for outcome in &mut outcomes {
            let id = done_id(outcome);
            if id.is_some() && ids.iter().filter(|other| **other == id).count() > 1 {
                let message =
                    format!("{named}: several results show the record {}", id.unwrap_or_default());
                *outcome = Outcome::Unknown { message };
            }
        }
        outcomes
    }

    /// C2: some systems refuse a list of creations after they have made some of them. Those are
    /// looked for before one is sent by itself.
    fn made_already(&self, ty: &TypeYaml, watch: &[PropertyRef], write: &Write) -> Option<Outcome> {
        if write.action != Action::Create {
            return None;
        }
        let sought =
            write.values.iter().filter(|value| !is_empty(&value.value) && !value.value.is_array());
        let found = sought
            .map(|value| self.look_up(ty, watch, value.prop, &value.value))
            .find(|found| !matches!(found, Ok(None)));
        match found? {
            Ok(Some(found)) => {
                let holds = |record: &ReadRecord| {
                    let same = |value: &WriteValue| {
                        record.values[value.prop]
                            .as_ref()
                            .is_none_or(|held| equal_as(PlainType::Any, held, &value.value))
                    };
                    write.values.iter().all(same)
                };
                match found.iter().find(|record| holds(record)) {
                    Some(made) => {
                        let message = "it was made before the list was refused".into();
                        Some(Outcome::Duplicate { id: Some(made.id.clone()), message })
                    }
                    None if found.is_empty() => None,
                    None => Some(Outcome::Unknown {
                        message: "it may have been made before the list was refused".into(),
                    }),
                }
            }
            Ok(None) => None,
            // Whether it was made can't be told now.
            Err(trouble) => Some(Outcome::Unknown { message: trouble.to_string() }),
        }
    }

    fn bulk_record(
        &self,
        ty: &TypeYaml,
        how: &WriteYaml,
        watch: &[PropertyRef],
        write: &Write,
    ) -> Result<Value, Outcome> {
        let mut record = match &write.action {
            Action::Create => self.new_record(ty, how, watch, write)?.0,
            Action::Update { .. } | Action::Delete { .. } | Action::Restore { .. } => {
                let mut record = json!({});
                for value in &write.values {
                    self.located(ty, watch, value.prop)?.write(
                        &mut record,
                        &value.value,
                        &value.displaced,
                    );
                }
                record
            }
        };
        if let Action::Update { id, .. } = &write.action {
            put(&mut record, &ty.id, json!(id));
        }
        if let Some(map) = record.as_object_mut() {
            own_of(ty).for_each(|own| drop(map.remove(own)));
        }
        Ok(record)
    }

    fn bulk_result(
        &self,
        ty: &TypeYaml,
        bulk: &BulkYaml,
        watch: &[PropertyRef],
        write: &Write,
        result: &Value,
        named: &str,
    ) -> Outcome {
        let error = bulk
            .error
            .as_ref()
            .and_then(|place| at(result, place))
            .filter(|error| !error.is_null());
        if let Some(error) = error {
            return Outcome::Rejected {
                prop: None,
                message: text(error).unwrap_or_else(|| error.to_string()),
            };
        }
        let shown = at(result, bulk.item.as_deref().unwrap_or(""));
        match (shown.and_then(|shown| self.record(ty, watch, shown)), &write.action) {
            // Results in another order would be taken for those of other records.
            (Some(record), Action::Update { id, .. }) if record.id != *id => {
                let message =
                    format!("{named}: the result for {id} shows the record {}", record.id);
                Outcome::Unknown { message }
            }
            (Some(record), _) => Outcome::Done(record),
            (None, Action::Update { id, .. }) => {
                Outcome::Done(super::write::untold(id.clone(), watch))
            }
            (None, _) => {
                Outcome::Unknown { message: format!("{named}: a result has no `{}`", ty.id) }
            }
        }
    }
}

/// The id of the record that a write has given.
fn done_id(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Done(record) => Some(record.id.clone()),
        _ => None,
    }
}

//! Errors are provoked, each as a run may meet it, and what the connector makes of the answer is
//! compared with what it should: a run acts on the meaning, and a record's fault that passes for a
//! system's illness would pause all the others.
//!
//! Too many requests are not provoked: that would be at the cost of whoever else uses the system.

use lockstep_model::{PlainType, ReadRecord, Value};
use serde_json::json;

use super::{Run, Verdict, told};
use crate::{Action, Outcome, Trouble, Write, WriteValue};

/// Nobody gives a record this id.
const MALFORMED: &str = "no such/id?&";

impl Run<'_> {
    /// What needs no writing: records that are not there.
    pub(super) fn looking_for_nobody(&mut self) {
        let seen = self.seen.records.first().cloned();
        let advice =
            "if that is how it says so, add a rule to `errors` for this status with `means: gone`";
        if !self.ty.can.get {
            self.note("not found is told", Verdict::NotOffered);
            return self.note("a malformed id is told", Verdict::NotOffered);
        }
        let verdict = match seen.as_ref().map(|seen| nobodys(&seen.id)) {
            None => Verdict::NotTried("there is no record to make an id after".into()),
            Some(id) => match self.connector.get(&self.ty.kind, &self.watch, &id) {
                Ok(None) => Verdict::Holds,
                Ok(Some(record)) => {
                    Verdict::Fails(format!("{id} was asked for, and {} came", record.id))
                }
                Err(trouble) => Verdict::Fails(format!(
                    "it passes for trouble with the system: {trouble}; {advice}"
                )),
            },
        };
        self.verdict("not found is told", &["errors:"], verdict);
        let verdict = match self.connector.get(&self.ty.kind, &self.watch, MALFORMED) {
            Ok(None) | Err(Trouble::Malformed(_)) => Verdict::Holds,
            Ok(Some(record)) => {
                Verdict::Fails(format!("`{MALFORMED}` was asked for, and {} came", record.id))
            }
            Err(trouble) => Verdict::Fails(format!(
                "it passes for trouble with the system: {trouble}; {advice}"
            )),
        };
        self.verdict("a malformed id is told", &["errors:"], verdict);
    }

    /// G4: a value that the system refuses is told as one, with its property.
    pub(super) fn refusing(&mut self, values: &[WriteValue], made: &ReadRecord) {
        if !self.ty.can.update {
            return self.note("refusals are told", Verdict::NotOffered);
        }
        let mut taken = Vec::new();
        for (prop, wrong) in self.wrong_values(values) {
            let (path, limited) =
                (&self.watch[prop], self.ty.properties[prop].stored_as.max_chars.is_some());
            let shown = self.connector.get(&self.ty.kind, &self.watch, &made.id).ok().flatten();
            // As a run would: with the version that was read.
            let version = shown.as_ref().and_then(|shown| shown.version.clone());
            let displaced = shown.and_then(|shown| shown.values[prop].clone()).unwrap_or_default();
            let write = Write {
                action: Action::Update { id: made.id.clone(), version },
                values: vec![WriteValue {
                    prop,
                    value: wrong.clone(),
                    displaced: displaced.into(),
                }],
                token: "lockstep-test-wrong".into(),
            };
            let verdict = match self.write(write) {
                Outcome::Rejected { prop: Some(blamed), .. } if blamed == prop => Verdict::Holds,
                Outcome::Rejected { prop: None, message } => {
                    let name =
                        path.path.as_str().rsplit('.').next().unwrap_or_default().to_lowercase();
                    match message.to_lowercase().contains(&name) {
                        true => Verdict::Fails(format!(
                            "{path} was refused ({message}), and the property is not named: say with `property` in `errors` where the answer \
                             names it, so that the rest of a record is written without it"
                        )),
                        // Nothing that the manifest could say would tell.
                        false => Verdict::NotTried(format!(
                            "{path} was refused, and the answer does not say so of it: {message}"
                        )),
                    }
                }
                Outcome::Rejected { prop: Some(other), .. } => Verdict::Fails(format!(
                    "{path} was refused, and {} was named",
                    self.watch[other]
                )),
                Outcome::Done(_) if limited && !self.is_cut(prop, &wrong, made) => {
                    Verdict::Fails(format!("{path} takes more than its max-chars"))
                }
                Outcome::Done(_) => {
                    taken.push(path.to_string());
                    continue;
                }
                other => Verdict::Fails(format!("{path}: {}", told(&other))),
            };
            return self.verdict("refusals are told", &["errors:"], verdict);
        }
        self.note(
            "refusals are told",
            Verdict::NotTried(match taken.is_empty() {
                true => {
                    "no property is known to refuse anything: say `max-chars`, `type` or `required` where the system does".into()
                }
                false => format!("the system took all that was tried ({})", taken.join(", ")),
            }),
        );
    }

    /// Whether the system has cut a text that was too long to what the manifest says.
    fn is_cut(&self, prop: usize, written: &Value, made: &ReadRecord) -> bool {
        let shown = self.get(&made.id).ok().flatten().and_then(|shown| shown.values[prop].clone());
        self.shows(prop, shown.as_ref(), written) && shown != Some(written.clone())
    }

    /// Values that a system should refuse, the surest first: too long, empty where one is required,
    /// of another type, no address.
    fn wrong_values(&self, values: &[WriteValue]) -> Vec<(usize, Value)> {
        let open = |prop: &usize| {
            let property = &self.ty.properties[*prop];
            !property.create_only
                && !property.read_only
                && property.derived_from.is_none()
                && !property.list
        };
        let all = || (0..self.ty.properties.len()).filter(open);
        let written = || values.iter().map(|value| value.prop).filter(open);
        let property = |prop: usize| &self.ty.properties[prop];
        let mut wrong: Vec<(usize, Value)> = Vec::new();
        wrong.extend(written().filter_map(|prop| {
            Some((prop, json!("x".repeat(property(prop).stored_as.max_chars? + 1))))
        }));
        wrong.extend(
            written().filter(|prop| property(*prop).required).map(|prop| (prop, Value::Null)),
        );
        let typed = |prop: &usize| {
            use PlainType::{Boolean, Date, Datetime, Decimal, Float, Integer};
            property(*prop).reference.is_none()
                && matches!(
                    property(*prop).ty,
                    Boolean | Date | Datetime | Decimal | Float | Integer
                )
        };
        wrong.extend(all().filter(typed).map(|prop| (prop, json!("lockstep"))));
        let mail = |prop: &usize| self.watch[*prop].path.as_str().to_lowercase().contains("mail");
        wrong.extend(written().filter(mail).map(|prop| (prop, json!("lockstep at example"))));
        wrong
    }

    /// A change of what was deleted meanwhile.
    pub(super) fn changing_what_is_gone(&mut self, values: &[WriteValue], made: &ReadRecord) {
        let what = "a change of what is gone is told";
        let changeable = values.iter().find(|value| !self.ty.properties[value.prop].create_only);
        let Some(value) = changeable.filter(|_| self.ty.can.update) else {
            return self.note(what, Verdict::NotOffered);
        };
        let values = vec![WriteValue { displaced: value.value.clone().into(), ..value.clone() }];
        let action = Action::Update { id: made.id.clone(), version: made.version.clone() };
        let verdict = match self.write(Write { action, values, token: "lockstep-test-gone".into() })
        {
            Outcome::Gone { .. } => Verdict::Holds,
            other => Verdict::Fails(told(&other)),
        };
        self.verdict(what, &["errors:"], verdict);
    }
}

/// An id in the form of this one that is nobody's.
fn nobodys(id: &str) -> String {
    if id.len() == 36 && id.matches('-').count() == 4 {
        return "ffffffff-ffff-4fff-bfff-fffffffffffe".into();
    }
    let name = id.trim_end_matches(|c: char| c.is_ascii_digit());
    // Not larger than a number of 32 bits.
    if name.len() < id.len() { format!("{name}987654321") } else { format!("{id}-nobody") }
}

#[cfg(test)]
mod tests {
    use super::nobodys;

    #[test]
    fn nobodys_id_has_the_form_of_the_others() {
        assert_eq!(nobodys("17"), "987654321");
        assert_eq!(nobodys("m4"), "m987654321");
        assert_eq!(nobodys("ola"), "ola-nobody");
        assert_eq!(nobodys("3ef0a4b0-9ebd-4039-bf9b-3ccd9fda38a1").len(), 36);
    }
}

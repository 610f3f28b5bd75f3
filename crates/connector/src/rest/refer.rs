//! References by another property than the id (`reference-by`): to the hub they are ids like any
//! others (P8).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lockstep_model::flow::PropertyRef;
use lockstep_model::id_text::id_text;
use lockstep_model::value::is_empty;
use serde_json::{Value, json};

use super::Rest;
use super::value::{at, locate};
use super::written::{PropertyYaml, TypeYaml};
use crate::{Outcome, Trouble, Write};

/// A name is looked up anew after so long: another record may have it by then.
const GOOD_FOR: Duration = Duration::from_secs(300);
/// So many are remembered.
const MOST: usize = 100_000;

/// Ids by record type and name.
#[derive(Default)]
pub(super) struct Names(Mutex<BTreeMap<(String, String), (Instant, String)>>);

impl Names {
    fn known(&self, kind: &str, name: &str) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(&(kind.to_string(), name.to_string()))
            .filter(|(at, _)| at.elapsed() < GOOD_FOR)
            .map(|(_, id)| id.clone())
    }

    fn learn(&self, kind: &str, name: &str, id: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert((kind.to_string(), name.to_string()), (Instant::now(), id.to_string()));
    }
}

/// The record type and the property by which a property refers.
fn by(property: &PropertyYaml) -> Option<(&str, &str)> {
    property.reference.as_deref().zip(property.reference_by.as_deref())
}

pub(super) fn refers_by_name(ty: &TypeYaml) -> bool {
    ty.properties.values().any(|property| by(property).is_some())
}

impl Rest {
    /// The values of a record with ids in the place of names. A name that nobody has stays as it
    /// is: a reference that leads nowhere.
    pub(super) fn with_ids(
        &self,
        ty: &TypeYaml,
        watch: &[PropertyRef],
        values: &mut [Option<Value>],
    ) -> Result<(), Trouble> {
        for (watched, value) in watch.iter().zip(values) {
            let Some((kind, path)) = locate(ty, watched).and_then(|located| by(located.property))
            else {
                continue;
            };
            let Some(value) = value else { continue };
            match value {
                Value::Array(list) => {
                    for one in list {
                        *one = self.id_of(kind, path, one)?;
                    }
                }
                one => *one = self.id_of(kind, path, one)?,
            }
        }
        Ok(())
    }

    fn id_of(&self, kind: &str, path: &str, name: &Value) -> Result<Value, Trouble> {
        let Some(text) = id_text(name).filter(|_| !is_empty(name)) else { return Ok(name.clone()) };
        if let Some(id) = self.names.known(kind, &text) {
            return Ok(json!(id));
        }
        let found = self.look_up(self.ty(kind)?, &[PropertyRef::new(path)], 0, name)?;
        match found.as_deref() {
            Some([only]) => {
                self.names.learn(kind, &text, &only.id);
                Ok(json!(only.id))
            }
            Some([]) | None => Ok(name.clone()),
            Some(several) => Err(Trouble::Malformed(format!(
                "{} records of {kind} have {name} at `{path}`: it is not said which is meant",
                several.len()
            ))),
        }
    }

    /// A write with names in the place of ids, as the system wants it.
    pub(super) fn with_names(
        &self,
        ty: &TypeYaml,
        watch: &[PropertyRef],
        write: &Write,
    ) -> Result<Write, Outcome> {
        let mut write = write.clone();
        for value in &mut write.values {
            let Some((kind, path)) =
                locate(ty, &watch[value.prop]).and_then(|located| by(located.property))
            else {
                continue;
            };
            let refused = |message: String| Outcome::Rejected { prop: Some(value.prop), message };
            let named = |id: &Value| self.name_of(kind, path, id).map_err(super::write::busy);
            let displaced = (*value.displaced).clone();
            let before = match displaced {
                Value::Array(list) => Value::Array(
                    list.iter()
                        .map(|id| named(id).map(Option::unwrap_or_default))
                        .collect::<Result<_, _>>()?,
                ),
                one => named(&one)?.unwrap_or(one),
            };
            value.value = match &value.value {
                Value::Array(list) => {
                    let names = list.iter().map(|id| {
                        named(id)?.ok_or_else(|| {
                            refused(format!(
                                "{id} of {kind} is not there, or has nothing at `{path}`"
                            ))
                        })
                    });
                    Value::Array(names.collect::<Result<_, _>>()?)
                }
                one if is_empty(one) => one.clone(),
                one => named(one)?.ok_or_else(|| {
                    refused(format!("{one} of {kind} is not there, or has nothing at `{path}`"))
                })?,
            };
            value.displaced = before.into();
        }
        Ok(write)
    }

    fn name_of(&self, kind: &str, path: &str, id: &Value) -> Result<Option<Value>, Trouble> {
        let Some(text) = id_text(id).filter(|_| !is_empty(id)) else { return Ok(None) };
        let ty = self.ty(kind)?;
        let Some(get) = &ty.get else { return Ok(None) };
        let Some(body) = self.fetch(ty, get, &text)? else { return Ok(None) };
        let place =
            ty.properties.get(path).and_then(|property| property.at.as_deref()).unwrap_or(path);
        let name = at(&body, place).filter(|name| !is_empty(name)).cloned();
        if let Some(name) = name.as_ref().and_then(id_text) {
            self.names.learn(kind, &name, &text);
        }
        Ok(name)
    }
}

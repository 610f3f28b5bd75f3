//! What is written refers by names where the system wants it so, by ids everywhere else (P8).

use lockstep_model::flow::PropertyRef;
use lockstep_model::id_text::id_text;
use lockstep_model::value::is_empty;
use serde_json::Value;

use super::connected::Rest;
use super::errors::busy;
use super::refer::by;
use super::value::{at, locate};
use super::written::TypeYaml;
use crate::{Outcome, Trouble, Write};

impl Rest {
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
            let named = |id: &Value| self.name_of(kind, path, id).map_err(busy);
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

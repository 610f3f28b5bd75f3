//! A value that is mostly not there.

use std::ops::Deref;

use serde::{Deserialize, Serialize};
use serde_json::Value;

static NOTHING: Value = Value::Null;

/// A value that is `Null` more often than not, for structures of which a hundred thousand are held
/// at once: `Null` takes the room of a pointer, not the nine words of a [`Value`]. It is read as
/// the value that it is.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(from = "Value", into = "Value")]
pub struct Seldom(Option<Box<Value>>);

impl Deref for Seldom {
    type Target = Value;

    fn deref(&self) -> &Value {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl From<Value> for Seldom {
    fn from(value: Value) -> Self {
        Seldom((!value.is_null()).then(|| Box::new(value)))
    }
}

impl From<Seldom> for Value {
    fn from(seldom: Seldom) -> Self {
        seldom.0.map_or(Value::Null, |value| *value)
    }
}

impl PartialEq for Seldom {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

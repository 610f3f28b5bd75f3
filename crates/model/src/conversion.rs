//! Conversions: how a value becomes the value of the property paired with it.

use serde_json::Value;

use crate::schema::PlainType;
use crate::time::Timestamp;

/// What the type column says: a plain type, or a nested list in which `_.` is the value.
#[derive(Clone, Debug, PartialEq)]
pub enum Conversion {
    Plain(PlainType),
}

/// Why a conversion can't be read or carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConversionError {
    /// Where in the nested list: the indexes that lead to the place.
    pub place: Vec<usize>,
    pub message: String,
}

/// The way back.
#[derive(Clone, Debug, PartialEq)]
pub enum Reverse {
    Exact(Conversion),
    /// There is a way back, and this is what it can't bring back.
    Lossy {
        conversion: Conversion,
        loses: String,
    },
    /// There is none, and this is why.
    None {
        why: String,
    },
}

impl Conversion {
    /// Reads the nested-list form (or a plain type's name as a JSON string).
    pub fn parse(json: &Value) -> Result<Conversion, ConversionError> {
        let fails = |message: String| Err(ConversionError { place: vec![], message });
        match json.as_str() {
            Some("string") => Ok(Conversion::Plain(PlainType::String)),
            _ => fails(format!("unknown conversion {json}")),
        }
    }

    /// The value converted. `now` is what the conversion `now` gives.
    pub fn apply(&self, value: &Value, now: Timestamp) -> Result<Value, ConversionError> {
        let _ = now;
        match self {
            Conversion::Plain(ty) => {
                crate::value::coerce(value, *ty).map_err(|message| ConversionError { place: vec![], message })
            }
        }
    }

    /// The conversion for the other direction.
    pub fn reverse(&self) -> Reverse {
        Reverse::Exact(Conversion::Plain(PlainType::Any))
    }

    /// As JSON, the way documents write it.
    pub fn to_json(&self) -> Value {
        match self {
            Conversion::Plain(ty) => Value::String(ty.name().into()),
        }
    }
}

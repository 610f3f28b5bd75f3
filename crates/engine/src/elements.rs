//! The elements of a list that can stand for a property (P9).

use lockstep_model::Value;
use lockstep_model::value::is_empty;

/// The element of a list that holds a value already.
pub fn holding(
    shadow: Option<&Value>,
    whole: bool,
    same: impl Fn(&Value) -> bool,
) -> Option<&Value> {
    elements(shadow, whole).into_iter().find(|element| same(element))
}

/// What can stand for a property.
pub fn elements(shadow: Option<&Value>, whole: bool) -> Vec<&Value> {
    match shadow {
        Some(Value::Array(list)) if !whole => {
            list.iter().filter(|element| !is_empty(element)).collect()
        }
        Some(other) => vec![other],
        None => vec![],
    }
}

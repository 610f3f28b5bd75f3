//! `wins`: values of which not the time decides, but what they are.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::conversion::order;
use crate::schema::PlainType;
use crate::value::{coerce, equal_as, is_empty};

/// Which of several values wins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wins {
    /// Yes, or no.
    Truth(bool),
    /// The smallest, or the earliest.
    Min,
    /// The largest, or the latest.
    Max,
    /// The text with the most characters.
    Longest,
    /// The first of these that any has.
    AnyOf(Vec<Value>),
}

impl Eq for Wins {}

impl Wins {
    /// Which of two values wins (`Less`: the first); what is empty loses to all.
    pub fn compare(&self, a: &Value, b: &Value) -> Ordering {
        let nothing = is_empty(a).cmp(&is_empty(b));
        if nothing.is_ne() || is_empty(a) {
            return nothing;
        }
        match self {
            Wins::Truth(wanted) => {
                let is_it = |value: &Value| {
                    coerce(value, PlainType::Boolean).is_ok_and(|value| value == *wanted)
                };
                is_it(b).cmp(&is_it(a))
            }
            // Values of different kinds have no order: the time decides.
            Wins::Min => order(a, b).unwrap_or(Ordering::Equal),
            Wins::Max => order(b, a).unwrap_or(Ordering::Equal),
            Wins::Longest => {
                let length =
                    |value: &Value| value.as_str().map_or(0, |text| text.trim().chars().count());
                length(b).cmp(&length(a))
            }
            Wins::AnyOf(values) => {
                let place = |value: &Value| {
                    values
                        .iter()
                        .position(|one| equal_as(PlainType::Any, one, value))
                        .unwrap_or(values.len())
                };
                place(a).cmp(&place(b))
            }
        }
    }
}

impl fmt::Display for Wins {
    /// As a row says it: `wins: true`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wins::Truth(truth) => write!(f, "{truth}"),
            Wins::Min => f.write_str("min"),
            Wins::Max => f.write_str("max"),
            Wins::Longest => f.write_str("longest"),
            Wins::AnyOf(values) => write!(f, "any-of {}", Value::from(values.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn p1_which_value_wins_is_seen_from_the_two() {
        let wins = |by: &Wins, best: Value, other: Value| {
            assert_eq!(
                (by.compare(&best, &other), by.compare(&other, &best)),
                (Ordering::Less, Ordering::Greater),
                "{by}: {best}"
            );
        };
        wins(&Wins::Truth(true), json!(true), json!(false));
        wins(&Wins::Truth(true), json!("1"), json!("no"));
        wins(&Wins::Truth(false), json!(false), json!(true));
        wins(&Wins::Truth(false), json!(true), Value::Null);
        wins(&Wins::Min, json!("9"), json!(10));
        wins(&Wins::Max, json!("2024-05-17T10:00:00Z"), json!("2024-05-17T11:30:00+02:00"));
        wins(&Wins::Max, json!("9.5"), json!(""));
        wins(&Wins::Longest, json!("Åse Marie"), json!("Åse"));
        let levels = Wins::AnyOf(vec![json!("gold"), json!("silver")]);
        wins(&levels, json!("silver"), json!("bronze"));
        wins(&levels, json!("gold"), json!("silver"));
        assert_eq!(Wins::Max.compare(&json!("1.0"), &json!(1)), Ordering::Equal);
    }
}

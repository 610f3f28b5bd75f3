//! Arithmetic on decimals, to the last digit: what is 0.1 in a system is not 0.1000000000000000055
//! in another (R7).
//!
//! A number stays a number, and a decimal that travels as text stays a text. A quotient that does
//! not end is rounded to 28 digits.

use bigdecimal::num_bigint::BigInt;
use bigdecimal::num_traits::{One, Signed, Zero};
use bigdecimal::{BigDecimal, RoundingMode};
use serde_json::Value;

use super::catalogue::Op;
use crate::value::{is_empty, shown};

/// The most digits behind the point that a number can be rounded to.
pub(super) const MOST_DIGITS: u32 = 28;
/// Longer numbers, and those with a larger exponent, are not calculated with.
const LONGEST: usize = 400;

/// A number as an exact decimal; `None` where it is none, or too long to calculate with.
pub(super) fn decimal(text: &str) -> Option<BigDecimal> {
    let known = crate::decimal::Decimal::parse(text)?.to_string();
    // What would take hundreds of digits is shown with an exponent.
    if known.len() > LONGEST || known.contains('e') { None } else { known.parse().ok() }
}

/// The operation carried out with its constant on one value.
pub(super) fn calculated(op: Op, constant: &Value, value: &Value) -> Result<Value, String> {
    let text = match value {
        nothing if is_empty(nothing) => return Ok(Value::Null),
        Value::Number(number) => number.as_str(),
        Value::String(text) => text.trim(),
        other => return Err(format!("{} is no number", shown(other))),
    };
    let Some(number) = decimal(text) else {
        let is_number = crate::decimal::Decimal::parse(text).is_some();
        let why = if is_number { "is too long a number to calculate with" } else { "is no number" };
        return Err(format!("{} {why}", shown(value)));
    };
    let with = constant
        .as_number()
        .and_then(|constant| decimal(constant.as_str()))
        .unwrap_or_else(BigDecimal::zero);
    let result = match op {
        Op::Multiply => number * with,
        Op::Divide if with.is_zero() => return Err("nothing can be divided by 0".into()),
        Op::Divide if divides_evenly(constant) => number / with,
        Op::Divide => (number / with).with_prec(u64::from(MOST_DIGITS)),
        Op::Plus => number + with,
        Op::Round => {
            let digits = constant.as_u64().unwrap_or(0).min(u64::from(MOST_DIGITS)) as i64;
            let rounded = number.with_scale_round(digits, RoundingMode::HalfUp);
            return Ok(in_form_of(
                value,
                if rounded.is_zero() {
                    rounded.abs().to_plain_string()
                } else {
                    rounded.to_plain_string()
                },
            ));
        }
        _ => number,
    };
    let text = result.normalized().to_plain_string();
    if text.len() > LONGEST {
        return Err(format!("the result for {} would be too long", shown(value)));
    }
    Ok(in_form_of(value, text))
}

/// A result as a number where the value was one, else as a text.
fn in_form_of(value: &Value, text: String) -> Value {
    match value {
        Value::Number(_) => {
            crate::decimal::number(&text).map_or(Value::String(text), Value::Number)
        }
        _ => Value::String(text),
    }
}

/// Whether every quotient by this number ends: it has no prime factors but 2 and 5.
pub(super) fn divides_evenly(by: &Value) -> bool {
    let Some(number) = by.as_number().and_then(|by| decimal(by.as_str())) else { return false };
    let mut rest: BigInt = number.normalized().into_bigint_and_exponent().0.abs();
    for factor in [2, 5].map(BigInt::from) {
        while !rest.is_zero() && (&rest % &factor).is_zero() {
            rest /= &factor;
        }
    }
    rest.is_one()
}

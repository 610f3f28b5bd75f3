//! What is said of a list as a whole: how many, how much, the least and the most, and its order.

use std::cmp::Ordering;

use bigdecimal::BigDecimal;
use bigdecimal::num_traits::Zero;
use serde_json::Value;

use super::apply::order;
use super::arithmetic::decimal;
use super::times;
use crate::path::Path;
use crate::value::{is_empty, shown};

/// The elements of a list that are something; a single value is one.
pub(super) fn filled(value: &Value) -> impl Iterator<Item = &Value> {
    let all = match value {
        Value::Array(list) => list.as_slice(),
        single => std::slice::from_ref(single),
    };
    all.iter().filter(|one| !is_empty(one))
}

/// The sum, to the last digit: a number where all elements are, else a decimal as a text. Nothing
/// comes to 0.
pub(super) fn total(value: &Value) -> Result<Value, String> {
    joined(value, BigDecimal::zero(), |sum, one| sum + one)
}

/// The elements of a list multiplied, to the last digit; nothing where one of them is nothing.
pub(super) fn product(value: &Value) -> Result<Value, String> {
    let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    match list.is_empty() || list.iter().any(is_empty) {
        true => Ok(Value::Null),
        false => joined(value, BigDecimal::from(1), |product, one| product * one),
    }
}

fn joined(
    value: &Value,
    start: BigDecimal,
    join: fn(BigDecimal, BigDecimal) -> BigDecimal,
) -> Result<Value, String> {
    let (mut all, mut numbers) = (start, true);
    for one in filled(value) {
        let text = match one {
            Value::Number(number) => number.as_str(),
            Value::String(text) => text.trim(),
            other => return Err(format!("{} is no number", shown(other))),
        };
        numbers &= one.is_number();
        all = join(all, decimal(text).ok_or_else(|| format!("{} is no number", shown(one)))?);
    }
    let text = all.normalized().to_plain_string();
    Ok(match numbers {
        true => crate::decimal::number(&text).map_or(Value::String(text), Value::Number),
        false => Value::String(text),
    })
}

/// The element that comes before all others by `wanted`; nothing of nothing.
pub(super) fn extreme(value: &Value, wanted: fn(Ordering) -> bool) -> Result<Value, String> {
    let all: Vec<&Value> = filled(value).collect();
    are_of_one_kind(&all)?;
    let mut all = all.into_iter();
    let Some(first) = all.next() else { return Ok(Value::Null) };
    let better = |best, one| match order(one, best) {
        Some(order) if wanted(order) => one,
        _ => best,
    };
    Ok(all.fold(first, better).clone())
}

/// Values are put in order where all are numbers, times, texts, or true and false: of “9”, “10” and
/// “1a” none comes first, and “9,5” is no number.
fn are_of_one_kind(all: &[&Value]) -> Result<(), String> {
    #[derive(PartialEq)]
    enum Sort {
        Number,
        Time,
        Text,
        Truth,
    }
    let sort = |value: &Value| match value {
        Value::Number(_) => Some(Sort::Number),
        Value::Bool(_) => Some(Sort::Truth),
        Value::String(text) if decimal(text.trim()).is_some() => Some(Sort::Number),
        Value::String(text) if times::read(text).is_some() => Some(Sort::Time),
        Value::String(text) if is_number_with_comma(text.trim()) => None,
        Value::String(_) => Some(Sort::Text),
        _ => None,
    };
    let Some(first) = all.first() else { return Ok(()) };
    for one in all {
        match (sort(one), sort(first)) {
            (None, _) => return Err(format!("{} can't be put in order", shown(one))),
            (mine, theirs) if mine != theirs => {
                return Err(format!("{} and {} can't be compared", shown(one), shown(first)));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a text looks like a number that is written with a comma.
fn is_number_with_comma(text: &str) -> bool {
    text.contains(',')
        && text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && text.chars().all(|c| c.is_ascii_digit() || "-., \u{a0}".contains(c))
}

/// By what a list is put in order: a path within its elements, if they are objects, and whether the
/// last comes first. `Err` says what would be right.
pub(super) fn by(text: &str) -> Result<(Option<Path>, bool), String> {
    by_path(text).ok_or_else(|| {
        format!(
            "“{text}” does not say by what: write a path and perhaps `desc`, as in “amount desc”; of single values `asc` or `desc`"
        )
    })
}

fn by_path(text: &str) -> Option<(Option<Path>, bool)> {
    let text = text.trim();
    let (path, descending) = match text.rsplit_once(char::is_whitespace) {
        Some((path, "desc")) => (path.trim(), true),
        Some((path, "asc")) => (path.trim(), false),
        Some(_) => return None,
        None if text == "desc" => ("", true),
        None if text == "asc" => ("", false),
        None => (text, false),
    };
    if path.contains(char::is_whitespace) {
        return None;
    }
    Some(((!path.is_empty()).then(|| Path::new(path)), descending))
}

/// The list in this order; elements that are alike stay as they stand, and what has nothing there
/// comes last.
pub(super) fn in_order(text: &str, value: &Value) -> Result<Value, String> {
    let Value::Array(list) = value else { return Ok(value.clone()) };
    let (path, descending) = by(text).unwrap_or_default();
    let key = |one: &Value| match &path {
        Some(path) => path.get(one).unwrap_or_default(),
        None => one.clone(),
    };
    let mut keyed: Vec<(Value, &Value)> = list.iter().map(|one| (key(one), one)).collect();
    let (mut with, without): (Vec<_>, Vec<_>) =
        keyed.drain(..).partition(|(key, _)| !is_empty(key));
    are_of_one_kind(&with.iter().map(|(key, _)| key).collect::<Vec<_>>())?;
    with.sort_by(|(a, _), (b, _)| {
        let order = order(a, b).unwrap_or(Ordering::Equal);
        if descending { order.reverse() } else { order }
    });
    Ok(Value::Array(with.into_iter().chain(without).map(|(_, one)| one.clone()).collect()))
}

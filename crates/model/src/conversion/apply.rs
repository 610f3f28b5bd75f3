//! A nested list carried out on a value.
//!
//! Operations on texts, times and numbers take a list element by element, and numbers and booleans
//! as the texts they are written as. Nothing gives nothing. `if`, `if-null`, `coalesce`, `and` and
//! `or` look at their arguments one after the other and at no more of them than they need. No value
//! in between may be larger than [`MAX_SIZE`]; what would be is never built.

use std::cmp::Ordering;

use serde_json::Value;

use super::aggregate;
use super::arithmetic::calculated;
use super::catalogue::Op;
use super::table::Else;
use super::texts;
use super::{ConversionError, Node, times};
use crate::decimal::Decimal;
use crate::schema::PlainType;
use crate::time::Timestamp;
use crate::value::{coerce, equal_as, is_empty, shown};

/// The largest value that an operation takes or gives, in bytes of text, where each value in a list
/// counts as one more.
pub(super) const MAX_SIZE: usize = 1 << 20;

pub(super) fn apply(node: &Node, value: &Value, now: Timestamp) -> Result<Value, ConversionError> {
    // Nothing is nothing however it is written (P3), so what comes of it must be the same.
    let value = if is_empty(value) { &Value::Null } else { value };
    let mut application = Application { value, now, place: Vec::new() };
    application.node(node).map_err(|message| ConversionError { place: application.place, message })
}

/// The value that is being converted, and the place in the list that it has come to. An error
/// leaves the place where it arose.
struct Application<'a> {
    value: &'a Value,
    now: Timestamp,
    place: Vec<usize>,
}

fn too_large() -> String {
    format!("the value would be larger than {MAX_SIZE} bytes")
}

/// What a value counts for.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => 1 + text.len(),
        Value::Array(list) => list.iter().map(size).sum::<usize>() + 1,
        Value::Object(map) => {
            map.iter().map(|(key, value)| key.len() + size(value)).sum::<usize>() + 1
        }
        _ => 1,
    }
}

fn bounded(value: Value) -> Result<Value, String> {
    if size(&value) > MAX_SIZE { Err(too_large()) } else { Ok(value) }
}

impl Application<'_> {
    fn node(&mut self, node: &Node) -> Result<Value, String> {
        match node {
            Node::Input if size(self.value) > MAX_SIZE => Err(too_large()),
            Node::Input => Ok(self.value.clone()),
            Node::Constant(value) => Ok(value.clone()),
            Node::Table(_) => Ok(Value::Null),
            Node::Call(op, arguments) => self.call(*op, arguments).and_then(bounded),
        }
    }

    /// The value of an argument. The place goes there, and comes back unless it fails.
    fn argument(&mut self, arguments: &[Node], index: usize) -> Result<Value, String> {
        self.place.push(index + 1);
        let value = arguments.get(index).map_or(Ok(Value::Null), |node| self.node(node))?;
        self.place.pop();
        Ok(value)
    }

    /// The values of all arguments, together no larger than one may be.
    fn all(&mut self, arguments: &[Node]) -> Result<Vec<Value>, String> {
        let mut values = Vec::with_capacity(arguments.len());
        let mut total = 0;
        for index in 0..arguments.len() {
            let value = self.argument(arguments, index)?;
            total += size(&value);
            if total > MAX_SIZE {
                return Err(too_large());
            }
            values.push(value);
        }
        Ok(values)
    }

    /// A condition: nothing is as good as false.
    fn holds(&mut self, arguments: &[Node], index: usize) -> Result<bool, String> {
        let value = self.argument(arguments, index)?;
        let held = truth(&value).map(|truth| truth.unwrap_or(false));
        if held.is_err() {
            self.place.push(index + 1);
        }
        held
    }

    fn call(&mut self, op: Op, arguments: &[Node]) -> Result<Value, String> {
        match op {
            Op::If => {
                let branch = if self.holds(arguments, 0)? { 1 } else { 2 };
                return self.argument(arguments, branch);
            }
            Op::IfNull | Op::Coalesce => {
                for index in 0..arguments.len() {
                    let value = self.argument(arguments, index)?;
                    // One list alone is what is looked through.
                    let value = match value {
                        Value::Array(list) if arguments.len() == 1 => {
                            list.into_iter().find(|v| !is_empty(v)).unwrap_or_default()
                        }
                        other => other,
                    };
                    if !is_empty(&value) {
                        return Ok(value);
                    }
                }
                return Ok(Value::Null);
            }
            Op::And | Op::Or => {
                for index in 0..arguments.len() {
                    if self.holds(arguments, index)? == (op == Op::Or) {
                        return Ok(Value::Bool(op == Op::Or));
                    }
                }
                return Ok(Value::Bool(op == Op::And));
            }
            Op::Concat => {
                let values = self.all(arguments)?;
                let computed = || {
                    arguments
                        .iter()
                        .zip(&values)
                        .filter(|(node, _)| !matches!(node, Node::Constant(_)))
                };
                if computed().count() > 0 && computed().all(|(_, value)| is_empty(value)) {
                    return Ok(Value::Null);
                }
                return concatenated(&values);
            }
            Op::Now => {
                return match jiff::Timestamp::from_millisecond(self.now.0) {
                    Ok(now) => Ok(Value::String(now.to_string())),
                    Err(_) => Err(format!("{} ms is no time that can be written", self.now.0)),
                };
            }
            _ => {}
        }
        let values = self.all(arguments)?;
        let last = values.last().unwrap_or(&Value::Null);
        match op {
            Op::String => coerce(last, PlainType::String),
            Op::Integer => coerce(last, PlainType::Integer),
            Op::Float => coerce(last, PlainType::Float),
            Op::Decimal => coerce_decimal(last),
            Op::Boolean => coerce(last, PlainType::Boolean),
            Op::List => listed(values),
            Op::DatetimeFormat | Op::DatetimeParse => {
                let (form, zone) = times::zone_and_format(arguments)?;
                each(last, &|value| match text(value)? {
                    None => Ok(Value::Null),
                    Some(text) if text.trim().is_empty() => Ok(Value::Null),
                    Some(text) if op == Op::DatetimeParse => match times::parse(form, &zone, &text)
                    {
                        Some(at) => Ok(Value::String(at.to_string())),
                        None => Err(format!("{} is no time written as “{form}”", shown(value))),
                    },
                    Some(text) => {
                        let at = times::read(&text)
                            .ok_or_else(|| format!("{} is no time", shown(value)))?;
                        let written = times::format(form, &zone, at);
                        written
                            .map(Value::String)
                            .ok_or_else(|| format!("{} can't be written as “{form}”", shown(value)))
                    }
                })
            }
            Op::DatetimeDiff => difference(&values),
            Op::Replace => {
                let (old, new) = (text_at(&values, 0), text_at(&values, 1));
                texts_in(last, &|text| {
                    texts::replaced(text, old, new, MAX_SIZE).ok_or_else(too_large)
                })
            }
            Op::Upper => texts_in(last, &|text| Ok(text.to_uppercase())),
            Op::Lower => texts_in(last, &|text| Ok(text.to_lowercase())),
            Op::Strip if values.len() == 1 => texts_in(last, &|text| Ok(text.trim().to_string())),
            Op::Strip => {
                let characters = text_at(&values, 0);
                texts_in(last, &|text| {
                    Ok(text.trim_matches(|c| characters.contains(c)).to_string())
                })
            }
            Op::Substring => {
                let (start, end) = range_at(&values);
                texts_in(last, &|text| Ok(texts::substring(text, start, end)))
            }
            Op::WithoutPrefix => {
                let prefix = text_at(&values, 0);
                texts_in(last, &|text| {
                    let rest = text.strip_prefix(prefix).map(String::from);
                    rest.ok_or_else(|| format!("“{}” does not begin with “{prefix}”", short(text)))
                })
            }
            Op::WithoutSuffix => {
                let suffix = text_at(&values, 0);
                texts_in(last, &|text| {
                    let rest = text.strip_suffix(suffix).map(String::from);
                    rest.ok_or_else(|| format!("“{}” does not end with “{suffix}”", short(text)))
                })
            }
            Op::Join => match last {
                nothing if is_empty(nothing) => Ok(Value::Null),
                Value::Array(list) => joined(text_at(&values, 0), list.iter()),
                single => joined("", std::iter::once(single)),
            },
            Op::Split => split((values.len() == 2).then(|| text_at(&values, 0)), last),
            Op::Slice => match last {
                Value::Null => Ok(Value::Null),
                Value::Array(list) => {
                    let (start, end) = range_at(&values);
                    Ok(Value::Array(list[texts::range(start, end, list.len())].to_vec()))
                }
                other if is_empty(other) => Ok(Value::Null),
                other => {
                    Err(format!("{} is no list; “substring” takes a part of a text", shown(other)))
                }
            },
            Op::First | Op::Last => Ok(match last {
                Value::Array(list) => {
                    let mut filled = list.iter().filter(|v| !is_empty(v));
                    let found = if op == Op::First { filled.next() } else { filled.next_back() };
                    found.cloned().unwrap_or_default()
                }
                single => single.clone(),
            }),
            Op::Length => match last {
                nothing if is_empty(nothing) => Ok(Value::Null),
                Value::Array(list) => Ok(Value::from(list.len())),
                single => {
                    Ok(text(single)?.map_or(Value::Null, |text| Value::from(text.chars().count())))
                }
            },
            Op::Count => Ok(Value::from(aggregate::filled(last).count())),
            Op::Sum => aggregate::total(last),
            Op::Product => aggregate::product(last),
            Op::Min => aggregate::extreme(last, Ordering::is_lt),
            Op::Max => aggregate::extreme(last, Ordering::is_gt),
            Op::Any => {
                let mut any = false;
                for value in aggregate::filled(last) {
                    any |= truth(value)? == Some(true);
                }
                Ok(Value::Bool(any))
            }
            Op::Order => aggregate::in_order(text_at(&values, 0), last),
            Op::Abs => each(last, &absolute),
            Op::Multiply | Op::Divide | Op::Plus | Op::Round | Op::TrimZeros => {
                let constant = if values.len() == 2 { &values[0] } else { &Value::Null };
                each(last, &|value| calculated(op, constant, value))
            }
            Op::DateAdd => {
                let (unit, many) =
                    (text_at(&values, 0), values.get(1).and_then(Value::as_i64).unwrap_or(0));
                each(last, &|value| later(unit, many, value))
            }
            Op::Map => {
                let Some(Node::Table(table)) = arguments.first() else { return Ok(Value::Null) };
                let other = if values.len() == 3 { Else::named(text_at(&values, 1)) } else { None };
                each(last, &|value| table.mapped(value, other.unwrap_or(Else::Review)))
            }
            Op::IsEmpty | Op::IsNull => Ok(Value::Bool(is_empty(last))),
            Op::Eq | Op::Neq => {
                let same =
                    values.first().is_some_and(|first| equal_as(PlainType::Any, first, last));
                Ok(Value::Bool(same == (op == Op::Eq)))
            }
            Op::Gt => compared(&values, |order| order.is_gt()),
            Op::Gte => compared(&values, |order| order.is_ge()),
            Op::Lt => compared(&values, |order| order.is_lt()),
            Op::Lte => compared(&values, |order| order.is_le()),
            Op::Matches => {
                let pattern = text_at(&values, 0);
                let fits = |value: &Value| {
                    !is_empty(value)
                        && matches!(text(value), Ok(Some(text)) if texts::fits(pattern, &text))
                };
                Ok(Value::Bool(match last {
                    Value::Array(list) => !list.is_empty() && list.iter().all(fits),
                    single => fits(single),
                }))
            }
            Op::Not => Ok(truth(last)?.map_or(Value::Null, |truth| Value::Bool(!truth))),
            Op::Fail => Err(format!("{}: {}", shown(self.value), text_at(&values, 0))),
            Op::If | Op::IfNull | Op::Coalesce | Op::And | Op::Or | Op::Concat | Op::Now => {
                Ok(Value::Null)
            }
        }
    }
}

/// A constant text that the reader has made sure of.
fn text_at(values: &[Value], index: usize) -> &str {
    values.get(index).and_then(Value::as_str).unwrap_or_default()
}

/// Start and end: the whole numbers before the last value.
fn range_at(values: &[Value]) -> (i64, Option<i64>) {
    let number = |index: usize| values.get(index).and_then(Value::as_i64);
    (number(0).unwrap_or(0), if values.len() == 3 { number(1) } else { None })
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A single value as a text; nothing is none.
fn text(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Number(_) | Value::Bool(_) => Ok(Some(value.to_string())),
        Value::Array(list) if list.is_empty() => Ok(None),
        other => Err(format!("{} is no text", shown(other))),
    }
}

fn each(value: &Value, convert: &dyn Fn(&Value) -> Result<Value, String>) -> Result<Value, String> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::Array(list) => {
            let mut total = 0;
            let convert_bounded = |value| {
                let converted = convert(value)?;
                total += size(&converted);
                if total > MAX_SIZE { Err(too_large()) } else { Ok(converted) }
            };
            list.iter().map(convert_bounded).collect::<Result<_, _>>().map(Value::Array)
        }
        single => convert(single),
    }
}

/// Each text converted; an empty or blank one is nothing.
fn texts_in(
    value: &Value,
    convert: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Value, String> {
    each(value, &|value| match text(value)? {
        Some(text) if !text.trim().is_empty() => convert(&text).map(Value::String),
        _ => Ok(Value::Null),
    })
}

/// The texts one after the other, those of lists too; nothing is left out.
fn joined<'a>(separator: &str, values: impl Iterator<Item = &'a Value>) -> Result<Value, String> {
    let mut result: Option<String> = None;
    let mut add = |value: &Value| -> Result<(), String> {
        let Some(text) = text(value)? else {
            return Ok(());
        };
        let so_far = match &mut result {
            None => result.insert(String::new()),
            Some(so_far) => {
                so_far.push_str(separator);
                so_far
            }
        };
        so_far.push_str(&text);
        if so_far.len() > MAX_SIZE { Err(too_large()) } else { Ok(()) }
    };
    for value in values {
        match value {
            Value::Array(list) => list.iter().try_for_each(&mut add)?,
            single => add(single)?,
        }
    }
    Ok(result.map_or(Value::Null, Value::String))
}

/// One list alone: its texts one after the other. A list among others: each of its elements with
/// the others around it.
fn concatenated(values: &[Value]) -> Result<Value, String> {
    let mut lists = values.iter().enumerate().filter(|(_, value)| value.is_array());
    match (lists.next(), lists.next()) {
        (Some((at, Value::Array(elements))), None) if values.len() > 1 => {
            let around = |value: &Value| {
                if is_empty(value) {
                    return Ok(Value::Null);
                }
                joined("", values[..at].iter().chain([value]).chain(&values[at + 1..]))
            };
            each(&Value::Array(elements.clone()), &around)
        }
        (_, Some((_, second))) => {
            Err(format!("{} is a second list; “join” makes one text of a list", shown(second)))
        }
        _ => joined("", values.iter()),
    }
}

fn split(separator: Option<&str>, value: &Value) -> Result<Value, String> {
    let mut parts = Vec::new();
    let mut add = |value: &Value| -> Result<(), String> {
        let Some(text) = text(value)?.filter(|text| !text.trim().is_empty()) else {
            return Ok(());
        };
        let mut pieces: Box<dyn Iterator<Item = &str>> = match separator {
            Some(separator) => Box::new(text.split(separator)),
            None => Box::new(text.split_whitespace()),
        };
        pieces.try_for_each(|piece| {
            parts.push(Value::from(piece));
            // Every piece counts for one at least, so that this bounds the memory too.
            if parts.len() > MAX_SIZE { Err(too_large()) } else { Ok(()) }
        })
    };
    match value {
        Value::Array(list) => list.iter().try_for_each(&mut add)?,
        single => add(single)?,
    }
    Ok(if parts.is_empty() { Value::Null } else { Value::Array(parts) })
}

/// One value: the list that it is, or a list of it. Several: the list of those that are something.
fn listed(mut values: Vec<Value>) -> Result<Value, String> {
    if values.len() == 1 {
        return values.pop().map_or(Ok(Value::Null), |only| coerce(&only, PlainType::List));
    }
    values.retain(|value| !is_empty(value));
    Ok(if values.is_empty() { Value::Null } else { Value::Array(values) })
}

fn coerce_decimal(value: &Value) -> Result<Value, String> {
    match value {
        Value::String(text) if !text.trim().is_empty() && Decimal::parse(text.trim()).is_none() => {
            Err(format!("{} is no decimal", shown(value)))
        }
        other => coerce(other, PlainType::Decimal),
    }
}

/// `None` for nothing.
fn truth(value: &Value) -> Result<Option<bool>, String> {
    if is_empty(value) {
        return Ok(None);
    }
    coerce(value, PlainType::Boolean)
        .map(|value| value.as_bool())
        .map_err(|_| format!("{} is neither true nor false", shown(value)))
}

fn absolute(value: &Value) -> Result<Value, String> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::Number(number) => Ok(match number.as_str().strip_prefix('-') {
            Some(bare) => bare.parse().map_or_else(|_| value.clone(), Value::Number),
            None => value.clone(),
        }),
        Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
        // A decimal travels as text, and stays one.
        Value::String(text) if Decimal::parse(text.trim()).is_some() => {
            Ok(Value::from(text.trim().trim_start_matches(['+', '-'])))
        }
        other => Err(format!("{} is no number", shown(other))),
    }
}

/// A point in time, or a day, so many units later; in the form that it had.
fn later(unit: &str, many: i64, value: &Value) -> Result<Value, String> {
    if is_empty(value) {
        return Ok(Value::Null);
    }
    let Some(unit) = times::Unit::named(unit) else {
        return Err(format!("unknown unit “{unit}”"));
    };
    let text = value.as_str().ok_or_else(|| format!("{} is no time", shown(value)))?.trim();
    let moved =
        times::later(unit, many, text).ok_or_else(|| format!("{} is no time", shown(value)))?;
    moved
        .map(Value::String)
        .ok_or_else(|| format!("{} would be moved to a time that can't be written", shown(value)))
}

fn difference(values: &[Value]) -> Result<Value, String> {
    let Some(unit) = times::Unit::named(text_at(values, 0)) else {
        return Err(format!("unknown unit “{}”", text_at(values, 0)));
    };
    let mut read = [jiff::Timestamp::UNIX_EPOCH; 2];
    for (at, value) in read.iter_mut().zip(&values[1..]) {
        if is_empty(value) {
            return Ok(Value::Null);
        }
        *at = value
            .as_str()
            .and_then(times::read)
            .ok_or_else(|| format!("{} is no time", shown(value)))?;
    }
    Ok(times::between(unit, read[0], read[1]).map_or(Value::Null, Value::from))
}

/// False where either is nothing; else by their order.
fn compared(values: &[Value], wanted: fn(Ordering) -> bool) -> Result<Value, String> {
    let [a, b] = values else {
        return Ok(Value::Bool(false));
    };
    if is_empty(a) || is_empty(b) {
        return Ok(Value::Bool(false));
    }
    match order(a, b) {
        Some(order) => Ok(Value::Bool(wanted(order))),
        None => Err(format!("{} and {} can't be compared", shown(a), shown(b))),
    }
}

/// Which of two values comes first: numbers by value, also where they travel as text; two times as
/// instants; other texts by their characters; false before true. `None` where they are of different
/// kinds.
pub(crate) fn order(a: &Value, b: &Value) -> Option<Ordering> {
    let number = |value: &Value| match value {
        Value::Number(number) => Decimal::of(number),
        Value::String(text) => Decimal::parse(text.trim()),
        _ => None,
    };
    match (number(a), number(b), a, b) {
        (Some(x), Some(y), ..) => Some(x.compare(&y)),
        (_, _, Value::Bool(x), Value::Bool(y)) => Some(x.cmp(y)),
        (_, _, Value::String(x), Value::String(y)) => match (times::read(x), times::read(y)) {
            (Some(x), Some(y)) => Some(x.cmp(&y)),
            _ => Some(x.cmp(y)),
        },
        _ => None,
    }
}

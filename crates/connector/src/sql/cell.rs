//! Values on their way between the database and the hub.
//!
//! A [`Cell`] is what a driver gives and takes. What it means is said by its column's type:
//! decimals travel as text, so that no binary fraction rounds them; times as RFC 3339 in UTC,
//! whatever form the column keeps them in.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use lockstep_model::{PlainType, Value};
use serde_json::Number;

use super::column::{Column, Stored};
use crate::mark::Mark;

/// A value as the drivers give and take it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Cell {
    /// As text, if it has any: ids, versions and what the catalogues tell.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Cell::Null => None,
            Cell::Int(n) => Some(n.to_string()),
            Cell::Real(f) => Some(f.to_string()),
            Cell::Text(text) => Some(text.clone()),
            Cell::Blob(bytes) => Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        }
    }

    /// Whether it says yes: what the catalogues tell.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Cell::Int(n) => *n != 0,
            Cell::Text(text) => matches!(text.as_str(), "t" | "true" | "1" | "YES"),
            _ => false,
        }
    }
}

/// What a column's cell says.
pub(super) fn value(column: &Column, cell: &Cell) -> Value {
    if let (Stored::Json | Stored::Array, Cell::Text(text)) = (column.stored, cell) {
        return serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
    }
    match (column.ty, cell) {
        (_, Cell::Null) => Value::Null,
        (PlainType::Boolean, cell) => boolean(cell),
        (PlainType::Integer, Cell::Int(n)) => Value::from(*n),
        (PlainType::Integer | PlainType::Float, Cell::Real(f)) => number(*f),
        (PlainType::Float, Cell::Int(n)) => Value::from(*n),
        (PlainType::Integer | PlainType::Float, Cell::Text(text)) => {
            let exact = lockstep_model::decimal::number(text.trim()).map(Value::Number);
            exact.unwrap_or_else(|| Value::String(text.clone()))
        }
        (PlainType::Decimal, cell) => {
            cell.text().map_or(Value::Null, |text| Value::String(plain_decimal(&text)))
        }
        (PlainType::Datetime, cell) => match instant(column, cell) {
            Some(at) => Value::String(at.to_string()),
            None => cell.text().map_or(Value::Null, Value::String),
        },
        (PlainType::Date, cell) => {
            cell.text().map_or(Value::Null, |text| Value::String(text.chars().take(10).collect()))
        }
        (_, cell) => cell.text().map_or(Value::Null, Value::String),
    }
}

fn boolean(cell: &Cell) -> Value {
    match cell {
        Cell::Int(n) => Value::Bool(*n != 0),
        Cell::Text(text) => match text.as_str() {
            "t" | "true" | "1" => Value::Bool(true),
            "f" | "false" | "0" => Value::Bool(false),
            other => Value::String(other.into()),
        },
        Cell::Blob(bits) => Value::Bool(bits.iter().any(|byte| *byte != 0)),
        other => other.text().map_or(Value::Null, Value::String),
    }
}

fn number(f: f64) -> Value {
    Number::from_f64(f).map_or(Value::Null, Value::Number)
}

/// `12.50` and `12.5` are one number, and a column that keeps two places shows the first for the
/// second.
fn plain_decimal(text: &str) -> String {
    let plain = text.trim();
    match plain.contains('.') && !plain.contains(['e', 'E']) {
        true => plain.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => plain.to_string(),
    }
}

/// The instant that a cell of a time column means.
pub(super) fn instant(column: &Column, cell: &Cell) -> Option<Timestamp> {
    match cell {
        // Seconds or milliseconds since 1970, as SQLite files keep them; the limit is the year 5138
        // and the year 1973.
        Cell::Int(n) if n.abs() < 100_000_000_000 => Timestamp::from_second(*n).ok(),
        Cell::Int(n) => Timestamp::from_millisecond(*n).ok(),
        Cell::Real(f) => Timestamp::from_millisecond((f * 1000.0).round() as i64).ok(),
        Cell::Text(text) => {
            let text = text.trim();
            if let Ok(at) = text.parse::<Timestamp>() {
                return Some(at);
            }
            let civil = text.parse::<DateTime>().ok()?;
            civil.to_zoned(column.zone.clone()).ok().map(|zoned| zoned.timestamp())
        }
        _ => None,
    }
}

/// How an instant is written into a column: as the column keeps them.
pub(super) fn moment(column: &Column, at: Timestamp) -> Cell {
    let civil = || at.to_zoned(column.zone.clone()).datetime();
    if column.ty == PlainType::Date {
        return Cell::Text(civil().date().to_string());
    }
    match column.stored {
        Stored::EpochSeconds => Cell::Int(at.as_second()),
        Stored::EpochMilliseconds => Cell::Int(at.as_millisecond()),
        Stored::SpacedTime => Cell::Text(spaced(civil())),
        Stored::ZonelessTime => Cell::Text(civil().to_string()),
        _ => Cell::Text(at.to_string()),
    }
}

fn spaced(civil: DateTime) -> String {
    civil.to_string().replacen('T', " ", 1)
}

/// A value as a cell of this column; `Err` says what is in the way.
pub(super) fn cell(column: &Column, value: &Value) -> Result<Cell, String> {
    let is_blank = value.as_str().is_some_and(|text| text.trim().is_empty());
    if value.is_null() || (is_blank && column.ty != PlainType::String) {
        // A text column that must not be null but has a default holds the empty text for nothing.
        let as_text = column.ty == PlainType::String && !column.nullable && column.has_default;
        return Ok(if as_text { Cell::Text(String::new()) } else { Cell::Null });
    }
    if matches!(column.stored, Stored::Json | Stored::Array) {
        return Ok(Cell::Text(value.to_string()));
    }
    let coerced = lockstep_model::value::coerce(value, column.ty)?;
    Ok(match (column.ty, &coerced) {
        (_, Value::Null) => Cell::Null,
        (_, Value::Bool(truth)) => Cell::Int(i64::from(*truth)),
        (PlainType::Float, Value::Number(n)) => n.as_f64().map_or(Cell::Null, Cell::Real),
        (_, Value::Number(n)) => n.as_i64().map_or_else(|| Cell::Text(n.to_string()), Cell::Int),
        (PlainType::Datetime, Value::String(text)) => {
            let anywhere = Column { zone: TimeZone::UTC, ..column.clone() };
            let at = instant(&anywhere, &Cell::Text(text.clone())).or_else(|| {
                lockstep_model::Timestamp::parse(text)
                    .and_then(|at| Timestamp::from_millisecond(at.0).ok())
            });
            moment(column, at.ok_or_else(|| format!("`{text}` is no time"))?)
        }
        (_, Value::String(text)) => Cell::Text(text.clone()),
        (_, other) => Cell::Text(other.to_string()),
    })
}

/// P9: the list that a column is to hold when one element is written: it takes the displaced one's
/// place, else the first one's, else the end.
pub(super) fn with_element(held: Value, value: &Value, displaced: &Value) -> Value {
    let Value::Array(mut list) = held else {
        return if value.is_null() {
            Value::Array(vec![])
        } else {
            Value::Array(vec![value.clone()])
        };
    };
    let same = |element: &Value| lockstep_model::value::equal(element, displaced);
    let place = if displaced.is_null() { None } else { list.iter().position(same) };
    let adds = lockstep_model::value::is_added(displaced) && !value.is_null();
    let place = place.or(if list.is_empty() || adds { None } else { Some(0) });
    match (place, value.is_null()) {
        (Some(at), true) => drop(list.remove(at)),
        (Some(at), false) => list[at] = value.clone(),
        (None, true) => {}
        (None, false) => list.push(value.clone()),
    }
    Value::Array(list)
}

/// D3: what a column is to hold in a row that is deleted; `None` where such a row is removed.
pub(super) fn mark_cell(
    column: &Column,
    mark: &Mark,
    now: jiff::Timestamp,
) -> Option<Result<Cell, String>> {
    let set = mark.set(|| Value::String(now.to_string()))?;
    if let (std::borrow::Cow::Owned(_), Some(form)) = (&set, column.times) {
        // A text or number that holds times goes on in the form that is there.
        return Some(Ok(moment(
            &Column { ty: PlainType::Datetime, stored: form, ..column.clone() },
            now,
        )));
    }
    Some(truth_cell(column, &set))
}

/// A value as a column holds it. Many databases keep truth as 0 and 1.
pub(super) fn truth_cell(column: &Column, value: &Value) -> Result<Cell, String> {
    let as_number = value
        .as_bool()
        .filter(|_| column.ty != PlainType::Boolean)
        .map(|truth| Value::from(i64::from(truth)));
    cell(column, value).or_else(|why| as_number.map_or(Err(why), |number| cell(column, &number)))
}

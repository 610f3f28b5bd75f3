//! From JSON to a conversion and back.
//!
//! A list whose first element is a text is an operation with its arguments, and nothing else: a
//! misspelt operation must not pass for a list of texts. Any other list, an object, a number, true,
//! false, null and a text are constants as they stand; `["literal", X]` is X whatever it looks
//! like. All that can be found out here is, so that a document is judged before it runs.

use std::sync::Arc;

use bigdecimal::num_traits::Zero;
use serde_json::Value;

use super::aggregate;
use super::arithmetic::{self, MOST_DIGITS};
use super::catalogue::{Constant, LITERAL, Op, SHAPES, near};
use super::table::{ELSE, Else, Table};
use super::{Computation, Conversion, ConversionError, Node, times};
use crate::schema::PlainType;
use crate::value::shown;

/// How deep lists may stand in each other, those in constants included.
pub(super) const MAX_DEPTH: usize = 32;
/// How many elements all the lists may have together, constants at one for each of their values and
/// one for each 64 bytes.
pub(super) const MAX_ELEMENTS: usize = 1024;

const PLAIN: [PlainType; 10] = [
    PlainType::String,
    PlainType::Integer,
    PlainType::Float,
    PlainType::Decimal,
    PlainType::Boolean,
    PlainType::List,
    PlainType::Datetime,
    PlainType::Date,
    PlainType::Minutes,
    PlainType::Any,
];

pub(super) fn read(json: &Value) -> Result<Conversion, ConversionError> {
    let fails = |message: String| Err(ConversionError { place: vec![], message });
    match json {
        Value::String(text) if text == "_." => Ok(Conversion::Plain(PlainType::Any)),
        Value::String(text) => match PLAIN.iter().find(|ty| ty.name() == text) {
            Some(ty) => Ok(Conversion::Plain(*ty)),
            None => {
                let meant = near(text, PLAIN.iter().map(|ty| ty.name()));
                fails(format!(
                    "unknown type “{text}”; {}",
                    did_you_mean(meant, "a list is a conversion, a text the name of a type")
                ))
            }
        },
        Value::Array(_) => {
            let mut reader = Reader { place: Vec::new(), left: MAX_ELEMENTS };
            let node = reader.node(json)?;
            Ok(Conversion::Computed(Computation(node)))
        }
        other => fails(format!("{} is neither a type's name nor a conversion", shown(other))),
    }
}

fn did_you_mean(meant: Option<&str>, otherwise: &str) -> String {
    meant.map_or(otherwise.to_string(), |name| format!("did you mean “{name}”?"))
}

/// Where the reading is, and how many elements it may still take.
struct Reader {
    place: Vec<usize>,
    left: usize,
}

impl Reader {
    fn fails<T>(&self, message: impl Into<String>) -> Result<T, ConversionError> {
        Err(ConversionError { place: self.place.clone(), message: message.into() })
    }

    /// The error is that of an element of the list at this place.
    fn fails_at<T>(&self, index: usize, message: impl Into<String>) -> Result<T, ConversionError> {
        let mut place = self.place.clone();
        place.push(index);
        Err(ConversionError { place, message: message.into() })
    }

    fn node(&mut self, json: &Value) -> Result<Node, ConversionError> {
        match json {
            Value::String(text) if text == "_." => {
                self.count(json)?;
                Ok(Node::Input)
            }
            Value::String(text) if looks_like_a_path(text) => self.fails(format!(
                "“{text}” would be another property; a conversion has the value only, written “_.” (the text itself is \
                 written [\"{LITERAL}\", \"{text}\"])"
            )),
            Value::Array(list) => match list.first() {
                Some(Value::String(name)) => self.call(name, &list[1..], json),
                _ => self.constant(json),
            },
            constant => self.constant(constant),
        }
    }

    fn constant(&mut self, json: &Value) -> Result<Node, ConversionError> {
        self.count(json)?;
        Ok(Node::Constant(json.clone()))
    }

    fn call(
        &mut self,
        name: &str,
        arguments: &[Value],
        whole: &Value,
    ) -> Result<Node, ConversionError> {
        if self.place.len() >= MAX_DEPTH {
            return self.fails(format!("lists stand more than {MAX_DEPTH} deep in each other"));
        }
        self.take(1)?;
        if name == LITERAL {
            return match arguments {
                [only] => self.constant(only),
                _ => self.fails(format!(
                    "“{LITERAL}” takes one argument, {} are given: [\"{LITERAL}\", X]",
                    arguments.len()
                )),
            };
        }
        let Some(op) = Op::named(name) else {
            return self.fails_at(0, unknown_operation(name, whole));
        };
        let shape = op.shape();
        let Some(constants) = shape.constants_of(arguments.len()) else {
            let given = match arguments.len() {
                0 => "no argument is given".to_string(),
                1 => "one argument is given".to_string(),
                n => format!("{n} arguments are given"),
            };
            return self.fails(format!("“{name}” is written {}, but {given}", shape.signature));
        };
        let mut nodes = Vec::with_capacity(arguments.len());
        for (index, argument) in arguments.iter().enumerate() {
            self.place.push(index + 1);
            let node = match constants.get(index) {
                Some(Constant::Pairs) => self.table(name, shape.signature, argument)?,
                _ => self.node(argument)?,
            };
            if let Some(wanted) = constants.get(index)
                && let Err(message) = check(*wanted, &node)
            {
                return self.fails(format!("“{name}” is written {}: {message}", shape.signature));
            }
            nodes.push(node);
            self.place.pop();
        }
        if let Err(message) = check_together(op, &nodes) {
            return self.fails(format!("“{name}”: {message}"));
        }
        Ok(Node::Call(op, nodes))
    }

    /// The pairs of a `map`. They are looked up, not gone through, so a pair is no element of the
    /// conversion.
    fn table(
        &mut self,
        name: &str,
        signature: &str,
        json: &Value,
    ) -> Result<Node, ConversionError> {
        match Table::read(json) {
            Ok(table) => {
                self.take(1 + table.len() / 64)?;
                Ok(Node::Table(Arc::new(table)))
            }
            Err(message) => self.fails(format!("“{name}” is written {signature}: {message}")),
        }
    }

    fn take(&mut self, elements: usize) -> Result<(), ConversionError> {
        match self.left.checked_sub(elements) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.fails(format!("the conversion is too long: more than {MAX_ELEMENTS} elements"))
            }
        }
    }

    fn count(&mut self, json: &Value) -> Result<(), ConversionError> {
        let Some(weight) = weight(json, MAX_DEPTH.saturating_sub(self.place.len())) else {
            return self.fails(format!("lists stand more than {MAX_DEPTH} deep in each other"));
        };
        self.take(weight)
    }
}

/// A path of the language that these conversions come from: it would name a property of a record.
fn looks_like_a_path(text: &str) -> bool {
    ["_.", "_S.", "_T.", "_P.", "_B."].iter().any(|start| text.starts_with(start))
}

fn unknown_operation(name: &str, whole: &Value) -> String {
    if name == "_." {
        return "a list begins with the name of an operation, and “_.” is the value; a list of values is written [\"list\", …]"
            .into();
    }
    let meant = near(name, SHAPES.iter().map(|shape| shape.name).chain([LITERAL]));
    let otherwise = format!(
        "a list of texts that is meant as it stands is written [\"{LITERAL}\", {}]",
        shown(whole)
    );
    format!("unknown operation “{name}”; {}", did_you_mean(meant, &otherwise))
}

/// What a constant weighs; `None` where it is deeper than that.
fn weight(json: &Value, depth: usize) -> Option<usize> {
    match json {
        Value::String(text) => Some(1 + text.len() / 64),
        Value::Array(list) => {
            list.iter().try_fold(1, |sum, v| Some(sum + weight(v, depth.checked_sub(1)?)?))
        }
        Value::Object(map) => map.iter().try_fold(1, |sum, (k, v)| {
            Some(sum + k.len() / 64 + weight(v, depth.checked_sub(1)?)?)
        }),
        _ => Some(1),
    }
}

fn check(wanted: Constant, node: &Node) -> Result<(), String> {
    if let (Constant::Pairs, Node::Table(_)) = (wanted, node) {
        return Ok(());
    }
    let Node::Constant(value) = node else {
        return Err(match wanted {
            Constant::Number | Constant::Digits => {
                "a number must stand here, and nothing computed".into()
            }
            Constant::Index => "a whole number must stand here, and nothing computed".into(),
            _ => format!(
                "a text must stand here, and nothing computed (the text “_.” is written [\"{LITERAL}\", \"_.\"])"
            ),
        });
    };
    match (wanted, value) {
        (Constant::Index, Value::Number(number)) if number.is_i64() => Ok(()),
        (Constant::Index, other) => Err(format!("{} is no whole number", shown(other))),
        (Constant::Number, Value::Number(number))
            if arithmetic::decimal(number.as_str()).is_some() =>
        {
            Ok(())
        }
        (Constant::Number, other) => {
            Err(format!("{} is no number that can be calculated with", shown(other)))
        }
        (Constant::Digits, Value::Number(number))
            if number.as_u64().is_some_and(|n| n <= u64::from(MOST_DIGITS)) =>
        {
            Ok(())
        }
        (Constant::Digits, other) => {
            Err(format!("{} is no number of digits from 0 to {MOST_DIGITS}", shown(other)))
        }
        (Constant::Else, Value::String(word)) => match Else::named(word) {
            Some(_) => Ok(()),
            None => {
                let words = ELSE.iter().map(|(word, _)| *word);
                let known = words.clone().collect::<Vec<_>>().join(", ");
                Err(format!(
                    "“{word}” does not say what becomes of other values; {}",
                    did_you_mean(near(word, words), &format!("known are {known}"))
                ))
            }
        },
        (Constant::Text, Value::String(_)) => Ok(()),
        (Constant::Something, Value::String(text)) if text.is_empty() => {
            Err("the text must not be empty".into())
        }
        (Constant::Something, Value::String(_)) => Ok(()),
        (Constant::Zone, Value::String(name)) => times::zone(name).map(|_| ()),
        (Constant::Format, Value::String(format)) => times::check_format(format),
        (Constant::Unit, Value::String(name)) => match times::Unit::named(name) {
            Some(_) => Ok(()),
            None => {
                let names = times::UNITS.iter().map(|(name, _)| *name);
                let known = names.clone().collect::<Vec<_>>().join(", ");
                Err(format!(
                    "unknown unit “{name}”; {}",
                    did_you_mean(near(name, names), &format!("known are {known}"))
                ))
            }
        },
        (Constant::By, Value::String(text)) => aggregate::by(text).map(|_| ()),
        (_, other) => Err(format!("{} is no text", shown(other))),
    }
}

/// What holds between arguments.
fn check_together(op: Op, arguments: &[Node]) -> Result<(), String> {
    match op {
        Op::DatetimeParse => {
            let (format, zone) = times::zone_and_format(arguments)?;
            times::check_reads(format, &zone)
        }
        Op::Divide if matches!(arguments.first(), Some(Node::Constant(Value::Number(n))) if arithmetic::decimal(n.as_str()).is_some_and(|n| n.is_zero())) => {
            Err("nothing can be divided by 0".into())
        }
        _ => Ok(()),
    }
}

/// As documents write it. A constant that is the whole conversion is always marked as one: a lone
/// text is a type's name.
pub(super) fn write(node: &Node) -> Value {
    match node {
        Node::Constant(value) => Value::Array(vec![Value::from(LITERAL), value.clone()]),
        other => write_part(other),
    }
}

fn write_part(node: &Node) -> Value {
    match node {
        Node::Input => Value::from("_."),
        Node::Table(table) => table.to_json(),
        Node::Constant(value) => {
            let mistakable = match value {
                Value::String(text) => text == "_." || looks_like_a_path(text),
                Value::Array(list) => matches!(list.first(), Some(Value::String(_))),
                _ => false,
            };
            if mistakable {
                Value::Array(vec![Value::from(LITERAL), value.clone()])
            } else {
                value.clone()
            }
        }
        Node::Call(op, arguments) => Value::Array(
            std::iter::once(Value::from(op.name()))
                .chain(arguments.iter().map(write_part))
                .collect(),
        ),
    }
}

/// Whether a conversion that was put together, not read, keeps within the bounds.
pub(super) fn within_bounds(node: &Node) -> bool {
    read(&write(node)).is_ok()
}

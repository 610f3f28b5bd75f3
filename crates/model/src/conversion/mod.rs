//! Conversions: how a value becomes the value of the property paired with it, and how that one
//! becomes it again.
//!
//! The type column of a dataflow document holds a plain type or a nested JSON list in which `_.` is
//! the value: `["datetime-format","%Y-%m-%d","_."]`. The list is the language. It is read once,
//! with every constant checked, and then carried out on each value. It is total: no loops, no
//! recursion, a bound on the depth and length of the list and on the size of every value in
//! between, so that each conversion ends, with a value or with an error that says which value and
//! why. `docs/conversions.md` says what each operation gives; a test runs the document's examples.
//!
//! Empty values follow rule P3, by which two empties are equal: no operation tells null from an
//! empty text or an empty list, and what is not stated otherwise gives nothing for nothing.
//!
//! The way back is derived where it can be ([`Conversion::reverse`]). It obeys two laws, the
//! get-put and put-get laws of lenses (Foster et al., *Combinators for bidirectional tree
//! transformations*, 2007), with equality as P3 has it:
//!
//! - exact: `back(there(x)) = x` for each x that the conversion is meant for;
//! - lossy: `there(back(y)) = y` for each y that the conversion can give. Where that can't be seen
//!   from the list, the way back tries it on each value, and fails for those that would not stay as
//!   they are.
//!
//! Which values a property holds, and in which order conversions are chained, is left to the
//! engine.

mod aggregate;
mod apply;
mod arithmetic;
mod catalogue;
mod gives;
mod read;
mod reverse;
mod table;
#[cfg(test)]
mod tests;
mod texts;
mod times;

use std::sync::Arc;

use serde_json::Value;

pub(crate) use apply::order;

use crate::schema::PlainType;
use crate::time::Timestamp;
use catalogue::Op;
use table::Table;

/// What the type column says: a plain type, or a nested list in which `_.` is the value.
#[derive(Clone, Debug, PartialEq)]
pub enum Conversion {
    /// A type's name: the value in that type. [`PlainType::Any`] leaves it as it is.
    Plain(PlainType),
    /// A nested list.
    Computed(Computation),
}

/// A nested list that has been read; made by [`Conversion::parse`] only, so that its arguments are
/// right and its size bounded.
#[derive(Clone, Debug, PartialEq)]
pub struct Computation(Node);

/// A place in the list.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// `_.`
    Input,
    /// What stands there is what it gives.
    Constant(Value),
    /// The pairs of a `map`.
    Table(Arc<Table>),
    /// An operation with its arguments, the constants first. Their number and kind fit the
    /// operation's shape.
    Call(Op, Vec<Node>),
}

/// Why a conversion can't be read or carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConversionError {
    /// Where in the nested list: the indexes that lead to the place. Empty for the whole of it.
    pub place: Vec<usize>,
    /// What is wrong, with the value that it is wrong with.
    pub message: String,
}

/// The way back.
#[derive(Clone, Debug, PartialEq)]
pub enum Reverse {
    /// Nothing is lost: what was converted comes back as it was.
    Exact(Conversion),
    /// There is a way back, and this is what it can't bring back.
    Lossy {
        /// The way back.
        conversion: Conversion,
        /// What is lost, in words that follow "it loses": `the time of day`.
        loses: String,
    },
    /// There is none, and this is why.
    None {
        /// In words that follow "there is no way back:".
        why: String,
    },
}

impl Reverse {
    /// The way back, if there is one.
    pub fn conversion(self) -> Option<Conversion> {
        match self {
            Reverse::Exact(conversion) | Reverse::Lossy { conversion, .. } => Some(conversion),
            Reverse::None { .. } => None,
        }
    }
}

impl Conversion {
    /// Reads the nested-list form, or a plain type's name as a JSON string; `"_."` alone is the
    /// value as it is.
    ///
    /// ```
    /// # use lockstep_model::{Conversion, Timestamp};
    /// # use serde_json::json;
    /// let day = Conversion::parse(&json!(["datetime-format", "%Y-%m-%d", "_."])).unwrap();
    /// assert_eq!(day.apply(&json!("2024-05-17T10:30:00Z"), Timestamp(0)), Ok(json!("2024-05-17")));
    ///
    /// let error = Conversion::parse(&json!(["datetime-fromat", "%Y-%m-%d", "_."])).unwrap_err();
    /// assert_eq!(error.message, "unknown operation “datetime-fromat”; did you mean “datetime-format”?");
    /// assert_eq!(error.place, [0]);
    /// ```
    pub fn parse(json: &Value) -> Result<Conversion, ConversionError> {
        read::read(json)
    }

    /// The value converted. `now` is what the operation `now` gives.
    ///
    /// A plain type's error has an empty place; a nested list's, the place of the operation that
    /// failed.
    pub fn apply(&self, value: &Value, now: Timestamp) -> Result<Value, ConversionError> {
        match self {
            Conversion::Plain(ty) => crate::value::coerce(value, *ty)
                .map_err(|message| ConversionError { place: vec![], message }),
            Conversion::Computed(Computation(node)) => apply::apply(node, value, now),
        }
    }

    /// The conversion for the other direction, as the module's two laws have it.
    ///
    /// A plain type's way back leaves the value as it is: what type the other side holds is the
    /// other side's to say.
    pub fn reverse(&self) -> Reverse {
        match self {
            Conversion::Plain(_) => Reverse::Exact(Conversion::Plain(PlainType::Any)),
            Conversion::Computed(Computation(node)) => reverse::reverse(node),
        }
    }

    /// Whether it says something of a list as a whole: how many elements it has, how much they come
    /// to, their order, all of them joined, or a part of it. It takes all of the list then, where
    /// another conversion takes the element that stands for it (P9).
    pub fn takes_whole_list(&self) -> bool {
        fn takes(node: &Node) -> bool {
            let Node::Call(op, arguments) = node else { return false };
            let of_value = matches!(arguments.last(), Some(Node::Input));
            matches!(
                op,
                Op::Count | Op::Sum | Op::Product | Op::Min | Op::Max | Op::Any | Op::Order
            ) || matches!(op, Op::Join | Op::Slice) && of_value
                || arguments.iter().any(takes)
        }
        matches!(self, Conversion::Computed(Computation(node)) if takes(node))
    }

    /// Whether what it gives is a list as a whole: one that was put in order.
    pub fn gives_whole_list(&self) -> bool {
        matches!(self, Conversion::Computed(Computation(Node::Call(Op::Order, _))))
    }

    /// Values that it is made for, where it says them: the left sides of its `map`, if that takes
    /// the value as it is.
    pub fn samples(&self) -> Vec<Value> {
        fn table(node: &Node) -> Option<&Table> {
            let Node::Call(op, arguments) = node else { return None };
            match (op, arguments.first(), arguments.last()) {
                (Op::Map, Some(Node::Table(table)), Some(Node::Input)) => Some(table),
                _ => arguments.iter().find_map(table),
            }
        }
        match self {
            Conversion::Computed(Computation(node)) => {
                table(node).map(|table| table.left_side().cloned().collect()).unwrap_or_default()
            }
            Conversion::Plain(_) => vec![],
        }
    }

    /// As JSON, the way documents write it; [`Conversion::parse`] reads the same conversion from
    /// it.
    pub fn to_json(&self) -> Value {
        match self {
            Conversion::Plain(ty) => Value::String(ty.name().into()),
            Conversion::Computed(Computation(node)) => read::write(node),
        }
    }
}

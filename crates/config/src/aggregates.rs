//! What a row says of a list as a whole: `count(orders) -> order_count`, and `order: by amount desc`.
//!
//! Both become the row's conversion. Documents state an operation in their third column, and an
//! order in a sentence.

use std::ops::Range;

use lockstep_document::TypeCell;
use lockstep_model::{Conversion, Direction, PlainType};
use serde_json::{Value, json};

use crate::codes;
use crate::fields::Fields;
use crate::near::any_of;
use crate::problem::Reader;
use crate::row::RowParts;
use crate::yaml::Node;

/// What can be said of a list as a whole.
const OPERATIONS: [&str; 5] = ["count", "sum", "min", "max", "any"];

/// The operation that a side of a row begins with, and where the path within it stands:
/// `sum(lines.amount)`. A condition has a blank before its parenthesis: `email (kind = "work")`.
fn operation(text: &str, part: &Range<usize>) -> Option<(&'static str, Range<usize>)> {
    let side = &text[part.clone()];
    let name = OPERATIONS.into_iter().find(|name| {
        side.strip_prefix(name).is_some_and(|rest| rest.starts_with('(') && rest.ends_with(')'))
    })?;
    let inner = part.start + name.len() + 1..part.end - 1;
    let path = &text[inner.clone()];
    let (before, after) =
        (path.len() - path.trim_start().len(), path.len() - path.trim_end().len());
    Some((name, inner.start + before..inner.end - after))
}

/// What helps with a path that nothing has, where it is written as an operation on a list is:
/// `avg(orders)`, `COUNT(orders)`.
pub(crate) fn help(path: &str) -> Option<String> {
    let (name, _) = path.strip_suffix(')')?.split_once('(')?;
    let is_word = !name.is_empty() && name.chars().all(char::is_alphanumeric);
    is_word.then(|| {
        let said = OPERATIONS.map(|name| format!("{name}(…)"));
        format!("of a list as a whole a row says {}", any_of(said.iter().map(String::as_str)))
    })
}

/// The operation of a row, whose side is left with the path alone. `Err` where it can't stand there.
pub(crate) fn take(
    text: &str,
    span: &Range<usize>,
    parts: &mut RowParts,
    reader: &mut Reader,
) -> Result<Option<&'static str>, ()> {
    if let Some((name, _)) = operation(text, &parts.to) {
        let message = format!("`{name}(…)` stands on the side that takes the value");
        reader.error(codes::ROW, span, message).set_help(format!(
            "write it on the left: `{name}(orders) -> order_count`; a flow the other way round says it for the other system"
        ));
        return Err(());
    }
    let Some((name, path)) = operation(text, &parts.from) else { return Ok(None) };
    if path.is_empty() || parts.direction != Direction::Forward {
        let message = match path.is_empty() {
            true => format!("`{name}()` names no list"),
            false => format!("what `{name}(…)` comes to can't be carried back"),
        };
        reader
            .error(codes::ROW, span, message)
            .set_help(format!("write a path and one way: `{name}(orders) -> order_count`"));
        return Err(());
    }
    parts.from = path;
    Ok(Some(name))
}

/// A row's conversion with its operation on the whole list, and with `order`.
pub(crate) fn with_operation(
    operation: Option<&'static str>,
    fields: Option<&Fields<'_>>,
    (span, direction): (&Range<usize>, Direction),
    reader: &mut Reader,
    (cell, conversion): (TypeCell, Option<Conversion>),
) -> Result<(TypeCell, Option<Conversion>), ()> {
    if let (Some(name), Some(fields)) = (operation, fields)
        && has_no_effect(name, fields, reader)
    {
        return Err(());
    }
    let order = match fields.and_then(|fields| fields.get("order")) {
        Some(node) => Some((node, by(node, direction, reader).ok_or(())?)),
        None => None,
    };
    if operation.is_none() && order.is_none() {
        return Ok((cell, conversion));
    }
    let place = order.as_ref().map_or(span, |(node, _)| &node.span);
    let mut value = json!("_.");
    if let Some((_, by)) = &order {
        value = json!(["order", by, value]);
    }
    if let Some(operation) = operation {
        value = json!([operation, value]);
    }
    match &conversion {
        None | Some(Conversion::Plain(PlainType::Any | PlainType::List)) => {}
        Some(Conversion::Plain(ty)) => value = json!([ty.name(), value]),
        Some(Conversion::Computed(_)) => {
            reader
                .error(
                    codes::CONTRADICTION,
                    place,
                    "a row has a conversion, or says something of a list as a whole",
                )
                .set_help(format!(
                    "write it as a part of the conversion, in the place of `\"_.\"`: `{value}`"
                ));
            return Err(());
        }
    }
    match Conversion::parse(&value) {
        Ok(conversion) if order.is_some() => Ok((cell, Some(conversion))),
        Ok(conversion) => {
            let list: Vec<Value> = value.as_array().cloned().unwrap_or_default();
            Ok((TypeCell::Conversion { list, repaired: false }, Some(conversion)))
        }
        Err(error) => {
            reader.error(codes::CONVERSION, place, error.message);
            Err(())
        }
    }
}

/// G10: whether the row says something that makes no difference to what its operation comes to.
fn has_no_effect(operation: &str, fields: &Fields<'_>, reader: &mut Reader) -> bool {
    let (order, default) = (fields.get("order"), fields.get("default"));
    let of_nothing = match operation {
        "count" | "sum" => Some("0"),
        "any" => Some("false"),
        _ => None,
    };
    let (node, message, help) = match (order, default, of_nothing) {
        (Some(order), ..) => (
            order,
            format!("`order` has no effect: `{operation}(…)` is the same in any order"),
            "leave out `order`",
        ),
        (None, Some(default), Some(result)) => (
            default,
            format!("`default` has no effect: `{operation}(…)` of nothing is {result}"),
            "leave out `default`",
        ),
        _ => return false,
    };
    reader.error(codes::WITHOUT_EFFECT, &node.span, message).set_help(help);
    true
}

/// `order` of a row: `by amount desc`.
fn by(node: &Node, direction: Direction, reader: &mut Reader) -> Option<String> {
    let text = reader.text(node, "`order`")?.trim().to_string();
    if direction != Direction::Forward {
        reader
            .error(codes::CONTRADICTION, &node.span, "the order of a list can't be carried back")
            .set_help("write `->`: the target's list is kept in this order");
        return None;
    }
    Some(text.strip_prefix("by ").map_or(text.clone(), |by| by.trim().to_string()))
}

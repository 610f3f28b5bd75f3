//! The way back, derived from the list where that can be done.
//!
//! A list in which the value stands once is a chain of steps, and its way back is the chain of
//! their ways back in the other order. Each step is exact on what it is meant for, or loses
//! something that is said. A step that loses something is safe alone: its way back leaves a value
//! as it is, or picks one of those that it could have come from. In a chain it is not: what it
//! picks need not be something that the step before could have given (`upper` after `concat` with a
//! prefix in small letters). Such a way back is tried on each value before it counts:
//! `["if", ["eq", there(back), "_."], back, ["fail", …]]`.

use std::sync::Arc;

use serde_json::Value;

use super::catalogue::Op;
use super::table::Else;
use super::{Computation, Conversion, Node, Reverse, arithmetic, read, times};
use crate::schema::PlainType;
use crate::value::{is_empty, shown};

/// The way back of one step.
struct Step<'a> {
    /// With the value where the step's result goes.
    back: Node,
    loses: Option<String>,
    /// What the step works on.
    inner: &'a Node,
}

pub(super) fn reverse(node: &Node) -> Reverse {
    match chain(node) {
        Ok(reverse) => reverse,
        Err(why) => Reverse::None { why },
    }
}

fn chain(node: &Node) -> Result<Reverse, String> {
    let mut expression = Node::Input;
    let mut losses: Vec<String> = Vec::new();
    let mut current = node;
    let mut steps = 0;
    let mut tried = false;
    while *current != Node::Input {
        let step = step_back(current)?;
        steps += 1;
        if let Some(loss) = fits_together(current, step.inner) {
            losses.push(loss.to_string());
        }
        losses.extend(step.loses);
        // What an `if` leaves alone is only known by trying.
        tried |= matches!(current, Node::Call(Op::If, _));
        expression = with_value(&step.back, &expression);
        current = step.inner;
    }
    losses.dedup();
    let Some(loses) = in_words(&losses) else {
        return Ok(Reverse::Exact(conversion(expression)?));
    };
    if steps > 1 || tried {
        let there = with_value(node, &expression);
        let stays = Node::Call(Op::Eq, vec![there, Node::Input]);
        let fail = Node::Call(Op::Fail, vec![constant("no value converts to this one")]);
        expression = Node::Call(Op::If, vec![stays, expression, fail]);
    }
    Ok(Reverse::Lossy { conversion: conversion(expression)?, loses })
}

fn conversion(expression: Node) -> Result<Conversion, String> {
    match expression {
        Node::Input => Ok(Conversion::Plain(PlainType::Any)),
        expression if read::within_bounds(&expression) => {
            Ok(Conversion::Computed(Computation(expression)))
        }
        _ => Err("it would be too long".into()),
    }
}

fn in_words(losses: &[String]) -> Option<String> {
    let (last, before) = losses.split_last()?;
    Some(if before.is_empty() {
        last.clone()
    } else {
        format!("{}; and {last}", before.join("; "))
    })
}

fn constant(text: &str) -> Node {
    Node::Constant(Value::from(text))
}

fn call(op: Op, constants: &[Node]) -> Node {
    Node::Call(op, constants.iter().cloned().chain([Node::Input]).collect())
}

/// The node with this one in place of the value.
fn with_value(node: &Node, value: &Node) -> Node {
    match node {
        Node::Input => value.clone(),
        Node::Constant(_) | Node::Table(_) => node.clone(),
        Node::Call(op, arguments) => {
            Node::Call(*op, arguments.iter().map(|a| with_value(a, value)).collect())
        }
    }
}

/// How often the value stands in it.
fn uses(node: &Node) -> usize {
    match node {
        Node::Input => 1,
        Node::Constant(_) | Node::Table(_) => 0,
        Node::Call(_, arguments) => arguments.iter().map(uses).sum(),
    }
}

/// The text of a constant argument.
fn text(arguments: &[Node], index: usize) -> &str {
    match arguments.get(index) {
        Some(Node::Constant(Value::String(text))) => text,
        _ => "",
    }
}

fn whole_number(arguments: &[Node], index: usize) -> i64 {
    match arguments.get(index) {
        Some(Node::Constant(value)) => value.as_i64().unwrap_or(0),
        _ => 0,
    }
}

fn step_back(node: &Node) -> Result<Step<'_>, String> {
    let Node::Call(op, arguments) = node else {
        return Err("what it gives does not depend on the value".into());
    };
    let uses = uses(node);
    if uses == 0 {
        return Err("what it gives does not depend on the value".into());
    }
    if *op == Op::If {
        return normalisation(arguments);
    }
    if uses > 1 {
        return Err(format!(
            "the value stands in “{}” {uses} times, and could be told from none of them alone",
            op.name()
        ));
    }
    let name = op.name();
    // The value arguments come last, and in all but a few operations there is one.
    let inner = arguments.last().unwrap_or(&Node::Input);
    let exact = |back: Node| Ok(Step { back, loses: None, inner });
    let lossy = |back: Node, loses: String| Ok(Step { back, loses: Some(loses), inner });
    match op {
        Op::String | Op::Integer | Op::Float | Op::Decimal | Op::Boolean => exact(Node::Input),
        Op::List if arguments.len() == 1 => {
            lossy(call(Op::First, &[]), "the elements of a list after the first".into())
        }
        Op::Concat if arguments.len() == 1 => {
            lossy(Node::Input, "how the elements of a list were divided".into())
        }
        Op::List | Op::Concat => concatenation(*op, arguments),
        Op::First => lossy(call(Op::List, &[]), "the elements of a list after the first".into()),
        Op::Last => lossy(call(Op::List, &[]), "the elements of a list before the last".into()),
        Op::DatetimeFormat | Op::DatetimeParse => {
            let (form, zone) = times::zone_and_format(arguments)?;
            let loses = times::lost(form, &zone)?;
            let other =
                if *op == Op::DatetimeFormat { Op::DatetimeParse } else { Op::DatetimeFormat };
            Ok(Step { back: call(other, &arguments[..arguments.len() - 1]), loses, inner })
        }
        Op::Upper => lossy(Node::Input, "which letters were small".into()),
        Op::Lower => lossy(Node::Input, "which letters were capital".into()),
        Op::Strip if arguments.len() == 1 => {
            lossy(Node::Input, "the white space around the text".into())
        }
        Op::Strip => lossy(Node::Input, format!("any of “{}” around the text", text(arguments, 0))),
        Op::Substring | Op::Slice => match (whole_number(arguments, 0), arguments.len()) {
            (0, 2) => exact(Node::Input),
            (0, 3) if whole_number(arguments, 1) >= 0 => {
                let what = if *op == Op::Slice { "element" } else { "character" };
                lossy(Node::Input, format!("all after {what} {}", whole_number(arguments, 1)))
            }
            _ => Err(format!(
                "“{name}” leaves out the beginning, or counts from the end, and what it leaves out is gone"
            )),
        },
        Op::Replace => replacement(text(arguments, 0), text(arguments, 1), inner),
        Op::WithoutPrefix => exact(Node::Call(
            Op::Concat,
            vec![arguments.first().cloned().unwrap_or(Node::Input), Node::Input],
        )),
        Op::WithoutSuffix => exact(Node::Call(
            Op::Concat,
            vec![Node::Input, arguments.first().cloned().unwrap_or(Node::Input)],
        )),
        Op::Join if text(arguments, 0).is_empty() => {
            Err("“join” without a separator does not show where an element ends".into())
        }
        Op::Join => exact(call(Op::Split, &arguments[..1])),
        Op::Split if arguments.len() == 1 => lossy(
            call(Op::Join, &[constant(" ")]),
            "what white space stood between the parts".into(),
        ),
        Op::Split => exact(call(Op::Join, &arguments[..1])),
        Op::Not => exact(call(Op::Not, &[])),
        Op::Multiply => match arguments.first() {
            Some(Node::Constant(by)) if by.as_f64() == Some(0.0) => {
                Err("“multiply” by 0 makes the same of every number".into())
            }
            Some(by) => Ok(Step {
                back: call(Op::Divide, std::slice::from_ref(by)),
                loses: loses_digits(by, Op::Multiply),
                inner,
            }),
            None => exact(Node::Input),
        },
        Op::Divide => {
            let by = arguments.first().unwrap_or(&Node::Input);
            Ok(Step {
                back: call(Op::Multiply, std::slice::from_ref(by)),
                loses: loses_digits(by, Op::Divide),
                inner,
            })
        }
        Op::Plus => match arguments.first() {
            Some(Node::Constant(Value::Number(number))) => {
                let text = number.as_str();
                let negative =
                    text.strip_prefix('-').map_or_else(|| format!("-{text}"), String::from);
                let negative = negative.parse().map_or(Value::Null, Value::Number);
                lossy(
                    call(Op::Plus, &[Node::Constant(negative)]),
                    "how the number was written".into(),
                )
            }
            _ => exact(Node::Input),
        },
        Op::Round => {
            let digits = if arguments.len() == 2 { whole_number(arguments, 0) } else { 0 };
            lossy(
                Node::Input,
                if digits == 0 {
                    "the digits behind the point".into()
                } else {
                    format!("the digits after the {digits} behind the point")
                },
            )
        }
        Op::TrimZeros => lossy(Node::Input, "zeros at the end of the number".into()),
        Op::DateAdd => date_add(arguments, inner),
        Op::Map => mapping(arguments, inner),
        Op::IfNull | Op::Coalesce => default(*op, arguments),
        Op::If | Op::Now | Op::Fail => Err("what it gives does not depend on the value".into()),
        Op::Abs => Err("“abs” does not show whether the number was negative".into()),
        Op::Length => Err("“length” does not show what was counted".into()),
        Op::Count | Op::Sum | Op::Product | Op::Min | Op::Max | Op::Any => {
            Err(format!("“{}” does not show the elements of the list", op.name()))
        }
        Op::Order => Err("“order” does not show how the elements stood before".into()),
        Op::DatetimeDiff => {
            Err("“datetime-diff” gives whole units, which do not show the time".into())
        }
        Op::IsEmpty
        | Op::IsNull
        | Op::Eq
        | Op::Neq
        | Op::Gt
        | Op::Gte
        | Op::Lt
        | Op::Lte
        | Op::Matches
        | Op::And
        | Op::Or => Err(format!("“{name}” gives true or false, and many values give the same")),
    }
}

/// What is lost of a number that is multiplied or divided: nothing but the way it was written,
/// where every quotient ends.
fn loses_digits(by: &Node, op: Op) -> Option<String> {
    let Node::Constant(by) = by else { return None };
    match op {
        _ if arithmetic::divides_evenly(by) => Some("how the number was written".into()),
        Op::Multiply => Some("how the number was written".into()),
        _ => Some("digits after the 28th".into()),
    }
}

fn date_add<'a>(arguments: &[Node], inner: &'a Node) -> Result<Step<'a>, String> {
    let (unit, many) =
        (arguments.first().cloned().unwrap_or(Node::Input), whole_number(arguments, 1));
    let Some(less) = many.checked_neg() else {
        return Err("“date-add” adds more than can be taken away".into());
    };
    let loses = match times::Unit::named(text(arguments, 0)) {
        Some(times::Unit::Calendar(_)) => {
            "the day at the end of a month, and how the time was written"
        }
        _ => "how the time was written",
    };
    Ok(Step {
        back: call(Op::DateAdd, &[unit, Node::Constant(Value::from(less))]),
        loses: Some(loses.into()),
        inner,
    })
}

/// The pairs the other way round.
fn mapping<'a>(arguments: &'a [Node], inner: &'a Node) -> Result<Step<'a>, String> {
    let Some(Node::Table(table)) = arguments.first() else { return Err("it has no pairs".into()) };
    let other = if arguments.len() == 3 { Else::named(text(arguments, 1)) } else { None }
        .unwrap_or(Else::Review);
    let (back, lost) = table.reversed()?;
    let mut losses = Vec::new();
    if !lost.is_empty() {
        let several = lost.iter().take(3).map(|value| shown(value)).collect::<Vec<_>>().join(", ");
        losses.push(format!(
            "that {several}{} stood there",
            if lost.len() > 3 { " or others" } else { "" }
        ));
    }
    match other {
        Else::Empty => losses.push("what is in no pair".into()),
        // What is not on the left and passes for something on the right comes back as its left
        // side.
        Else::Pass if table.right_side().any(|to| !table.has_left(to)) => {
            losses.push("that a value of the right side stood on the left".into());
        }
        Else::Pass | Else::Review => {}
    }
    let mut constants = vec![Node::Table(Arc::new(back))];
    constants.extend(arguments.get(1).filter(|_| arguments.len() == 3).cloned());
    Ok(Step { back: call(Op::Map, &constants), loses: in_words(&losses), inner })
}

/// One computed value between constant texts, which are taken off again.
fn concatenation(op: Op, arguments: &[Node]) -> Result<Step<'_>, String> {
    let at = arguments.iter().position(|argument| uses(argument) > 0).unwrap_or(0);
    let inner = &arguments[at];
    if op == Op::List {
        return Err("“list” of several values does not show which of them was the value".into());
    }
    let fixed = |part: &[Node]| -> Result<String, String> {
        part.iter()
            .map(|node| match node {
                Node::Constant(Value::String(text)) => Ok(text.clone()),
                Node::Constant(value @ (Value::Number(_) | Value::Bool(_))) => {
                    Ok(value.to_string())
                }
                Node::Constant(value) if is_empty(value) => Ok(String::new()),
                _ => Err("“concat” puts other things than texts around the value".to_string()),
            })
            .collect()
    };
    let (before, after) = (fixed(&arguments[..at])?, fixed(&arguments[at + 1..])?);
    let mut back = Node::Input;
    if !before.is_empty() {
        back = Node::Call(Op::WithoutPrefix, vec![constant(&before), back]);
    }
    if !after.is_empty() {
        back = Node::Call(Op::WithoutSuffix, vec![constant(&after), back]);
    }
    Ok(Step { back, loses: None, inner })
}

/// Replacing can be undone where what was put in can't be mistaken for what was there: it shares no
/// character with what was taken out, and what was taken out can't overlap with itself. A text that
/// held the new part before comes back with the old.
fn replacement<'a>(old: &str, new: &str, inner: &'a Node) -> Result<Step<'a>, String> {
    if new.is_empty() {
        return Ok(Step { back: Node::Input, loses: Some(format!("every “{old}”")), inner });
    }
    let overlaps = old.char_indices().skip(1).any(|(i, _)| old.starts_with(&old[i..]));
    if overlaps || old.chars().any(|c| new.contains(c)) {
        return Err(format!("“replace” of “{old}” by “{new}” does not show where “{old}” was"));
    }
    let back = call(Op::Replace, &[constant(new), constant(old)]);
    let loses = format!("the difference between “{old}” and a “{new}” that was there before");
    Ok(Step { back, loses: Some(loses), inner })
}

/// A constant in place of nothing: the constant comes back as nothing.
fn default(op: Op, arguments: &[Node]) -> Result<Step<'_>, String> {
    match arguments {
        [inner, Node::Constant(instead)] if uses(inner) > 0 => {
            if is_empty(instead) {
                return Ok(Step { back: Node::Input, loses: None, inner });
            }
            let is_default = Node::Call(Op::Eq, vec![Node::Input, Node::Constant(instead.clone())]);
            let back =
                Node::Call(Op::If, vec![is_default, Node::Constant(Value::Null), Node::Input]);
            Ok(Step {
                back,
                loses: Some(format!("whether {instead} stood there or nothing")),
                inner,
            })
        }
        _ => {
            Err(format!("“{}” does not show which of its arguments the value came from", op.name()))
        }
    }
}

/// `if` that tidies some values and leaves the others: a value that it would leave alone comes back
/// as it is.
fn normalisation(arguments: &[Node]) -> Result<Step<'_>, String> {
    let branches = arguments.get(1..).unwrap_or(&[]);
    let tidied = match branches {
        [Node::Input, other] | [other, Node::Input] => Some(other),
        _ => None,
    };
    match tidied {
        Some(other) if reshapes(other) => Ok(Step {
            back: Node::Input,
            loses: Some("what the condition made it take away".into()),
            inner: &Node::Input,
        }),
        _ => Err("“if” does not show which way was taken".into()),
    }
}

/// Whether it gives another form of the value itself, and nothing that is put in its place.
fn reshapes(node: &Node) -> bool {
    match node {
        Node::Input => true,
        Node::Constant(_) | Node::Table(_) => false,
        Node::Call(op, arguments) => {
            let tidies = matches!(
                op,
                Op::String
                    | Op::Upper
                    | Op::Lower
                    | Op::Strip
                    | Op::Replace
                    | Op::Substring
                    | Op::WithoutPrefix
                    | Op::WithoutSuffix
                    | Op::Join
                    | Op::Split
                    | Op::Slice
                    | Op::First
                    | Op::Last
            );
            tidies && arguments.last().is_some_and(reshapes)
        }
    }
}

/// Whether an operation gives a list, as far as its name tells: `None` where it gives what it is
/// given.
fn gives_list(node: &Node) -> Option<bool> {
    match node {
        Node::Call(Op::Split | Op::Slice | Op::List, _) => Some(true),
        Node::Call(
            Op::Upper
            | Op::Lower
            | Op::Strip
            | Op::Replace
            | Op::Substring
            | Op::WithoutPrefix
            | Op::WithoutSuffix
            | Op::DatetimeFormat
            | Op::DatetimeParse,
            arguments,
        ) => arguments.last().and_then(gives_list),
        Node::Call(Op::Concat, arguments) if arguments.len() > 1 => {
            arguments.iter().find(|argument| uses(argument) > 0).and_then(gives_list)
        }
        Node::Call(..) => Some(false),
        _ => None,
    }
}

/// What the two steps lose together though each alone does not.
fn fits_together(outer: &Node, inner: &Node) -> Option<&'static str> {
    let Node::Call(op, _) = outer else {
        return None;
    };
    let list = gives_list(inner);
    match (op, inner) {
        // A type alone comes back as the other side's type (P3). Before or after another step it
        // does not.
        (_, Node::Call(Op::Float, _)) => Some("how the number was written"),
        (Op::Integer | Op::Float | Op::Decimal | Op::Boolean, Node::Call(..)) => {
            Some("how the text was written")
        }
        (Op::Not, Node::Call(inner, _)) if !matches!(inner, Op::Boolean | Op::Not) => {
            Some("what was neither true nor false")
        }
        (Op::Split | Op::String, _) if list == Some(true) => {
            Some("how the elements of the list were divided")
        }
        (Op::Join, _) if list == Some(false) => Some("that it was no list"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(there: Value, expect: Reverse) {
        assert_eq!(Conversion::parse(&there).unwrap().reverse(), expect, "{there}");
    }

    fn parsed(json: Value) -> Conversion {
        Conversion::parse(&json).unwrap()
    }

    #[test]
    fn an_exact_chain_is_undone_from_its_end() {
        for (there, back) in [
            (json!(["concat", "SO-", "_."]), json!(["without-prefix", "SO-", "_."])),
            (
                json!(["concat", "(", "_.", ")"]),
                json!(["without-suffix", ")", ["without-prefix", "(", "_."]]),
            ),
            (
                json!(["join", "-", ["split", "/", "_."]]),
                json!(["join", "/", ["split", "-", "_."]]),
            ),
            (json!(["datetime-format", "%s", "_."]), json!(["datetime-parse", "%s", "_."])),
            (json!(["concat", "no. ", ["integer", "_."]]), json!(["without-prefix", "no. ", "_."])),
            (
                json!(["concat", "no. ", ["split", ";", "_."]]),
                json!(["join", ";", ["without-prefix", "no. ", "_."]]),
            ),
            (json!(["string", "_."]), json!("_.")),
        ] {
            check(there, Reverse::Exact(parsed(back)));
        }
    }

    #[test]
    fn one_step_that_loses_something_says_what() {
        let back = json!(["datetime-parse", "Europe/Oslo", "%d.%m.%Y", "_."]);
        check(
            json!(["datetime-format", "Europe/Oslo", "%d.%m.%Y", "_."]),
            Reverse::Lossy { conversion: parsed(back), loses: "the time of day".into() },
        );
        let loses = "all after character 40".into();
        check(
            json!(["substring", 0, 40, "_."]),
            Reverse::Lossy { conversion: parsed(json!("_.")), loses },
        );
    }

    #[test]
    fn a_chain_that_loses_something_is_tried_on_each_value() {
        let there = json!(["upper", ["concat", "so-", "_."]]);
        let Reverse::Lossy { conversion, loses } = parsed(there).reverse() else {
            panic!("not lossy")
        };
        assert_eq!(loses, "which letters were small");
        let error = conversion.apply(&json!("SO-7"), crate::Timestamp(0)).unwrap_err();
        assert_eq!(error.message, "“SO-7” does not begin with “so-”");
    }

    #[test]
    fn a_phone_number_tidied_by_an_if_comes_back_only_if_it_is_tidy() {
        let there = parsed(json!([
            "if",
            ["matches", "+*", "_."],
            ["join", " ", ["slice", 1, ["split", " ", "_."]]],
            "_."
        ]));
        let Reverse::Lossy { conversion, .. } = there.reverse() else { panic!("not lossy") };
        let back = |value: Value| conversion.apply(&value, crate::Timestamp(0));
        assert_eq!(back(json!("22 33 44 55")), Ok(json!("22 33 44 55")));
        let refused = back(json!("+47 22 33")).unwrap_err();
        assert_eq!(refused.message, "“+47 22 33”: no value converts to this one");
        assert_eq!(refused.place, [3]);
    }

    #[test]
    fn what_has_no_way_back_says_why() {
        for there in [
            json!(["now"]),
            json!(["literal", "fixed"]),
            json!(["abs", "_."]),
            json!(["if", ["eq", "_.", "a"], "b", "_."]),
            json!(["concat", "_.", "_."]),
            json!(["replace", "a", "aa", "_."]),
            json!(["replace", "aba", "x", "_."]),
            json!(["substring", 3, "_."]),
            json!(["coalesce", "x", "_."]),
        ] {
            let Reverse::None { why } = parsed(there.clone()).reverse() else {
                panic!("{there} has a way back")
            };
            assert!(!why.is_empty());
        }
    }
}

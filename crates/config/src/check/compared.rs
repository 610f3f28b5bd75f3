//! Filters that compare a property with a literal of another JSON type (G10).
//!
//! A text is never equal to a number, and more than any: `amount > 100` holds for every cell of a
//! CSV file. Only comparisons that stand by themselves are looked at, `path OP literal`,
//! `literal OP path` and `path in [literals]`; what is calculated, or goes through a filter
//! function such as `|float`, is left alone.

use std::ops::Range;

use lockstep_model::flow::Filter;
use lockstep_model::schema::KnownFrom;
use lockstep_model::{Path, PlainType, PropertySchema, TypeName, TypeSchema};

use super::scan::{Comparison, Literal, Operator, comparisons, is_asked_for_its_type};
use crate::codes;
use crate::problem::Problem;
use crate::source::Place;

/// What all values of a property are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Texts,
    Numbers,
    Truths,
}

/// Warns of the comparisons of a filter, which stands at `place`, that can only hold for all values
/// or for none.
pub(super) fn check(
    schema: &TypeSchema,
    name: &TypeName,
    filter: &Filter,
    place: &Place,
    problems: &mut Vec<Problem>,
) {
    let all = comparisons(&filter.expression);
    for comparison in &all {
        let path = comparison.path(&filter.expression);
        let resolved = schema.resolve(&Path::new(path));
        let described = resolved.and_then(|resolved| schema.describe(&resolved));
        let Some(holds) = described.and_then(|property| held(schema, property)) else { continue };
        // Who compares with both, or asks for the type, knows that there may be either.
        let mut alike = all.iter().filter(|other| other.path(&filter.expression) == path);
        if alike.any(|other| fits(holds, other.literal))
            || is_asked_for_its_type(&filter.expression, path)
        {
            continue;
        }
        let text = &filter.expression[comparison.span.clone()];
        let (what, with) = match (holds, comparison.literal) {
            (Holds::Texts, Literal::Truth) => ("texts", "true or false"),
            (Holds::Texts, _) => ("texts", "a number"),
            (Holds::Numbers, _) => ("numbers", "a text"),
            (Holds::Truths, _) => ("`true` and `false`", "a text"),
        };
        let which = if always(holds, comparison.operator) { "every" } else { "no" };
        let message = format!(
            "`{path}` of {name} holds {what}: `{text}` compares them with {with}, and holds for {which} record that has one"
        );
        let at = place.narrowed(text);
        let at = at.narrowed_to_word(path).unwrap_or(at);
        problems.push(Problem::warning(codes::COMPARED_TYPES, at, message).help(help(
            holds,
            comparison,
            &filter.expression,
        )));
    }
}

/// What the values of a property are, where that is known beyond doubt.
fn held(schema: &TypeSchema, property: &PropertySchema) -> Option<Holds> {
    let of_header = schema.known_from == KnownFrom::Header && property.reference.is_none();
    if property.list || property.assumed || property.reference.is_some() && !of_header {
        return None;
    }
    let ty = property.holds.unwrap_or(property.ty);
    match ty {
        PlainType::String => Some(Holds::Texts),
        PlainType::Integer | PlainType::Float | PlainType::Minutes => Some(Holds::Numbers),
        PlainType::Boolean => Some(Holds::Truths),
        // Databases give decimals as texts, others as numbers.
        _ => None,
    }
}

fn fits(holds: Holds, literal: Literal) -> bool {
    match holds {
        Holds::Texts => literal == Literal::Text,
        // `true` is 1 to a filter.
        Holds::Numbers | Holds::Truths => literal != Literal::Text,
    }
}

/// Whether a comparison of values of different types holds for all of them; else it does for none.
fn always(holds: Holds, operator: Operator) -> bool {
    match operator {
        Operator::Equal | Operator::In => false,
        Operator::Unequal | Operator::NotIn => true,
        Operator::More => holds == Holds::Texts,
        Operator::Less => holds != Holds::Texts,
    }
}

fn help(holds: Holds, comparison: &Comparison, expression: &str) -> String {
    let ordered = matches!(comparison.operator, Operator::More | Operator::Less);
    if holds == Holds::Texts && ordered && comparison.literal == Literal::Number {
        let at = comparison.path.end;
        let (before, after) =
            (&expression[comparison.span.start..at], &expression[at..comparison.span.end]);
        return format!("write `{before}|float(0){after}`, which reads the texts as numbers");
    }
    let literals = comparison.literals.iter().map(|span| &expression[span.clone()]);
    let other: Option<Vec<String>> =
        literals.map(|literal| of_type(holds, literal, comparison.literal)).collect();
    match (other, holds) {
        (Some(other), _) => format!("write `{}`", with_literals(comparison, expression, &other)),
        (None, Holds::Numbers) => "compare it with a number, without quotation marks".into(),
        (None, _) => "compare it with `true` or `false`, without quotation marks".into(),
    }
}

/// The comparison with these literals in place of its own.
fn with_literals(comparison: &Comparison, expression: &str, literals: &[String]) -> String {
    let (mut text, mut from) = (String::new(), comparison.span.start);
    for (Range { start, end }, literal) in comparison.literals.iter().zip(literals) {
        text.push_str(&expression[from..*start]);
        text.push_str(literal);
        from = *end;
    }
    text + &expression[from..comparison.span.end]
}

/// A literal as one of the type that the property holds.
fn of_type(holds: Holds, literal: &str, is: Literal) -> Option<String> {
    let bare = literal.trim_matches(['"', '\'']);
    match holds {
        Holds::Texts if is == Literal::Truth => Some(format!("\"{}\"", literal.to_lowercase())),
        Holds::Texts => Some(format!("\"{literal}\"")),
        Holds::Numbers => lockstep_model::decimal::is_plain_number(bare).then(|| bare.to_string()),
        Holds::Truths => {
            let word = bare.to_lowercase();
            matches!(word.as_str(), "true" | "false").then_some(word)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn g10_the_warning_says_what_a_run_does() {
        let records = |holds| match holds {
            Holds::Texts => [json!("20"), json!("150"), json!("true"), json!("")],
            Holds::Numbers => [json!(20), json!(-1.5), json!(3), json!(0)],
            Holds::Truths => [json!(true), json!(false), json!(true), json!(false)],
        };
        let result = |expression: &str, value: &Value| {
            let filter = lockstep_model::filter::parse(expression).unwrap();
            lockstep_model::filter::holds(&filter, json!({ "p": value })).unwrap()
        };
        for (holds, literal) in [
            (Holds::Texts, "20"),
            (Holds::Texts, "true"),
            (Holds::Numbers, "'3'"),
            (Holds::Truths, "'true'"),
        ] {
            for operator in ["==", "!=", "<", "<=", ">", ">=", "in", "not in"] {
                let is_list = operator.ends_with("in");
                let literal = if is_list { format!("[{literal}]") } else { literal.to_string() };
                let expression = format!("p {operator} {literal}");
                let found = comparisons(&expression);
                assert!(!fits(holds, found[0].literal));
                for value in records(holds) {
                    let expected = always(holds, found[0].operator);
                    assert_eq!(result(&expression, &value), expected, "{expression}, {value}");
                }
            }
        }
        assert!(result("p|float(0) > 100", &json!("150.5")));
        assert!(!result("p|float(0) > 100", &json!("none")));
    }
}

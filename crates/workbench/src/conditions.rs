//! Values that meet a condition, or do not: what is to be changed about a record.
//!
//! They are looked for among those that the expression itself names, and the ones that stand beside
//! them: a number more, a number less, the other of yes and no, nothing at all. Few expressions that
//! people write hold for none of these.

use lockstep_config::literals;
use lockstep_model::flow::Filter;
use lockstep_model::value::coerce;
use lockstep_model::{Path, PropertySchema, Value, filter};
use serde_json::{Map, json};

/// Maximum number of combinations of values tried with an expression.
const MOST: usize = 5_000;

/// Conditions, each with whether it is to hold.
pub(crate) type Wanted<'a> = [(&'a Filter, bool)];

/// The fewest properties to change, by the names that conditions have for them, for all conditions
/// to be as they are wanted. `held` is what the record holds, and `described` what is known of a
/// property; `usual` is a value such as people have.
pub(crate) fn changes(
    wanted: &Wanted<'_>,
    held: &[(String, Value)],
    described: &dyn Fn(&Path) -> Option<PropertySchema>,
    usual: &dyn Fn(&PropertySchema) -> Value,
) -> Option<Vec<(String, Value)>> {
    let mut reads: Vec<&Path> = wanted.iter().flat_map(|(filter, _)| &filter.reads).collect();
    reads.sort();
    reads.dedup();
    let mut choices: Vec<Vec<Value>> = Vec::new();
    for path in &reads {
        let schema = described(path)?;
        let first = held.iter().find(|(name, _)| *name == path.as_str());
        let reading = wanted.iter().filter(|(filter, _)| filter.reads.contains(path));
        let mut literals: Vec<Value> =
            reading.flat_map(|(filter, _)| literals(&filter.expression)).collect();
        // A text is larger than any number, but nobody means that.
        literals.sort_by_key(|literal| !literal.is_number());
        let mut of_path = vec![first.map_or(Value::Null, |(_, value)| value.clone())];
        for literal in &literals {
            let beside = literal.as_i64().map(|whole| [json!(whole + 1), json!(whole - 1)]);
            of_path.push(literal.clone());
            of_path.extend(beside.into_iter().flatten());
        }
        of_path.extend([json!(true), json!(false), usual(&schema)]);
        let fits = |value: Value| coerce(&value, schema.ty).ok();
        let mut fitting: Vec<Value> = Vec::new();
        for value in of_path.into_iter().filter_map(fits).chain([Value::Null]) {
            if !fitting.contains(&value) {
                fitting.push(value);
            }
        }
        choices.push(fitting);
    }
    let all = choices.iter().map(Vec::len).product::<usize>().min(MOST);
    let mut best: Option<(usize, Vec<usize>)> = None;
    for mut number in 0..all {
        let mut chosen = Vec::new();
        for of_path in &choices {
            chosen.push(number % of_path.len());
            number /= of_path.len();
        }
        // A record that lacks a value tells less than one that has another.
        let weight = |(of_path, at): (&Vec<Value>, &usize)| match at {
            0 => 0,
            at if of_path[*at].is_null() => 3,
            _ => 2,
        };
        let changed = choices.iter().zip(&chosen).map(weight).sum();
        if best.as_ref().is_some_and(|(least, _)| *least <= changed) {
            continue;
        }
        let mut root = Value::Object(Map::new());
        held.iter().for_each(|(name, value)| insert(&mut root, name, value.clone()));
        for (path, (of_path, at)) in reads.iter().zip(choices.iter().zip(&chosen)) {
            insert(&mut root, path.as_str(), of_path[*at].clone());
        }
        let as_wanted = |(condition, holds): &(&Filter, bool)| {
            filter::holds(condition, root.clone()) == Ok(*holds)
        };
        if wanted.iter().all(as_wanted) {
            best = Some((changed, chosen));
        }
    }
    let chosen = best?.1;
    let changed = reads.iter().zip(choices.iter().zip(chosen)).filter(|(_, (_, at))| *at > 0);
    Some(changed.map(|(path, (of_path, at))| (path.to_string(), of_path[at].clone())).collect())
}

fn insert(root: &mut Value, path: &str, value: Value) {
    Path::new(path).put(root, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_model::PlainType;

    #[test]
    fn a_condition_is_met_by_the_fewest_changes_or_missed_by_them() {
        let described = |path: &Path| Some(PropertySchema::new(path.clone(), PlainType::Any));
        let held = [("name".to_string(), json!("Fjord")), ("size".to_string(), json!(42))];
        let found = |expression: &str, holds: bool| {
            let condition = filter::parse(expression).unwrap();
            changes(&[(&condition, holds)], &held, &described, &|_| json!("some value"))
        };
        let said = |name: &str, value: Value| Some(vec![(name.to_string(), value)]);
        assert_eq!(found("size > 7", true), Some(vec![]));
        assert_eq!(found("size > 7", false), said("size", json!(7)));
        assert_eq!(found("kind == \"customer\"", true), said("kind", json!("customer")));
        assert_eq!(found("meta.kind == 'x' and size > 41", true), said("meta.kind", json!("x")));
        assert_eq!(found("not retired", true), Some(vec![]));
        assert_eq!(found("not retired", false), said("retired", json!(true)));
        assert_eq!(found("name == size and 1 > 2", true), None);
    }
}

//! The vendor's query language: `{filter, sort, paging}` with `$`-operators, over the fields that a
//! record type allows.

use super::refusal::Refusal;
use crate::http::Request;
use crate::util::time;
use serde_json::{Value, json};
use std::cmp::Ordering;

pub(super) const RANGE: &[&str] = &["$eq", "$ne", "$gt", "$lt", "$gte", "$lte"];
pub(super) const TEXT: &[&str] = &["$eq", "$ne", "$in", "$exists", "$startsWith"];
pub(super) const ANY: &[&str] =
    &["$eq", "$ne", "$gt", "$lt", "$gte", "$lte", "$in", "$exists", "$startsWith", "$contains"];

/// What may be asked of a record type.
pub(super) struct Rules {
    /// Field, its operators, whether it can be sorted by.
    pub fields: &'static [(&'static str, &'static [&'static str], bool)],
    pub max_limit: usize,
}

/// One page.
pub(super) struct Page<'a> {
    pub items: Vec<&'a Value>,
    pub offset: usize,
    pub total: usize,
}

/// `paging.limit`, `paging.offset`, `sort.fieldName`, `sort.order` and `fieldsets` of a list
/// request, as a query.
pub(super) fn from_parameters(request: &Request) -> Result<Value, Refusal> {
    let number = |name: &str| {
        request.number(name).map_err(|_| Refusal::field(name, "Expected an integer", "FORMAT"))
    };
    let mut query = json!({"paging":{}});
    if let Some(limit) = number("paging.limit")? {
        query["paging"]["limit"] = json!(limit);
    }
    if let Some(offset) = number("paging.offset")? {
        query["paging"]["offset"] = json!(offset);
    }
    if let Some(field) = request.param("sort.fieldName").filter(|name| !name.is_empty()) {
        query["sort"] =
            json!([{"fieldName":field,"order":request.param("sort.order").unwrap_or("ASC")}]);
    }
    let fieldsets: Vec<&str> = request
        .query
        .iter()
        .filter(|(name, _)| name == "fieldsets")
        .flat_map(|(_, value)| value.split(','))
        .filter(|name| !name.is_empty())
        .collect();
    if !fieldsets.is_empty() {
        query["fieldsets"] = json!(fieldsets);
    }
    Ok(query)
}

/// Filters, sorts and cuts out a page.
pub(super) fn run<'a>(
    rules: &Rules,
    query: &Value,
    records: impl Iterator<Item = &'a Value>,
) -> Result<Page<'a>, Refusal> {
    let limit = query["paging"]["limit"].as_u64().unwrap_or(50) as usize;
    let offset = query["paging"]["offset"].as_u64().unwrap_or(0) as usize;
    if limit > rules.max_limit {
        return Err(Refusal::code(
            400,
            "ILLEGAL_LIMIT",
            format!("the limit must be at most {}", rules.max_limit),
        ));
    }
    let filter = &query["filter"];
    if !filter.is_null() {
        check(rules, filter)?;
    }
    let mut found: Vec<&Value> =
        records.filter(|record| filter.is_null() || holds(filter, record)).collect();
    let sorts = match &query["sort"] {
        Value::Array(sorts) => sorts.as_slice(),
        Value::Null => &[],
        _ => return Err(Refusal::field("query.sort", "Expected an array", "FORMAT")),
    };
    if sorts.len() > 1 {
        return Err(Refusal::code(400, "UNSUPPORTED_SORT_FIELD", "only one sort is supported"));
    }
    for sort in sorts {
        let field = sort["fieldName"].as_str().unwrap_or_default();
        if !rules.fields.iter().any(|(name, _, sortable)| *name == field && *sortable) {
            return Err(Refusal::code(
                400,
                "UNSUPPORTED_SORT_FIELD",
                format!("cannot sort by '{field}'"),
            ));
        }
        let down = sort["order"] == "DESC";
        found.sort_by(|a, b| {
            let first =
                |record: &Value| values(record, field).into_iter().next().unwrap_or(Value::Null);
            let order = order(&first(a), &first(b)).unwrap_or(Ordering::Equal);
            if down { order.reverse() } else { order }
        });
    }
    let total = found.len();
    Ok(Page { items: found.into_iter().skip(offset).take(limit).collect(), offset, total })
}

fn check(rules: &Rules, filter: &Value) -> Result<(), Refusal> {
    let Some(filter) = filter.as_object() else {
        return Err(Refusal::code(400, "MALFORMED_FILTER", "the filter must be an object"));
    };
    for (name, condition) in filter {
        match name.as_str() {
            "$and" | "$or" => {
                let Some(parts) = condition.as_array() else {
                    return Err(Refusal::code(
                        400,
                        "MALFORMED_FILTER",
                        format!("{name} takes an array"),
                    ));
                };
                parts.iter().try_for_each(|part| check(rules, part))?;
            }
            "$not" => match condition {
                Value::Array(parts) => parts.iter().try_for_each(|part| check(rules, part))?,
                part => check(rules, part)?,
            },
            field => {
                let Some((_, operators, _)) =
                    rules.fields.iter().find(|(known, _, _)| *known == field)
                else {
                    return Err(Refusal::code(
                        400,
                        "UNSUPPORTED_FILTER_FIELD",
                        format!("cannot filter by '{field}'"),
                    ));
                };
                for operator in
                    condition.as_object().into_iter().flatten().map(|(operator, _)| operator)
                {
                    if !operators.contains(&operator.as_str()) {
                        return Err(Refusal::code(
                            400,
                            "UNSUPPORTED_FILTER_OPERATOR",
                            format!("'{field}' cannot be filtered with {operator}"),
                        ));
                    }
                }
            }
        }
    }
    Ok(())
}

fn holds(filter: &Value, record: &Value) -> bool {
    filter.as_object().into_iter().flatten().all(|(name, condition)| match name.as_str() {
        "$and" => condition.as_array().into_iter().flatten().all(|part| holds(part, record)),
        "$or" => condition.as_array().into_iter().flatten().any(|part| holds(part, record)),
        "$not" => match condition {
            Value::Array(parts) => !parts.iter().any(|part| holds(part, record)),
            part => !holds(part, record),
        },
        field => {
            let found = values(record, field);
            match condition.as_object() {
                Some(operators) => {
                    operators.iter().all(|(operator, wanted)| satisfies(&found, operator, wanted))
                }
                None => satisfies(&found, "$eq", condition),
            }
        }
    })
}

fn satisfies(found: &[Value], operator: &str, wanted: &Value) -> bool {
    let any = |test: &dyn Fn(&Value) -> bool| found.iter().any(test);
    let is = |value: &Value, wanted: &Value| order(value, wanted) == Some(Ordering::Equal);
    let starts = |value: &Value, part: &str| {
        value.as_str().is_some_and(|text| text.to_lowercase().starts_with(part))
    };
    let part = wanted.as_str().unwrap_or_default().to_lowercase();
    match operator {
        "$eq" => any(&|value| is(value, wanted)) || (found.is_empty() && wanted.is_null()),
        "$ne" => !any(&|value| is(value, wanted)),
        "$gt" => any(&|value| order(value, wanted) == Some(Ordering::Greater)),
        "$gte" => {
            any(&|value| matches!(order(value, wanted), Some(Ordering::Greater | Ordering::Equal)))
        }
        "$lt" => any(&|value| order(value, wanted) == Some(Ordering::Less)),
        "$lte" => {
            any(&|value| matches!(order(value, wanted), Some(Ordering::Less | Ordering::Equal)))
        }
        "$in" => {
            wanted.as_array().into_iter().flatten().any(|wanted| any(&|value| is(value, wanted)))
        }
        "$exists" => wanted.as_bool().unwrap_or(true) != found.is_empty(),
        "$startsWith" => any(&|value| starts(value, &part)),
        "$contains" => {
            any(&|value| value.as_str().is_some_and(|text| text.to_lowercase().contains(&part)))
        }
        _ => false,
    }
}

/// All values at a path; a list, also in its `{items:[…]}` wrapper, contributes each element's.
fn values(record: &Value, path: &str) -> Vec<Value> {
    let mut found = vec![record.clone()];
    for step in path.split('.') {
        found = found
            .into_iter()
            .flat_map(|value| {
                let next = value[step].clone();
                match next {
                    Value::Array(items) => items,
                    Value::Object(ref object) if object.contains_key("items") => {
                        object["items"].as_array().cloned().unwrap_or_default()
                    }
                    Value::Null => Vec::new(),
                    other => vec![other],
                }
            })
            .collect();
    }
    found
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    if let (Some(a), Some(b)) = (a.as_f64(), b.as_f64()) {
        return a.partial_cmp(&b);
    }
    match (a.as_str(), b.as_str()) {
        (Some(a), Some(b)) => match (time::parse(a), time::parse(b)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => Some(a.to_lowercase().cmp(&b.to_lowercase())),
        },
        _ if a == b => Some(Ordering::Equal),
        // A number in a text, as catalog filters have it.
        _ => {
            let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
            number(a)?.partial_cmp(&number(b)?)
        }
    }
}

//! Values that the flows themselves put in, held against what is to hold them: defaults, constants,
//! the sides of a value list, what `wins: any-of` names. And conversions that fail for every value
//! that their property may hold (G10).

use lockstep_model::conversion::Reverse;
use lockstep_model::flow::{Filter, Wins};
use lockstep_model::schema::KnownFrom;
use lockstep_model::value::{coerce, equal_as, is_empty, shown};
use lockstep_model::{
    Conversion, Path, PlainType, Policy, PropertySchema, Timestamp, TypeName, TypeSchema, Value,
};
use serde_json::json;

use super::view::{End, Row};
use crate::codes;
use crate::near::{all_of, nearest};
use crate::problem::Problem;
use crate::source::Place;

pub(super) fn check(rows: &[Row<'_>], problems: &mut Vec<Problem>) {
    for row in rows {
        if let Policy::Wins(Wins::AnyOf(values)) = &row.pair.policy {
            let told = refused(&row.to, values, &row.places.row);
            problems.extend(told.or_else(|| refused(&row.from, values, &row.places.row)));
        }
        let Some(conversion) = row.pair.conversion.as_ref() else { continue };
        let place = row.places.conversion.as_ref().unwrap_or(&row.places.row);
        let (to, back) = row.ways();
        if conversion.needs_a_list() {
            problems.extend(no_list(&row.from, conversion, place));
        }
        if to {
            let told = refused(&row.to, conversion.constants(), place)
                .or_else(|| never_converts(conversion, &row.from, &row.to, place));
            if let Some(told) = told {
                problems.push(told);
                continue;
            }
        }
        let (Reverse::Exact(way) | Reverse::Lossy { conversion: way, .. }) = conversion.reverse()
        else {
            continue;
        };
        if back {
            problems.extend(
                refused(&row.from, way.constants(), place)
                    .or_else(|| never_converts(&way, &row.to, &row.from, place)),
            );
        }
    }
}

/// P9: what counts, sums up or orders a list, of a property that is none; and an order by what its
/// elements don't have.
fn no_list(end: &End<'_>, conversion: &Conversion, place: &Place) -> Option<Problem> {
    let (schema, described) = (end.schema?, end.described());
    let (property, name) = (end.property, end.name);
    let list = end.resolved.as_str();
    let below = |path: &str| {
        path.strip_prefix(list).and_then(|rest| rest.strip_prefix('.')).map(str::to_string)
    };
    let elements: Vec<String> =
        schema.properties.iter().filter_map(|known| below(known.path.as_str())).collect();
    let is_single = described.is_some_and(|described| {
        let ty = described.holds.unwrap_or(described.ty);
        !described.list
            && elements.is_empty()
            && (!matches!(ty, PlainType::Any | PlainType::List | PlainType::String))
            && !described.assumed
    });
    let (message, help) = if schema.known_from == KnownFrom::Header {
        let message =
            format!("`{property}` of {name} is a column of a CSV file, which holds no lists");
        (
            message,
            "make a list of it first: put `[\"split\", \",\", \"_.\"]` in the place of `_.`"
                .to_string(),
        )
    } else if is_single {
        (format!("`{property}` of {name} holds a single value, no list"), "leave it out".into())
    } else {
        let by = conversion.ordered_by()?;
        let is_there = |one: &String| *one == by.as_str() || one.starts_with(&format!("{by}."));
        if elements.is_empty() || elements.iter().any(is_there) {
            return None;
        }
        let help = match nearest(by.as_str(), elements.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("they have {}", all_of(elements.iter().map(String::as_str))),
        };
        (format!("no element of `{property}` of {name} is known to have `{by}`"), help)
    };
    Some(Problem::warning(codes::WITHOUT_EFFECT, place.clone(), message).help(help))
}

/// The first of these values that a property can't hold: an error where its system says what it
/// holds, a warning where that was only seen.
fn refused<'v>(
    end: &End<'_>,
    values: impl IntoIterator<Item = &'v Value>,
    place: &Place,
) -> Option<Problem> {
    let described = end.described().filter(|property| property.reference.is_none())?;
    values.into_iter().filter(|value| !is_empty(value)).find_map(|value| {
        let (why, certain) = why_not(described, value)?;
        let message =
            format!("{} can't stand in `{}` of {}: {why}", shown(value), end.property, end.name);
        let place = place.narrowed(value.as_str().unwrap_or_default());
        let problem = match certain {
            true => Problem::error(codes::REFUSED_VALUE, place, message),
            false => Problem::warning(codes::REFUSED_VALUE, place, message),
        };
        Some(problem.help("write a value that it can hold"))
    })
}

/// Why a property can't hold a value, and whether that is certain.
pub(super) fn why_not(described: &PropertySchema, value: &Value) -> Option<(String, bool)> {
    if let (true, Value::Array(elements)) = (described.list, value) {
        return elements.iter().find_map(|element| why_not(described, element));
    }
    if let Some(max) = described.stored_as.max_chars
        && let Some(text) = value.as_str().filter(|text| text.chars().count() > max)
    {
        return Some((
            format!("it holds {max} characters, this has {}", text.chars().count()),
            true,
        ));
    }
    let declared = coerce(value, described.ty).err().filter(|_| !described.assumed);
    if let Some(why) = declared {
        return Some((why, true));
    }
    let seen =
        described.holds.filter(|_| matches!(described.ty, PlainType::Any) || described.assumed)?;
    let why = coerce(value, seen).err()?;
    Some((format!("{why}, which is what its records hold"), false))
}

/// A conversion that fails for every value of its source's type, or gives nothing that its target
/// can hold.
fn never_converts(
    conversion: &Conversion,
    from: &End<'_>,
    to: &End<'_>,
    place: &Place,
) -> Option<Problem> {
    let Conversion::Computed(_) = conversion else { return None };
    let (source, target) = (from.described()?, to.described()?);
    // What a list is made for, it says itself; a value in no pair waits for a person.
    if !conversion.samples().is_empty() || source.reference.is_some() || target.reference.is_some()
    {
        return None;
    }
    let whole = conversion.takes_whole_list();
    let mut tried = samples(source, whole);
    match conversion.reverse() {
        // What would come back from the target has a form that is meant.
        Reverse::Exact(way) | Reverse::Lossy { conversion: way, .. } => {
            let brought = samples(target, whole);
            let brought = brought.iter().filter_map(|one| way.apply(one, Timestamp(0)).ok());
            tried.extend(brought.filter(|one| why_not(source, one).is_none()));
        }
        // A text may have any form.
        Reverse::None { .. } if is_text(source) => return None,
        Reverse::None { .. } => {}
    }
    let mut why = None;
    for sample in tried {
        let made = conversion.apply(&sample, Timestamp(0)).map_err(|error| error.message);
        let held = made.and_then(|made| match why_not(target, &made) {
            Some((why, true)) if !is_empty(&made) => Err(why),
            _ => Ok(()),
        });
        match held {
            Ok(()) => return None,
            Err(told) => why = why.or(Some((sample, told))),
        }
    }
    let (sample, why) = why?;
    let message = format!(
        "no value of `{}` of {} can become one of `{}` of {} by this: for {}, {why}",
        from.property,
        from.name,
        to.property,
        to.name,
        shown(&sample)
    );
    Some(
        Problem::warning(codes::UNCONVERTIBLE, place.clone(), message)
            .help("say another conversion, or pair another property"),
    )
}

/// Tries a condition on values that its properties may hold: a record for which it fails would be
/// left out by it.
pub(super) fn try_condition(
    schema: &TypeSchema,
    name: &TypeName,
    filter: &Filter,
    place: &Place,
    problems: &mut Vec<Problem>,
) {
    let of = |read: &Path| -> Vec<Value> {
        let described = schema.resolve(read).and_then(|path| schema.describe(&path));
        described.map_or_else(Vec::new, |described| usual_values(schema, described))
    };
    let all: Vec<(&Path, Vec<Value>)> = filter.reads.iter().map(|read| (read, of(read))).collect();
    let usual = || all.iter().filter_map(|(read, values)| Some((*read, values.first()?)));
    for (read, values) in &all {
        for value in values {
            let mut record = Value::Object(serde_json::Map::new());
            let others = usual().filter(|(other, _)| other != read);
            others.chain([(*read, value)]).for_each(|(path, value)| put(&mut record, path, value));
            let Err(why) = lockstep_model::filter::holds(filter, record) else { continue };
            let message =
                format!("for a record of {name} with {} in `{read}`, {why}", shown(value));
            let help = format!(
                "say what holds then: `{read} is number` and `{read} is string` ask first, `{read}|int(0)` and `{read}|float(0)` read other texts as 0"
            );
            problems.push(
                Problem::warning(codes::COMPARED_TYPES, place.narrowed(read.as_str()), message)
                    .help(help),
            );
            return;
        }
    }
}

/// Values such as a property's records hold, by what is known of it; none where nothing is.
fn usual_values(schema: &TypeSchema, described: &PropertySchema) -> Vec<Value> {
    let path = &described.path;
    if schema.properties.iter().any(|other| path.is_parent_of(&other.path)) {
        return vec![];
    }
    let of_header = schema.known_from == KnownFrom::Header;
    let singles = match held_type(described) {
        PlainType::Any if of_header => vec![json!("Åse Berg"), json!("12")],
        PlainType::Any | PlainType::List => return vec![],
        PlainType::String => vec![json!("Åse Berg"), json!("12")],
        PlainType::Float => vec![json!(12.5)],
        _ => samples(&PropertySchema { list: false, ..described.clone() }, false),
    };
    match described.list {
        true => singles.into_iter().map(|single| json!([single])).chain([json!([])]).collect(),
        false => singles,
    }
}

/// Puts a value into a record, objects within objects.
fn put(record: &mut Value, path: &Path, value: &Value) {
    path.put(record, value.clone());
}

/// Tries a way back that the flows state: what it gives back must become again what it was given.
pub(super) fn gives_back(
    (from, to): (&End<'_>, &End<'_>),
    (there, back): (&Conversion, &Conversion),
    place: &Place,
) -> Option<Problem> {
    let (source, target) = (from.described(), to.described());
    let open = PropertySchema::new("", PlainType::Any);
    let (source, target) = (source.unwrap_or(&open), target.unwrap_or(&open));
    let whole = there.takes_whole_list();
    let mut tried = there.samples();
    if tried.is_empty() {
        tried = samples(source, whole);
        let brought = samples(target, whole);
        tried.extend(brought.iter().filter_map(|one| back.apply(one, Timestamp(0)).ok()));
    }
    let given =
        |value: &Value| there.apply(value, Timestamp(0)).ok().filter(|made| !is_empty(made));
    let is_same = |a: &Value, b: &Value| equal_as(held_type(target), a, b);
    let (mut held, mut broken) = (0, None::<String>);
    for value in tried {
        let Some(made) = given(&value) else { continue };
        let returned = back.apply(&made, Timestamp(0));
        match &returned {
            Ok(returned) if given(returned).is_some_and(|again| is_same(&again, &made)) => {
                held += 1
            }
            Ok(returned) => {
                let (from, to) = (shown(&made), shown(returned));
                broken.get_or_insert(format!(
                    "it turns {from} into {to}, and {to} does not become {from} again"
                ));
            }
            Err(error) => {
                broken.get_or_insert(format!("it fails for {}: {}", shown(&made), error.message));
            }
        }
    }
    let message = format!(
        "the way back from `{}` of {} does not lead back: {}",
        to.property, to.name, broken?
    );
    // A text may have a form that no sample has.
    let problem = match held == 0 && !is_text(source) {
        true => Problem::error(codes::NO_WAY_BACK, place.clone(), message),
        false => Problem::warning(codes::NO_WAY_BACK, place.clone(), message),
    };
    Some(
        problem.help(
            "write the conversion that undoes the other one, or let the row go one way (`->`)",
        ),
    )
}

/// The type of what a property holds.
fn held_type(property: &PropertySchema) -> PlainType {
    match property.ty {
        PlainType::Any | PlainType::String => property.holds.unwrap_or(property.ty),
        ty => ty,
    }
}

fn is_text(property: &PropertySchema) -> bool {
    matches!(held_type(property), PlainType::Any | PlainType::String | PlainType::List)
}

/// Values that a property may hold, by its type; several where the type leaves that open.
pub(super) fn samples(source: &PropertySchema, whole: bool) -> Vec<Value> {
    let ty = held_type(source);
    let texts = [
        "Åse Berg",
        "12",
        "12.5",
        "12,5",
        "true",
        "ase@example.com",
        "2024-05-17",
        "2024-05-17T10:30:00Z",
        "17.05.2024",
        "17.05.2024 10:30",
        "10:30",
        "a, b; c|d/e",
    ];
    let singles: Vec<Value> = match ty {
        PlainType::Integer | PlainType::Minutes => vec![json!(12), json!(7), json!(20240517)],
        PlainType::Float | PlainType::Decimal => vec![json!("12.5"), json!(12)],
        PlainType::Boolean => vec![json!(true), json!(false)],
        PlainType::Date => vec![json!("2024-05-17")],
        PlainType::Datetime => vec![json!("2024-05-17T10:30:00Z")],
        PlainType::String | PlainType::Any | PlainType::List => {
            let mut all: Vec<Value> = texts.iter().map(|text| json!(text)).collect();
            all.extend([json!(12), json!(true)]);
            all
        }
    };
    let lists = singles.iter().map(|single| json!([single]));
    let listed = whole || source.list || ty == PlainType::List || ty == PlainType::Any;
    if listed { lists.chain(singles.iter().cloned()).collect() } else { singles }
}

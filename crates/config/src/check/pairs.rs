//! Property rows: what is paired twice, what can't be written, what can't be turned into each
//! other, what looks like a reference (G6, P1a, P8, P10).

use std::collections::{HashMap, HashSet};

use lockstep_model::blocks::fill_rows;
use lockstep_model::schema::OWN_ID;
use lockstep_model::{Conversion, PlainType, Reverse, TypeName};

use super::types::convertible;
use super::values::gives_back;
use super::view::{End, Property, Row, RowIndex, View};
use crate::codes;
use crate::near::all_of;
use crate::problem::Problem;
use crate::row_lists;

pub(super) fn check(view: &View<'_>, rows: &[Row<'_>], problems: &mut Vec<Problem>) {
    let mut earlier = RowIndex::default();
    for (at, row) in rows.iter().enumerate() {
        for other in earlier.together(row) {
            together(&rows[other], row, problems);
        }
        earlier.add(at, row);
        reference(view, row, problems);
        if convertible_row(row, problems) {
            writable(row, problems);
            way_back(row, rows, problems);
        }
    }
    let fills = blocks(rows, problems);
    fanned_out(rows, &fills, problems);
    one_list(rows, problems);
    for row in rows {
        conditions(view, row, problems);
    }
}

/// P1c: several properties each paired with several. Gives which rows only fill what is empty at
/// the first link.
fn blocks(rows: &[Row<'_>], problems: &mut Vec<Problem>) -> Vec<bool> {
    let key = |end: &End<'_>| (end.resolved.clone(), end.property.when.clone());
    let keys: Vec<_> =
        rows.iter().map(|row| row.ordered()).map(|(one, other)| (key(one), key(other))).collect();
    let fills = fill_rows(&keys);
    let mut told: Vec<usize> = Vec::new();
    for at in (0..rows.len()).filter(|at| fills[*at]) {
        // Rows of one block hang together by their properties: it is told of once.
        let mut block = vec![at];
        let mut next = 0;
        while next < block.len() {
            let (one, other) = &keys[block[next]];
            next += 1;
            block.extend(
                (0..rows.len())
                    .filter(|row| keys[*row].0 == *one || keys[*row].1 == *other)
                    .filter(|row| !block.contains(row))
                    .collect::<Vec<_>>(),
            );
        }
        if block.iter().any(|row| told.contains(row)) {
            continue;
        }
        told.push(at);
        block.sort_unstable();
        let pairs: Vec<String> = block
            .iter()
            .filter(|row| !fills[**row])
            .map(|row| {
                let (one, other) = rows[*row].ordered();
                let called = |end: &End<'_>| match is_set(&rows[*row]) {
                    true if end.property.path.as_str() == OWN_ID => "a constant".to_string(),
                    _ => format!("`{}`", end.property),
                };
                format!("{} belongs to {}", called(one), called(other))
            })
            .collect();
        let (one, other) = rows[at].ordered();
        let message = format!(
            "several properties of {} are each paired with several of {}: {}; the other rows only fill what is empty at the first link (P1c)",
            one.name,
            other.name,
            pairs.join(", ")
        );
        problems.push(
            Problem::warning(codes::BLOCK, rows[at].places.row.clone(), message)
                .help("leave out the rows that are not meant, if others belong together"),
        );
    }
    fills
}

/// A property on a condition that nothing fulfils when a record is created: there is no place for a
/// value then.
fn conditions(view: &View<'_>, row: &Row<'_>, problems: &mut Vec<Problem>) {
    let (to, from) = row.ways();
    for (end, wanted, place) in [(&row.to, to, &row.places.to), (&row.from, from, &row.places.from)]
    {
        let Some((having, schema)) = end.property.when.as_ref().zip(end.schema).filter(|_| wanted)
        else {
            continue;
        };
        let in_one_list = schema.properties.iter().any(|property| {
            property.list
                && [&end.resolved, &having.path].iter().all(|path| property.path.is_parent_of(path))
        });
        let created = view
            .flows()
            .any(|(flow, _)| flow.to == *end.name && flow.create != lockstep_model::Create::Never);
        let given = || {
            view.flows().any(|(flow, _)| {
                let gives = |name: &TypeName, path: &lockstep_model::Path| {
                    name == end.name && *path == having.path
                };
                flow.properties.iter().any(|pair| {
                    gives(&flow.from, &pair.from.path) || gives(&flow.to, &pair.to.path)
                })
            })
        };
        if in_one_list || !created || given() {
            continue;
        }
        let message = format!(
            "`{}` of {} is there only where `{}` holds “{}”, and no row gives that: nothing is written there when a record is created",
            end.property.path, end.name, having.path, having.value
        );
        problems.push(Problem::warning(codes::UNFULFILLED, place.clone(), message).help(format!(
            "add a row for `{}`, or leave it if records get it otherwise",
            having.path
        )));
    }
}

/// P9: two rows about the elements of one list of objects. Each finds an element by its own value,
/// so that the two could come to stand in different elements. Rows with a condition name theirs.
fn one_list(rows: &[Row<'_>], problems: &mut Vec<Problem>) {
    for second_side in [false, true] {
        for (at, row) in rows.iter().enumerate() {
            let end = side(row, second_side);
            let Some(list) = list_of(end).filter(|_| !takes_whole_list(row)) else { continue };
            let beside = rows[..at].iter().find(|other| {
                let earlier = side(other, second_side);
                !takes_whole_list(other)
                    && earlier.name == end.name
                    && earlier.resolved != end.resolved
                    && earlier.property.when == end.property.when
                    && list_of(earlier).is_some_and(|other| other == list)
            });
            let Some(beside) = beside else { continue };
            let (one, other) = (&side(beside, second_side).property.path, &end.property.path);
            let written = carries(row, second_side) && end.unwritable().is_none();
            let also =
                carries(beside, second_side) && side(beside, second_side).unwritable().is_none();
            let message = format!(
                "`{one}` and `{other}` of {} are parts of the elements of one list, `{list}`, and nothing says of which element",
                end.name
            );
            let place = row.places.row.clone();
            let problem = match written || also {
                true => Problem::error(codes::ONE_LIST, place, format!("{message}: values of different elements would be mixed"))
                    .help(format!(
                        "name the element by a condition in both rows, `{other} (Dependant on having Work in {list}.type)`, or keep one of the rows"
                    )),
                false => Problem::warning(
                    codes::ONE_LIST,
                    place,
                    format!("{message}: each is read from the first element that has it, and these may be two"),
                )
                .help("name the element by a condition in both rows, or leave out one of them"),
            };
            problems.push(problem.related(&beside.places.row, "the other row"));
        }
    }
}

/// Whether a row says something of a list as a whole: how many elements it has, their order.
fn takes_whole_list(row: &Row<'_>) -> bool {
    row.pair.conversion.as_ref().is_some_and(lockstep_model::Conversion::takes_whole_list)
}

/// The list of objects of whose elements a property is a part, as far as the schema tells.
fn list_of(end: &End<'_>) -> Option<lockstep_model::Path> {
    let schema = end.schema?;
    let is_list =
        |path: &lockstep_model::Path| schema.property(path).is_some_and(|property| property.list);
    let steps: Vec<&str> = end.resolved.steps().collect();
    (1..steps.len())
        .map(|length| lockstep_model::Path::of_steps(steps[..length].iter().copied()))
        .find(is_list)
}

/// Two rows that are about the same, or about a path and one below it.
fn together(first: &Row<'_>, second: &Row<'_>, problems: &mut Vec<Problem>) {
    let ((a1, b1), (a2, b2)) = (first.ordered(), second.ordered());
    if a1.is(a2) && b1.is(b2) {
        // Flows in both directions may state the same pair each in its own way; what differs is a
        // contradiction.
        if a1.property == a2.property && b1.property == b2.property {
            return;
        }
        let (kind, how) = same(a1, a2)
            .or_else(|| same(b1, b2))
            .unwrap_or((codes::SAME_PROPERTY, "the two rows mean the same".into()));
        problems.push(
            Problem::warning(
                kind,
                second.places.row.clone(),
                format!("{how}: this row and the one above are one, which does no harm"),
            )
            .help("leave out one of the two")
            .related(&first.places.row, "the other row"),
        );
        return;
    }
    let (ways_1, ways_2) = (first.ordered_ways(), second.ordered_ways());
    let written = [(ways_1.1, ways_2.1), (ways_1.0, ways_2.0)];
    for ((one, other), written) in [(a1, a2), (b1, b2)].into_iter().zip(written) {
        // What is only counted or summed up is not written.
        let counted = takes_whole_list(first) || takes_whole_list(second);
        if counted && written == (false, false) {
            continue;
        }
        let (shorter, longer) =
            if one.resolved.is_parent_of(&other.resolved) { (one, other) } else { (other, one) };
        if shorter.resolved.is_parent_of(&longer.resolved) {
            let message = format!(
                "`{}` and `{}`, which is a part of it, are both paired: writing the one changes the other",
                shorter.property.path, longer.property.path
            );
            problems.push(
                Problem::warning(codes::PARENT_AND_CHILD, second.places.row.clone(), message)
                    .help("pair either the whole or its parts")
                    .related(&first.places.row, "the other row"),
            );
        }
    }
}

/// How two ways to write a property come to be one; `None` where they are written alike.
fn same(one: &End<'_>, other: &End<'_>) -> Option<(&'static str, String)> {
    let (a, b) = (&one.property.path, &other.property.path);
    if a == b {
        return None;
    }
    let (shorter, longer) = if a.is_parent_of(b) { (a, b) } else { (b, a) };
    if shorter.is_parent_of(longer) {
        return Some((
            codes::PARENT_AND_CHILD,
            format!("`{shorter}` of {} stands for its value `{}`", one.name, one.resolved),
        ));
    }
    let schema = one.schema?;
    let derived = [a, b]
        .into_iter()
        .find(|path| schema.property(path).is_some_and(|property| property.derived_from.is_some()));
    Some((
        codes::SAME_PROPERTY,
        match derived {
            Some(path) => {
                let other = if path == a { b } else { a };
                format!("{} derives `{path}` from `{other}`", one.name)
            }
            None => format!("`{a}` and `{b}` of {} are the same property", one.name),
        },
    ))
}

/// One property paired with several of the other record type, with nothing said for when those
/// differ.
fn fanned_out(rows: &[Row<'_>], fills: &[bool], problems: &mut Vec<Problem>) {
    for second_side in [false, true] {
        let mut of: HashMap<Property<'_>, Vec<&Row<'_>>> = HashMap::new();
        let kept = rows.iter().zip(fills).filter(|(_, fills)| !**fills).map(|(row, _)| row);
        kept.for_each(|row| of.entry(side(row, second_side).identity()).or_default().push(row));
        for row in rows {
            let lone = side(row, second_side);
            // All rows of a property are looked at with its first.
            let Some(same) = of.remove(&lone.identity()).filter(|_| lone.unwritable().is_none())
            else {
                continue;
            };
            // The rows by which it is written, one for each property on the other side.
            let mut writers: Vec<&Row<'_>> = Vec::new();
            let mut known = HashSet::new();
            for writer in same.into_iter().filter(|row| carries(row, second_side)) {
                if known.insert(side(writer, !second_side).identity()) {
                    writers.push(writer);
                }
            }
            let [first, second, ..] = &writers[..] else { continue };
            // P1d: parts of one value, and the value is made of them.
            if writers.iter().all(|row| is_part(row, rows)) {
                continue;
            }
            let set = writers.iter().filter(|row| is_set(row)).count();
            let names: Vec<String> = writers
                .iter()
                .filter(|row| !is_set(row))
                .map(|row| side(row, !second_side).property.to_string())
                .collect();
            let one = lone.property;
            let mut others = all_of(names.iter().map(String::as_str));
            if set > 0 {
                let and = if names.is_empty() { "" } else { " and " };
                let constants = if set == 1 { "a constant (`set`)" } else { "constants (`set`)" };
                others = format!("{constants}{and}{others}");
            }
            let goes = names.first().map_or(String::new(), |first| {
                format!(", and an edit of `{one}` goes to those that held what it displaced, else to `{first}`")
            });
            let message = format!(
                "`{one}` of {} is paired with {others}, and nothing says what holds when those differ. As it is, `{one}` takes the latest edit of any{goes} (P1a)",
                lone.name,
            );
            let help = format!(
                "if only one of them is to count, let the other rows carry nothing to `{one}` (an arrow away from it); else leave it"
            );
            problems.push(
                Problem::warning(codes::FANNED_OUT, second.places.row.clone(), message)
                    .help(help)
                    .related(&first.places.row, "the first row"),
            );
        }
    }
}

/// Whether a row gives a property a constant (`set`): its other side is no property that anybody
/// named.
fn is_set(row: &Row<'_>) -> bool {
    let constant = row.pair.conversion.as_ref().map(Conversion::to_json);
    row.from.property.path.as_str() == OWN_ID
        && constant.is_some_and(|constant| constant.get(0).is_some_and(|by| by == "literal"))
}

/// One side of a row, the sides being those of the first flow between the two record types.
fn side<'r, 'a>(row: &'r Row<'a>, second: bool) -> &'r End<'a> {
    let (one, other) = row.ordered();
    if second { other } else { one }
}

/// Whether the row carries values towards that side.
fn carries(row: &Row<'_>, second: bool) -> bool {
    let (to_second, to_first) = row.ordered_ways();
    if second { to_second } else { to_first }
}

/// References that no schema tells of, or that are paired with something else.
fn reference(view: &View<'_>, row: &Row<'_>, problems: &mut Vec<Problem>) {
    let (from, to) = (row.from.refers_to(), row.to.refers_to());
    let suggest = |end: &End<'_>| {
        let name = end.followed.as_ref().map_or(end.name, |(of, _)| of);
        format!(
            "if it refers to records, say so under {} in lockstep.yaml: `references: {{ {}: {{ {}: OtherType }} }}`",
            name.system, name.kind, end.property.path
        )
    };
    let place = row.places.row.clone();
    match (from, to) {
        // Both hold ids of the same record type.
        (Some(one), Some(other)) if one == other => {}
        (Some(one), Some(other)) => {
            let of = |wanted: &TypeName, name: &TypeName| {
                name.system == wanted.system && name.kind == wanted.kind
            };
            let starts = view
                .flows()
                .flat_map(|(flow, _)| [&flow.from, &flow.to])
                .filter(|name| of(&one, name));
            if !starts.into_iter().any(|start| view.linked(start, |name| of(&other, name), None)) {
                let message = format!(
                    "`{}` refers to {one} and `{}` to {other}, which no flow links: the reference can never be translated and is never written (P8)",
                    row.from.property, row.to.property
                );
                problems.push(
                    Problem::warning(codes::REFERENCE_MISMATCH, place, message).help(format!(
                        "add a flow between {one} and {other}, or leave out the row"
                    )),
                );
            }
        }
        (Some(to), None) => mixed(&row.from, &to, &row.to, row, suggest(&row.to), problems),
        (None, Some(to)) => mixed(&row.to, &to, &row.from, row, suggest(&row.from), problems),
        (None, None) => {
            let unmarked = |(end, other): &(&End<'_>, &End<'_>)| {
                looks_like_reference(end.property.path.as_str(), &end.name.kind)
                    && !is_id_of(end, other)
            };
            let Some((end, _)) =
                [(&row.from, &row.to), (&row.to, &row.from)].into_iter().find(unmarked)
            else {
                return;
            };
            let message = format!(
                "`{}` of {} looks like a reference to another record, but no schema says to what: ids would be copied from {} to {} as they are",
                end.property, end.name, row.from.name.system, row.to.name.system
            );
            problems.push(
                Problem::warning(codes::UNMARKED_REFERENCE, place, message).help(suggest(end)),
            );
        }
    }
}

/// Whether a property holds the id of the very record that it is paired with: `crm_id` beside a
/// record of `crm`, or anything beside `$id`.
fn is_id_of(end: &End<'_>, other: &End<'_>) -> bool {
    let path = end.property.path.as_str().to_lowercase();
    let of_system = path.strip_prefix(&other.name.system.to_lowercase());
    let is_id = of_system.is_some_and(|rest| {
        matches!(rest.trim_start_matches(['_', '-', '.', ' ']), "id" | "key" | "ref")
    });
    is_id || other.property.path.as_str() == OWN_ID || end.property.path.as_str() == OWN_ID
}

fn mixed(
    refers: &End<'_>,
    to: &TypeName,
    other: &End<'_>,
    row: &Row<'_>,
    help: String,
    problems: &mut Vec<Problem>,
) {
    let message = format!(
        "`{}` refers to {to}, but `{}` of {} is no reference by its schema: ids of {} would be copied as they are",
        refers.property, other.property, other.name, to.system
    );
    problems.push(
        Problem::warning(codes::UNMARKED_REFERENCE, row.places.row.clone(), message).help(help),
    );
}

/// `ContactId`, `organization_id`, `company.id`; not an id that another system gave
/// (`external_id`), nor `paid`, nor the record's own id (`PersonId` of a `Person`).
fn looks_like_reference(path: &str, kind: &str) -> bool {
    let mut steps = path.rsplit('.');
    let last = steps.next().unwrap_or_default();
    let has_parent = steps.next().is_some();
    let lower = last.to_lowercase();
    let own = kind.to_lowercase();
    let is_own = !has_parent && (lower == format!("{own}id") || lower == format!("{own}_id"));
    if is_own || lower.contains("extern") || lower.contains("foreign") {
        return false;
    }
    let camel = last
        .strip_suffix("Id")
        .is_some_and(|head| head.ends_with(|c: char| c.is_lowercase() || c.is_ascii_digit()));
    camel || lower.ends_with("_id") || lower.ends_with("-id") || (has_parent && lower == "id")
}

/// Whether values can become each other; says so and gives `false` where the row is not kept.
fn convertible_row(row: &Row<'_>, problems: &mut Vec<Problem>) -> bool {
    let (from, to) = (row.from.described(), row.to.described());
    let forward = convertible(from, to, row.pair.conversion.as_ref());
    let Err(why) = forward else { return true };
    let message = format!(
        "`{}` of {} can't become `{}` of {}; the row is not kept. {why}",
        row.from.property, row.from.name, row.to.property, row.to.name
    );
    problems.push(
        Problem::warning(codes::UNCONVERTIBLE, row.places.row.clone(), message)
            .help("leave out the row, pair another property, or say by a conversion how the one becomes the other"),
    );
    false
}

/// Rows that work one way only because a property can't be written. Record types that can't are
/// told of once, elsewhere.
fn writable(row: &Row<'_>, problems: &mut Vec<Problem>) {
    let read_only = |end: &End<'_>| end.described().is_some_and(|property| property.read_only);
    let (to_wanted, from_wanted) = row.ways();
    for (end, other, wanted, place) in [
        (&row.to, &row.from, to_wanted, &row.places.to),
        (&row.from, &row.to, from_wanted, &row.places.from),
    ] {
        // In which record an element stands is settled when it is made; that is what it is.
        let is_parent = end.property.path.as_str() == "$parent";
        // An element with another id is another element: the one goes, the other comes.
        let are_element_ids = [end, other].iter().all(|end| {
            row_lists::list_of(end.name).is_some()
                && end.described().is_some_and(|property| property.create_only)
        });
        if wanted
            && !is_parent
            && !are_element_ids
            && end.described().is_some_and(|property| property.create_only && !property.read_only)
        {
            let not_carried = match is_set(row) {
                true => "another constant would not be written to records that are there".into(),
                false => format!("later edits of `{}` are not carried to it", other.property),
            };
            let message = format!(
                "`{}` of {} can be written only when a record is created, so {not_carried}",
                end.property, end.name
            );
            problems.push(
                Problem::warning(codes::READ_ONLY, place.clone(), message)
                    .help("nothing to do if that is as wanted"),
            );
        }
    }
    let (to_blocked, from_blocked) =
        (to_wanted && read_only(&row.to), from_wanted && read_only(&row.from));
    let left = (to_wanted && !to_blocked, from_wanted && !from_blocked);
    let (blocked, place) = match (to_blocked, from_blocked) {
        (true, _) => (&row.to, &row.places.to),
        (false, true) => (&row.from, &row.places.from),
        (false, false) => return,
    };
    let follows = match left {
        (true, _) => {
            format!("the row carries values from {} to {} only", row.from.name, row.to.name)
        }
        (_, true) => {
            format!("the row carries values from {} to {} only", row.to.name, row.from.name)
        }
        (false, false) => "the row has no effect".to_string(),
    };
    let message =
        format!("`{}` of {} can only be read (P10), so {follows}", blocked.property, blocked.name);
    let help = if left == (false, false) {
        "leave out the row"
    } else {
        "write it as a one-way row (`->` or `<-`) to say so"
    };
    problems.push(Problem::warning(codes::READ_ONLY, place.clone(), message).help(help));
}

/// P1d: whether the row takes a part of a property of which others take other parts: the whole is
/// made of all of them.
fn is_part(row: &Row<'_>, rows: &[Row<'_>]) -> bool {
    let computed = |row: &Row<'_>| matches!(row.pair.conversion, Some(Conversion::Computed(_)));
    let takes_from_the_same = |other: &&Row<'_>| {
        other.from.is(&row.from) && other.to.name == row.to.name && !other.to.is(&row.to)
    };
    let mut others = rows.iter().filter(takes_from_the_same).peekable();
    computed(row)
        && others.peek().is_some()
        && others.all(|other| computed(other) && other.pair.conversion != row.pair.conversion)
}

/// Conversions that can't be undone, or not whole.
fn way_back(row: &Row<'_>, rows: &[Row<'_>], problems: &mut Vec<Problem>) {
    let as_it_is = Conversion::Plain(PlainType::Any);
    let conversion = match (&row.pair.conversion, &row.pair.back, row.ways()) {
        (Some(conversion), _, (_, true)) => conversion,
        (None, Some(_), _) => &as_it_is,
        _ => return,
    };
    if matches!(conversion, Conversion::Plain(_)) && row.pair.back.is_none()
        || row.from.unwritable().is_some()
        || is_part(row, rows)
    {
        return;
    }
    // A flow the other way says itself how it goes back.
    let says_so = |other: &&Row<'_>| {
        other.from.is(&row.to) && other.to.is(&row.from) && other.pair.conversion.is_some()
    };
    let turned = rows.iter().find(says_so);
    let said =
        turned.map(|other| (other.pair.conversion.as_ref(), other.places.conversion.as_ref()));
    if let (Some(back), place) = said.unwrap_or((row.pair.back.as_ref(), row.places.back.as_ref()))
    {
        let place = place.unwrap_or(&row.places.row);
        problems.extend(gives_back((&row.from, &row.to), (conversion, back), place));
        return;
    }
    let place = row.places.conversion.as_ref().unwrap_or(&row.places.row);
    let edits = format!("edits of `{}` of {}", row.to.property, row.to.name);
    let (message, help) = match conversion.reverse() {
        Reverse::Exact(_) => return,
        Reverse::Lossy { loses, .. } => (
            format!("{edits} are carried back, but not whole: it loses {loses}"),
            "let the row go one way (`->`) if that may not happen",
        ),
        Reverse::None { why } => (
            format!(
                "{edits} are not carried back to `{}`; there is no way back: {why}",
                row.from.property
            ),
            "let the row go one way (`->`) to say so, or use a conversion that can be undone",
        ),
    };
    problems.push(Problem::warning(codes::NO_WAY_BACK, place.clone(), message).help(help));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_like_references() {
        for (path, expect) in [
            ("Contact.ContactId", true),
            ("organization_id", true),
            ("company.id", true),
            ("OwnedBy.AssociateId", true),
            ("partyId", true),
            ("PersonId", false),
            ("Person.PersonId", true),
            ("id", false),
            ("paid", false),
            ("external_id", false),
            ("GUID", false),
            ("Name", false),
        ] {
            assert_eq!(looks_like_reference(path, "Person"), expect, "{path}");
        }
    }
}

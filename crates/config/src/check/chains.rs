//! What flows say together of properties that are kept equal by way of a third system: a group that
//! another flow tears (P1e), and policies that can't all hold (P1).

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::{Conversion, Policy, TypeName};

use super::contradictions::said;
use super::view::{End, Row, View};
use crate::codes;
use crate::problem::Problem;

/// A property of a record type.
type Node = (TypeName, String);

pub(super) fn check(view: &View<'_>, problems: &mut Vec<Problem>) {
    let ends: Vec<_> = view.ends().into_iter().filter(|(a, b)| a != b).collect();
    let rows: Vec<Vec<Row<'_>>> = ends.iter().map(|ends| view.rows(ends)).collect();
    torn_groups(&rows, problems);
    policies(&rows, problems);
    by_element(view, &rows, problems);
    whole_lists(&rows, problems);
}

fn node(end: &End<'_>) -> Node {
    let when = end.property.when.as_ref().map(|when| format!("{when:?}")).unwrap_or_default();
    (end.name.clone(), format!("{}{when}", end.resolved))
}

/// A group as it stands in a record type.
struct Standing<'r, 'a> {
    properties: BTreeSet<Node>,
    /// A row that says it.
    row: &'r Row<'a>,
    /// Between which record types it has been looked at already.
    come_by: usize,
}

/// P1e: a value that comes into a group without the rest.
fn torn_groups<'a>(rows: &[Vec<Row<'a>>], problems: &mut Vec<Problem>) {
    let mut open: Vec<Standing<'_, 'a>> = Vec::new();
    for (come_by, between) in rows.iter().enumerate() {
        let mut groups: BTreeMap<(&str, Node), Standing<'_, 'a>> = BTreeMap::new();
        for row in between {
            let Some(group) = &row.pair.group else { continue };
            for end in [&row.from, &row.to] {
                let side = (end.name.clone(), String::new());
                let standing = groups.entry((group, side)).or_insert_with(|| Standing {
                    properties: BTreeSet::new(),
                    row,
                    come_by,
                });
                standing.properties.insert(node(end));
            }
        }
        open.extend(groups.into_values());
    }
    let mut seen: BTreeSet<(usize, BTreeSet<Node>)> = BTreeSet::new();
    while let Some(group) = open.pop() {
        for (come_by, between) in rows.iter().enumerate().filter(|(at, _)| *at != group.come_by) {
            let own: Vec<(&Row<'a>, Side<'_, 'a>)> =
                between.iter().filter_map(|row| Some((row, side(row, &group)?))).collect();
            if own.is_empty() || !seen.insert((come_by, group.properties.clone())) {
                continue;
            }
            let paired: BTreeSet<Node> = own.iter().map(|(_, side)| node(side.mine)).collect();
            let alike = |(row, side): &(&Row<'_>, Side<'_, '_>)| {
                let (first, first_side) = &own[0];
                (side.comes, side.goes) == (first_side.comes, first_side.goes)
                    && row.pair.policy == first.pair.policy
                    && row.pair.clears == first.pair.clears
            };
            let whole = paired == group.properties && own.iter().all(alike);
            match own.iter().find(|(_, side)| side.comes) {
                Some((row, side)) if !whole => problems.push(torn(&group, row, side)),
                _ if whole => open.push(Standing {
                    properties: own.iter().map(|(_, side)| node(side.theirs)).collect(),
                    row: group.row,
                    come_by,
                }),
                _ => {}
            }
        }
    }
}

/// A row as seen from a group.
struct Side<'r, 'a> {
    mine: &'r End<'a>,
    theirs: &'r End<'a>,
    /// Values come into the group.
    comes: bool,
    goes: bool,
}

fn side<'r, 'a>(row: &'r Row<'a>, group: &Standing<'_, '_>) -> Option<Side<'r, 'a>> {
    let (to, from) = row.ways();
    if group.properties.contains(&node(&row.from)) {
        Some(Side { mine: &row.from, theirs: &row.to, comes: from, goes: to })
    } else if group.properties.contains(&node(&row.to)) {
        Some(Side { mine: &row.to, theirs: &row.from, comes: to, goes: from })
    } else {
        None
    }
}

fn torn(group: &Standing<'_, '_>, row: &Row<'_>, side: &Side<'_, '_>) -> Problem {
    let name = group.row.pair.group.as_deref().unwrap_or_default();
    let all: Vec<String> =
        group.properties.iter().map(|(_, property)| format!("`{property}`")).collect();
    let mine = side.mine.name;
    let message = format!(
        "`{}` of {mine} is in the group `{name}`, and this row gives it a value of {} without the rest (P1e)",
        side.mine.property, side.theirs.name
    );
    let help = format!(
        "pair all of {} of {mine} in a group here as well, all the same way, or let these rows only take from {mine}",
        all.join(", ")
    );
    Problem::error(codes::CONTRADICTION, row.places.row.clone(), message)
        .help(help)
        .related(&group.row.places.row, "the group")
}

/// Properties that rows pair with each other, directly or by way of others.
#[derive(Default)]
struct Classes {
    /// The class of each property, by its place.
    of: BTreeMap<Node, usize>,
    classes: Vec<Vec<Node>>,
}

impl Classes {
    fn of<'r, 'a: 'r>(rows: impl Iterator<Item = &'r Row<'a>>) -> Classes {
        let mut found = Classes::default();
        for row in rows {
            let [a, b] = [node(&row.from), node(&row.to)].map(|node| {
                *found.of.entry(node.clone()).or_insert_with(|| {
                    found.classes.push(vec![node]);
                    found.classes.len() - 1
                })
            });
            if a != b {
                for node in std::mem::take(&mut found.classes[b]) {
                    found.of.insert(node.clone(), a);
                    found.classes[a].push(node);
                }
            }
        }
        found
    }
}

/// P11: lists that one row keeps by element and another one as a whole, and lists of three record
/// types of which one is left aside by a condition.
fn by_element(view: &View<'_>, rows: &[Vec<Row<'_>>], problems: &mut Vec<Problem>) {
    let all = || rows.iter().flatten();
    if !all().any(|row| row.pair.each) {
        return;
    }
    let Classes { of, classes } = Classes::of(all());
    let mut first: BTreeMap<usize, &Row<'_>> = BTreeMap::new();
    for row in all().filter(|row| row.pair.each) {
        first.entry(of[&node(&row.from)]).or_insert(row);
    }
    for row in all().filter(|row| !row.pair.each) {
        let Some(by_element) = first.get(&of[&node(&row.from)]) else { continue };
        let as_one = match () {
            () if row.pair.policy != Policy::Latest => said(&row.pair.policy),
            () if row.pair.on_create => "`on: create`".into(),
            () if row.pair.group.is_some() => "its group".into(),
            () => continue,
        };
        let message = format!(
            "`{}` of {} is kept by element ({} of {}), and {as_one} of this row can only be said of the list as a whole (P11)",
            row.from.property, row.from.name, by_element.from.property, by_element.from.name
        );
        problems.push(
            Problem::error(codes::CONTRADICTION, row.places.row.clone(), message)
                .help("say `list: each` of this row and leave that out, or leave out `list: each` of the other")
                .related(&by_element.places.row, "the row that keeps it by element"),
        );
    }
    for (class, row) in &first {
        let types: BTreeSet<&TypeName> = classes[*class].iter().map(|(ty, _)| ty).collect();
        let conditional = view.flows().find(|(flow, _)| {
            let has_condition = flow.only.is_some() || flow.only_to.is_some();
            has_condition && types.contains(&flow.from) && types.contains(&flow.to)
        });
        let Some((flow, places)) = conditional.filter(|_| types.len() > 2) else { continue };
        let named: Vec<String> = types.iter().map(|ty| ty.to_string()).collect();
        let message = format!(
            "`list: each` keeps lists of {} in step, and the flow from {} to {} is only about some of their records: an edit of one list could be \
             undone by another one that was left aside (P11, L9)",
            named.join(", "),
            flow.from,
            flow.to
        );
        problems.push(
            Problem::error(codes::CONTRADICTION, row.places.row.clone(), message)
                .help(
                    "leave out the condition, `list: each`, or the list of one of the record types",
                )
                .related(&places.from, "the flow with the condition"),
        );
    }
}

/// P9: a list that one row takes as a whole, to count or sum it up, and another one by the element
/// that stands for it.
fn whole_lists(rows: &[Vec<Row<'_>>], problems: &mut Vec<Problem>) {
    let whole =
        |row: &&Row<'_>| row.pair.conversion.as_ref().is_some_and(Conversion::takes_whole_list);
    let all = || rows.iter().flatten();
    for counted in all().filter(whole) {
        let list = node(&counted.from);
        let is_part = counted.from.described().is_some_and(|property| property.list);
        let by_one = |row: &&Row<'_>| {
            !row.pair.each
                && !whole(row)
                && [&row.from, &row.to].iter().any(|end| node(end) == list)
        };
        for row in all().filter(by_one).filter(|_| is_part) {
            let message = format!(
                "`{}` of {} is taken as a whole list in another row, and here by the element that stands for it (P9)",
                counted.from.property, counted.from.name
            );
            problems.push(
                Problem::error(codes::CONTRADICTION, row.places.row.clone(), message)
                    .help("leave out one of the two rows")
                    .related(&counted.places.row, "the row that takes all of it"),
            );
        }
    }
}

/// P1: one policy holds for all properties that are kept equal both ways.
fn policies(rows: &[Vec<Row<'_>>], problems: &mut Vec<Problem>) {
    let all =
        || rows.iter().enumerate().flat_map(|(at, rows)| rows.iter().map(move |row| (at, row)));
    if all().all(|(_, row)| row.pair.policy == Policy::Latest) {
        return;
    }
    let both_ways = |row: &&Row<'_>| row.ways() == (true, true) && !row.pair.on_create;
    let Classes { of: class_of, classes } =
        Classes::of(all().map(|(_, row)| row).filter(both_ways));
    let mut first: BTreeMap<usize, (usize, &Row<'_>)> = BTreeMap::new();
    for (at, row) in all().filter(|(_, row)| row.pair.policy != Policy::Latest) {
        let (to, _) = row.ways();
        let Some(class) = class_of.get(&node(if to { &row.to } else { &row.from })) else {
            continue;
        };
        let types: BTreeSet<&TypeName> = classes[*class].iter().map(|(ty, _)| ty).collect();
        let (there, earlier) = first.entry(*class).or_insert((at, row));
        if types.len() == classes[*class].len()
            && *there != at
            && earlier.pair.policy != row.pair.policy
        {
            let (here, there) = (said(&row.pair.policy), said(&earlier.pair.policy));
            let message = format!(
                "`{}` of {} and `{}` of {} are kept equal with others by one policy, and two rows differ in whose value wins: {here} here, \
                 {there} there; the first one holds (P1)",
                row.from.property, row.from.name, row.to.property, row.to.name
            );
            problems.push(
                Problem::warning(codes::CONTRADICTION, row.places.row.clone(), message)
                    .help("say it in one of the rows, for all systems, and leave out the other")
                    .related(&earlier.places.row, "the other row"),
            );
        }
    }
}

//! Settings of flows that can have no effect beside what else is said (G10).

use std::collections::{BTreeSet, HashMap};

use lockstep_model::flow::{PropertyRef, Wins};
use lockstep_model::{Create, Direction, Flow, PlainType, Policy, PropertyPair, TypeName};

use super::view::View;
use crate::codes;
use crate::near::all_of;
use crate::problem::Problem;
use crate::section::{FlowPlaces, PairPlaces};
use crate::source::Place;

pub(super) fn check(view: &View<'_>, problems: &mut Vec<Problem>) {
    for (flow, places) in view.flows() {
        // What seems to be missing from a flow that could not be read whole may be there.
        let whole = !places.incomplete;
        for (pair, places) in flow.properties.iter().zip(&places.properties) {
            policy(view, flow, pair, places, problems);
            if whole {
                on_create(view, flow, pair, places, problems);
            }
        }
        if whole {
            repeated_rows(flow, places, problems);
            creating(view, flow, places, problems);
        }
    }
}

fn error(place: &Place, message: String, help: impl Into<String>) -> Problem {
    Problem::error(codes::WITHOUT_EFFECT, place.clone(), message).help(help)
}

/// `only_from` lets nothing through that goes the other way, and a system whose records are never
/// linked with these has nothing to say.
fn policy(
    view: &View<'_>,
    flow: &Flow,
    pair: &PropertyPair,
    places: &PairPlaces,
    problems: &mut Vec<Problem>,
) {
    let (source, target, arrow) = match pair.direction {
        Direction::Forward => (&flow.from.system, &flow.to.system, "->"),
        Direction::Backward => (&flow.to.system, &flow.from.system, "<-"),
        Direction::Both => (&flow.from.system, &flow.to.system, "<->"),
    };
    if let Policy::OnlyFrom(only) = &pair.policy
        && pair.direction != Direction::Both
        && only == target
        && source != target
    {
        let message = format!(
            "the row carries nothing: by `only_from: {only}` only what is put into {target} counts, and `{arrow}` carries values of {source}"
        );
        let help = format!("turn the arrow round, or say `only_from: {source}`");
        problems.push(error(&places.row, message, help));
        return;
    }
    if let Policy::Wins(wins) = &pair.policy {
        return compared(view, flow, pair, wins, places, problems);
    }
    let (named, word) = match &pair.policy {
        Policy::OnlyFrom(only) => (std::slice::from_ref(only), "only_from"),
        Policy::Prefer(systems) => (systems.as_slice(), "prefer"),
        Policy::Latest | Policy::Wins(_) => return,
    };
    // What `policies` says holds for all flows, also for those that its systems have no part in.
    if word == "prefer" && view.project.policies.prefer == named {
        return;
    }
    let linked = linked_systems(view, flow);
    if let Some(stranger) = named.iter().find(|system| !linked.contains(system.as_str())) {
        let message = format!(
            "`{stranger}` has no say in `{word}`: no flow links its records with those of {} and {}",
            flow.from, flow.to
        );
        let help = format!("the flows link them with {}", all_of(linked.iter().copied()));
        problems.push(error(&places.row, message, help));
    }
}

/// `wins` by what values of these types never differ in: the latest edit decides as without it.
fn compared(
    view: &View<'_>,
    flow: &Flow,
    pair: &PropertyPair,
    wins: &Wins,
    places: &PairPlaces,
    problems: &mut Vec<Problem>,
) {
    let fits = |ty: PlainType| match wins {
        Wins::Truth(_) => !matches!(ty, PlainType::Datetime | PlainType::Date),
        Wins::Min | Wins::Max => ty != PlainType::Boolean,
        Wins::Longest => matches!(ty, PlainType::String | PlainType::Any | PlainType::List),
        Wins::AnyOf(_) => true,
    };
    let ty = |name: &TypeName, property: &PropertyRef| {
        let schema = view.schema(name)?;
        Some(schema.describe(&schema.resolve(&property.path)?)?.ty)
    };
    let (Some(one), Some(other)) = (ty(&flow.from, &pair.from), ty(&flow.to, &pair.to)) else {
        return;
    };
    if fits(one) || fits(other) {
        return;
    }
    let help = match wins {
        Wins::Truth(_) => "it is for yes and no; for numbers and times say `min` or `max`",
        Wins::Longest => "it is for texts; for numbers and times say `min` or `max`",
        _ => "it is for numbers and times; for yes and no say `true` or `false`",
    };
    let message = format!(
        "`wins: {wins}` has no effect: `{}` and `{}` hold {}",
        pair.from,
        pair.to,
        if one == other {
            one.name().to_string()
        } else {
            format!("{} and {}", one.name(), other.name())
        }
    );
    problems.push(error(&places.row, message, help));
}

/// The systems whose records may be linked with those of a flow, by whatever other flows.
fn linked_systems<'v>(view: &View<'v>, flow: &'v Flow) -> BTreeSet<&'v str> {
    let mut found: BTreeSet<&TypeName> = BTreeSet::new();
    let mut open = vec![&flow.from, &flow.to];
    while let Some(name) = open.pop() {
        // A facet is linked wherever its record is (F2).
        let same = |other: &&&TypeName| other.system == name.system && other.kind == name.kind;
        if found.insert(name) {
            let facets = view.links.keys().filter(same).copied();
            open.extend(facets.flat_map(|name| &view.links[name]).map(|(_, other)| *other));
        }
    }
    found.into_iter().map(|name| name.system.as_str()).collect()
}

/// `on: create` in a direction in which nothing is created.
fn on_create(
    view: &View<'_>,
    flow: &Flow,
    pair: &PropertyPair,
    places: &PairPlaces,
    problems: &mut Vec<Problem>,
) {
    if !pair.on_create || pair.direction == Direction::Both {
        return;
    }
    let forward = pair.direction == Direction::Forward;
    let target = if forward { &flow.to } else { &flow.from };
    let is_target = |name: &TypeName| name.system == target.system && name.kind == target.kind;
    if view.flows().any(|(flow, _)| is_target(&flow.to) && creates(flow)) {
        return;
    }
    let message = format!(
        "the row gives its value when a {target} is created, and no flow creates one: it has no effect"
    );
    let help = match forward {
        true => "say `create: always` on the flow, leave out `on: create`, or leave out the row",
        false => "say `create: both` on the flow, leave out `on: create`, or turn the arrow round",
    };
    problems.push(error(&places.row, message, help));
}

fn creates(flow: &Flow) -> bool {
    flow.create != Create::Never
}

/// A row that stands twice.
fn repeated_rows(flow: &Flow, places: &FlowPlaces, problems: &mut Vec<Problem>) {
    let warning = |place: &Place, first: &Place| {
        let message = "this row stands twice; the second one has no effect".to_string();
        Problem::warning(codes::WITHOUT_EFFECT, place.clone(), message)
            .help("leave it out")
            .related(first, "the other row")
    };
    let mut seen: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, pair) in flow.properties.iter().enumerate() {
        let same = seen.entry(format!("{} {}", pair.from, pair.to)).or_default();
        if let Some(first) = same.iter().find(|first| flow.properties[**first] == *pair) {
            let (place, first) = (&places.properties[at], &places.properties[*first]);
            problems.push(warning(&place.row, &first.row));
        }
        same.push(at);
    }
    for (at, row) in flow.matches.iter().enumerate() {
        let first = flow.matches[..at].iter().position(|first| first == row);
        let of = |at: usize| places.matches.get(at).and_then(|pairs| pairs.first());
        if let Some((place, first)) = first.and_then(|first| Some((of(at)?, of(first)?))) {
            problems.push(warning(&place.row, &first.row));
        }
    }
}

/// What is said of creating and of duplicates where nothing is created or matched.
fn creating(view: &View<'_>, flow: &Flow, places: &FlowPlaces, problems: &mut Vec<Problem>) {
    if flow.create_empty && !creates(flow) {
        let place = places.create_empty.as_ref().unwrap_or(&places.flow);
        let message = "`create_empty` has no effect: the flow creates nothing".to_string();
        problems.push(error(place, message, "say `create: always`, or leave out `create_empty`"));
    }
    let Some(place) = &places.duplicates else { return };
    let word = match (flow.merge_duplicates, flow.separate_duplicates) {
        (true, _) => "merge",
        (_, true) => "separate",
        _ => return,
    };
    let mut between = view.between(&flow.from, &flow.to);
    let (mut matches, mut creates_any) = (false, false);
    for (flow, _) in between.by_ref() {
        matches |= !flow.matches.is_empty();
        creates_any |= creates(flow);
    }
    let why = match (matches, creates_any) {
        (false, _) => "no match row says which records are the same",
        (true, false) if word == "separate" => {
            "it says that each gets a counterpart of its own, and nothing is created"
        }
        _ => return,
    };
    let message = format!("`duplicates: {word}` has no effect: {why}");
    problems.push(error(place, message, "leave it out, or add what is missing"));
}

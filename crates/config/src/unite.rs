//! Sections that state the same flow become one flow: rows united, creation united.

use std::collections::HashMap;

use lockstep_model::flow::{Ceases, Deletes, Extra, Filter};
use lockstep_model::{Create, Flow, PropertyPair};

use crate::codes;
use crate::problem::Problem;
use crate::section::{FlowFile, FlowPlaces, Section};
use crate::source::Place;

/// The flows that these files state together: each two record types once in each direction, as in
/// [`crate::Project::flows`].
pub fn united_flows<'a>(files: impl Iterator<Item = &'a FlowFile>) -> (Vec<Flow>, Vec<FlowPlaces>) {
    let (flows, places, _) = unite(files.flat_map(|file| &file.sections));
    (flows, places)
}

/// The flows of all sections, each pair of record types once in each direction, and what there is
/// to say of the uniting.
pub(crate) fn unite<'a>(
    sections: impl Iterator<Item = &'a Section>,
) -> (Vec<Flow>, Vec<FlowPlaces>, Vec<Problem>) {
    let mut flows: Vec<Flow> = Vec::new();
    let mut places: Vec<FlowPlaces> = Vec::new();
    let mut problems = Vec::new();
    let mut known = HashMap::new();
    for section in sections {
        let Some(&at) = known.get(&(&section.flow.from, &section.flow.to)) else {
            known.insert((&section.flow.from, &section.flow.to), flows.len());
            flows.push(section.flow.clone());
            places.push(section.places.clone());
            continue;
        };
        let message = format!(
            "the flow {} is stated before; the statements were united",
            section.flow.name()
        );
        problems.push(
            Problem::warning(codes::REPEATED_SECTION, section.places.flow.clone(), message)
                .help("keep one of the two, with the rows of both")
                .related(&places[at].flow, "stated here first"),
        );
        add(&mut flows[at], &mut places[at], section, &mut problems);
    }
    (flows, places, problems)
}

fn add(flow: &mut Flow, places: &mut FlowPlaces, section: &Section, problems: &mut Vec<Problem>) {
    let (more, more_places) = (&section.flow, &section.places);
    places.sections.push(more_places.flow.clone());
    places.incomplete |= more_places.incomplete;
    let pair = |pair: &PropertyPair| (pair.from.clone(), pair.to.clone());
    let mut stated: HashMap<_, Vec<PropertyPair>> = HashMap::new();
    flow.properties
        .iter()
        .for_each(|known| stated.entry(pair(known)).or_default().push(known.clone()));
    for (row, row_places) in more.matches.iter().zip(&more_places.matches) {
        if !flow.matches.contains(row) {
            flow.matches.push(row.clone());
            places.matches.push(row_places.clone());
        }
    }
    for (more, more_places) in more.properties.iter().zip(&more_places.properties) {
        let known = stated.entry(pair(more)).or_default();
        if !known.contains(more) {
            known.push(more.clone());
            flow.properties.push(more.clone());
            places.properties.push(more_places.clone());
        }
    }
    if places.table.is_none() {
        places.table = more_places.table.clone();
    }
    let said_never =
        |create: &Create, places: &FlowPlaces| *create == Create::Never && places.create.is_some();
    if said_never(&flow.create, places) != said_never(&more.create, more_places)
        && let (Some(first), Some(second)) = (&places.create, &more_places.create)
    {
        let message = format!("{} is said to create and not to create; it creates", flow.name());
        let problem = Problem::warning(codes::CONTRADICTION, second.clone(), message);
        problems.push(
            problem
                .help("keep the statement that is meant")
                .related(first, "the opposite is said here"),
        );
    }
    let (before, connected) = (flow.create.clone(), more_places.connected.clone());
    match united(&before, &more.create) {
        Ok(create) => {
            if create != before {
                places.create = more_places.create.clone();
            }
            if let (Create::ConnectedTo(_), Create::ConnectedTo(types)) = (&before, &more.create) {
                let new = types.iter().zip(connected).filter(
                    |(ty, _)| !matches!(&before, Create::ConnectedTo(had) if had.contains(ty)),
                );
                places.connected.extend(new.map(|(_, place)| place));
            } else if let Create::ConnectedTo(_) = &create
                && create != before
            {
                places.connected = connected;
            }
            flow.create = create;
        }
        Err(()) => {
            let place = more_places.create.clone().unwrap_or_else(|| more_places.flow.clone());
            let message = "two sections of the same flow create on conditions that can't be united; the first one holds";
            let first = places.create.clone().unwrap_or_else(|| places.flow.clone());
            problems.push(
                Problem::warning(codes::CONTRADICTION, place, message)
                    .help("state one condition, or give each a `filter:` in a flow file")
                    .related(&first, "the one that holds"),
            );
        }
    }
    // Of two things that may happen to the others, the one that does less holds.
    if flow.deletes != more.deletes {
        problems.push(differ("deletes", &more_places.flow, &places.flow));
        flow.deletes = if [flow.deletes, more.deletes].contains(&Deletes::Ignore) {
            Deletes::Ignore
        } else {
            Deletes::Review
        };
    }
    let (mine, theirs) = ((&flow.only, &flow.only_to), (&more.only, &more.only_to));
    if mine != theirs {
        let message = "two sections of the same flow are about different records; what one of them says of that holds for both";
        let place = more_places.only.iter().flatten().next().unwrap_or(&more_places.flow);
        problems.push(
            Problem::warning(codes::CONTRADICTION, place.clone(), message)
                .help("say the same `only` and `only_to` in both, or state the flow once")
                .related(&places.flow, "the other one"),
        );
        flow.only = either(flow.only.take(), more.only.clone());
        flow.only_to = either(flow.only_to.take(), more.only_to.clone());
    }
    // Of two things that may happen to the counterpart, the one that does less.
    if flow.ceases != more.ceases {
        problems.push(differ("ceases", &more_places.flow, &places.flow));
        let keeps = [flow.ceases, more.ceases].contains(&Ceases::Keep);
        flow.ceases = if keeps { Ceases::Keep } else { Ceases::Review };
    }
    // The same of a record that has no counterpart.
    if flow.extra != more.extra {
        let place = |places: &FlowPlaces| places.extra.clone().unwrap_or(places.flow.clone());
        problems.push(differ("extra", &place(more_places), &place(places)));
        let stays = [flow.extra, more.extra].contains(&Extra::Ignore);
        flow.extra = if stays { Extra::Ignore } else { Extra::Review };
    }
    flow.merge_duplicates |= more.merge_duplicates;
    flow.separate_duplicates |= more.separate_duplicates;
    flow.region = flow.region.or(more.region);
    flow.create_empty |= more.create_empty;
    if flow.key.is_empty() {
        flow.key.clone_from(&more.key);
    }
}

/// What two sections say differently of the same: the one that does less holds (G10).
fn differ(word: &str, place: &Place, other: &Place) -> Problem {
    let message = format!(
        "two sections of the same flow say different things by `{word}`; the one that does less holds"
    );
    Problem::warning(codes::CONTRADICTION, place.clone(), message)
        .help(format!("say the same `{word}` in both, or state the flow once"))
        .related(other, "the other one")
}

/// What either condition holds for; one that is not said leaves the other as it is.
fn either(a: Option<Filter>, b: Option<Filter>) -> Option<Filter> {
    match (a, b) {
        (Some(a), Some(b)) if a != b => Some(any_of_both(&a, &b)),
        (a, b) => a.or(b),
    }
}

fn any_of_both(a: &Filter, b: &Filter) -> Filter {
    let mut reads = a.reads.clone();
    reads.extend(b.reads.iter().filter(|path| !a.reads.contains(path)).cloned());
    Filter { expression: format!("({}) or ({})", a.expression, b.expression), reads }
}

/// Creating as either says. `Err` where that can't be said in one.
pub(crate) fn united(a: &Create, b: &Create) -> Result<Create, ()> {
    Ok(match (a, b) {
        (Create::Always, _) | (_, Create::Always) => Create::Always,
        (Create::Never, other) | (other, Create::Never) => other.clone(),
        (Create::ConnectedTo(types), Create::ConnectedTo(more)) => {
            let new = more.iter().filter(|ty| !types.contains(ty));
            Create::ConnectedTo(types.iter().chain(new).cloned().collect())
        }
        (a, b) if a == b => a.clone(),
        // A condition without a filter creates nothing, so it adds nothing.
        (Create::When { filter: None, .. }, other) | (other, Create::When { filter: None, .. }) => {
            other.clone()
        }
        (
            Create::When { condition, filter: Some(filter) },
            Create::When { condition: also, filter: Some(more) },
        ) => Create::When {
            condition: format!("{condition}; {also}"),
            filter: Some(any_of_both(filter, more)),
        },
        (Create::When { .. }, Create::ConnectedTo(_))
        | (Create::ConnectedTo(_), Create::When { .. }) => return Err(()),
    })
}

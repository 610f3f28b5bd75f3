//! Mirroring (`extra`, D1): where it would delete everything, fight with a flow that creates, or
//! can't delete at all (G6).

use lockstep_model::flow::Extra;
use lockstep_model::limits::Limit;
use lockstep_model::{Create, Flow};

use super::view::View;
use crate::codes;
use crate::problem::Problem;
use crate::section::FlowPlaces;
use crate::source::Place;

pub(super) fn check(view: &View<'_>, problems: &mut Vec<Problem>) {
    let mirrors =
        |(flow, places): &(&Flow, &FlowPlaces)| flow.extra != Extra::Ignore && !places.incomplete;
    for (flow, places) in view.flows().filter(mirrors) {
        let place = places.extra.as_ref().unwrap_or(&places.flow);
        match refused(view, flow) {
            Some((message, help)) => {
                problems.push(Problem::error(codes::EXTRA, place.clone(), message).help(help))
            }
            None => {
                fights(view, flow, place, problems);
                unguarded(view, flow, place, problems);
            }
        }
    }
}

/// Why nothing can be extra by a flow, or everything would be, with what to do.
fn refused(view: &View<'_>, flow: &Flow) -> Option<(String, &'static str)> {
    let (from, to) = (&flow.from, &flow.to);
    if (&from.system, &from.kind) == (&to.system, &to.kind) {
        let why = format!("every record of {to} is one of {from}, so none is extra");
        return Some((why, "leave out `extra`"));
    }
    if from.facet.is_some() || to.facet.is_some() {
        let why = format!("`extra` is about whole records, and {from} or {to} is a facet of some");
        return Some((why, "leave out `extra`, and say by `deletes` what becomes of a facet"));
    }
    if !view.between(from, to).any(|(flow, _)| !flow.matches.is_empty()) {
        let why = format!(
            "nothing says by what a {to} is recognised as a {from}, so every {to} would be extra"
        );
        return Some((why, "add a match row, for instance `match: [email = mail]`"));
    }
    if view.schema(to).is_some_and(|schema| !schema.can.delete) {
        let why = format!("{to} can't be deleted through {}, so `extra` has no effect", to.system);
        return Some((why, "leave out `extra`, and delete what is extra there by hand"));
    }
    None
}

/// What another flow makes, and this one deletes.
fn fights(view: &View<'_>, flow: &Flow, place: &Place, problems: &mut Vec<Problem>) {
    for (other, places) in view.flows().filter(|(other, _)| other.create != Create::Never) {
        let at = places.create.as_ref().unwrap_or(&places.flow);
        if (&other.from, &other.to) == (&flow.to, &flow.from) {
            let message = format!(
                "a {} that {} does not have is extra, and is created there as well: two flows say the opposite of each other",
                flow.to, flow.from
            );
            problems.push(
                Problem::error(codes::EXTRA, place.clone(), message)
                    .help("leave out `extra`, or create one way only: `create: always` instead of `both`, `create: never` in the flow back")
                    .related(at, "what creates"),
            );
        } else if other.to == flow.to && other.from != flow.from {
            let message = format!(
                "what is created of {} in {} is extra unless {} has it too: a person is asked about each",
                other.from, flow.to, flow.from
            );
            problems.push(
                Problem::warning(codes::EXTRA, place.clone(), message)
                    .help("leave out `extra`, or say by `only_to` which records are not to be deleted")
                    .related(at, "what creates"),
            );
        }
    }
}

/// G3: nothing keeps a run from deleting everything.
fn unguarded(view: &View<'_>, flow: &Flow, place: &Place, problems: &mut Vec<Problem>) {
    let limits = view.project.system(&flow.to.system).map(|system| &system.limits);
    if flow.extra == Extra::Delete && limits.is_some_and(|limits| limits.deletes == Limit::None) {
        let message = format!(
            "no guard counts what is deleted in {}: a run may delete every {} that {} does not show",
            flow.to.system, flow.to, flow.from
        );
        problems.push(
            Problem::warning(codes::EXTRA, place.clone(), message)
                .help("leave out `limits: { deletes: none }`, or say a number (G3)"),
        );
    }
}

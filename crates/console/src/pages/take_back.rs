//! Taking back: what would be done, with the button that does it.

use lockstep_hub::undo::TakingBack;
use lockstep_model::visible::visible;
use maud::{Markup, html};

use super::{At, page as whole, record};
use crate::frame::{Answer, Given, View};
use crate::problem::Problem;
use crate::take_back::{Way, planned, take_back};
use crate::words;

fn put_back(plan: &TakingBack) -> Markup {
    html! {
        @if plan.records.is_empty() && plan.not.is_empty() { p { "No value was written by it that would be put back." } }
        @if !plan.records.is_empty() {
            ul {
                @for of in &plan.records {
                    li {
                        (record(&of.record.0, &of.label))
                        @match of.act {
                            lockstep_hub::undo::Back::Update => {}
                            lockstep_hub::undo::Back::Delete => { ": it is deleted" }
                            lockstep_hub::undo::Back::CreateAnew => { ": the flows make another" }
                        }
                        @if !of.properties.is_empty() {
                            ul {
                                @for property in &of.properties {
                                    li {
                                        (property.path) ": " (words::value(&property.now)) " → " (words::value(&property.back_to))
                                        @for then in &property.then { "; " (visible(then)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if !plan.not.is_empty() {
            h3 { "What can't be put back" }
            ul { @for not in &plan.not { li { (visible(&not.record.0)) @if let Some(path) = &not.path { " " (path) } ": " (visible(&not.why)) } } }
        }
    }
}

/// What would be done, with the button that does it.
pub(super) fn page(view: &mut View, given: &Given) -> Result<Answer, Problem> {
    let run = given.number_in_path("run")?;
    let way = planned(view, run)?;
    let main = html! {
        @match &way {
            Way::Writes(_, plan) => { (put_back(plan)) }
            Way::Answer(pairs) => {
                @for (pair, plan) in pairs {
                    p {
                        (visible(&pair.a.0)) " and " (visible(&pair.b.0))
                        @if plan.is_some() { " are linked: they are taken apart." } @else { " are kept apart: they may be linked again." }
                    }
                    @if let Some(plan) = plan { (put_back(plan)) }
                }
                p { "The question is asked again." }
            }
        }
        form method="post" action={ "/runs/" (run) "/take-back" } {
            input type="hidden" name="shown" value=(way.mark());
            button { "Take it back" }
            " " a href={ "/runs/" (run) } { "Leave it" }
        }
    };
    let title = format!("Take back run {run}?");
    Ok(Answer::Html(whole(&title, At::Runs, &view.person, main)))
}

pub(super) fn carry_out(view: &mut View, given: &Given) -> Result<Answer, Problem> {
    let run = given.number_in_path("run")?;
    let way = planned(view, run)?;
    let shown = given.field("shown").unwrap_or_default().to_string();
    let was_answer = matches!(way, Way::Answer(_));
    take_back(view, run, way, &shown)?;
    Ok(Answer::See(if was_answer { "/review?done=taken-back".into() } else { "/runs".into() }))
}

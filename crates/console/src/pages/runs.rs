//! The runs, and what each did.

use lockstep_hub::look::{HistoryOf, RunLine};
use lockstep_model::{RunId, Value};
use lockstep_service::{Limits, Request};
use maud::{Markup, html};

use super::{At, PAGE, address, entity, more, page as whole};
use crate::accounts::Role;
use crate::frame::{Answer, Given, View};
use crate::problem::Problem;
use crate::words;

/// What a run was: a person's act, or a run on schedule.
pub(super) fn what(run: &RunLine) -> String {
    match (run.act(), run.by()) {
        (Some(act), Some(by)) => format!("{act}, by {by}"),
        (Some(act), None) => act.into(),
        (None, Some(by)) => format!("run asked for by {by}"),
        (None, None) => "run".into(),
    }
}

pub(super) fn list(view: &mut View, given: &Given) -> Result<Answer, Problem> {
    let before = given.number("before")?;
    let mut runs = view.hub()?.ledger.runs_before(before, PAGE + 1).map_err(Problem::of_store)?;
    let has_more = runs.len() > PAGE;
    runs.truncate(PAGE);
    let last = runs.last().map(|run| run.run.to_string()).unwrap_or_default();
    let next = has_more.then(|| address("/runs", &[("before", &last)]));
    let main = html! {
        @if view.person.may(Role::Operator) {
            form method="post" action="/sync" { button { "Run now" } }
        }
        div data-live="runs" {
            table {
                caption.hidden { "Runs, newest first" }
                thead { tr { th scope="col" { "Run" } th scope="col" { "What" } th scope="col" { "Began" } th scope="col" { "Ended" } th.n scope="col" { "Writes" } } }
                tbody {
                    @for run in &runs {
                        tr {
                            th scope="row" { a href={ "/runs/" (run.run) } { (run.run) } }
                            td { (what(run)) }
                            td { (words::short(&run.started)) }
                            td { (run.ended.as_deref().map_or("under way, or ended by force".into(), words::short)) }
                            td.n { (run.writes()) }
                        }
                    }
                }
            }
            @if runs.is_empty() { p { "There was no run yet." } }
        }
        (more(next))
    };
    Ok(Answer::Html(whole("Runs", At::Runs, &view.person, main)))
}

pub(super) fn one(view: &mut View, given: &Given) -> Result<Answer, Problem> {
    let number = given.number_in_path("run")?;
    let ledger = &mut view.hub()?.ledger;
    let run = ledger.run_line(number).map_err(Problem::of_store)?;
    let run = run.ok_or_else(|| Problem::not_found(format!("there is no run {number}")))?;
    let history = ledger.history_of(&HistoryOf::Run(RunId(number)), PAGE + 1)?;
    let shown = &history[..history.len().min(PAGE)];
    let may = match run.is_an_answer() {
        true => view.person.may(Role::Reviewer),
        false => view.person.may(Role::Operator),
    };
    let main = html! {
        p { (what(&run)) ", begun " (words::short(&run.started)) @if let Some(at) = &run.ended { ", ended " (words::short(at)) } "." }
        @if may { p { a.button href={ "/runs/" (number) "/take-back" } { "Take it back…" } } }
        (counts(&run.summary))
        h2 { "What happened" }
        (entity::lines(shown, false))
        @if history.len() > PAGE { p.of { "The first " (PAGE) " of what happened." } }
    };
    Ok(Answer::Html(whole(&format!("Run {number}"), At::Runs, &view.person, main)))
}

fn counts(summary: &Value) -> Markup {
    let systems = summary["systems"].as_array().map_or(&[][..], Vec::as_slice);
    let kinds = ["read", "created", "updated", "deleted", "refused"];
    html! {
        @if !systems.is_empty() {
            table {
                caption.hidden { "By system" }
                thead { tr { th scope="col" { "System" } @for kind in kinds { th.n scope="col" { (kind) } } } }
                tbody {
                    @for system in systems {
                        tr {
                            th scope="row" { (system["system"].as_str().unwrap_or_default()) }
                            @for kind in kinds { td.n { (system[kind].as_u64().unwrap_or(0)) } }
                        }
                    }
                }
            }
        }
    }
}

/// One run now.
pub(super) fn sync(view: &mut View, _: &Given) -> Result<Answer, Problem> {
    let flows = view.flows();
    let limits = Limits::default();
    let reply = view.act(Request::Sync { flows, full: false, every_event: false, limits })?;
    let run = match reply {
        lockstep_service::Reply::Report(report) => report.run.0.to_string(),
        _ => String::new(),
    };
    Ok(Answer::See(format!("/runs/{run}")))
}

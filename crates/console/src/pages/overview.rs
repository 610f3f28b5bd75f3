//! The overview, and the lists behind its numbers.

use lockstep_hub::standing::{Alike, Side, Standing, State};
use lockstep_model::{Remedy, Why};
use maud::{Markup, html};

use super::{At, PAGE, address, more, page as whole, record};
use crate::frame::{Answer, Given, View};
use crate::problem::Problem;
use crate::words;

fn state_words(state: State) -> &'static str {
    match state {
        State::InStep => "in step",
        State::Waiting => "waiting",
        State::Excluded => "left out",
        State::Failing => "failing",
    }
}

/// Why records stand so, in words.
pub(crate) fn reason(alike: &Alike) -> String {
    match (&alike.why, alike.state) {
        (Some(Why::Said(text)), _) => text.clone(),
        (Some(why), _) => lockstep_wording::why(why),
        (None, State::InStep) => "linked, and nothing is to be done".into(),
        (None, State::Waiting) => "a write is decided and not done yet".into(),
        (None, State::Excluded) => "its flow is not about it".into(),
        (None, State::Failing) => "a write fails".into(),
    }
}

/// For each flow and side four numbers.
pub(super) fn page(view: &mut View, _: &Given) -> Result<Answer, Problem> {
    let standing = view.standing();
    let status = view.hub()?.ledger.status()?;
    let waiting: u64 = status.reviews.iter().map(|(_, n)| n).sum();
    let main = html! {
        div data-live="overview" {
            (alerts(&status))
            @if waiting > 0 {
                p.said { a href="/review" { (waiting) " " (if waiting == 1 { "question waits" } else { "questions wait" }) " for a person" } }
            }
            h2 { "Flows" }
            @match standing.as_ref().map(|found| found.as_ref().as_ref()) {
                Ok(Ok(standing)) => { (flows(standing)) }
                Ok(Err(why)) => { p.said { "The numbers are not found yet: " (why) "." } }
                Err(problem) => { p.said { "The numbers are not found yet: " (problem.detail) "." } }
            }
            h2 { "Record types" }
            div.scroll tabindex="0" role="region" aria-label="Record types" {
                table {
                    thead { tr { th scope="col" { "Record type" } th.n scope="col" { "Records" } th scope="col" { "Read last" } } }
                    tbody {
                        @for ty in &status.types {
                            tr {
                                th scope="row" { (ty.name) }
                                td.n { (ty.records) }
                                td {
                                    @match (&ty.read_from, ty.complete) {
                                        (Some(at), true) => { (words::short(at)) }
                                        _ => { "not read to the end yet" }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    Ok(Answer::Html(whole("Overview", At::Overview, &view.person, main)))
}

fn remedies(all: &[Remedy]) -> Markup {
    html! {
        @for remedy in all {
            " " span.remedy { (words::remedy(remedy)) "." }
        }
    }
}

/// What is wrong with the whole, and what to do.
fn alerts(status: &lockstep_hub::look::Status) -> Markup {
    html! {
        @for trouble in &status.troubles {
            p.said { strong { (trouble.system) } " is left alone since " (words::short(&trouble.since)) ": " (trouble.message) "." (remedies(&trouble.remedies)) }
        }
        @for damage in &status.damages {
            p.said { strong { (damage.record_type) } " has something that can't be read, since " (words::short(&damage.since)) ": " (damage.place) ": " (damage.message) "." }
        }
        @for guard in &status.guards {
            p.said { strong { "Stopped" } ": " (lockstep_model::visible::visible(&lockstep_wording::why(&guard.why))) "." (remedies(&guard.remedies)) " " a href="/review?kind=guard" { "Answer it" } }
        }
    }
}

fn number(side: &Side, state: State) -> Markup {
    let n = side.count(state);
    let href = address("/flow", &[("flow", &side.flow), ("state", state.name())]);
    html! {
        td.n.(state.name()) data-label=(state_words(state)) {
            @if n == 0 {
                "0"
            } @else {
                a href=(href) { (n) span.hidden { " records of " (side.flow) ": " (state_words(state)) } }
            }
        }
    }
}

fn flows(standing: &Standing) -> Markup {
    html! {
        table.flows {
            caption.hidden { "Records of each flow and side, by how they stand" }
            thead {
                tr {
                    th scope="col" { "Flow" }
                    @for state in State::ALL { th.n scope="col" { (state_words(state)) } }
                }
            }
            tbody {
                @for side in &standing.sides {
                    tr {
                        th scope="row" { (side.from) " " span.to { "→" span.hidden { "to" } } " " (side.to) }
                        @for state in State::ALL { (number(side, state)) }
                    }
                }
            }
        }
        @if let Some(at) = standing.at {
            p.of { "As of " (words::time(at)) @if let Some(run) = standing.run { ", after run " a href={ "/runs/" (run.0) } { (run.0) } } "." }
        }
    }
}

/// The records behind a number, by the reason for which they stand so.
pub(super) fn list(view: &mut View, given: &Given) -> Result<Answer, Problem> {
    let flow = given.query("flow").unwrap_or_default().to_string();
    let state = given.query("state").unwrap_or("in-step").to_string();
    let wanted = State::parse(&state).ok_or_else(|| {
        let known: Vec<&str> = State::ALL.iter().map(|state| state.name()).collect();
        Problem::wrong(format!("`{state}` is no state; there are: {}", known.join(", ")))
    })?;
    let after = given.number("after")?;
    let found = view.standing()?;
    let standing = found.as_ref().as_ref().map_err(|why| Problem::unavailable(why.clone()))?;
    let side = standing.sides.iter().find(|side| side.flow == flow);
    let side = side.ok_or_else(|| Problem::not_found(format!("there is no flow `{flow}`")))?;
    let reasons: Vec<(String, &Alike)> =
        side.alike.iter().filter(|a| a.state == wanted).map(|a| (reason(a), a)).collect();
    let chosen = given.query("why");
    let mut ids: Vec<_> = reasons
        .iter()
        .filter(|(text, _)| chosen.is_none_or(|chosen| chosen == text))
        .flat_map(|(text, alike)| alike.records.iter().map(move |id| (*id, text.as_str())))
        .filter(|(id, _)| after.is_none_or(|after| id.0 > after))
        .collect();
    ids.sort_unstable();
    let has_more = ids.len() > PAGE;
    ids.truncate(PAGE);
    let last = ids.last().map(|(id, _)| id.0.to_string()).unwrap_or_default();
    let only: Vec<_> = ids.iter().map(|(id, _)| *id).collect();
    let lines = view.hub()?.record_lines(&only)?;
    let because = |id| ids.iter().find(|(known, _)| *known == id).map_or("", |(_, text)| text);
    let here = |why: &str, after: &str| {
        address("/flow", &[("flow", &flow), ("state", &state), ("why", why), ("after", after)])
    };
    let next = has_more.then(|| here(chosen.unwrap_or_default(), &last));
    let main = html! {
        p { (side.from) " → " (side.to) ": " strong { (side.count(wanted)) " " (state_words(wanted)) } "." }
        @if reasons.len() > 1 || chosen.is_some() {
            h2 { "Why" }
            ul.filters {
                li { a href=(here("", "")) aria-current=[chosen.is_none().then_some("true")] { "all" } }
                @for (text, alike) in &reasons {
                    li { a href=(here(text, "")) aria-current=[(chosen == Some(text)).then_some("true")] { (text) } " (" (alike.records.len()) ")" }
                }
            }
        }
        table {
            caption.hidden { "Records" }
            thead { tr { th scope="col" { "Record" } th scope="col" { "Why it is here" } } }
            tbody {
                @for line in &lines {
                    tr { td { (record(&line.record.0, &line.label)) } td { (because(line.id)) } }
                }
            }
        }
        @if lines.is_empty() { p { "There is none here." } }
        (more(next))
    };
    let title = format!("Records that are {}", state_words(wanted));
    Ok(Answer::Html(whole(&title, At::Overview, &view.person, main)))
}

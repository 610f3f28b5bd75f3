//! What waits for a person: a queue by cause, and each question with its records side by side.

use std::collections::BTreeMap;

use lockstep_hub::answers::Answered;
use lockstep_hub::look::{ReviewLine, ReviewShown};
use lockstep_model::visible::visible;
use lockstep_model::{AnswerKind, Remedy};
use lockstep_service::{Reply, Request};
use maud::{Markup, html};

use super::{At, PAGE, address, more, page as whole, record};
use crate::accounts::Role;
use crate::frame::{Answer, Given, View};
use crate::problem::Problem;
use crate::words;

/// Which of them: the filters add up.
fn chosen(given: &Given, review: &ReviewLine) -> bool {
    given.query("kind").is_none_or(|kind| review.kind == kind)
        && given.query("flow").is_none_or(|flow| review.flow == flow)
}

fn counted<'a>(values: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, u64> {
    let mut counts = BTreeMap::new();
    for value in values.filter(|value| !value.is_empty()) {
        *counts.entry(value).or_default() += 1;
    }
    counts
}

pub(super) fn list(view: &mut View, given: &Given) -> Result<Answer, Problem> {
    let after = given.number("after")?;
    let all = view.hub()?.ledger.reviews(usize::MAX >> 1).map_err(Problem::of_store)?;
    let (kind, flow) =
        (given.query("kind").unwrap_or_default(), given.query("flow").unwrap_or_default());
    let here = |kind: &str, flow: &str, after: &str| {
        address("/review", &[("kind", kind), ("flow", flow), ("after", after)])
    };
    let meant = all.iter().filter(|review| chosen(given, review));
    let mut meant: Vec<&ReviewLine> =
        meant.filter(|review| after.is_none_or(|after| review.number > after)).collect();
    let has_more = meant.len() > PAGE;
    meant.truncate(PAGE);
    let last = meant.last().map(|review| review.number.to_string()).unwrap_or_default();
    let next = has_more.then(|| here(kind, flow, &last));
    let mut by_cause: BTreeMap<(&str, String), Vec<&ReviewLine>> = BTreeMap::new();
    for review in &meant {
        by_cause.entry((&review.kind, review.why.name())).or_default().push(review);
    }
    let filters = |name: &str,
                   current: &str,
                   counts: BTreeMap<&str, u64>,
                   to: &dyn Fn(&str) -> String| {
        html! {
            @if counts.len() > 1 || !current.is_empty() {
                h2 { (name) }
                ul.filters {
                    li { a href=(to("")) aria-current=[current.is_empty().then_some("true")] { "all" } }
                    @for (value, n) in counts {
                        li { a href=(to(value)) aria-current=[(current == value).then_some("true")] { (value) } " (" (n) ")" }
                    }
                }
            }
        }
    };
    let kinds = counted(all.iter().map(|review| review.kind.as_str()));
    let flows = counted(all.iter().map(|review| review.flow.as_str()));
    let main = html! {
        @if given.query("done").is_some() { p.said role="status" { "It is taken back. The next run asks the question again." } }
        (filters("Kind", kind, kinds, &|kind| here(kind, flow, "")))
        (filters("Flow", flow, flows, &|flow| here(kind, flow, "")))
        div data-live="reviews" {
            @if meant.is_empty() { p { "Nothing waits for a person" @if !kind.is_empty() || !flow.is_empty() { " here" } "." } }
            @for ((kind, cause), reviews) in &by_cause {
                h2 { (words::review_kind(kind)) @if cause != "said" { ": " (cause.replace('-', " ")) } " (" (reviews.len()) ")" }
                p.of { (reviews[0].rule) ": " (reviews[0].sentence) }
                ol.reviews {
                    @for review in reviews {
                        li {
                            a href={ "/review/" (review.number) } { @if review.label.is_empty() { (visible(&review.record.0)) } @else { (visible(&review.label)) } }
                            " " span.of { (visible(&review.record.0)) @if let Some(path) = &review.path { " " (path) } ", since " (words::short(&review.opened)) }
                            br; (visible(&lockstep_wording::why(&review.why)))
                        }
                    }
                }
            }
        }
        (more(next))
        p { a href="/runs" { "What was answered" } " can be taken back: open its run." }
    };
    Ok(Answer::Html(whole("What waits for a person", At::Review, &view.person, main)))
}

pub(super) fn one(view: &mut View, given: &Given) -> Result<Answer, Problem> {
    let number = given.number_in_path("number")?;
    let found = view.hub()?.ledger.review(number).map_err(Problem::of_store)?;
    let found = found.ok_or_else(|| {
        Problem::not_found(format!(
            "there is no open question {number}: it has been answered, or what it was about has changed"
        ))
    })?;
    let review = &found.review;
    let may = view.person.may(Role::Reviewer);
    let main = html! {
        p.said { (visible(&lockstep_wording::why(&review.why))) "." }
        p.of {
            (review.in_type) @if let Some(path) = &review.path { " " (path) }
            ", in " (review.flow) ", since " (words::short(&review.opened)) ". " (review.rule) ": " (review.sentence)
        }
        @if !found.value.is_null() { p { "The value: " strong { (words::value(&found.value)) } } }
        (side_by_side(&found))
        @if review.more_candidates > 0 { p { "And " (review.more_candidates) " more candidates." } }
        @if may { (buttons(review)) } @else { p { "The answer is for a reviewer to give." } }
        (others(&review.remedies))
        p { a href="/review" { "Back to what waits" } }
    };
    let title = if review.label.is_empty() { &review.record.0 } else { &review.label };
    let title = format!("{}: {}", words::review_kind(&review.kind), visible(title));
    Ok(Answer::Html(whole(&title, At::Review, &view.person, main)))
}

fn side_by_side(found: &ReviewShown) -> Markup {
    let differing = found.rows.iter().filter(|row| row.differs).count();
    html! {
        @if !found.columns.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Records side by side" {
                table.sides {
                    caption { (found.rows.len()) " properties side by side, " (differing) " of them differ (≠)" }
                    thead { tr { td {} @for (at, (name, label)) in found.columns.iter().enumerate() {
                            th scope="col" {
                                (record(&name.0, label))
                                @for by in found.fits.get(at).into_iter().flatten() { br; span.of { "fits by " (visible(by)) } }
                            }
                        } } }
                    tbody {
                        @for row in &found.rows {
                            tr.differs[row.differs] {
                                td.mark { @if row.differs { span aria-hidden="true" { "≠" } span.hidden { "differs" } } }
                                @for cell in &row.cells {
                                    td { @if let Some((path, value)) = cell { span.of { (path) } br; (words::value(value)) } @else { "–" } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The answers as buttons, each with what it does.
fn buttons(review: &ReviewLine) -> Markup {
    let answers = review.remedies.iter().filter_map(|remedy| match remedy {
        Remedy::Answer { answer, record, does } => Some((*answer, record, *does)),
        _ => None,
    });
    html! {
        h2 { "Answer" }
        ul.answers {
            @for (answer, of, does) in answers {
                li {
                    form method="post" action="/review" {
                        input type="hidden" name="number" value=(review.number);
                        input type="hidden" name="answer" value=(answer.name());
                        @match (answer, of) {
                            (AnswerKind::Link, None) => {
                                label { "Record " input name="record" required placeholder="system.RecordType/ID"; }
                            }
                            (AnswerKind::Link, Some(of)) => { input type="hidden" name="record" value=(of); }
                            _ => {}
                        }
                        button { (words::button(answer, does)) @if let (AnswerKind::Link, Some(of)) = (answer, of) { " " (visible(of)) } }
                        " " span.of { (words::effect(does, of.as_deref())) }
                    }
                }
            }
        }
    }
}

/// What else can be done.
fn others(remedies: &[Remedy]) -> Markup {
    let others: Vec<String> = remedies
        .iter()
        .filter(|remedy| !matches!(remedy, Remedy::Answer { .. }))
        .map(words::remedy)
        .collect();
    html! {
        @if !others.is_empty() {
            h2 { "What else can be done" }
            ul { @for one in &others { li { (visible(one)) } } }
        }
    }
}

pub(super) fn answer(view: &mut View, given: &Given) -> Result<Answer, Problem> {
    let number = given.field("number").and_then(|text| text.parse().ok());
    let number: i64 =
        number.ok_or_else(|| Problem::wrong("which question is answered is not said"))?;
    let answer = words::answer(given.field("answer").unwrap_or_default(), given.field("record"))?;
    let reply = view.act(Request::Answer { numbers: vec![number], answer })?;
    let Reply::Answered(answered) = reply else {
        return Err(Problem::unavailable("the service answers what was not asked: start it anew"));
    };
    let Some(one) = answered.into_iter().next() else {
        return Err(Problem::unavailable("nothing came of it: look at what waits"));
    };
    if !one.done {
        let ways: Vec<String> = one.remedies.iter().map(words::remedy).collect();
        let detail = [vec![one.text], ways].concat().join("; ");
        return Err(Problem::conflict(format!("nothing was done: {detail}")));
    }
    done(view, given, &one)
}

/// What came of an answer, with what waits next and how it is taken back.
fn done(view: &mut View, given: &Given, answered: &Answered) -> Result<Answer, Problem> {
    let ledger = &mut view.hub()?.ledger;
    let next = ledger.reviews(usize::MAX >> 1).map_err(Problem::of_store)?;
    let next = next.into_iter().find(|review| review.number != answered.number);
    let number = answered.number.to_string();
    let runs = ledger.runs_before(None, PAGE).map_err(Problem::of_store)?;
    let run = runs.iter().find(|run| {
        let of = run.act().and_then(|what| what.rsplit_once(" of "));
        run.is_an_answer() && of.is_some_and(|(_, numbers)| numbers.split(' ').any(|n| n == number))
    });
    let _ = given;
    let main = html! {
        p.said role="status" { (visible(&answered.text)) "." }
        p {
            @match &next {
                Some(next) => { a.button href={ "/review/" (next.number) } { "The next question" } }
                None => { "Nothing else waits for a person." }
            }
        }
        @if let Some(run) = run { p { a href={ "/runs/" (run.run) "/take-back" } { "Take it back…" } } }
        p { a href="/review" { "Back to what waits" } }
    };
    Ok(Answer::Html(whole("Answered", At::Review, &view.person, main)))
}

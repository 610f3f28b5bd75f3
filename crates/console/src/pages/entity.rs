//! An entity: the records of all systems side by side, why each value is so, and what happened.

use lockstep_hub::entity::{Cell, Column};
use lockstep_hub::look::{HistoryLine, HistoryOf};
use lockstep_model::visible::visible;
use maud::{Markup, html};

use super::{At, PAGE, address, page as whole};
use crate::frame::{Answer, Given, View};
use crate::problem::Problem;
use crate::words;

pub(super) fn page(view: &mut View, given: &Given) -> Result<Answer, Problem> {
    let name = given.query("record").unwrap_or_default().to_string();
    let hub = view.hub()?;
    let entity = hub.ledger.entity(&name)?;
    let mut history = Vec::new();
    for column in &entity.columns {
        history.extend(hub.ledger.history_of(&HistoryOf::Record(column.record.0.clone()), 1_000)?);
    }
    history.sort_by(|a, b| b.at.cmp(&a.at));
    history.truncate(PAGE);
    let this = entity.columns.iter().find(|column| column.record.0 == name);
    let title = this.map_or_else(|| name.clone(), |column| column.label.clone());
    let title = if title.is_empty() { name.clone() } else { visible(&title).into_owned() };
    let columns = &entity.columns;
    let main = html! {
        div data-live="entity" {
            p { (visible(&name)) @if columns.len() == 1 { ", linked with no other record" } }
            (waits(columns))
            h2 { "Side by side" }
            div.scroll tabindex="0" role="region" aria-label="Records side by side" {
                table.sides {
                    thead { tr {
                        td {}
                        @for column in columns { th scope="col" { (visible(&column.record.0)) @if !column.live { " (deleted)" } } }
                    } }
                    tbody {
                        @for row in &entity.rows {
                            tr.differs[row.differs] {
                                td.mark { @if row.differs { span aria-hidden="true" { "≠" } span.hidden { "differs" } } }
                                @for cell in &row.cells { (one(cell.as_ref())) }
                            }
                        }
                        tr {
                            td {}
                            @for column in columns {
                                td.of {
                                    @if let Some(at) = column.modified { "edited " (words::time(at)) br; }
                                    @if let Some(at) = column.written { "written by Lockstep " (words::time(at)) }
                                }
                            }
                        }
                    }
                }
            }
            (links(columns, &name))
            h2 { "History" }
            (lines(&history, true))
            @if history.len() == PAGE { p.of { "The latest " (PAGE) "." } }
        }
    };
    Ok(Answer::Html(whole(&title, At::Records, &view.person, main)))
}

fn one(cell: Option<&Cell>) -> Markup {
    html! {
        td {
            @if let Some(cell) = cell {
                span.of { (cell.path) } br;
                (words::value(&cell.value))
                @if let Some(at) = cell.claimed { br; span.of { "put in " (words::time(at)) } }
                @if !cell.facts.is_empty() {
                    details {
                        summary { "Why" span.hidden { " " (cell.path) " is so" } }
                        @for fact in &cell.facts {
                            p { (visible(&lockstep_wording::fact(&cell.path, &cell.value, fact))) }
                        }
                    }
                }
            } @else {
                span.hidden { "no such property" }
            }
        }
    }
}

/// What waits about these records.
fn waits(columns: &[Column]) -> Markup {
    html! {
        @for column in columns {
            @for review in &column.explained.reviews {
                p.said {
                    (visible(&column.record.0)) " waits for a person: " (visible(&lockstep_wording::why(&review.why))) ". "
                    a href=(address("/review", &[("kind", review.kind.name())])) { "Answer it" }
                }
            }
            @for waiting in &column.explained.waits {
                p.said { (visible(&column.record.0)) ": " (visible(&lockstep_wording::why(&waiting.why))) "." }
            }
        }
    }
}

fn links(columns: &[Column], name: &str) -> Markup {
    let this = columns.iter().find(|column| column.record.0 == name);
    let links = this.map(|column| column.explained.links.as_slice()).unwrap_or_default();
    html! {
        @if !links.is_empty() {
            h2 { "Why they are linked" }
            ul { @for link in links { li { (visible(&words::link(link))) } } }
        }
    }
}

/// Lines of the journal.
pub(super) fn lines(history: &[HistoryLine], of_one: bool) -> Markup {
    html! {
        @if history.is_empty() { p { "Nothing happened." } }
        ol.history {
            @for line in history {
                li {
                    span.of { (words::short(&line.at)) } " " (line.kind) " " (super::record(&line.record.0, ""))
                    @if let Some(path) = &line.path { " " (path) ": " (words::value(&line.before)) " → " (words::value(&line.after)) }
                    @let said = lockstep_wording::detail(&line.detail);
                    @if !said.is_empty() { " " (visible(&said)) }
                    @if let Some(other) = &line.other { " – " (super::record(&other.0, "")) }
                    @if let Some(rule) = &line.rule { " (" (rule) ")" }
                    @if of_one { " in " a href={ "/runs/" (line.run) } { "run " (line.run) } }
                }
            }
        }
    }
}

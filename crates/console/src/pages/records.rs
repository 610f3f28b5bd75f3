//! Records: looked for by what they hold, or as they are linked.

use maud::html;

use super::{At, PAGE, address, more, page as whole, record};
use crate::frame::{Answer, Given, View};
use crate::problem::Problem;

/// Records that one page of a search looks through.
const SEARCHED: usize = 20_000;

pub(super) fn page(view: &mut View, given: &Given) -> Result<Answer, Problem> {
    let wanted = given.query("text").map(str::to_string);
    let (table, next) = match &wanted {
        Some(text) => {
            let after = given.query("after").map(str::to_string);
            let limits = (PAGE, SEARCHED);
            let found = view.hub()?.ledger.search(text, after.as_deref(), limits)?;
            let next = found
                .next
                .map(|next| address("/records", &[("text", text.as_str()), ("after", &next.0)]));
            let searched_on = found.records.len() < PAGE && next.is_some();
            let table = html! {
                @if found.records.is_empty() && next.is_none() {
                    p { "No record holds “" (text) "”, and none has it as its id." }
                } @else {
                    ul.records { @for (name, label) in &found.records { li { (record(&name.0, label)) } } }
                }
                @if searched_on { p { "Some records have been looked through, not all." } }
            };
            (table, next)
        }
        None => {
            let after = given.number("after")?;
            let mut all =
                view.hub()?.ledger.entities(after, PAGE + 1).map_err(Problem::of_store)?;
            let has_more = all.len() > PAGE;
            all.truncate(PAGE);
            let last = all.last().map(|one| one.entity.to_string()).unwrap_or_default();
            let next = has_more.then(|| address("/records", &[("after", &last)]));
            let table = html! {
                h2 { "Linked records" }
                @if all.is_empty() { p { "No records are linked." } }
                ul.records {
                    @for one in &all {
                        li { ul { @for (name, label) in &one.records { li { (record(&name.0, label)) } } } }
                    }
                }
            };
            (table, next)
        }
    };
    let main = html! {
        form.search method="get" action="/records" role="search" {
            label for="text" { "A text that the record holds, or its id" }
            input #text name="text" type="search" value=(wanted.as_deref().unwrap_or_default());
            button { "Search" }
        }
        (table)
        (more(next))
    };
    Ok(Answer::Html(whole("Records", At::Records, &view.person, main)))
}

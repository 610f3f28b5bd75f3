//! What the API shows.

use lockstep_console::api::answer;
use lockstep_console::{Given, Problem, View};
use lockstep_hub::look::HistoryOf;
use lockstep_hub::standing::State;
use lockstep_model::{RunId, Value, Why};

use super::forms::{self, Named};
use crate::{acts, wire};

/// Lines of a page.
const PAGE: usize = 50;
/// Lines of the journal that are shown at most.
const LINES: usize = 1_000;
/// Records that one page of a search looks through.
const SEARCHED: usize = 20_000;

type Done = Result<Value, Problem>;

pub fn status(view: &mut View, _: &Given) -> Done {
    answer(&wire::Status::from(view.hub()?.ledger.status()?))
}

pub fn flows(view: &mut View, _: &Given) -> Done {
    let found = view.standing()?;
    let standing = found.as_ref().as_ref().map_err(|why| Problem::unavailable(why.clone()))?;
    answer(&forms::Flows {
        at: standing.at.map(|at| at.to_string()),
        run: standing.run.map(|run| run.0),
        sides: standing.sides.iter().map(Into::into).collect(),
    })
}

pub fn flow_records(view: &mut View, given: &Given) -> Done {
    let flow = given.query("flow").unwrap_or_default();
    let state = given.query("state").and_then(State::parse);
    let after = given.number("after")?;
    let found = view.standing()?;
    let standing = found.as_ref().as_ref().map_err(|why| Problem::unavailable(why.clone()))?;
    let side = standing.sides.iter().find(|side| side.flow == flow);
    let side = side.ok_or_else(|| Problem::not_found(format!("there is no flow `{flow}`")))?;
    let of_state = side.alike.iter().filter(|alike| Some(alike.state) == state);
    let mut ids: Vec<_> = of_state
        .flat_map(|alike| alike.records.iter().map(move |id| (*id, alike.why.as_ref())))
        .filter(|(id, _)| after.is_none_or(|after| id.0 > after))
        .collect();
    ids.sort_unstable_by_key(|(id, _)| *id);
    let has_more = ids.len() > PAGE;
    ids.truncate(PAGE);
    let only: Vec<_> = ids.iter().map(|(id, _)| *id).collect();
    let lines = view.hub()?.record_lines(&only)?;
    let record = |line: lockstep_hub::standing::RecordLine| {
        let why = ids.iter().find(|(id, _)| *id == line.id).and_then(|(_, why)| *why);
        forms::FlowRecord {
            record: line.record.0,
            label: line.label,
            reason: why.map(Why::name),
            text: why.map(lockstep_wording::why),
        }
    };
    let next = ids.last().filter(|_| has_more).map(|(id, _)| id.0);
    answer(&forms::FlowRecords { records: lines.into_iter().map(record).collect(), next })
}

pub fn reviews(view: &mut View, given: &Given) -> Done {
    let after = given.number("after")?;
    let mut all = view.hub()?.ledger.reviews(usize::MAX >> 1).map_err(Problem::of_store)?;
    all.retain(|review| {
        after.is_none_or(|after| review.number > after)
            && given.query("kind").is_none_or(|kind| review.kind == kind)
            && given.query("flow").is_none_or(|flow| review.flow == flow)
    });
    let has_more = all.len() > PAGE;
    all.truncate(PAGE);
    let next = all.last().filter(|_| has_more).map(|review| review.number);
    answer(&forms::ReviewPage { reviews: all.into(), next })
}

pub fn review(view: &mut View, given: &Given) -> Done {
    let number = given.number_in_path("number")?;
    let found = view.hub()?.ledger.review(number).map_err(Problem::of_store)?;
    let none = || Problem::not_found(format!("there is no open review {number}"));
    answer(&wire::ReviewShown::from(found.ok_or_else(none)?))
}

pub fn entities(view: &mut View, given: &Given) -> Done {
    let after = given.number("after")?;
    let mut all = view.hub()?.ledger.entities(after, PAGE + 1).map_err(Problem::of_store)?;
    let has_more = all.len() > PAGE;
    all.truncate(PAGE);
    let next = all.last().filter(|_| has_more).map(|one| one.entity);
    let line = |one: lockstep_hub::entity::EntityLine| {
        let records = one.records.into_iter().map(Named::from).collect();
        forms::EntityLine { entity: one.entity, records }
    };
    answer(&forms::EntityPage { entities: all.into_iter().map(line).collect(), next })
}

pub fn search(view: &mut View, given: &Given) -> Done {
    let text = given.query("text").unwrap_or_default();
    let ledger = &mut view.hub()?.ledger;
    let found = ledger.search(text, given.query("after"), (PAGE, SEARCHED))?;
    let records = found.records.into_iter().map(Named::from).collect();
    answer(&forms::Found { records, next: found.next.map(|next| next.0) })
}

pub fn entity(view: &mut View, given: &Given) -> Done {
    let name = given.query("record").unwrap_or_default();
    answer(&forms::Entity::from(view.hub()?.ledger.entity(name)?))
}

pub fn explain(view: &mut View, given: &Given) -> Done {
    let name = given.query("record").unwrap_or_default();
    let explained = view.hub()?.ledger.explain(name, given.query("path"))?;
    answer(&wire::Explanation::from(explained))
}

pub fn runs(view: &mut View, given: &Given) -> Done {
    let before = given.number("before")?;
    let ledger = &mut view.hub()?.ledger;
    let mut runs = ledger.runs_before(before, PAGE + 1).map_err(Problem::of_store)?;
    let has_more = runs.len() > PAGE;
    runs.truncate(PAGE);
    let next = runs.last().filter(|_| has_more).map(|run| run.run);
    answer(&forms::RunPage { runs: runs.into_iter().map(Into::into).collect(), next })
}

pub fn history(view: &mut View, given: &Given) -> Done {
    let of = match (given.query("record"), given.number("run")?, given.query("since")) {
        (None, None, None) => HistoryOf::Latest,
        (Some(record), None, None) => HistoryOf::Record(record.into()),
        (None, Some(run), None) => HistoryOf::Run(RunId(run)),
        (None, None, Some(since)) => {
            let since = acts::time(since).map_err(|failure| Problem::wrong(failure.message))?;
            HistoryOf::Since(since)
        }
        _ => return Err(Problem::wrong("give one of `record`, `run` and `since`")),
    };
    let mut lines = view.hub()?.ledger.history_of(&of, LINES + 1)?;
    let cut_off = lines.len() > LINES;
    lines.truncate(LINES);
    answer(&forms::HistoryPage { lines: lines.into(), cut_off })
}

pub fn accounts(view: &mut View, _: &Given) -> Done {
    answer(&forms::AccountList::from(view.accounts()?))
}

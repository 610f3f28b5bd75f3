//! What the API does: requests to the owner of the hub, in the name of who asks.

use lockstep_console::api::{answer as form, body};
use lockstep_console::take_back::{Way, planned};
use lockstep_console::{Given, Problem, View, words};
use lockstep_hub::answers::Again;
use lockstep_model::Value;
use lockstep_service::{Limits, Reply, Request};

use super::forms;
use crate::wire;

type Done = Result<Value, Problem>;

/// A service that answers something else is of another build.
fn misunderstood(_: Reply) -> Problem {
    Problem::unavailable("the service answers what was not asked: start it anew")
}

fn answer_with(view: &mut View, request: Request) -> Done {
    match view.act(request)? {
        Reply::Report(report) => form(&wire::Report::from(*report)),
        Reply::Approved(approved) => form(&wire::Approved { approved }),
        Reply::Released | Reply::Reopened(_) => form(&forms::Done { done: true }),
        Reply::Answered(all) => {
            form(&wire::Answers(all.into_iter().map(wire::Answered::from).collect()))
        }
        Reply::Linked(joined) => form(&wire::Linked::from(joined)),
        Reply::Unlinked(halves) => form(&wire::Halves::from(halves)),
        other @ (Reply::TakenBack { .. } | Reply::Audited(_)) => Err(misunderstood(other)),
    }
}

pub fn answer(view: &mut View, given: &Given) -> Done {
    let asked: forms::GivenAnswer = body(given)?;
    if asked.numbers.is_empty() {
        return Err(Problem::wrong("`numbers` is empty: which reviews are answered?"));
    }
    let answer = words::answer(&asked.answer, asked.record.as_deref())?;
    answer_with(view, Request::Answer { numbers: asked.numbers, answer })
}

pub fn taking_back(view: &mut View, given: &Given) -> Done {
    let way = planned(view, given.number_in_path("run")?)?;
    let pairs = match &way {
        Way::Writes(..) => vec![],
        Way::Answer(pairs) => pairs
            .iter()
            .map(|(pair, _)| forms::AnsweredPair {
                a: pair.a.0.clone(),
                b: pair.b.0.clone(),
                linked: pair.linked,
            })
            .collect(),
    };
    let plans = way.plans().into_iter().map(wire::Taking::from).collect();
    form(&forms::TakingBack { shown: way.mark(), plans, pairs })
}

pub fn take_back(view: &mut View, given: &Given) -> Done {
    let run = given.number_in_path("run")?;
    let asked: forms::GivenShown = body(given)?;
    let way = planned(view, run)?;
    lockstep_console::take_back::take_back(view, run, way, &asked.shown)?;
    form(&forms::Done { done: true })
}

pub fn plan(view: &mut View, given: &Given) -> Done {
    let forms::Nothing {} = body(given)?;
    form(&wire::Report::from(view.plan()?))
}

pub fn sync(view: &mut View, given: &Given) -> Done {
    let forms::GivenRun { full, flows, systems, first } = body(given)?;
    let limits = Limits { flows, systems, first };
    let flows = view.flows();
    answer_with(view, Request::Sync { flows, full, every_event: false, limits })
}

pub fn approve(view: &mut View, given: &Given) -> Done {
    let forms::Nothing {} = body(given)?;
    let flows = view.flows();
    answer_with(view, Request::Approve { flows })
}

pub fn release(view: &mut View, given: &Given) -> Done {
    let forms::GivenGuard { system, guard, discard } = body(given)?;
    answer_with(view, Request::Release { system, guard, discard })
}

pub fn link(view: &mut View, given: &Given) -> Done {
    let forms::GivenPair { a, b } = body(given)?;
    answer_with(view, Request::Link { a, b })
}

pub fn unlink(view: &mut View, given: &Given) -> Done {
    let forms::GivenUnlink { a, b } = body(given)?;
    answer_with(view, Request::Unlink { a, b })
}

pub fn retry(view: &mut View, given: &Given) -> Done {
    let forms::GivenRetry { record } = body(given)?;
    answer_with(view, Request::Retry(record.map_or(Again::All, Again::Record)))
}

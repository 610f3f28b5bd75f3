//! Carries a request out on a hub.

use std::collections::BTreeSet;

use lockstep_hub::take_back::TakenBack;
use lockstep_hub::undo::TakingBack;
use lockstep_hub::{ActResult, Hub, Part, RunOptions};
use lockstep_model::{FlowIx, Value};

use crate::request::{Flows, Limits, Refusal, Reply, Request, TakeBack, guard_named};

/// Does what is asked for. `options` says who watches.
pub(crate) fn perform(
    hub: &mut Hub,
    request: Request,
    options: RunOptions<'_>,
) -> Result<Reply, Refusal> {
    Ok(match request {
        Request::Sync { flows, full, every_event, limits } => {
            same_flows(hub, flows)?;
            let part = part_of(hub, &limits)?;
            let options = RunOptions { full, every_event, part, ..options };
            Reply::Report(Box::new(hub.run(options)?))
        }
        Request::Approve { flows } => {
            same_flows(hub, flows)?;
            Reply::Approved(hub.approve()?)
        }
        Request::Release { system, guard, discard } => {
            let guard = guard_named(&guard)?;
            match discard {
                true => hub.ledger.discard(&system, guard)?,
                false => hub.ledger.release(&system, guard)?,
            };
            Reply::Released
        }
        Request::Answer { numbers, answer } => Reply::Answered(hub.answer(&numbers, &answer)?),
        Request::Link { a, b } => Reply::Linked(hub.link(&a, &b)?),
        Request::Unlink { a, b } => Reply::Unlinked(hub.unlink(&a, b.as_deref())?),
        Request::Reopen(run) => Reply::Reopened(hub.reopen(run)?),
        Request::Retry(again) => Reply::Report(Box::new(hub.retry(&again)?)),
        Request::TakeBack { what, shown } => take_back(hub, what, &shown)?,
        Request::Audit { sample, repair } => Reply::Audited(hub.audit(sample, repair)?),
    })
}

/// What would be taken back.
pub fn plan_back(hub: &mut Hub, what: &TakeBack) -> ActResult<TakingBack> {
    match what {
        TakeBack::Undo { which, force, put_back } => hub.plan_undo(which, *force, *put_back),
        TakeBack::Redo { run, force } => hub.plan_redo(*run, *force),
        TakeBack::Unlink { a, b } => hub.plan_unlink(a, b.as_deref()),
    }
}

/// G7: what a person said yes to is what is done.
fn take_back(hub: &mut Hub, what: TakeBack, shown: &Value) -> Result<Reply, Refusal> {
    let taking = plan_back(hub, &what)?;
    if serde_json::to_value(&taking).ok().as_ref() != Some(shown) {
        let changed = "what would be taken back is not what was shown any more: look at it again";
        return Err(Refusal::Wrong(changed.into()));
    }
    let (halves, taken): (_, TakenBack) = match what {
        TakeBack::Undo { .. } => (None, hub.take_back(taking, false)?),
        TakeBack::Redo { .. } => (None, hub.take_back(taking, true)?),
        TakeBack::Unlink { a, b } => {
            let (halves, taken) = hub.unlink_and_restore(&a, b.as_deref(), taking)?;
            (Some(halves), taken)
        }
    };
    Ok(Reply::TakenBack { halves, taken: Box::new(taken) })
}

fn same_flows(hub: &Hub, asked: Flows) -> Result<(), Refusal> {
    match hub.ledger.plan_of_flows().fingerprint_of_flows() == asked.0 {
        true => Ok(()),
        false => Err(Refusal::Wrong(
            "the service runs the flows as they were when it was started, and they have been changed since: start it anew".into(),
        )),
    }
}

fn part_of(hub: &Hub, limits: &Limits) -> Result<Part, Refusal> {
    let plan = hub.ledger.plan_of_flows();
    let named = |name: &String| {
        let mut all = (0..plan.flows.len() as u16).map(FlowIx);
        all.find(|flow| plan.flow_name(*flow) == *name)
            .ok_or_else(|| Refusal::Wrong(format!("there is no flow `{name}`").into()))
    };
    let flows = limits.flows.as_ref().map(|names| names.iter().map(named).collect());
    Ok(Part {
        flows: flows.transpose()?,
        systems: limits
            .systems
            .as_ref()
            .map(|names| names.iter().cloned().collect::<BTreeSet<_>>()),
        first: limits.first,
    })
}

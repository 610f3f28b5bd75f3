//! Taking a run back: what that would do is shown first, and what was shown is what is done (G7).

use lockstep_hub::acts::reopen::Pair;
use lockstep_hub::undo::{PutBackAs, TakingBack, Which};
use lockstep_model::RunId;
use lockstep_service::{Refusal, Request, TakeBack};

use crate::accounts::{Role, sha256};
use crate::frame::View;
use crate::problem::Problem;

/// How a run is taken back.
pub enum Way {
    /// Its writes are put back.
    Writes(TakeBack, Box<TakingBack>),
    /// It was an answer: what it linked is unlinked, with what each has been given put back, and
    /// what it was about is asked anew.
    Answer(Vec<(Pair, Option<TakingBack>)>),
}

fn unlink(pair: &Pair) -> TakeBack {
    TakeBack::Unlink { a: pair.a.0.clone(), b: Some(pair.b.0.clone()) }
}

/// How this run would be taken back.
///
/// # Errors
/// There is no such run, who asks may not, or nothing of it can be taken back.
pub fn planned(view: &mut View, run: i64) -> Result<Way, Problem> {
    let found = view.hub()?.ledger.run_line(run).map_err(Problem::of_store)?;
    let found = found.ok_or_else(|| Problem::not_found(format!("there is no run {run}")))?;
    // An answer is taken back by who may answer; everything else by who may run.
    let role = if found.is_an_answer() { Role::Reviewer } else { Role::Operator };
    if !view.person.may(role) {
        return Err(view.person.lacks(role));
    }
    if !found.is_an_answer() {
        let which = Which::Run(RunId(run));
        let what = TakeBack::Undo { which, force: false, put_back: PutBackAs::AsFits };
        let plan = view.plan_back(&what)?;
        return Ok(Way::Writes(what, Box::new(plan)));
    }
    let pairs = view.hub()?.ledger.answered_pairs(RunId(run)).map_err(Refusal::from)?;
    let planned = |pair: Pair| {
        let plan = pair.linked.then(|| view.plan_back(&unlink(&pair))).transpose()?;
        Ok((pair, plan))
    };
    Ok(Way::Answer(pairs.into_iter().map(planned).collect::<Result<_, Problem>>()?))
}

impl Way {
    /// What would be put back, in records.
    pub fn plans(&self) -> Vec<&TakingBack> {
        match self {
            Way::Writes(_, plan) => vec![&**plan],
            Way::Answer(pairs) => pairs.iter().filter_map(|(_, plan)| plan.as_ref()).collect(),
        }
    }

    /// Differs where what would be done does.
    pub fn mark(&self) -> String {
        let plans = serde_json::to_string(&self.plans()).unwrap_or_default();
        let pairs = match self {
            Way::Writes(..) => String::new(),
            Way::Answer(pairs) => pairs.iter().map(|(pair, _)| format!("{pair:?}")).collect(),
        };
        sha256(&format!("{plans}{pairs}"))
    }
}

/// Takes back what was shown: `shown` is its mark.
///
/// # Errors
/// It would be something else by now, or it is refused.
pub fn take_back(view: &mut View, run: i64, way: Way, shown: &str) -> Result<(), Problem> {
    if way.mark() != shown {
        return Err(Problem::conflict(
            "what would be taken back is not what was shown any more: look at it again",
        ));
    }
    let json = |plan: &TakingBack| serde_json::to_value(plan).unwrap_or_default();
    match way {
        Way::Writes(what, plan) => {
            view.act(Request::TakeBack { what, shown: json(&plan) })?;
        }
        Way::Answer(pairs) => {
            for (pair, plan) in &pairs {
                if let Some(plan) = plan {
                    view.act(Request::TakeBack { what: unlink(pair), shown: json(plan) })?;
                }
            }
            view.act(Request::Reopen(RunId(run)))?;
        }
    }
    Ok(())
}

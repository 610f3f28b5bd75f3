//! Who does what a command asks for: a hub of the command's own, or a service that is at work.

use lockstep_hub::answers::{Again, Answer, Answered};
use lockstep_hub::audit::Audit;
use lockstep_hub::links::{Halves, Joined};
use lockstep_hub::take_back::TakenBack;
use lockstep_hub::undo::TakingBack;
use lockstep_hub::{Hub, Report, RunOptions};

use crate::client::Client;
use crate::perform::{perform, plan_back};
use crate::request::{Flows, Limits, Refusal, Reply, Request, TakeBack};

/// Carries requests out, here or there.
pub enum Desk {
    Here(Box<Hub>),
    There(Client),
}

/// A service that answers something else is of another build.
fn misunderstood<T>(_: Reply) -> Result<T, Refusal> {
    Err(Refusal::Person("the service at work answers what was not asked: start it anew".into()))
}

macro_rules! answer {
    ($reply:expr, $variant:pat => $value:expr) => {
        match $reply? {
            $variant => Ok($value),
            other => misunderstood(other),
        }
    };
}

impl Desk {
    fn ask(&mut self, request: Request, options: RunOptions<'_>) -> Result<Reply, Refusal> {
        match self {
            Desk::Here(hub) => perform(hub, request, options),
            Desk::There(service) => service.ask(&request),
        }
    }

    fn act(&mut self, request: Request) -> Result<Reply, Refusal> {
        self.ask(request, RunOptions::default())
    }

    /// One run. What watches it, does so where the run is this command's own.
    pub fn sync(
        &mut self,
        flows: Flows,
        limits: Limits,
        options: RunOptions<'_>,
    ) -> Result<Report, Refusal> {
        let (full, every_event) = (options.full, options.every_event);
        let request = Request::Sync { flows, full, every_event, limits };
        answer!(self.ask(request, options), Reply::Report(report) => *report)
    }

    pub fn approve(&mut self, flows: Flows) -> Result<Vec<String>, Refusal> {
        answer!(self.act(Request::Approve { flows }), Reply::Approved(names) => names)
    }

    pub fn release(&mut self, system: &str, guard: &str, discard: bool) -> Result<(), Refusal> {
        let request = Request::Release { system: system.into(), guard: guard.into(), discard };
        answer!(self.act(request), Reply::Released => ())
    }

    pub fn answer(&mut self, numbers: &[i64], answer: &Answer) -> Result<Vec<Answered>, Refusal> {
        let request = Request::Answer { numbers: numbers.into(), answer: answer.clone() };
        answer!(self.act(request), Reply::Answered(answered) => answered)
    }

    pub fn link(&mut self, a: &str, b: &str) -> Result<Joined, Refusal> {
        let request = Request::Link { a: a.into(), b: b.into() };
        answer!(self.act(request), Reply::Linked(joined) => joined)
    }

    pub fn unlink(&mut self, a: &str, b: Option<&str>) -> Result<Halves, Refusal> {
        let request = Request::Unlink { a: a.into(), b: b.map(Into::into) };
        answer!(self.act(request), Reply::Unlinked(halves) => halves)
    }

    pub fn retry(&mut self, again: &Again) -> Result<Report, Refusal> {
        answer!(self.act(Request::Retry(again.clone())), Reply::Report(report) => *report)
    }

    pub fn audit(&mut self, sample: Option<usize>, repair: bool) -> Result<Audit, Refusal> {
        answer!(self.act(Request::Audit { sample, repair }), Reply::Audited(audit) => audit)
    }

    /// Takes back what was planned and shown.
    pub fn take_back(
        &mut self,
        what: TakeBack,
        shown: &TakingBack,
    ) -> Result<(Option<Halves>, TakenBack), Refusal> {
        let shown = serde_json::to_value(shown).unwrap_or_default();
        let request = Request::TakeBack { what, shown };
        answer!(self.act(request), Reply::TakenBack { halves, taken } => (halves, *taken))
    }
}

/// What would be taken back, planned on a hub that reads.
///
/// # Errors
/// It makes no sense as it was asked, or the store can't be read.
pub fn plan_to_take_back(hub: &mut Hub, what: &TakeBack) -> Result<TakingBack, Refusal> {
    Ok(plan_back(hub, what)?)
}

//! The checklist that checks itself: every statement and row of dataflow documents is tried as a
//! tester would, and gets a verdict.
//!
//! ```text
//! documents ──▶ checklist (lines) ──▶ script: trials, each its steps over records of its own
//!                                          │
//!        stage: emulated systems, ◀── play: all trials go through the same few runs ──▶ verdicts, evidence
//!        hands (a tester's), hub                                                             │
//!                                               text, JUnit, HTML, Markdown, reStructuredText ◀┘
//! ```
//!
//! What must hold is taken from the documents; what runs may be other flows than those that they
//! state ([`against`]): so a project's flows are held against the document that a customer signed.
//! What is seen is seen through connectors of the tester's own, never in the hub's memory; only
//! whether two records are linked is asked of the hub, as no system shows that.
//!
//! Without the feature `sandbox` there are no emulated systems: documents are tried on a test tenant
//! ([`on_tenant`]), and judged by what was seen ([`passive`]).

#![cfg_attr(
    not(feature = "sandbox"),
    allow(dead_code, reason = "some parts serve trials on emulated systems only")
)]

#[cfg(not(feature = "sandbox"))]
mod absent;
mod checklist;
#[cfg(feature = "sandbox")]
mod describe;
mod exchanges;
#[cfg(feature = "sandbox")]
mod faults;
mod files;
mod hands;
mod outcome;
mod passive;
mod play;
mod practice;
mod script;
#[cfg(feature = "sandbox")]
mod stage;
mod tenant;
pub mod text;
mod trial;
mod values;
pub mod written;

pub use checklist::{Checklist, DocumentLines, Line, SectionLines, StatementLine, Tally};
pub use outcome::{Error, Outcome, Written};
pub use passive::passive;
pub use tenant::{LEFTOVERS, Tenant, on_tenant};
pub use trial::{Failure, LineRef, Trial, Verdict};

#[cfg(not(feature = "sandbox"))]
use absent as emulated;
#[cfg(feature = "sandbox")]
use lockstep_sandbox as emulated;

#[cfg(feature = "sandbox")]
use lockstep_config::Project;
use lockstep_hub::Report;
#[cfg(feature = "sandbox")]
use lockstep_model::Flow;

/// So many trials are played together; then emulated systems and store begin anew, so that memory
/// is bounded however many there are.
#[cfg(feature = "sandbox")]
const TOGETHER: usize = 4_000;

/// Tries documents on emulated systems, their own flows at work. With faults, systems fail while
/// the hub runs.
#[cfg(feature = "sandbox")]
pub fn in_sandbox(documents: &[Written], faults: bool) -> Result<Outcome, Error> {
    tried(&|| stage::Stage::of_documents(documents), None, faults)
}

/// Tries documents on emulated systems, a project's flows at work: the documents say what must
/// hold, the project what runs. Without documents, the project's own flows say both.
#[cfg(feature = "sandbox")]
pub fn against(project: &Project, documents: &[Written], faults: bool) -> Result<Outcome, Error> {
    tried(&|| stage::Stage::of_project(project, documents), Some(&project.flows), faults)
}

/// Plays all trials, some thousand at a time: all flows are at work each time. `runs` are the
/// flows, if not those of the documents.
#[cfg(feature = "sandbox")]
fn tried(
    set: &dyn Fn() -> Result<stage::Stage, Error>,
    runs: Option<&[Flow]>,
    faults: bool,
) -> Result<Outcome, Error> {
    let mut stage = set()?;
    let (said, _) = lockstep_config::united_flows(stage.files.iter());
    let mut writer =
        script::Writer::new(&stage.hands, &said, runs.unwrap_or(&said), 1000).with_first_readings();
    let mut checklist = Checklist::new(&stage.files, &mut writer);
    let first_readings = writer.first_readings().clone();
    let mut trials = std::mem::take(&mut checklist.trials);
    let mut reports = Vec::new();
    for (n, some) in trials.chunks_mut(TOGETHER).enumerate() {
        if n > 0 {
            stage = set()?;
        }
        let mut hub = stage.hub(runs.unwrap_or(&said))?;
        let mut player =
            play::Player::new(&mut hub, &stage.hands, Some(stage.sandbox.clone()), some);
        player.first_readings = first_readings.clone();
        player.faults = faults.then(faults::menu).transpose()?;
        reports.push(player.play(some)?);
    }
    checklist.trials = trials;
    checklist.judge(&|flow| {
        let all: Vec<Verdict> = reports.iter().map(|last| idle(last, flow)).collect();
        match all.is_empty() {
            true => Verdict::NotTried("there is nothing to try".into()),
            false if all.contains(&Verdict::Violated) => Verdict::Violated,
            false => Verdict::Proved,
        }
    });
    Ok(Outcome { checklist, problems: stage.problems, notes: stage.notes })
}

/// P4: whether a run with nothing to do wrote something for a flow.
fn idle(last: &Report, flow: &str) -> Verdict {
    let mut of = last.flows.iter().filter(|counts| counts.flow == flow);
    match of.any(|counts| counts.created + counts.updated + counts.deleted > 0) {
        true => Verdict::Violated,
        false => Verdict::Proved,
    }
}

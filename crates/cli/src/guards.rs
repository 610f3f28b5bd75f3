//! `release` and `approve`: a person's answers to guards (G3), and to flows that wait for their
//! first run (G2).

use std::path::Path;

use lockstep_model::GuardKind;
use lockstep_service::Flows;

use crate::args::Format;
use crate::exit::{Exit, Failure, Result};
use crate::look::json;
use crate::{print, project, wire, wording};

/// Lets through what guards hold back, or gives it up.
pub fn release(
    dir: &Path,
    system: Option<&str>,
    guard: Option<&str>,
    discard: bool,
    format: Format,
) -> Result<Exit> {
    let guard = match guard {
        None => None,
        Some(name) => Some(GuardKind::parse(name).ok_or_else(|| {
            let known: Vec<&str> = GuardKind::ALL.iter().map(|kind| kind.name()).collect();
            Failure::usage(format!("there is no guard `{name}`; there are {}", known.join(", ")))
        })?),
    };
    let opened = project::open_for_looking(dir)?;
    if let Some(name) = system.filter(|name| opened.project.system(name).is_none()) {
        let names: Vec<&str> = opened.project.systems.iter().map(|s| s.name.as_str()).collect();
        return Err(Failure::usage(format!(
            "there is no system `{name}` in lockstep.yaml; there are {}",
            names.join(", ")
        )));
    }
    let mut hub = opened.hub_for_looking()?;
    let mut tripped = hub.ledger.tripped_guards().map_err(project::hub_failure)?;
    tripped.retain(|line| {
        system.is_none_or(|system| line.system == system)
            && guard.is_none_or(|g| g.name() == line.guard)
    });
    tripped.dedup_by(|a, b| (&a.system, &a.guard) == (&b.system, &b.guard));
    if tripped.is_empty() {
        match format {
            Format::Json => json(&wire::Released::new(discard, tripped))?,
            Format::Text => println!("No guard has tripped."),
        }
        return Ok(Exit::Done);
    }
    drop(hub);
    let mut desk = project::open(dir)?.desk()?;
    for line in &tripped {
        desk.release(&line.system, &line.guard, discard).map_err(project::refusal)?;
        if format == Format::Json {
            continue;
        }
        let holds_writes =
            GuardKind::parse(&line.guard).is_some_and(|kind| kind.writes().is_some());
        match (discard, holds_writes) {
            (false, _) => println!("Let through: {}", wording::why(&line.why)),
            (true, true) => println!("Given up: {}", wording::why(&line.why)),
            // R5: it holds no write back, so there is nothing to give up.
            (true, false) => {
                println!("Not believed: {}", wording::why(&line.why));
                println!(
                    "The next run lists {0} again, and asks again while nothing has changed there: put back what is missing, or believe it \
                     with `lockstep release --system {0} --guard {1}`.",
                    line.system, line.guard
                );
            }
        }
    }
    if format == Format::Json {
        json(&wire::Released::new(discard, tripped))?;
    } else if !discard {
        println!("The next run goes on with it: `lockstep sync`.");
    }
    Ok(Exit::Done)
}

/// A person has seen the plan: every flow may run as it is now.
pub fn approve(dir: &Path, format: Format) -> Result<Exit> {
    let opened = project::open(dir)?;
    let flows = Flows(opened.plan()?.fingerprint_of_flows());
    let flows = opened.desk()?.approve(flows).map_err(project::refusal)?;
    if format == Format::Json {
        json(&wire::Approved { approved: flows })?;
        return Ok(Exit::Done);
    }
    for flow in &flows {
        println!("approved {flow}");
    }
    match flows.len() {
        0 => println!("Every flow has been approved as it is."),
        n => println!("{} may run now: `lockstep run`.", print::count(n as u64, "flow")),
    }
    Ok(Exit::Done)
}

//! `verify`: the checklist that checks itself.

use std::path::{Path, PathBuf};

use lockstep_verify::Written;

use crate::exit::{Exit, Failure, Result};
use crate::project;

/// Tries documents on emulated systems: their own flows, or with a project its flows against what the documents say.
pub fn verify(dir: Option<&Path>, sandbox: bool, documents: &[PathBuf]) -> Result<Exit> {
    if !sandbox {
        return Err(Failure::usage("say what to try them on: `--sandbox` for emulated systems"));
    }
    let texts = crate::documents::read_all(documents)?;
    let written: Vec<Written> =
        texts.into_iter().map(|(path, text)| Written { name: path.display().to_string(), text }).collect();
    let outcome = match dir {
        Some(dir) => lockstep_verify::against(&project::open(dir)?.project, &written),
        None if written.is_empty() => return Err(Failure::usage("name the documents, or a project with `-C DIR`")),
        None => lockstep_verify::in_sandbox(&written),
    };
    let outcome = outcome.map_err(|error| Failure::usage(error.to_string()))?;
    for problem in &outcome.problems {
        eprintln!("{}", problem.render());
    }
    for note in &outcome.notes {
        eprintln!("{note}");
    }
    print!("{}", lockstep_verify::text::checklist(&outcome.checklist));
    Ok(if outcome.checklist.tally().violated > 0 { Exit::NeedsAPerson } else { Exit::Done })
}

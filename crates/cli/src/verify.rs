//! `verify`: the checklist that checks itself.

use std::path::PathBuf;

use lockstep_verify::Written;

use crate::exit::{Exit, Failure, Result};

/// Tries documents on emulated systems.
pub fn verify(sandbox: bool, documents: &[PathBuf]) -> Result<Exit> {
    if !sandbox {
        return Err(Failure::usage("say what to try them on: `--sandbox` for emulated systems"));
    }
    if documents.is_empty() {
        return Err(Failure::usage("no document is given"));
    }
    let texts = crate::documents::read_all(documents)?;
    let written: Vec<Written> =
        texts.into_iter().map(|(path, text)| Written { name: path.display().to_string(), text }).collect();
    let outcome = lockstep_verify::in_sandbox(&written).map_err(|error| Failure::usage(error.to_string()))?;
    for note in &outcome.notes {
        eprintln!("{note}");
    }
    print!("{}", lockstep_verify::text::checklist(&outcome.checklist));
    Ok(if outcome.checklist.tally().violated > 0 { Exit::NeedsAPerson } else { Exit::Done })
}

//! `verify`: the checklist that checks itself.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use lockstep_verify::{Checklist, Written};

use crate::exit::{Exit, Failure, Result};
use crate::{documents, project};

/// What is asked of `verify`.
pub struct Asked {
    pub dir: Option<PathBuf>,
    pub sandbox: bool,
    pub junit: Option<PathBuf>,
    pub out: Option<PathBuf>,
    pub documents: Vec<PathBuf>,
}

/// Tries documents on emulated systems: their own flows, or with a project its flows against what the documents say.
pub fn verify(asked: &Asked) -> Result<Exit> {
    if !asked.sandbox {
        return Err(Failure::usage("say what to try them on: `--sandbox` for emulated systems"));
    }
    let texts = documents::read_all(&asked.documents)?;
    let written: Vec<Written> =
        texts.into_iter().map(|(path, text)| Written { name: path.display().to_string(), text }).collect();
    let outcome = match &asked.dir {
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
    tell(&outcome.checklist, asked)
}

/// Prints the lines with their verdicts, and writes what was asked for.
fn tell(list: &Checklist, asked: &Asked) -> Result<Exit> {
    print!("{}", lockstep_verify::text::checklist(list));
    if let Some(path) = &asked.junit {
        put(path, &lockstep_verify::written::junit(list))?;
    }
    if let Some(out) = &asked.out {
        std::fs::create_dir_all(out).map_err(|error| Failure::file(out, &error))?;
        let mut taken = BTreeSet::new();
        for document in &list.documents {
            let base = Path::new(&document.name).file_stem().unwrap_or(OsStr::new("document")).to_string_lossy().into_owned();
            // Documents of one name in several folders keep apart.
            let numbered = (2..).map(|n| format!("{base}-{n}"));
            let base = std::iter::once(base.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or_default();
            taken.insert(base.clone());
            let back = lockstep_verify::written::document(list, document);
            for (ending, text) in [("html", back.html), ("md", back.markdown), ("rst", back.rst)] {
                put(&out.join(format!("{base}.{ending}")), &text)?;
            }
        }
    }
    Ok(if list.tally().violated > 0 { Exit::NeedsAPerson } else { Exit::Done })
}

fn put(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|error| Failure::file(path, &error))
}

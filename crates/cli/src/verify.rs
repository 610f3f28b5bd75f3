//! `verify`: the checklist that checks itself.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lockstep_model::TypeName;
use lockstep_verify::{Checklist, Outcome, Tenant, Written};

use crate::args::Rows;

use crate::exit::{Exit, Failure, Result};
use crate::{documents, project};

/// What is asked of `verify`.
pub struct Asked {
    pub dir: Option<PathBuf>,
    pub sandbox: bool,
    pub passive: bool,
    pub writes: bool,
    pub faults: bool,
    pub junit: Option<PathBuf>,
    pub out: Option<PathBuf>,
    pub documents: Vec<PathBuf>,
    pub format: Rows,
}

/// Gives every statement and row its verdict: on emulated systems, from what was seen in operation,
/// or on a test tenant.
pub fn verify(asked: &Asked) -> Result<Exit> {
    let texts = documents::read_all(&asked.documents)?;
    let written: Vec<Written> = texts
        .into_iter()
        .map(|(path, text)| Written { name: path.display().to_string(), text })
        .collect();
    let dir = asked.dir.as_deref().unwrap_or(Path::new("."));
    let outcome = match (asked.sandbox, asked.passive, asked.writes) {
        (true, ..) => match &asked.dir {
            Some(dir) => {
                against(&project::open_without_secrets(dir)?.project, &written, asked.faults)?
            }
            None if written.is_empty() => {
                return Err(Failure::usage("name the documents, or a project with `-C DIR`"));
            }
            None => in_sandbox(&written, asked.faults)?,
        },
        (_, true, _) => {
            let opened = project::open_for_looking(dir)?;
            let mut hub = opened.hub_for_looking()?;
            lockstep_verify::passive(&mut hub, &opened.project, &opened.schemas, &written)
                .map_err(failed)?
        }
        (_, _, true) => on_tenant(dir, &written)?,
        _ => {
            return Err(Failure::usage(
                "say what to try it on: `--sandbox` for emulated systems; `--passive` to judge by what was seen in operation; \
                 `--i-know-this-writes` to add, edit and delete marked records in the project's own systems",
            ));
        }
    };
    for problem in &outcome.problems {
        eprintln!("{}", problem.render());
    }
    for note in &outcome.notes {
        note!("{note}");
    }
    tell(&outcome.checklist, asked)
}

#[cfg(not(feature = "sandbox"))]
use crate::without_sandbox::{against, in_sandbox};

#[cfg(feature = "sandbox")]
fn against(
    project: &lockstep_config::Project,
    documents: &[Written],
    faults: bool,
) -> Result<Outcome> {
    lockstep_verify::against(project, documents, faults).map_err(failed)
}

#[cfg(feature = "sandbox")]
fn in_sandbox(documents: &[Written], faults: bool) -> Result<Outcome> {
    lockstep_verify::in_sandbox(documents, faults).map_err(failed)
}

fn failed(error: lockstep_verify::Error) -> Failure {
    match error {
        lockstep_verify::Error::Hub(error) => project::hub_failure(error),
        lockstep_verify::Error::Guard(_) => Failure::person(error.to_string()),
        lockstep_verify::Error::Stage(_) => Failure::usage(error.to_string()),
    }
}

/// Trials on the project's own systems. Ctrl-C ends them, and what was added is deleted all the
/// same.
fn on_tenant(dir: &Path, written: &[Written]) -> Result<Outcome> {
    let opened = project::open(dir)?;
    let plan = opened.plan()?;
    let (for_hub, for_tester) = (opened.connect(&plan)?, opened.connect(&plan)?);
    let types = |name: &str| opened.schemas.get(name).cloned().unwrap_or_default();
    let systems = for_tester
        .into_iter()
        .map(|system| (system.name.clone(), system.connector, types(&system.name)))
        .collect();
    let mut hub = opened.hub_over(plan, for_hub)?;
    let stop = Arc::new(AtomicBool::new(false));
    crate::interrupt::stop_when_interrupted(
        stop.clone(),
        "no more trials are begun; what was added is being deleted …",
    );
    let failures = crate::connectors::failures(&opened.project);
    let cannot = failures
        .into_iter()
        .map(|failed| ((TypeName::new(failed.system, failed.record_type), failed.what), failed.why))
        .collect();
    let tenant = Tenant { systems, cannot, stop };
    // Other values than those of any verification before: a leftover must match nothing.
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let seed = since.as_secs() % 100_000_000 * 100;
    lockstep_verify::on_tenant(&opened.project, &mut hub, tenant, written, seed).map_err(failed)
}

/// Prints the lines with their verdicts, and writes what was asked for.
fn tell(list: &Checklist, asked: &Asked) -> Result<Exit> {
    match asked.format {
        Rows::Text if crate::screen::quiet() && list.tally().violated > 0 => {
            eprintln!("{}", lockstep_verify::text::summary(list).trim_end());
        }
        Rows::Text => print!("{}", lockstep_verify::text::checklist(list)),
        Rows::Csv => emit!("{}", crate::rows::checklist(list)),
        Rows::Json => crate::look::json(&crate::wire::Checklist::from(list))?,
    }
    if let Some(path) = &asked.junit {
        put(path, &lockstep_verify::written::junit(list))?;
    }
    if let Some(out) = &asked.out {
        std::fs::create_dir_all(out).map_err(|error| Failure::file(out, &error))?;
        let mut taken = BTreeSet::new();
        for document in &list.documents {
            let base = Path::new(&document.name)
                .file_stem()
                .unwrap_or(OsStr::new("document"))
                .to_string_lossy()
                .into_owned();
            // Documents of one name in several folders keep apart.
            let numbered = (2..).map(|n| format!("{base}-{n}"));
            let base = std::iter::once(base.clone())
                .chain(numbered)
                .find(|name| !taken.contains(name))
                .unwrap_or_default();
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

//! `check`, `plan`, `sync`, `run`.

use std::collections::BTreeMap;
use std::path::Path;

use lockstep_config::{Severity, ValueSource, Variable};
use lockstep_hub::report::Report;
use lockstep_hub::{Event, RunOptions};
use lockstep_model::value::shown;
use lockstep_model::visible::visible;
use lockstep_service::Flows;

use crate::args::{Only, Rows};
use crate::exit::{Exit, Failure, Result};
use crate::look::json;
use crate::times::local;
use crate::wording::{self, with_remedies};
use crate::{part, print, progress, project, rows, screen, wire};

/// Validates all that can be without a network.
pub fn check(dir: &Path, format: Rows) -> Result<Exit> {
    let (loaded, _, mut problems) = project::examine_without_secrets(dir);
    problems.extend(loaded.iter().flat_map(project::damaged));
    let is_error = |p: &&lockstep_config::Problem| p.severity == Severity::Error;
    let errors = problems.iter().filter(is_error).count();
    let is_column =
        |p: &&lockstep_config::Problem| p.code == lockstep_config::codes::UNKNOWN_COLUMN;
    let columns = problems.iter().filter(is_error).filter(is_column).count();
    let warnings = problems.iter().filter(|p| p.severity == Severity::Warning).count();
    if format == Rows::Json {
        let variables = loaded.as_ref().map_or(&[][..], |project| &project.variables);
        json(&wire::Checked::new(&problems, variables))?;
    } else if format == Rows::Csv {
        let row = |problem: lockstep_config::Problem| {
            vec![
                problem.severity.name().to_string(),
                problem.code.to_string(),
                problem.place.source.name.clone(),
                problem.place.line().to_string(),
                problem.place.column().to_string(),
                problem.message,
                problem.help.unwrap_or_default(),
            ]
        };
        let header = ["severity", "code", "file", "line", "column", "message", "help"];
        emit!("{}", rows::csv(&header, lockstep_config::in_order(problems).into_iter().map(row)));
    } else {
        let problems = lockstep_config::in_order(problems);
        for problem in &problems {
            if screen::quiet() && problem.severity == Severity::Error {
                eprintln!("{}", problem.render());
            }
            println!("{}", problem.render());
        }
        let worst = problems
            .iter()
            .filter(|problem| problem.severity != Severity::Note)
            .min_by_key(|problem| problem.severity);
        if let Some(worst) = worst {
            println!(
                "`lockstep explain --code {}` tells what this code means and what to do.\n",
                worst.code
            );
        }
        if let Some(project) = &loaded {
            println!(
                "{}, {}: {}, {}.",
                print::count(project.systems.len() as u64, "system"),
                print::count(project.flows.len() as u64, "flow"),
                print::count(errors as u64, "error"),
                print::count(warnings as u64, "warning")
            );
            if let Some(line) = sources(&project.variables) {
                println!("{line}");
            }
        }
    }
    match errors {
        0 => Ok(Exit::Done),
        // R8: as a run does.
        _ if errors == columns => Err(Failure::usage(
            "a run goes on without these columns, and says so in its exit status",
        )),
        _ => Err(Failure::usage("nothing runs before the errors are put right")),
    }
}

/// Where the values of variables came from, never what they are.
fn sources(variables: &[Variable]) -> Option<String> {
    let mut by_source: BTreeMap<&ValueSource, Vec<&str>> = BTreeMap::new();
    for variable in variables {
        by_source.entry(&variable.source).or_default().push(&variable.name);
    }
    let of =
        |(source, names): (&ValueSource, Vec<&str>)| format!("{} from {source}", names.join(", "));
    let all: Vec<String> = by_source.into_iter().map(of).collect();
    (!all.is_empty()).then(|| format!("Variables: {}.", all.join("; ")))
}

/// G1: what a run would do, every write of it.
pub fn plan(dir: &Path, format: Rows, out: Option<&Path>, only: &Only) -> Result<Exit> {
    let opened = project::open(dir)?;
    let part = part::of(&opened, &opened.plan()?, only)?;
    let mut hub = opened.hub_for_planning()?;
    let options = RunOptions { part, every_event: true, ..progress::watched(true) };
    let report = hub.plan(options).map_err(project::hub_failure)?;
    let text = match format {
        Rows::Text => print::report(&report, true),
        Rows::Json => as_json(&report)?,
        Rows::Csv => rows::report(&report),
    };
    match (out, format) {
        (Some(path), _) => {
            let text = crate::out::safe(format_args!("{text}"));
            rows::write(path, &text)?;
            println!(
                "{} would be written; all of it stands in {}.",
                print::count(report.writes(), "record"),
                path.display()
            );
        }
        (None, Rows::Text) => screen::page(&text),
        (None, Rows::Json | Rows::Csv) => emit!("{text}"),
    }
    when_quiet(&report);
    Ok(opened.exit(&report))
}

/// One run.
pub fn sync(dir: &Path, format: Rows, shares: bool, full: bool, only: &Only) -> Result<Exit> {
    if shares && format != Rows::Text {
        return Err(Failure::usage(
            "`--shares` is for text: JSON has where the time went anyway, CSV has the writes",
        ));
    }
    let opened = project::open(dir)?;
    let plan = opened.plan()?;
    let limits = part::limits(&plan, &part::of(&opened, &plan, only)?);
    let every_event = format == Rows::Csv || screen::verbose();
    let options = RunOptions { full, every_event, ..progress::watched(false) };
    let flows = Flows(plan.fingerprint_of_flows());
    let report = opened.desk()?.sync(flows, limits, options).map_err(project::refusal)?;
    match format {
        Rows::Text => print!("{}", print::report(&report, screen::verbose())),
        Rows::Json => emit!("{}", as_json(&report)?),
        Rows::Csv => emit!("{}", rows::report(&report)),
    }
    if (shares || screen::verbose()) && format == Rows::Text {
        print!("{}", print::shares(&report));
    }
    when_quiet(&report);
    Ok(opened.exit(&report))
}

/// A report as a line of JSON.
pub fn as_json(report: &Report) -> Result<String> {
    wire::line(&wire::Report::from(report.clone()))
}

/// `-q` keeps quiet about what went well only.
pub fn when_quiet(report: &Report) {
    let text = if screen::quiet() { print::attention(report) } else { String::new() };
    if !text.is_empty() {
        eprintln!("{}", text.trim_end());
    }
}

/// The exit status that a report means.
pub fn exit(report: &Report) -> Exit {
    if report.unreachable() {
        Exit::Unreachable
    } else if report.needs_a_person() {
        Exit::NeedsAPerson
    } else {
        Exit::Done
    }
}

/// What a run of the service did, a line each; nothing where nothing happened.
pub fn narrate(report: &Report) {
    for guard in &report.guards {
        println!(
            "{} stopped  {} ({})",
            local(report.ended),
            visible(&with_remedies(&wording::why(&guard.why), &guard.remedies)),
            print::rule_of(&guard.guard)
        );
    }
    for event in &report.events {
        let line = match event {
            Event::Edited { record, path, before, after } => {
                format!("edited   {record} {path}: {} → {}", shown(before), shown(after))
            }
            Event::Linked { a, b, by, .. } => {
                format!("linked   {a} = {b} ({})", wording::linked_by(by))
            }
            Event::Created { source, record, .. } => format!("created  {record} from {source}"),
            Event::Updated { source, record, properties, .. } => {
                let what: Vec<String> = properties
                    .iter()
                    .map(|p| format!("{} {} → {}", p.path, shown(&p.before), shown(&p.after)))
                    .collect();
                format!("updated  {record} from {source}: {}", what.join(", "))
            }
            Event::Deleted { record, of } => format!("gone     {record}: {}", wording::became(of)),
            Event::Removed { record, why, .. } => {
                format!("deleted  {record}, as {}", wording::why(why))
            }
            Event::Restored { source, record, .. } => {
                format!("restored {record}, as {source} is back")
            }
            Event::Kept { record, why, rule, .. } => {
                format!("kept     {record}: {} ({rule})", wording::why(why))
            }
            Event::StoredOtherwise { record, why, .. } => {
                format!("stored   {record}: {} (R6)", wording::why(why))
            }
            Event::Review { kind, record, why, remedies, .. } => {
                let message = with_remedies(&wording::why(why), remedies);
                format!("review   {record}: {kind}: {message}")
            }
            Event::Refused { record, message, .. } => format!("refused  {record}: {message}"),
            Event::Failing {
                source, target, kind, message, tries, not_before, unknown, ..
            } => {
                let fails = print::Failing {
                    source: &source.0,
                    target,
                    kind,
                    message,
                    tries: *tries,
                    not_before: *not_before,
                    unknown: *unknown,
                };
                format!("fails    {fails}")
            }
            Event::Waits { record, why, .. } => {
                format!("waits    {record}: {}", wording::why(why))
            }
            Event::Fault { place, message } => format!("fault    {place}: {message}"),
            Event::Paused { system, message, remedies } => {
                format!("paused   {system}: {}", with_remedies(message, remedies))
            }
        };
        println!("{} {}", local(report.ended), visible(&line));
    }
}

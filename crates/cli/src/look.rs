//! `status`, `entities`, `review`, `history`, `explain`: looking changes nothing, and works while a run is on.

use std::path::Path;

use lockstep_hub::explain::LookError;
use lockstep_model::value::shown;

use crate::args::Format;
use crate::exit::{Exit, Failure, Result};
use crate::{print, project};

fn json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string(value).map_err(|error| Failure::usage(error.to_string()))?;
    println!("{text}");
    Ok(())
}

fn look_failure(error: LookError) -> Failure {
    Failure::usage(error.to_string())
}

/// Where the project stands.
pub fn status(dir: &Path, format: Format) -> Result<Exit> {
    let status = project::open(dir)?.hub_for_looking()?.status().map_err(project::store_failure)?;
    if format == Format::Json {
        json(&status)?;
        return Ok(Exit::Done);
    }
    let width = status.types.iter().map(|t| t.name.chars().count()).max().unwrap_or(0);
    for ty in &status.types {
        let read = match (&ty.read_from, ty.complete) {
            (Some(at), true) => format!("read to the end, last at {at}"),
            _ => "not read to the end yet".into(),
        };
        println!("{:<width$}  {:>9} records  {read}", ty.name, ty.records);
    }
    for (state, n) in status.outbox.iter().filter(|(_, n)| *n > 0) {
        println!("outbox: {} {state}", print::count(*n, "write"));
    }
    for (kind, n) in status.reviews.iter().filter(|(_, n)| *n > 0) {
        println!("waiting for a person: {n} × {kind}");
    }
    for run in &status.runs {
        println!(
            "run {} began {}, {}",
            run.run,
            run.started,
            run.ended.as_ref().map_or("not ended".into(), |at| format!("ended {at}"))
        );
    }
    Ok(Exit::Done)
}

/// The linked records.
pub fn entities(dir: &Path, format: Format, limit: usize, after: Option<i64>) -> Result<Exit> {
    let entities = project::open(dir)?.hub_for_looking()?.entity_members(after, limit).map_err(project::store_failure)?;
    if format == Format::Json {
        json(&entities)?;
        return Ok(Exit::Done);
    }
    for members in &entities {
        for (n, (name, label)) in members.iter().enumerate() {
            println!("{} {name}  {label}", if n == 0 { "•" } else { "=" });
        }
    }
    if entities.is_empty() {
        println!("No records are linked.");
    }
    Ok(Exit::Done)
}

/// What waits for a person.
pub fn review(dir: &Path, format: Format) -> Result<Exit> {
    let reviews = project::open(dir)?.hub_for_looking()?.reviews(10_000).map_err(project::store_failure)?;
    if format == Format::Json {
        json(&reviews)?;
    } else {
        for review in &reviews {
            let path = review.path.as_ref().map_or(String::new(), |path| format!(" {path}"));
            println!("{}: {}  {}", review.kind, review.record, review.label);
            println!("    {}{path}: {}", review.in_type, review.message);
            for (name, label) in &review.candidates {
                println!("    ? {name}  {label}");
            }
            println!("    {}: {}", review.rule, review.sentence);
        }
        if reviews.is_empty() {
            println!("Nothing waits for a person.");
        }
    }
    Ok(if reviews.is_empty() { Exit::Done } else { Exit::NeedsAPerson })
}

/// The journal of a record.
pub fn history(dir: &Path, format: Format, record: &str) -> Result<Exit> {
    let mut hub = project::open(dir)?.hub_for_looking()?;
    let state = hub.find(record).map_err(look_failure)?;
    let entries = hub.history(state.id, 10_000).map_err(project::store_failure)?;
    if format == Format::Json {
        let lines: Vec<_> = entries
            .iter()
            .map(|e| {
                serde_json::json!({"at": e.at.to_string(), "run": e.run.0, "kind": e.kind.name(), "path": e.path, "before": e.before,
                    "after": e.after, "rule": e.rule.map(|r| r.to_string()), "text": e.text})
            })
            .collect();
        json(&lines)?;
        return Ok(Exit::Done);
    }
    println!("{record} was first seen at {}", state.first_seen);
    for entry in entries {
        let path =
            entry.path.map_or(String::new(), |path| format!(" {path}: {} → {}", shown(&entry.before), shown(&entry.after)));
        let rule = entry.rule.map_or(String::new(), |rule| format!(" ({rule})"));
        let text = if entry.text.is_empty() { String::new() } else { format!(" {}", entry.text) };
        println!("{} {}{path}{text}{rule}", entry.at, entry.kind.name());
    }
    Ok(Exit::Done)
}

/// Why a record, or one of its properties, is as it is.
pub fn explain(dir: &Path, format: Format, record: &str, path: Option<&str>) -> Result<Exit> {
    let explained = project::open(dir)?.hub_for_looking()?.explain(record, path).map_err(look_failure)?;
    if format == Format::Json {
        json(&explained)?;
        return Ok(Exit::Done);
    }
    println!("{}", explained.record);
    for link in &explained.links {
        println!("  = {link}");
    }
    for property in &explained.properties {
        println!();
        for sentence in &property.sentences {
            println!("  {sentence}");
        }
    }
    for review in &explained.reviews {
        println!("\n  waits for a person: {review}");
    }
    Ok(Exit::Done)
}

//! `status`, `entities`, `history`, `explain`: looking changes nothing, and works while a run is
//! on.

use std::path::Path;

use lockstep_hub::LookError;
use lockstep_hub::look::{HistoryLine, HistoryOf};
use lockstep_model::RunId;
use lockstep_model::value::shown;
use lockstep_model::visible::visible;

use crate::args::{Format, Rows};
use crate::exit::{Exit, Failure, Result};
use crate::rows::{cell, csv};
use crate::times::{local, localised};
use crate::wording::{self, with_remedies};
use crate::{acts, manual, print, project, wire};

/// Journal lines shown by default.
const LATEST_SHOWN: usize = 50;
/// Maximum number of waiting references listed by name; the rest is counted.
const WAITING_SHOWN: usize = 20;

/// Prints one JSON document.
pub fn json(form: &impl wire::Form) -> Result<()> {
    emit!("{}", wire::line(form)?);
    Ok(())
}

fn look_failure(error: LookError) -> Failure {
    Failure::usage(error.to_string())
}

/// Where the project stands.
pub fn status(dir: &Path, format: Format) -> Result<Exit> {
    let status = project::open_for_looking(dir)?
        .hub_for_looking()?
        .ledger
        .status()
        .map_err(project::hub_failure)?;
    if format == Format::Json {
        json(&wire::Status::from(status))?;
        return Ok(Exit::Done);
    }
    let width = status.types.iter().map(|t| t.name.chars().count()).max().unwrap_or(0);
    for ty in &status.types {
        let read = match (&ty.read_from, ty.complete) {
            (Some(at), true) => format!("read to the end, last at {}", localised(at)),
            _ => "not read to the end yet".into(),
        };
        println!("{:<width$}  {:>9} records  {read}", ty.name, ty.records);
    }
    for (state, n) in status.outbox.iter().filter(|(_, n)| *n > 0) {
        println!("outbox: {} {state}", print::count(*n, "write"));
    }
    if status.undecided > 0 {
        println!(
            "{} not decided on yet: `lockstep sync` goes on with them",
            print::count(status.undecided, "record")
        );
    }
    for trouble in &status.troubles {
        println!(
            "{} is left alone since {}: {}",
            trouble.system,
            localised(&trouble.since),
            with_remedies(&trouble.message, &trouble.remedies)
        );
    }
    for damage in &status.damages {
        let what = if damage.stops { " is left alone" } else { ": something can't be read" };
        println!(
            "{}{what} since {}: {}: {}",
            damage.record_type,
            localised(&damage.since),
            damage.place,
            damage.message
        );
    }
    for guard in &status.guards {
        println!("stopped: {}", with_remedies(&wording::why(&guard.why), &guard.remedies));
    }
    for one in &status.failing {
        let (source, target, kind, message) = (&one.source.0, &one.target, &one.kind, &one.message);
        let fails = print::Failing {
            source,
            target,
            kind,
            message,
            tries: one.tries,
            not_before: one.not_before,
            unknown: one.unknown,
        };
        println!("fails: {fails}");
    }
    for (kind, n) in status.reviews.iter().filter(|(_, n)| *n > 0) {
        println!("waiting for a person: {n} × {kind}");
    }
    for unnamed in &status.unnamed {
        let (name, records) = (&unnamed.name, print::count(unnamed.records, "record"));
        println!(
            "{records} of {name}, which no flow names any more: `lockstep rename {name} NEW` if it has another name now"
        );
    }
    let waiting = &status.waiting_references;
    for (record, why) in waiting.iter().take(WAITING_SHOWN) {
        println!("{record}: {}", visible(&wording::why(why)));
    }
    if waiting.len() > WAITING_SHOWN {
        println!("… and {} more that wait", waiting.len() - WAITING_SHOWN);
    }
    for drift in &status.drifted {
        println!(
            "drifted: {} of {}, edited where a one-way row or `only_from` does not carry it on (P12)",
            print::count(drift.records, "value"),
            drift.property
        );
    }
    for run in &status.runs {
        println!(
            "run {} began {}, {}",
            run.run,
            localised(&run.started),
            run.ended.as_ref().map_or("not ended".into(), |at| format!("ended {}", localised(at)))
        );
    }
    Ok(Exit::Done)
}

/// The linked records.
pub fn entities(dir: &Path, format: Rows, limit: usize, after: Option<i64>) -> Result<Exit> {
    let entities = project::open_for_looking(dir)?
        .hub_for_looking()?
        .ledger
        .entity_members(after, limit)
        .map_err(project::store_failure)?;
    if format == Rows::Json {
        json(&wire::Entities::from(entities))?;
        return Ok(Exit::Done);
    }
    if format == Rows::Csv {
        // An entity is named by its first record.
        let row = |first: &str, (name, label): &(lockstep_hub::report::RecordName, String)| {
            vec![first.to_string(), name.0.clone(), label.clone()]
        };
        let first = |members: &[(lockstep_hub::report::RecordName, String)]| members[0].0.0.clone();
        let rows = entities
            .iter()
            .flat_map(|members| members.iter().map(move |one| row(&first(members), one)));
        emit!("{}", csv(&["entity", "record", "label"], rows));
        return Ok(Exit::Done);
    }
    for members in &entities {
        for (n, (name, label)) in members.iter().enumerate() {
            println!("{} {name}  {}", if n == 0 { "•" } else { "=" }, visible(label));
        }
    }
    if entities.is_empty() {
        println!("No records are linked.");
    }
    Ok(Exit::Done)
}

/// The journal of a record, of a run, or since a time.
pub fn history(
    dir: &Path,
    format: Rows,
    record: Option<String>,
    run: Option<i64>,
    since: Option<String>,
) -> Result<Exit> {
    let mut hub = project::open_for_looking(dir)?.hub_for_looking()?;
    let of = match (record, run, since) {
        (Some(record), _, _) => HistoryOf::Record(record),
        (_, Some(run), _) => HistoryOf::Run(RunId(run)),
        (_, _, Some(since)) => HistoryOf::Since(acts::time(&since)?),
        (None, None, None) => HistoryOf::Latest,
    };
    let mut lines = hub.ledger.history_of(&of, 100_000).map_err(look_failure)?;
    let left_out =
        if of == HistoryOf::Latest { lines.len().saturating_sub(LATEST_SHOWN) } else { 0 };
    lines.drain(..left_out);
    if format == Rows::Json {
        json(&wire::History::from(lines))?;
        return Ok(Exit::Done);
    }
    if format == Rows::Csv {
        let row = |line: &HistoryLine| {
            let name = |name: &Option<lockstep_hub::report::RecordName>| {
                name.as_ref().map_or(String::new(), |name| name.0.clone())
            };
            vec![
                line.at.clone(),
                line.run.to_string(),
                line.kind.clone(),
                line.record.0.clone(),
                line.path.clone().unwrap_or_default(),
                cell(&line.before),
                cell(&line.after),
                line.rule.clone().unwrap_or_default(),
                name(&line.other),
                wording::detail(&line.detail),
            ]
        };
        let header = [
            "at", "run", "kind", "record", "property", "before", "after", "rule", "other",
            "message",
        ];
        emit!("{}", csv(&header, lines.iter().map(row)));
        return Ok(Exit::Done);
    }
    if let HistoryOf::Record(name) = &of {
        let state = hub.ledger.find(name).map_err(look_failure)?;
        println!("{name} was first seen at {}", local(state.first_seen));
    }
    if left_out > 0 {
        println!("The latest {LATEST_SHOWN}; `--run N` and `--since TIME` show more.");
    }
    let names = !matches!(of, HistoryOf::Record(_));
    for line in &lines {
        println!("{}", history_text(line, names));
    }
    if lines.is_empty() {
        println!("Nothing happened.");
    }
    Ok(Exit::Done)
}

fn history_text(line: &HistoryLine, names: bool) -> String {
    let mut out = format!("{} {}", localised(&line.at), line.kind);
    if names {
        out.push_str(&format!(" {}", line.record));
    }
    if let Some(path) = &line.path {
        out.push_str(&format!(" {path}: {} → {}", shown(&line.before), shown(&line.after)));
    }
    let text = wording::detail(&line.detail);
    if !text.is_empty() {
        out.push_str(&format!(" {}", visible(&localised(&text))));
    }
    match &line.other {
        Some(other) if line.kind == "link" || line.kind == "unlink" => {
            out.push_str(&format!(": {other}"))
        }
        Some(other) => out.push_str(&format!(" from {other}")),
        None => {}
    }
    if let Some(rule) = &line.rule {
        out.push_str(&format!(" ({rule})"));
    }
    format!("{out} in run {}", line.run)
}

/// Why a record, or one of its properties, is as it is.
pub fn explain(dir: &Path, format: Format, record: &str, path: Option<&str>) -> Result<Exit> {
    let explained = project::open_for_looking(dir)?
        .hub_for_looking()?
        .ledger
        .explain(record, path)
        .map_err(look_failure)?;
    if format == Format::Json {
        json(&wire::Explanation::from(explained))?;
        return Ok(Exit::Done);
    }
    println!("{}", explained.record);
    for link in &explained.links {
        println!("  = {}", visible(&localised(&wording::link(link))));
    }
    let properties: Vec<Vec<String>> =
        explained.properties.iter().map(wording::sentences).collect();
    for sentences in &properties {
        println!();
        for sentence in sentences {
            println!("  {}", visible(&localised(sentence)));
        }
    }
    let (reviews, waits) = (wording::asked(&explained), wording::waiting(&explained));
    for review in &reviews {
        println!("\n  waits for a person: {}", visible(review));
    }
    for waits in &waits {
        println!("\n  {}", visible(waits));
    }
    let sentences = properties.iter().flatten();
    if let Some(pointer) =
        manual::pointer(sentences.chain(&reviews).chain(&waits).map(String::as_str))
    {
        println!("\n{pointer}");
    }
    Ok(Exit::Done)
}

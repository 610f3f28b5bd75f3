//! Rows as CSV, for spreadsheets: a header, then a line each. Control characters are made visible,
//! and a text that a spreadsheet would take for a formula gets an apostrophe in front (G9).

use std::borrow::Cow;
use std::path::Path;

use lockstep_hub::report::{Event, PropertyChange, Report};
use lockstep_hub::undo::{Back, NotBack, PropertyBack, RecordBack, TakingBack};
use lockstep_model::Value;
use lockstep_model::visible::visible;
use lockstep_verify::{Checklist, Line, Verdict};
use lockstep_workbench::advise::{Advice, Candidate, FormAdvice, RowAdvice};
use lockstep_workbench::play::{FailedStep, Played};

use crate::exit::{Failure, Result};
use crate::wording::{self, with_remedies};

/// A table as CSV.
pub fn csv(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail, and each row has as many cells as the header.
    let _ = writer.write_record(header);
    for row in rows {
        let _ = writer.write_record(row.iter().map(|cell| no_formula(visible(cell))));
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// G9: a cell that no spreadsheet calculates. What begins like a formula and is no number is marked
/// as a text.
fn no_formula(cell: Cow<'_, str>) -> String {
    let begins = cell.trim_start().starts_with(['=', '+', '-', '@']);
    match begins && cell.trim().parse::<f64>().is_err() {
        true => format!("'{cell}"),
        false => cell.into_owned(),
    }
}

/// A value as a cell: a text as it is, nothing for none, everything else as JSON.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The columns of a plan or a report.
pub const REPORT: [&str; 9] =
    ["action", "flow", "record", "source", "property", "before", "after", "rule", "message"];

/// What a run did, or a plan would do: a row for each property that is written, and one for each
/// other event.
pub fn report(report: &Report) -> String {
    csv(&REPORT, report.events.iter().flat_map(|event| of_event(event, report.plan_only)))
}

fn of_event(event: &Event, plan_only: bool) -> Vec<Vec<String>> {
    let row = |action: &str, cells: [&str; 8]| {
        let mut row = vec![action.to_string()];
        row.extend(cells.iter().map(ToString::to_string));
        row
    };
    let written = |action: &str,
                   flow: &str,
                   record: &str,
                   source: &str,
                   properties: &[PropertyChange]| {
        let one = |change: &PropertyChange| {
            let after = match &change.counterpart_of {
                Some(of) => format!("the id of {of}’s counterpart"),
                None => cell(&change.after),
            };
            let before = cell(&change.before);
            let why = wording::decided(change.why.as_ref()).unwrap_or_default();
            row(action, [flow, record, source, &change.path, &before, &after, &change.rule, &why])
        };
        match properties.is_empty() {
            true => vec![row(action, [flow, record, source, "", "", "", "", ""])],
            false => properties.iter().map(one).collect(),
        }
    };
    match event {
        Event::Linked { flow, a, b, by } => {
            let by = wording::detail(&by.clone().into());
            vec![row("link", [flow, &a.0, &b.0, "", "", "", "L1", &by])]
        }
        Event::Created { flow, source, record, properties } => {
            // In a plan it has no id yet.
            let record = if plan_only {
                record.0.rsplit_once('/').map_or("", |(ty, _)| ty)
            } else {
                &record.0
            };
            written("create", flow, record, &source.0, properties)
        }
        Event::Updated { flow, source, record, properties } => {
            written("update", flow, &record.0, &source.0, properties)
        }
        Event::Removed { flow, source, record, why, rule } => {
            vec![row("delete", [flow, &record.0, &source.0, "", "", "", rule, &wording::why(why)])]
        }
        Event::Restored { flow, source, record } => {
            vec![row(
                "restore",
                [flow, &record.0, &source.0, "", "", "", "D2", &format!("{source} is back")],
            )]
        }
        Event::Deleted { record, of } => {
            vec![row("gone", ["", &record.0, "", "", "", "", "", &wording::became(of)])]
        }
        Event::Kept { flow, record, why, rule } => {
            vec![row("keep", [flow, &record.0, "", "", "", "", rule, &wording::why(why)])]
        }
        Event::StoredOtherwise { flow, record, why } => {
            vec![row("stored", [flow, &record.0, "", "", "", "", "R6", &wording::why(why)])]
        }
        Event::Edited { record, path, before, after } => {
            vec![row("edited", ["", &record.0, "", path, &cell(before), &cell(after), "", ""])]
        }
        Event::Review { flow, kind, record, why, rule, remedies } => {
            let text = format!("{kind}: {}", with_remedies(&wording::why(why), remedies));
            vec![row("review", [flow, &record.0, "", "", "", "", rule, &text])]
        }
        Event::Refused { flow, record, message } => {
            vec![row("refused", [flow, &record.0, "", "", "", "", "G4", message])]
        }
        Event::Failing { flow, source, target, kind, message, .. } => {
            vec![row(
                "failing",
                [flow, target, &source.0, "", "", "", "G4", &format!("{kind}: {message}")],
            )]
        }
        Event::Waits { flow, record, why, rule } => {
            vec![row("wait", [flow, &record.0, "", "", "", "", rule, &wording::why(why)])]
        }
        Event::Fault { place, message } => {
            vec![row("fault", ["", place, "", "", "", "", "", message])]
        }
        Event::Paused { system, message, remedies } => {
            let text = with_remedies(message, remedies);
            vec![row("paused", ["", system, "", "", "", "", "", &text])]
        }
    }
}

/// A plan to take writes back, and what of it was not done.
pub fn taking(taking: &TakingBack, not_done: &[NotBack]) -> String {
    let row = |action: &str, cells: [&str; 6]| {
        let mut row = vec![action.to_string()];
        row.extend(cells.iter().map(ToString::to_string));
        row
    };
    let back = |back: &RecordBack| {
        let (action, why) = match back.act {
            Back::Update => ("put back", ""),
            Back::Delete => ("delete", "Lockstep created it"),
            Back::CreateAnew => ("create anew", "an undo deleted it"),
        };
        let (record, label) = (back.record.0.as_str(), back.label.as_str());
        let property = |one: &PropertyBack| {
            let (now, back_to) = (cell(&one.now), cell(&one.back_to));
            let apart = one.apart.iter().map(|why| format!("kept apart: {why}"));
            let then = one.then.iter().map(|line| format!("then: {line}"));
            let told: Vec<String> = apart.chain(then).collect();
            row(action, [record, label, &one.path, &now, &back_to, &told.join("; ")])
        };
        match back.properties.is_empty() {
            true => vec![row(action, [record, label, "", "", "", why])],
            false => back.properties.iter().map(property).collect(),
        }
    };
    let not = |action: &str, not: &NotBack| {
        let path = not.path.as_deref().unwrap_or_default();
        row(action, [&not.record.0, "", path, "", "", &with_remedies(&not.why, &not.remedies)])
    };
    csv(
        &["action", "record", "label", "property", "now", "back_to", "message"],
        (taking.records.iter().flat_map(back))
            .chain(taking.not.iter().map(|one| not("impossible", one)))
            .chain(not_done.iter().map(|one| not("not done", one))),
    )
}

/// What came of tests: a row for each that passed, and one for each step that failed.
pub fn tests(results: &[Played]) -> String {
    let row = |played: &Played, step: Option<&FailedStep>| {
        let list = |of: fn(&FailedStep) -> &Vec<String>| {
            step.map_or(String::new(), |step| of(step).join("; "))
        };
        vec![
            played.name.clone(),
            played.file.clone(),
            step.map_or(played.line, |step| step.line).to_string(),
            if played.passed { "passed" } else { "failed" }.to_string(),
            step.map_or(String::new(), |step| step.step.to_string()),
            list(|step| &step.missing),
            list(|step| &step.unexpected),
            list(|step| &step.notes),
        ]
    };
    let rows = results.iter().flat_map(|played| match played.failed.is_empty() {
        true => vec![row(played, None)],
        false => played.failed.iter().map(|step| row(played, Some(step))).collect(),
    });
    csv(&["test", "file", "line", "result", "step", "missing", "unexpected", "notes"], rows)
}

/// What two record types could be matched by, and what their linked records agree in.
pub fn advice(advice: &Advice) -> String {
    let candidate = |one: &Candidate| {
        let counts =
            [one.overlap, one.would_link, one.would_ask, one.would_create, one.created_twice];
        let mut row = vec!["match".to_string(), one.from.path.clone(), one.to.path.clone()];
        row.push(if one.proposed { "yes" } else { "no" }.into());
        row.extend(counts.iter().map(ToString::to_string));
        row.extend([String::new(), String::new()]);
        row.extend([one.kind.unwrap_or_default().to_string(), String::new()]);
        row
    };
    let agreeing = |one: &RowAdvice| {
        let mut row = vec!["row".to_string(), one.from.clone(), one.to.clone()];
        row.extend(std::iter::repeat_n(String::new(), 6));
        row.extend([one.both.to_string(), one.same.to_string()]);
        row.extend([one.kind.unwrap_or_default().to_string(), String::new()]);
        row
    };
    // Which properties it is about, the row says.
    let formed = |one: &FormAdvice| {
        let mut row = vec![one.form.to_string()];
        row.extend(std::iter::repeat_n(String::new(), 8));
        row.extend([one.both.to_string(), one.same.to_string(), String::new()]);
        row.push(one.yaml.clone());
        row
    };
    let header = [
        "kind",
        "from",
        "to",
        "proposed",
        "overlap",
        "would_link",
        "would_ask",
        "would_create",
        "created_twice",
        "both",
        "same",
        "as",
        "yaml",
    ];
    csv(
        &header,
        (advice.candidates.iter().map(candidate))
            .chain(advice.rows.iter().map(agreeing))
            .chain(advice.forms.iter().map(formed)),
    )
}

/// The lines of documents with their verdicts.
pub fn checklist(list: &Checklist) -> String {
    let row = |document: &str, section: &str, kind: &str, line: &Line| {
        let (verdict, why) = match &line.verdict {
            Verdict::Proved => ("proved", ""),
            Verdict::OnceLinked => ("proved-once-linked", ""),
            Verdict::Violated => ("violated", ""),
            Verdict::NotTried(why) => ("not-tried", why.as_str()),
            Verdict::Impossible(why) => ("impossible", why.as_str()),
        };
        let at = line.at.map_or(String::new(), |at| at.to_string());
        let cells = [document, &at, section, kind, &line.text, verdict, why];
        let mut row: Vec<String> = cells.iter().map(ToString::to_string).collect();
        row.push(line.trials.len().to_string());
        row
    };
    let mut rows = Vec::new();
    for document in &list.documents {
        for section in &document.sections {
            let mut add = |kind: &str, line: &Line| {
                rows.push(row(&document.name, &section.heading, kind, line));
            };
            for statement in &section.statements {
                add("statement", &statement.line);
                statement.rows.iter().for_each(|line| add("row", line));
            }
            section.deletion.iter().for_each(|line| add("deletion", line));
            add("idle", &section.idle);
        }
    }
    csv(&["document", "line", "section", "kind", "text", "verdict", "why", "trials"], rows)
}

/// Writes a file that somebody asked for with `-o`.
pub fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|error| Failure::file(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g9_no_cell_is_a_formula() {
        let cells = ["=1+1", "-7.5", "-kr 5", "+47 99", "@SUM(A1)", " =1", "a=b", ""];
        let text = csv(&["a"], cells.map(|cell| vec![cell.to_string()]));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            ["a", "'=1+1", "-7.5", "'-kr 5", "'+47 99", "'@SUM(A1)", "' =1", "a=b", "\"\""]
        );
    }
}

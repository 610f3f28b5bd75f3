//! `link`, `unlink`, `retry`, `undo`, `redo`, `audit`: what a person does through Lockstep.
//! Whatever takes something back shows a plan first and does nothing without a yes: from `--yes`,
//! or asked for on a terminal.

use std::io::{IsTerminal, Write};
use std::path::Path;

use lockstep_hub::answers::Again;
use lockstep_hub::audit::{Audit, AuditedProperty, DifferenceKind};
use lockstep_hub::links::Halves;
use lockstep_hub::take_back::TakenBack;
use lockstep_hub::undo::{Back, NotBack, PutBackAs, TakingBack, Which};
use lockstep_hub::{ActError, Clock, SystemClock};
use lockstep_model::value::shown;
use lockstep_model::visible::visible;
use lockstep_model::{RunId, Timestamp};
use lockstep_service::{TakeBack, plan_to_take_back};

use crate::args::{Format, Rows};
use crate::exit::{Exit, Failure, Result};
use crate::look::json;
use crate::rows::{cell, csv};
use crate::wording::with_remedies;
use crate::{print, project, rows, times, wire, work};

/// An act's error with the exit status it means.
pub fn act_failure(error: ActError) -> Failure {
    match error {
        ActError::Hub(error) => project::hub_failure(error),
        ActError::Look(_) | ActError::Refused(_) | ActError::Advised { .. } => {
            Failure::usage(with_remedies(&error.to_string(), error.remedies()))
        }
    }
}

/// Links two records.
pub fn link(dir: &Path, a: &str, b: &str, format: Format) -> Result<Exit> {
    let joined = project::open(dir)?.desk()?.link(a, b).map_err(project::refusal)?;
    if format == Format::Json {
        json(&wire::Linked::from(joined))?;
        return Ok(Exit::Done);
    }
    let names: Vec<String> = joined.members.iter().map(ToString::to_string).collect();
    println!("Linked: {}.", names.join(" = "));
    println!("The next run brings their properties into line; `lockstep plan` shows how.");
    Ok(Exit::Done)
}

/// Takes an entity apart.
pub fn unlink(
    dir: &Path,
    a: &str,
    b: Option<&str>,
    (restore, yes): (bool, bool),
    format: Rows,
) -> Result<Exit> {
    if format == Rows::Csv && !restore {
        return Err(Failure::usage("only what `--restore` puts back has rows: use text or JSON"));
    }
    if !restore {
        let halves = project::open(dir)?.desk()?.unlink(a, b).map_err(project::refusal)?;
        match format {
            Rows::Json => {
                json(&wire::Unlinked { plan: None, unlinked: Some(halves.into()), done: None })?
            }
            Rows::Text | Rows::Csv => tell_halves(&halves),
        }
        return Ok(Exit::Done);
    }
    let opened = project::open_to_plan_back(dir)?;
    let what = TakeBack::Unlink { a: a.into(), b: b.map(Into::into) };
    let taking = plan_to_take_back(&mut opened.hub_for_undo(false)?, &what);
    let taking = taking.map_err(project::refusal)?;
    note_unasked(&taking);
    if format == Rows::Csv {
        if !yes {
            print_plan(&taking, format)?;
            return Ok(Exit::NeedsAPerson);
        }
        let (_, taken) =
            opened.desk_for_undo()?.take_back(what, &taking).map_err(project::refusal)?;
        emit!("{}", rows::taking(&taking, &taken.not));
        return Ok(how_taken(&taken));
    }
    if format == Rows::Json {
        let plan = Some(wire::Taking::from(&taking));
        if !yes {
            json(&wire::Unlinked { plan, unlinked: None, done: None })?;
            return Ok(Exit::NeedsAPerson);
        }
        let (halves, taken) =
            opened.desk_for_undo()?.take_back(what, &taking).map_err(project::refusal)?;
        let unlinked = halves.map(Into::into);
        json(&wire::Unlinked { plan, unlinked, done: Some((&taken).into()) })?;
        return Ok(how_taken(&taken));
    }
    print!("{}", plan_text(&taking));
    if !agreed(yes, "Unlink them, and put these values back?")? {
        return Ok(Exit::NeedsAPerson);
    }
    let (halves, taken) =
        opened.desk_for_undo()?.take_back(what, &taking).map_err(project::refusal)?;
    halves.iter().for_each(tell_halves);
    tell_taken(&taken)
}

fn tell_halves(halves: &Halves) {
    let names = |half: &[lockstep_hub::report::RecordName]| {
        half.iter().map(ToString::to_string).collect::<Vec<_>>().join(" = ")
    };
    println!(
        "Unlinked: {} and {} are kept apart; no rule links them again (L7).",
        names(&halves.one),
        names(&halves.other)
    );
    for line in &halves.then {
        println!("  by the next run {line}");
    }
    println!("`lockstep link` links them again.");
}

/// Tries again what was refused.
pub fn retry(dir: &Path, record: Option<String>, all: bool, format: Rows) -> Result<Exit> {
    let again = match (record, all) {
        (Some(record), false) => Again::Record(record),
        (None, true) => Again::All,
        _ => {
            return Err(Failure::usage(
                "say what is to be tried again: a record as system.RecordType/ID, or --all",
            ));
        }
    };
    let opened = project::open(dir)?;
    let report = opened.desk()?.retry(&again).map_err(project::refusal)?;
    match format {
        Rows::Json => emit!("{}", work::as_json(&report)?),
        Rows::Csv => emit!("{}", rows::report(&report)),
        Rows::Text => print!("{}", print::report(&report, crate::screen::verbose())),
    }
    work::when_quiet(&report);
    Ok(opened.exit(&report))
}

/// What `undo` was asked to take back.
pub struct Asked {
    pub what: Option<String>,
    pub path: Option<String>,
    pub since: Option<String>,
    pub until: Option<String>,
}

impl Asked {
    fn which(self) -> Result<Which> {
        match (self.what, self.since) {
            (Some(_), Some(_)) => {
                Err(Failure::usage("say either a run or record, or a time, not both"))
            }
            (None, None) => Err(Failure::usage(
                "say what is to be taken back: the number of a run (`lockstep status` lists them), --since TIME, or a record as \
                 system.RecordType/ID",
            )),
            (None, Some(since)) => {
                let until = self.until.as_deref().map(time).transpose()?;
                // What is carried out is what was planned: of this moment, and not of a later one.
                let until = until.or_else(|| Some(SystemClock.now()));
                Ok(Which::Time { since: time(&since)?, until })
            }
            (Some(what), None) => match what.parse::<i64>() {
                Ok(run) => Ok(Which::Run(RunId(run))),
                Err(_) => Ok(Which::Record { name: what, path: self.path }),
            },
        }
    }
}

/// A point in time: in the user's zone or with another, or how long ago: `90m`, `2h`, `3d`.
pub fn time(text: &str) -> Result<Timestamp> {
    let (number, unit) =
        text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit_ms = match unit {
        "s" => Some(1_000),
        "m" | "min" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    if let (Ok(number), Some(unit_ms)) = (number.parse::<i64>(), unit_ms) {
        return Ok(SystemClock.now().plus_ms(-number.saturating_mul(unit_ms)));
    }
    times::read(text).ok_or_else(|| {
        Failure::usage(format!(
            "`{text}` is no time: write 2026-01-31 08:00 (in your time zone), 2026-01-31T08:00:00Z, a day as 2026-01-31, or how long \
             ago: 90m, 2h, 3d"
        ))
    })
}

/// Takes Lockstep's own writes back.
pub fn undo(
    dir: &Path,
    asked: Asked,
    (force, put_back): (bool, PutBackAs),
    yes: bool,
    format: Rows,
) -> Result<Exit> {
    let which = asked.which()?;
    take_back(dir, yes, format, TakeBack::Undo { which, force, put_back })
}

/// Takes an undo back.
pub fn redo(dir: &Path, run: Option<i64>, force: bool, yes: bool, format: Rows) -> Result<Exit> {
    take_back(dir, yes, format, TakeBack::Redo { run: run.map(RunId), force })
}

fn take_back(dir: &Path, yes: bool, format: Rows, what: TakeBack) -> Result<Exit> {
    // A plan can be had while a run is at work.
    let opened = project::open_to_plan_back(dir)?;
    let taking = plan_to_take_back(&mut opened.hub_for_undo(false)?, &what);
    let taking = taking.map_err(project::refusal)?;
    note_unasked(&taking);
    if format == Rows::Text {
        print!("{}", plan_text(&taking));
    }
    if taking.is_empty() {
        print_plan(&taking, format)?;
        return Ok(if taking.not.is_empty() { Exit::Done } else { Exit::NeedsAPerson });
    }
    let go_on = match format {
        Rows::Json | Rows::Csv => yes,
        Rows::Text => agreed(yes, "Do it?")?,
    };
    if !go_on {
        print_plan(&taking, format)?;
        return Ok(Exit::NeedsAPerson);
    }
    let plan = wire::Taking::from(&taking);
    let impossible = !taking.not.is_empty();
    let (_, taken) = opened.desk_for_undo()?.take_back(what, &taking).map_err(project::refusal)?;
    let exit = match format {
        Rows::Json => {
            json(&wire::TakenBack { plan, done: Some((&taken).into()) })?;
            if taken.not.is_empty() { Exit::Done } else { Exit::NeedsAPerson }
        }
        Rows::Csv => {
            emit!("{}", rows::taking(&taking, &taken.not));
            how_taken(&taken)
        }
        Rows::Text => tell_taken(&taken)?,
    };
    Ok(if impossible && exit == Exit::Done { Exit::NeedsAPerson } else { exit })
}

fn note_unasked(taking: &TakingBack) {
    for system in &taking.unasked {
        note!(
            "{system} was not asked, as it lacks a variable or a setting: what its records hold now is as it was read last"
        );
    }
}

/// A plan that is not carried out, for machines: as text it has been shown.
fn print_plan(taking: &TakingBack, format: Rows) -> Result<()> {
    match format {
        Rows::Json => json(&wire::TakenBack { plan: taking.into(), done: None })?,
        Rows::Csv => emit!("{}", rows::taking(taking, &[])),
        Rows::Text => {}
    }
    Ok(())
}

fn tell_taken(taken: &TakenBack) -> Result<Exit> {
    for not in &taken.not {
        let why = with_remedies(&not.why, &not.remedies);
        println!("! {} was left as it is: {why}", not.record);
    }
    println!("{} put back, as run {}.", print::count(taken.records as u64, "record"), taken.run);
    Ok(how_taken(taken))
}

fn how_taken(taken: &TakenBack) -> Exit {
    match () {
        () if taken.report.unreachable() => Exit::Unreachable,
        () if taken.not.is_empty() => Exit::Done,
        () => Exit::NeedsAPerson,
    }
}

/// A plan to take writes back, as text.
fn plan_text(taking: &TakingBack) -> String {
    use std::fmt::Write as _;
    let mut out = format!("Taking back {}:\n", taking.what);
    for back in &taking.records {
        let act = match back.act {
            Back::Update => "",
            Back::Delete => ": deleted, since Lockstep created it",
            Back::CreateAnew => ": created anew, since an undo deleted it",
        };
        let _ = writeln!(out, "  {}  {}{act}", back.record, back.label);
        for property in &back.properties {
            let _ = writeln!(
                out,
                "    {}: {} → {}",
                property.path,
                shown(&property.now),
                shown(&property.back_to)
            );
            if let Some(why) = &property.apart {
                let _ = writeln!(
                    out,
                    "      kept apart until somebody edits it here or elsewhere: {why}"
                );
            }
            for line in &property.then {
                let _ = writeln!(out, "      and then, by the next run: {line}");
            }
        }
    }
    if !taking.not.is_empty() {
        out.push_str("What can’t be taken back:\n");
        for NotBack { record, path, why, remedies } in &taking.not {
            let why = with_remedies(why, remedies);
            let path = path.as_ref().map_or(String::new(), |path| format!(" {path}"));
            let _ = writeln!(out, "  {record}{path}: {why}");
        }
    }
    let of = |act: Back| taking.records.iter().filter(|back| back.act == act).count();
    let properties: usize = taking.records.iter().map(|back| back.properties.len()).sum();
    let mut counts = Vec::new();
    if properties > 0 {
        let properties = if properties == 1 {
            "1 property".to_string()
        } else {
            format!("{properties} properties")
        };
        counts.push(format!(
            "{properties} of {} to put back",
            print::count(of(Back::Update) as u64, "record")
        ));
    }
    for (act, what) in [(Back::Delete, "to delete"), (Back::CreateAnew, "to create anew")] {
        if of(act) > 0 {
            counts.push(format!("{} {what}", print::count(of(act) as u64, "record")));
        }
    }
    if taking.as_before > 0 {
        counts.push(format!("{} as before already", taking.as_before));
    }
    let _ = match counts.is_empty() {
        true => writeln!(out, "There is nothing to put back."),
        false => writeln!(out, "{}.", counts.join(", ")),
    };
    out
}

/// A yes, from `--yes` or from a person at a terminal. Without either nothing is done.
pub fn agreed(yes: bool, question: &str) -> Result<bool> {
    if yes {
        return Ok(true);
    }
    if crate::screen::quiet() {
        return Err(Failure::usage(
            "with `-q` no plan is shown that one could say yes to: add `--yes`, or leave out `-q`",
        ));
    }
    if !std::io::stdin().is_terminal() {
        println!("Nothing was done: this was a plan. Add --yes to carry it out.");
        return Ok(false);
    }
    print!("{question} [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdout().flush().and_then(|()| std::io::stdin().read_line(&mut answer));
    read.map_err(|error| Failure::usage(format!("the answer can't be read: {error}")))?;
    let agreed = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    if !agreed {
        println!("Nothing was done.");
    }
    Ok(agreed)
}

/// Reads linked records again and tells what differs.
pub fn audit(
    dir: &Path,
    sample: Option<usize>,
    repair: bool,
    stored: bool,
    format: Rows,
) -> Result<Exit> {
    let audit = match (stored, repair) {
        (true, _) => {
            let mut hub = project::open_for_looking(dir)?.hub_for_looking()?;
            hub.audit_stored(sample).map_err(act_failure)?
        }
        (false, true) => {
            project::open(dir)?.desk()?.audit(sample, repair).map_err(project::refusal)?
        }
        (false, false) => {
            let mut hub = project::open(dir)?.hub_for_reading()?;
            hub.audit(sample, repair).map_err(act_failure)?
        }
    };
    match format {
        Rows::Json => json(&wire::Audit::from(audit.clone()))?,
        Rows::Csv => emit!("{}", audit_csv(&audit)),
        Rows::Text => print!("{}", audit_text(&audit)),
    }
    if crate::screen::quiet()
        && format == Rows::Text
        && (audit.alarms() || !audit.unread.is_empty())
    {
        eprintln!("{}", audit_text(&audit).trim_end());
    }
    Ok(match (audit.alarms(), audit.unread.is_empty()) {
        (true, _) => Exit::NeedsAPerson,
        (false, false) => Exit::Unreachable,
        (false, true) => Exit::Done,
    })
}

fn audit_csv(audit: &Audit) -> String {
    let kind = |kind: DifferenceKind| match kind {
        DifferenceKind::Drifted => "drifted",
        DifferenceKind::Unequal => "unequal",
        DifferenceKind::NotKept => "not-kept",
        DifferenceKind::StoredOtherwise => "stored-otherwise",
    };
    let row = |kind: &str, record: &str, cells: [&str; 5]| {
        let mut row = vec![kind.to_string(), record.to_string()];
        row.extend(cells.iter().map(ToString::to_string));
        row
    };
    let differs = audit.properties.iter().flat_map(|property| {
        let one = |one: &lockstep_hub::audit::Difference| {
            let (shows, expected) = (cell(&one.shows), cell(&one.expected));
            row(
                kind(one.kind),
                &one.record.0,
                [&property.flow, &property.property, &shows, &expected, ""],
            )
        };
        property.examples.iter().map(one).collect::<Vec<_>>()
    });
    let gone = audit
        .gone
        .iter()
        .map(|record| row("gone", &record.0, ["", "", "", "", "it is not in its system any more"]));
    let unread =
        audit.unread.iter().map(|(record, why)| row("unread", &record.0, ["", "", "", "", why]));
    csv(
        &["kind", "record", "flow", "property", "shows", "expected", "message"],
        differs.chain(gone).chain(unread),
    )
}

/// What an audit found of one property.
fn audited_text(property: &AuditedProperty) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let mut counts = Vec::new();
    if property.drifted > 0 {
        counts.push(format!("{} not as Lockstep knows it", property.drifted));
    }
    if property.unequal > 0 {
        counts.push(format!("{} not as it should be", property.unequal));
    }
    if property.not_kept > 0 {
        counts.push(format!("{} written and not kept by the system", property.not_kept));
    }
    if property.stored_otherwise > 0 {
        counts.push(format!("{} stored otherwise by the system", property.stored_otherwise));
    }
    let _ = writeln!(out, "  {}: {}", property.property, counts.join(", "));
    for one in &property.examples {
        let expected = match one.kind {
            DifferenceKind::Drifted => format!("Lockstep knows {}", shown(&one.expected)),
            DifferenceKind::NotKept => {
                format!("was given {}, and has not kept it (R6)", shown(&one.expected))
            }
            DifferenceKind::StoredOtherwise => {
                format!("was given {}, and stores that (R6)", shown(&one.expected))
            }
            DifferenceKind::Unequal => format!("should hold {}", shown(&one.expected)),
        };
        let _ = writeln!(out, "    {}: shows {}, {expected}", one.record, shown(&one.shows));
    }
    out
}

fn audit_text(audit: &Audit) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let mut flow = None;
    for property in &audit.properties {
        if flow != Some(&property.flow) {
            let _ = writeln!(out, "{}", property.flow);
            flow = Some(&property.flow);
        }
        out.push_str(&audited_text(property));
    }
    for record in &audit.gone {
        let _ = writeln!(out, "! {record} is linked, and is not in its system any more");
    }
    for (record, why) in &audit.unread {
        let _ = writeln!(out, "! {record} could not be read: {}", visible(why));
    }
    let entities = if audit.entities == 1 {
        "1 entity".to_string()
    } else {
        format!("{} entities", audit.entities)
    };
    let _ = writeln!(
        out,
        "{} of {entities} audited, {} read.",
        audit.audited,
        print::count(audit.records_read as u64, "record")
    );
    let stored_otherwise: u64 = audit.properties.iter().map(|one| one.stored_otherwise).sum();
    for (n, why) in [
        (audit.in_review, "wait in review (lockstep review)"),
        (audit.waiting, "wait for a write that is decided"),
        (stored_otherwise, "are as their systems store what was written there"),
    ] {
        if n > 0 {
            let _ = writeln!(out, "{n} differ as is known: they {why}.");
        }
    }
    let _ = match (audit.alarms(), audit.repaired) {
        (false, _) if audit.in_review + audit.waiting + stored_otherwise > 0 => {
            writeln!(out, "Nothing else differs.")
        }
        (false, _) => writeln!(out, "Nothing differs."),
        (true, true) => {
            writeln!(out, "What differs was taken in; the next run settles it (`lockstep sync`).")
        }
        (true, false) => {
            writeln!(
                out,
                "Nothing was written. `lockstep audit --repair` takes in what differs, for the next run to settle."
            )
        }
    };
    out
}

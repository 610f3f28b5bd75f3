//! `check`, `plan`, `sync`, `run`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockstep_config::Severity;
use lockstep_hub::report::Report;
use lockstep_hub::{Event, Hub, RunOptions, System};
use lockstep_model::value::shown;
use lockstep_model::visible::{visible, visible_json};
use lockstep_model::{TypeIx, TypeName};

use crate::args::{Format, Only, Rows};
use crate::exit::{Exit, Failure, Result};
use crate::project::Opened;
use crate::times::local;
use crate::{hooks, part, print, progress, project, rows, screen, wire};

/// A system is read this often where the project does not say, in seconds.
const SCHEDULE_S: u64 = 60;
/// Where calls name more records of a type than these, one reading of what changed is less work.
const ONE_BY_ONE: usize = 20;
/// The shortest time between two runs of the service, in which other commands can take the store:
/// they look for it every 10 ms.
const GAP: Duration = Duration::from_millis(25);
/// So long it is waited before the store is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Validates all that can be without a network.
pub fn check(dir: &Path, format: Rows) -> Result<Exit> {
    let (loaded, _, mut problems) = project::examine_without_secrets(dir);
    problems.extend(loaded.iter().flat_map(project::damaged));
    let errors = problems.iter().filter(|p| p.severity == Severity::Error).count();
    let warnings = problems.iter().filter(|p| p.severity == Severity::Warning).count();
    if format == Rows::Json {
        emit!("{}\n", visible_json(&lockstep_config::to_json(&problems).to_string()));
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
        }
    }
    if errors > 0 {
        Err(Failure::usage("nothing runs before the errors are put right"))
    } else {
        Ok(Exit::Done)
    }
}

/// G1: what a run would do, every write of it.
pub fn plan(dir: &Path, format: Rows, out: Option<&Path>, only: &Only) -> Result<Exit> {
    let opened = project::open(dir)?;
    let part = part::of(&opened, &opened.plan()?, only)?;
    let mut hub = opened.hub()?;
    let options = RunOptions { part, every_event: true, ..progress::watched(true) };
    let report = hub.plan(options).map_err(project::hub_failure)?;
    let text = match format {
        Rows::Text => print::report(&report, true),
        Rows::Json => as_json(&report),
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
    Ok(exit(&report))
}

/// One run.
pub fn sync(dir: &Path, format: Rows, shares: bool, full: bool, only: &Only) -> Result<Exit> {
    if shares && format != Rows::Text {
        return Err(Failure::usage(
            "`--shares` is for text: JSON has where the time went anyway, CSV has the writes",
        ));
    }
    let opened = project::open(dir)?;
    let part = part::of(&opened, &opened.plan()?, only)?;
    let mut hub = opened.hub()?;
    let every_event = format == Rows::Csv || screen::verbose();
    let options = RunOptions { full, part, every_event, ..progress::watched(false) };
    let report = hub.run(options).map_err(project::hub_failure)?;
    match format {
        Rows::Text => print!("{}", print::report(&report, screen::verbose())),
        Rows::Json => emit!("{}", as_json(&report)),
        Rows::Csv => emit!("{}", rows::report(&report)),
    }
    if (shares || screen::verbose()) && format == Rows::Text {
        print!("{}", print::shares(&report));
    }
    when_quiet(&report);
    Ok(exit(&report))
}

/// A report as a line of JSON.
pub fn as_json(report: &Report) -> String {
    let text = serde_json::to_string(&wire::Report::from(report.clone()))
        .unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"));
    format!("{}\n", visible_json(&text))
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

/// Where systems call, if they do.
pub struct Calls {
    pub listen: Option<SocketAddr>,
    /// The address under which the listener is reached from outside.
    pub public: Option<String>,
}

/// The service: every record type on its schedule, until it is stopped.
pub fn run(dir: &Path, approve: bool, calls: &Calls, format: Format) -> Result<Exit> {
    let mut opened = project::open(dir)?;
    let mut systems = opened.connect(&opened.plan()?)?;
    let hub = approved(&opened, &systems, approve)?;
    let period = |ty: TypeIx| {
        let name = &hub.ledger.plan_of_flows().ty(ty).name;
        let schedule =
            opened.project.system(&name.system).map(|s| s.schedule.clone()).unwrap_or_default();
        let seconds = schedule
            .types
            .get(&name.kind)
            .copied()
            .or(schedule.every_seconds)
            .unwrap_or(SCHEDULE_S);
        Duration::from_secs(seconds.max(1))
    };
    let types: Vec<(TypeIx, Duration)> = (0..hub.ledger.plan_of_flows().types.len() as u16)
        .map(TypeIx)
        .map(|ty| (ty, period(ty)))
        .collect();
    let hub_types: Vec<TypeName> =
        hub.ledger.plan_of_flows().types.iter().map(|ty| ty.name.clone()).collect();
    for (ty, period) in &types {
        note!("{} is read every {} s", hub.ledger.plan_of_flows().ty(*ty).name, period.as_secs());
    }
    let hints = Arc::new(hooks::Hints::default());
    if let Some(address) = calls.listen {
        let at = hooks::listen(address, &systems, Arc::clone(&hints))?;
        note!("Systems call http://{at}/hooks/SYSTEM");
        if let Some(public) = &calls.public {
            hooks::register(public, &systems);
        }
    }
    let mut due: Vec<Instant> = types.iter().map(|_| Instant::now()).collect();
    let mut named: BTreeMap<TypeIx, BTreeSet<String>> = BTreeMap::new();
    // The store is given up between runs, so that other commands find a gap.
    drop(hub);
    loop {
        let now = Instant::now();
        let mut only = BTreeSet::new();
        for ((ty, period), due) in types.iter().zip(&mut due) {
            if *due <= now {
                only.insert(*ty);
                *due = now + *period;
            }
        }
        let hinted = std::mem::take(&mut named);
        if !only.is_empty() || !hinted.is_empty() {
            let were_named: Vec<TypeIx> = hinted.keys().copied().collect();
            let mut read_whole =
                || were_named.iter().for_each(|ty| due[ty.at()] = Instant::now() + ASK_AGAIN);
            let options = RunOptions { only: Some(only), named: hinted, ..RunOptions::default() };
            if let Some(again) = reached(dir, &systems, &hub_types) {
                (opened, systems) = again;
            }
            match at_work(&opened, &systems) {
                Ok(mut hub) => match hub.run(options) {
                    Ok(report) if format == Format::Json => {
                        emit!("{}", as_json(&report));
                        let _ = std::io::Write::flush(&mut std::io::stdout());
                    }
                    Ok(report) => {
                        narrate(&report);
                        when_quiet(&report);
                    }
                    // A full disk or a busy file may be better in a while; nothing of the step was
                    // kept, so it is simply tried again.
                    Err(error) => {
                        eprintln!("! {error}");
                        read_whole();
                    }
                },
                Err(failure) => {
                    eprintln!("! {}", failure.message);
                    due.fill(Instant::now() + ASK_AGAIN);
                }
            }
        }
        let next = due
            .iter()
            .min()
            .copied()
            .unwrap_or_else(|| Instant::now() + Duration::from_secs(SCHEDULE_S));
        let free_since = Instant::now();
        let mut hinted = hints.wait(next.saturating_duration_since(free_since).max(GAP));
        if !hinted.is_empty() {
            // What is hinted at is read at once. Hints come in swarms: those that come during that
            // reading are one reading, the next.
            std::thread::sleep(GAP.saturating_sub(free_since.elapsed()));
            hinted.append(&mut hints.wait(Duration::ZERO));
            named = to_read(hinted, &hub_types, &mut due);
        }
    }
}

/// A system that could not be asked for its record types when the service began may answer by now;
/// then the project is looked at anew.
fn reached(dir: &Path, systems: &[System], types: &[TypeName]) -> Option<(Opened, Vec<System>)> {
    let down =
        |systems: &[System]| systems.iter().filter(|system| system.connector.is_down()).count();
    if down(systems) == 0 {
        return None;
    }
    let opened = project::open(dir).ok()?;
    let plan = opened.plan().ok()?;
    let again = opened.connect(&plan).ok()?;
    // Flows that were edited meanwhile come with the next start, as always.
    let same = plan.types.iter().map(|ty| &ty.name).eq(types);
    (same && down(&again) < down(systems)).then_some((opened, again))
}

/// R4: the records that are named; where a call names none, or many are named, all that changed of
/// their record type is due.
fn to_read(
    hinted: BTreeSet<hooks::Hint>,
    types: &[TypeName],
    due: &mut [Instant],
) -> BTreeMap<TypeIx, BTreeSet<String>> {
    let mut named: BTreeMap<TypeIx, BTreeSet<String>> = BTreeMap::new();
    for (system, kind, id) in hinted {
        let meant = |name: &TypeName| {
            name.system == system && kind.as_ref().is_none_or(|kind| *kind == name.kind)
        };
        for (at, _) in types.iter().enumerate().filter(|(_, name)| meant(name)) {
            match &id {
                Some(id) => drop(named.entry(TypeIx(at as u16)).or_default().insert(id.clone())),
                None => due[at] = Instant::now(),
            }
        }
    }
    let many: Vec<TypeIx> =
        named.iter().filter(|(_, ids)| ids.len() > ONE_BY_ONE).map(|(ty, _)| *ty).collect();
    for ty in many {
        named.remove(&ty);
        due[ty.at()] = Instant::now();
    }
    named
}

/// A hub over the store, which is waited for where another command works on it.
fn at_work(opened: &Opened, systems: &[System]) -> Result<Hub> {
    opened.hub_over(opened.plan()?, systems.to_vec())
}

/// G2: waits until every flow may run as it is. While it waits the store is free, for
/// `lockstep plan` and `lockstep approve`.
fn approved(opened: &Opened, systems: &[System], approve: bool) -> Result<Hub> {
    let mut hub = at_work(opened, systems)?;
    let mut told = Vec::new();
    loop {
        if approve || !opened.project.first_run_waits {
            hub.ledger.approve().map_err(project::hub_failure)?;
        }
        let flows = hub.ledger.unapproved().map_err(project::hub_failure)?;
        if flows.is_empty() {
            return Ok(hub);
        }
        if flows != told {
            for flow in &flows {
                eprintln!("waiting  {flow}: it has not run as it is now (G2)");
            }
            eprintln!(
                "Look at `lockstep plan`, then say `lockstep approve`; or start with `lockstep run --approve`."
            );
            told = flows;
        }
        drop(hub);
        std::thread::sleep(ASK_AGAIN);
        hub = at_work(opened, systems)?;
    }
}

/// What a run of the service did, a line each; nothing where nothing happened.
pub fn narrate(report: &Report) {
    for guard in &report.guards {
        println!(
            "{} stopped  {} ({})",
            local(report.ended),
            visible(&guard.message),
            print::rule_of(guard.guard)
        );
    }
    for event in &report.events {
        let line = match event {
            Event::Edited { record, path, before, after } => {
                format!("edited   {record} {path}: {} → {}", shown(before), shown(after))
            }
            Event::Linked { a, b, by, .. } => format!("linked   {a} = {b} ({by})"),
            Event::Created { source, record, .. } => format!("created  {record} from {source}"),
            Event::Updated { source, record, properties, .. } => {
                let what: Vec<String> = properties
                    .iter()
                    .map(|p| format!("{} {} → {}", p.path, shown(&p.before), shown(&p.after)))
                    .collect();
                format!("updated  {record} from {source}: {}", what.join(", "))
            }
            Event::Deleted { record, text } => format!("gone     {record}: {text}"),
            Event::Removed { source, record, .. } => {
                format!("deleted  {record}, as {source} was deleted")
            }
            Event::Kept { record, text, .. } => format!("kept     {record}: {text}"),
            Event::Review { kind, record, message, .. } => {
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
            Event::Waits { record, message, .. } => format!("waits    {record}: {message}"),
            Event::Fault { place, message } => format!("fault    {place}: {message}"),
            Event::Paused { system, message } => format!("paused   {system}: {message}"),
        };
        println!("{} {}", local(report.ended), visible(&line));
    }
}

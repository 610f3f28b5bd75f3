//! `advise`: what two record types could be matched by.

use std::fmt::Write as _;
use std::path::Path;

use lockstep_connector::{Connector, Trouble};
use lockstep_model::TypeName;
use lockstep_workbench::advise::{Advice, Candidate, Filled, advise};

use crate::args::Rows;
use crate::exit::{Exit, Failure, Result};
use crate::project::{self, Opened};

/// Reads both sides; writes nothing anywhere.
pub fn run(dir: &Path, from: &str, to: &str, format: Rows) -> Result<Exit> {
    let opened = project::open_for_its_systems(dir)?;
    let (from, to) = (record_type(&opened, from)?, record_type(&opened, to)?);
    let (a, b) = (connected(&opened, &from)?, connected(&opened, &to)?);
    let region = |ty: &TypeName| {
        let schema = opened.schemas[&ty.system].iter().find(|schema| schema.kind == ty.kind);
        schema.and_then(|schema| schema.region)
    };
    let (of_a, of_b) = (region(&from), region(&to));
    let advice = advise((&from, &*a, of_a), (&to, &*b, of_b)).map_err(|trouble| match trouble {
        Trouble::Unreachable(_) | Trouble::Busy { .. } => Failure::unreachable(trouble.to_string()),
        Trouble::Malformed(_) => Failure::person(trouble.to_string()),
        _ => Failure::usage(trouble.to_string()),
    })?;
    match format {
        Rows::Json => crate::look::json(&crate::wire::Advice::from(advice))?,
        Rows::Csv => emit!("{}", crate::rows::advice(&advice)),
        Rows::Text => print!("{}", text(&advice)),
    }
    Ok(Exit::Done)
}

fn record_type(opened: &Opened, name: &str) -> Result<TypeName> {
    let wrong = |what: String| Failure::usage(what);
    let ty = TypeName::parse(name).ok_or_else(|| {
        wrong(format!("`{name}` is no record type: write it with its system, `crm.People`"))
    })?;
    let Some(types) = opened.schemas.get(&ty.system) else {
        let known: Vec<&str> = opened.schemas.keys().map(String::as_str).collect();
        return Err(wrong(format!(
            "lockstep.yaml has no system `{}`; there are {}",
            ty.system,
            known.join(", ")
        )));
    };
    if !types.iter().any(|schema| schema.kind == ty.kind) {
        let known: Vec<String> =
            types.iter().map(|schema| format!("{}.{}", ty.system, schema.kind)).collect();
        return Err(wrong(format!(
            "{} has no record type `{}`; there are {}",
            ty.system,
            ty.kind,
            known.join(", ")
        )));
    }
    Ok(ty)
}

fn connected(opened: &Opened, ty: &TypeName) -> Result<Box<dyn Connector>> {
    let system = opened
        .project
        .system(&ty.system)
        .ok_or_else(|| Failure::usage(format!("there is no system `{}`", ty.system)))?;
    lockstep_connector::catalogue::connect(&system.connector, &system.with, &opened.project.dir)
        .map_err(|trouble| Failure::usage(format!("{}: {trouble}", system.name)))
}

fn text(advice: &Advice) -> String {
    let mut out = String::new();
    for side in [&advice.from, &advice.to] {
        let _ = write!(out, "{}: {} records", side.record_type, side.records);
        let _ = match side.unreadable {
            0 => writeln!(out),
            n => writeln!(out, ", and {n} that could not be read"),
        };
    }
    if advice.candidates.is_empty() {
        out += "\nNo two properties have a value in common, so nothing can be matched by values.\n";
    }
    for candidate in &advice.candidates {
        out += &candidate_text(candidate, advice);
    }
    if advice.candidates.iter().any(|candidate| candidate.proposed) {
        let _ = write!(
            out,
            "\nTo paste under `flows:` (it links; say `create:` once the links are as they should be):\n\n{}",
            advice.yaml
        );
    }
    out
}

fn candidate_text(candidate: &Candidate, advice: &Advice) -> String {
    let Candidate {
        from,
        to,
        overlap,
        would_link,
        would_ask,
        would_create,
        created_twice,
        proposed,
        kind,
    } = candidate;
    let mark = if *proposed { "*" } else { " " };
    let kind = kind.map_or(String::new(), |kind| format!(" as {kind}"));
    let mut out = format!("\n{mark} {} = {}{kind}\n", from.path, to.path);
    for (filled, side) in [(from, &advice.from), (to, &advice.to)] {
        let Filled { path, filled: n, distinct, collisions, shared_addresses } = filled;
        let _ = write!(
            out,
            "    {path}: filled in {n} of {} ({} %), {distinct} different",
            side.records,
            n * 100 / side.records.max(1)
        );
        if *collisions > 0 {
            let _ = write!(out, ", {collisions} held by several records");
        }
        if *shared_addresses > 0 {
            let _ = write!(out, ", {shared_addresses} shared addresses (info@, noreply@, …)");
        }
        out.push('\n');
    }
    let _ = write!(
        out,
        "    {overlap} in common: would link {would_link}, ask about {would_ask}; `create: always` would create {would_create}"
    );
    if *created_twice > 0 {
        let _ =
            write!(out, ", of which {created_twice} would be there twice: another row finds them");
    }
    out.push('\n');
    out
}

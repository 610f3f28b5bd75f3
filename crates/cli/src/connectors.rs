//! `connector new` and `connector test`: a system of one's own, from a description to a manifest that is known to hold.

use std::path::{Path, PathBuf};

use lockstep_config::{Problem, Project, codes};
use lockstep_connector::conformance::{Sheet, Verdict, settle_questions, try_type};
use lockstep_connector::rest::draft;
use lockstep_connector::{Trouble, catalogue};
use serde_json::Value;

use crate::args::Format;
use crate::exit::{Exit, Failure, Result};
use crate::project;

/// Writes a manifest to start from.
pub fn new(dir: &Path, name: &str, openapi: Option<&Path>) -> Result<Exit> {
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'));
    if name.is_empty() || !plain {
        return Err(Failure::usage(format!("`{name}` is no name for a connector: small letters, digits and dashes make one")));
    }
    if catalogue::names().iter().any(|known| known == name) {
        return Err(Failure::usage(format!("`{name}` is built in; call yours otherwise")));
    }
    let path = dir.join("connectors").join(format!("{name}.yaml"));
    if path.exists() {
        return Err(Failure::usage(format!("{} is there already; it stays as it is", path.display())));
    }
    let text = match openapi {
        None => draft::blank(name),
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|error| Failure::file(file, &error))?;
            draft::from_openapi(name, &text).map_err(|trouble| Failure::usage(format!("{}: {trouble}", file.display())))?
        }
    };
    std::fs::create_dir_all(dir.join("connectors")).map_err(|error| Failure::file(&dir.join("connectors"), &error))?;
    std::fs::write(&path, text).map_err(|error| Failure::file(&path, &error))?;
    println!("Wrote connectors/{name}.yaml.");
    println!("Next: name it in lockstep.yaml (connector: {name}), then `lockstep connector test connectors/{name}.yaml`.");
    Ok(Exit::Done)
}

/// Tries what a manifest says on the system itself, and writes down what held.
pub fn test(dir: &Path, manifest: &Path, system: Option<&str>, writes: bool, format: Format) -> Result<Exit> {
    let opened = project::open(dir)?;
    let name = manifest.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let all = &opened.project.systems;
    let is_named = |wanted: &str| all.iter().find(|known| known.name == wanted);
    let known = match system {
        Some(system) => {
            is_named(system).ok_or_else(|| Failure::usage(format!("there is no system `{system}` in lockstep.yaml")))?
        }
        None => {
            let by_it: Vec<_> = all.iter().filter(|known| known.connector == name).collect();
            match &by_it[..] {
                [] => is_named(name).ok_or_else(|| {
                    Failure::usage(format!("no system in lockstep.yaml has `connector: {name}`: the test needs its settings"))
                })?,
                [one] => one,
                several => {
                    let names: Vec<String> = several.iter().map(|known| format!("`{}`", known.name)).collect();
                    let names = names.join(" and ");
                    return Err(Failure::usage(format!("{names} have `connector: {name}`: say which one with --system")));
                }
            }
        }
    };
    let failed = |trouble: Trouble| match trouble {
        Trouble::Unreachable(_) | Trouble::Busy { .. } => Failure::unreachable(format!("{}: {trouble}", known.name)),
        trouble => Failure::usage(format!("{}: {trouble}", known.name)),
    };
    let keep = opened.keep(&known.name)?;
    let connector = catalogue::connect_kept(&known.connector, &known.with, &opened.project.dir, keep).map_err(failed)?;
    let line = connector.test().map_err(failed)?;
    let key = wrong_key(&known.connector, &known.with, &opened.project.dir);
    let mut sheets: Vec<Sheet> = connector.types().iter().map(|ty| try_type(connector.as_ref(), ty, writes)).collect();
    sheets.extend(settle_questions(connector.as_ref()));
    let path = sheet_path(&opened.project.dir, &known.connector);
    let written = serde_json::to_string_pretty(&sheets).unwrap_or_default() + "\n";
    if path.parent().is_some_and(Path::is_dir) {
        std::fs::write(&path, &written).map_err(|error| Failure::file(&path, &error))?;
    }
    if format == Format::Json {
        print!("{written}");
    } else {
        println!("{line}.");
        match &key {
            Verdict::Holds => println!("A wrong key is told as one."),
            Verdict::Fails(why) => println!("✗ A wrong key is not told as one: {why}"),
            Verdict::NotTried(_) | Verdict::NotOffered => println!("– There is no key that could be wrong."),
        }
        match connector.pace() {
            Some(pace) => println!(
                "? Too many requests: not provoked. None leave faster than {pace}; after a 429 all wait as long as it says."
            ),
            None => println!("? Too many requests: not provoked. No rate is stated; after a 429 all wait as long as it says."),
        }
        for sheet in &sheets {
            println!("\n{}", sheet.record_type);
            for trial in &sheet.trials {
                match &trial.verdict {
                    Verdict::Holds => println!("  ✓ {}", trial.what),
                    Verdict::Fails(why) => println!("  ✗ {}: {why}", trial.what),
                    Verdict::NotTried(why) => println!("  ? {}: not tried, {why}", trial.what),
                    Verdict::NotOffered => println!("  – {}", trial.what),
                }
            }
        }
    }
    let fails =
        sheets.iter().map(|sheet| sheet.failures().count()).sum::<usize>() + usize::from(matches!(key, Verdict::Fails(_)));
    Ok(if fails > 0 { Exit::NeedsAPerson } else { Exit::Done })
}

/// A wrong key must be told as one, or a run would take the answer for a record's fault.
fn wrong_key(connector: &str, with: &serde_json::Map<String, Value>, dir: &Path) -> Verdict {
    let secrets = catalogue::secrets(connector, dir);
    if secrets.is_empty() {
        return Verdict::NotOffered;
    }
    let mut wrong = with.clone();
    for name in secrets {
        wrong.insert(name, "wrong".into());
    }
    match catalogue::connect(connector, &wrong, dir).and_then(|connector| connector.test()) {
        Err(Trouble::Unauthorized(_)) => Verdict::Holds,
        Err(trouble) => Verdict::Fails(trouble.to_string()),
        Ok(_) => Verdict::Fails("the test request is answered without the right key: choose one that needs it".into()),
    }
}

fn sheet_path(dir: &Path, connector: &str) -> PathBuf {
    dir.join("connectors").join(format!("{connector}.sheet.json"))
}

/// What did not hold when a system's connector was tested.
pub struct NotHeld {
    pub system: String,
    pub record_type: String,
    /// What was tried: `create`, `update`, ….
    pub what: String,
    pub why: String,
}

/// What the sheets of a project's connectors say does not hold.
pub fn failures(project: &Project) -> Vec<NotHeld> {
    let mut found = Vec::new();
    for system in &project.systems {
        let Ok(text) = std::fs::read_to_string(sheet_path(&project.dir, &system.connector)) else { continue };
        let Ok(Value::Array(sheets)) = serde_json::from_str(&text) else { continue };
        for sheet in &sheets {
            for trial in sheet["trials"].as_array().into_iter().flatten().filter(|trial| trial["verdict"] == "fails") {
                let said = |at: &Value| at.as_str().unwrap_or_default().to_string();
                let (record_type, what, why) = (said(&sheet["record_type"]), said(&trial["what"]), said(&trial["why"]));
                found.push(NotHeld { system: system.name.clone(), record_type, what, why });
            }
        }
    }
    found
}

/// The same as problems, each at the system's connector.
pub fn not_held(project: &Project) -> Vec<Problem> {
    let problem = |NotHeld { system, record_type, what, why }: NotHeld| {
        let system = project.systems.iter().find(|known| known.name == system)?;
        let message = format!("{what} did not hold for {record_type} when it was tested: {why}");
        let problem = Problem::warning(codes::CONFORMANCE, system.connector_place.clone(), message);
        Some(
            problem
                .help(format!("put the manifest right, then run `lockstep connector test connectors/{}.yaml`", system.connector)),
        )
    };
    failures(project).into_iter().filter_map(problem).collect()
}

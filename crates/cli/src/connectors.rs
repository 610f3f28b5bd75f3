//! `connector new` and `connector test`: a system of one's own, from a description to a manifest
//! that is known to hold.

use std::path::{Path, PathBuf};

use lockstep_config::{Problem, Project, codes};
use lockstep_connector::conformance::{
    Sheet, Trial, Verdict, settle_questions, try_type, try_wrong_key,
};
use lockstep_connector::rest::{Fault, draft};
use lockstep_connector::{Connector, Trouble, catalogue};
use serde_json::Value;

use crate::args::Format;
use crate::exit::{Exit, Failure, Result};
use crate::{project, wire};

/// Writes a manifest to start from.
pub fn new(dir: &Path, name: &str, openapi: Option<&Path>, format: Format) -> Result<Exit> {
    let plain = name
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'));
    if name.is_empty() || !plain {
        return Err(Failure::usage(format!(
            "`{name}` is no name for a connector: small letters, digits and dashes make one"
        )));
    }
    if catalogue::names().iter().any(|known| known == name) {
        return Err(Failure::usage(format!("`{name}` is built in; call yours otherwise")));
    }
    let path = dir.join("connectors").join(format!("{name}.yaml"));
    if path.exists() {
        return Err(Failure::usage(format!(
            "{} is there already; it stays as it is",
            path.display()
        )));
    }
    let text = match openapi {
        None => draft::blank(name),
        Some(file) => {
            let text =
                std::fs::read_to_string(file).map_err(|error| Failure::file(file, &error))?;
            draft::from_openapi(name, &text)
                .map_err(|trouble| Failure::usage(format!("{}: {trouble}", file.display())))?
        }
    };
    std::fs::create_dir_all(dir.join("connectors"))
        .map_err(|error| Failure::file(&dir.join("connectors"), &error))?;
    std::fs::write(&path, text).map_err(|error| Failure::file(&path, &error))?;
    if format == Format::Json {
        crate::look::json(&wire::Drafted { wrote: path.display().to_string() })?;
        return Ok(Exit::Done);
    }
    println!("Wrote connectors/{name}.yaml.");
    println!(
        "Next: name it in lockstep.yaml (connector: {name}), then `lockstep connector test connectors/{name}.yaml`."
    );
    Ok(Exit::Done)
}

/// What of a manifest is tried.
pub struct Trying<'a> {
    /// One record type; all if not said.
    pub record_type: Option<&'a str>,
    /// Marked records are created, changed and deleted.
    pub writes: bool,
}

/// Tries what a manifest says on the system itself, and writes down what held.
pub fn test(
    dir: &Path,
    manifest: &Path,
    system: Option<&str>,
    trying: Trying<'_>,
    format: Format,
) -> Result<Exit> {
    let opened = project::open(dir)?;
    let name = manifest.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let all = &opened.project.systems;
    let is_named = |wanted: &str| all.iter().find(|known| known.name == wanted);
    let known = match system {
        Some(system) => is_named(system).ok_or_else(|| {
            Failure::usage(format!("there is no system `{system}` in lockstep.yaml"))
        })?,
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
        Trouble::Unreachable(_) | Trouble::Busy { .. } => {
            Failure::unreachable(format!("{}: {trouble}", known.name))
        }
        trouble => Failure::usage(format!("{}: {trouble}", known.name)),
    };
    let keep = opened.keep(&known.name)?;
    let connector =
        catalogue::connect_kept(&known.connector, &known.with, &opened.project.dir, keep)
            .map_err(failed)?;
    let wanted = trying.record_type;
    if let Some(wanted) =
        wanted.filter(|wanted| connector.types().iter().all(|ty| ty.kind != *wanted))
    {
        let all: Vec<&str> = connector.types().iter().map(|ty| ty.kind.as_str()).collect();
        let all = all.join(", ");
        return Err(Failure::usage(format!(
            "{} has no record type `{wanted}`; it has {all}",
            known.name
        )));
    }
    let line = connector.test().map_err(failed)?;
    let wrong = with_wrong_key(&known.connector, &known.with, &opened.project.dir);
    let key = wrong.as_ref().map_or(Verdict::NotOffered, wrong_key);
    let types = connector.types().iter().filter(|ty| wanted.is_none_or(|wanted| ty.kind == wanted));
    let mut sheets: Vec<Sheet> = Vec::new();
    for ty in types {
        let mut sheet = try_type(connector.as_ref(), ty, trying.writes);
        // Where the system heeds no key, that it takes a wrong one is no sign.
        if let (Some(Ok(wrong)), Verdict::Holds) = (&wrong, &key) {
            try_wrong_key(wrong.as_ref(), ty, &mut sheet);
        }
        sheets.push(sheet);
    }
    if wanted.is_none() {
        sheets.extend(settle_questions(connector.as_ref()));
    }
    let path = sheet_path(&opened.project.dir, &known.connector);
    let written = as_json(&sheets, wanted.is_some().then_some(&path));
    if path.parent().is_some_and(Path::is_dir) {
        std::fs::write(&path, &written).map_err(|error| Failure::file(&path, &error))?;
    }
    if format == Format::Json {
        crate::look::json(&wire::Tried::from(&sheets[..]))?;
    } else {
        println!("{line}.");
        match &key {
            Verdict::Holds => println!("A wrong key is told as one."),
            Verdict::Fails(why) => println!("✗ A wrong key is not told as one: {why}"),
            Verdict::NotTried(_) | Verdict::NotOffered => {
                println!("– There is no key that could be wrong.")
            }
        }
        match connector.pace() {
            Some(pace) => println!(
                "? Too many requests: not provoked. None leave faster than {pace}; after a 429 all wait as long as it says."
            ),
            None => println!(
                "? Too many requests: not provoked. No rate is stated; after a 429 all wait as long as it says."
            ),
        }
        let manifest = Manifest::of(&opened.project.dir, &known.connector);
        for sheet in &sheets {
            println!("\n{}", sheet.record_type);
            for trial in &sheet.trials {
                match &trial.verdict {
                    Verdict::Holds => println!("  ✓ {}", trial.what),
                    Verdict::Fails(why) => {
                        println!("  ✗ {}: {why}{}", trial.what, manifest.place(trial))
                    }
                    Verdict::NotTried(why) => println!("  ? {}: not tried, {why}", trial.what),
                    Verdict::NotOffered => println!("  – {}", trial.what),
                }
            }
        }
        let left: Vec<&String> = sheets.iter().flat_map(|sheet| &sheet.left).collect();
        if !left.is_empty() {
            println!("\nLeft behind in {}, to be deleted by hand:", known.name);
            left.iter().for_each(|left| println!("  {left}"));
        }
    }
    let fails = sheets.iter().map(|sheet| sheet.failures().count()).sum::<usize>()
        + usize::from(matches!(key, Verdict::Fails(_)));
    Ok(if fails > 0 { Exit::NeedsAPerson } else { Exit::Done })
}

/// The sheets as they are written down. With a `path`, what is written there of other record types
/// stays.
fn as_json(sheets: &[Sheet], path: Option<&PathBuf>) -> String {
    let fresh = serde_json::to_value(sheets).unwrap_or_default();
    let mut all: Vec<Value> = match path
        .and_then(|path| std::fs::read_to_string(path).ok())
        .map(|text| serde_json::from_str(&text))
    {
        Some(Ok(Value::Array(all))) => all,
        _ => vec![],
    };
    for sheet in fresh.as_array().into_iter().flatten() {
        match all.iter_mut().find(|known| known["record_type"] == sheet["record_type"]) {
            Some(known) => *known = sheet.clone(),
            None => all.push(sheet.clone()),
        }
    }
    serde_json::to_string_pretty(&all).unwrap_or_default() + "\n"
}

/// The text of a project's own manifest, to say where in it something is wrong.
struct Manifest {
    file: String,
    text: String,
}

impl Manifest {
    fn of(dir: &Path, connector: &str) -> Manifest {
        let file = |ending: &str| format!("connectors/{connector}.{ending}");
        let found = ["yaml", "yml"].into_iter().find_map(|ending| {
            let file = file(ending);
            Some(Manifest { text: std::fs::read_to_string(dir.join(&file)).ok()?, file })
        });
        found.unwrap_or(Manifest { file: String::new(), text: String::new() })
    }

    /// Where a trial that failed leads to. A word that the manifest does not have yet belongs where
    /// the last known one is.
    fn place(&self, trial: &Trial) -> String {
        if trial.place.is_empty() {
            return String::new();
        }
        let words: Vec<&str> = trial.place.iter().map(String::as_str).collect();
        let named =
            words.iter().map(|word| word.trim_end_matches(':')).collect::<Vec<_>>().join(".");
        let line = (1..=words.len()).rev().find_map(|most| {
            let span = Fault::at(&self.text, &words[..most], String::new()).span?;
            Some(self.text[..span.start].matches('\n').count() + 1)
        });
        match line {
            Some(line) => format!(" ({}, line {line}: `{named}`)", self.file),
            None => format!(" (`{named}`)"),
        }
    }
}

/// A connector that was opened, or why it could not be.
type Opened = std::result::Result<Box<dyn Connector>, Trouble>;

/// The connector with wrong keys; nothing where there are none.
fn with_wrong_key(
    connector: &str,
    with: &serde_json::Map<String, Value>,
    dir: &Path,
) -> Option<Opened> {
    let secrets = catalogue::secrets(connector, dir);
    if secrets.is_empty() {
        return None;
    }
    let mut wrong = with.clone();
    for name in secrets {
        wrong.insert(name, "wrong".into());
    }
    Some(catalogue::connect(connector, &wrong, dir))
}

/// A wrong key must be told as one, or a run would take the answer for a record's fault.
fn wrong_key(wrong: &Opened) -> Verdict {
    match wrong.as_ref().map_err(Clone::clone).and_then(|connector| connector.test()) {
        Err(Trouble::Unauthorized(_)) => Verdict::Holds,
        Err(trouble) => Verdict::Fails(trouble.to_string()),
        Ok(_) => Verdict::Fails(
            "the test request is answered without the right key: choose one that needs it".into(),
        ),
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
        let Ok(text) = std::fs::read_to_string(sheet_path(&project.dir, &system.connector)) else {
            continue;
        };
        let Ok(Value::Array(sheets)) = serde_json::from_str(&text) else { continue };
        for sheet in &sheets {
            for trial in sheet["trials"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|trial| trial["verdict"] == "fails")
            {
                let said = |at: &Value| at.as_str().unwrap_or_default().to_string();
                let (record_type, what, why) =
                    (said(&sheet["record_type"]), said(&trial["what"]), said(&trial["why"]));
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
        Some(problem.help(format!(
            "put the manifest right, then run `lockstep connector test connectors/{}.yaml`",
            system.connector
        )))
    };
    failures(project).into_iter().filter_map(problem).collect()
}

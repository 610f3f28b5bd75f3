//! A project folder: `lockstep.yaml`, its `.env`, and the files of flows that it names.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use lockstep_model::flow::Deletes;
use lockstep_model::matching::Placeholders;
use lockstep_model::{Flow, Limits, Path, PlainType, PropertySchema, Region, TypeSchema, Value};
use serde_json::{Map, json};

use crate::codes;
use crate::env::Environment;
use crate::names::Names;
use crate::problem::{Problem, in_order};
use crate::project_file::ProjectReader;
use crate::section::{FlowFile, FlowPlaces};
use crate::source::{Place, Source};

/// A project as far as it could be understood: what `check`, `plan` and a run work with.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder.
    pub dir: PathBuf,
    /// In the order of `lockstep.yaml`.
    pub systems: Vec<System>,
    /// `sqlite:lockstep.db`
    pub store: String,
    /// For how many days the journal is kept; for ever where nothing is said.
    pub journal_days: Option<u32>,
    /// The country of telephone numbers that name none: `NO`.
    pub region: Option<Region>,
    pub policies: Policies,
    /// The service waits for a person's approval before the first run of a flow (G2).
    pub first_run_waits: bool,
    /// Every flow, each two record types once in each direction: the sections of all files united.
    pub flows: Vec<Flow>,
    /// Where each flow is written, parallel to `flows`.
    pub places: Vec<FlowPlaces>,
    /// The files of flows as they were read, sections not united.
    pub files: Vec<FlowFile>,
    /// The names by which documents may call the systems.
    pub names: Names,
}

/// A system of the project.
#[derive(Clone)]
pub struct System {
    /// Its name in flows: `wix`.
    pub name: String,
    /// `files`, `wix`, or the name of a file in `connectors/`.
    pub connector: String,
    /// The connector's settings, variables put in. Holds secrets.
    pub with: Map<String, Value>,
    /// How documents call it.
    pub title: Option<String>,
    pub aliases: Vec<String>,
    pub schedule: Schedule,
    /// How often everything is listed (R3), where the project says.
    pub full_scan: Schedule,
    /// How much may be written to it, and its listings may lack, before a person has looked (G3).
    pub limits: Limits,
    /// Requests a second that it may be sent, where that is less than the connector says.
    pub rate_per_second: Option<f64>,
    /// A property that is emptied here is emptied in the others (P2).
    pub clears: bool,
    /// At the first link its values win where it tells no time (P1).
    pub untold_wins: bool,
    /// The country of telephone numbers that name none: its own, or the project's (L2).
    pub region: Option<Region>,
    /// What stands for nothing besides the usual words, in all of the project (L2).
    pub placeholders: Placeholders,
    /// References that the connector does not tell of.
    pub references: Vec<Reference>,
    /// Where its name stands in `lockstep.yaml`.
    pub place: Place,
    /// Where its connector's name stands.
    pub connector_place: Place,
    /// Where the connector's settings stand, if there are any.
    pub with_place: Option<Place>,
}

/// A reference that the project adds to a connector's schema.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The record type that has it.
    pub kind: String,
    pub path: Path,
    /// The record type of the same system that it refers to.
    pub to: String,
    pub place: Place,
}

/// Under which name a connector is told which of its lists are record types
/// (`lockstep_connector::elements`).
pub(crate) const ELEMENTS: &str = "$elements";

/// How often the service reads a system, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    pub every_seconds: Option<u64>,
    /// By record type, where that differs.
    pub types: BTreeMap<String, u64>,
}

/// What holds for flows that do not say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies {
    pub deletes: Deletes,
    /// `duplicates: merge` (L6).
    pub merge_duplicates: bool,
    /// `duplicates: separate` (L6).
    pub separate_duplicates: bool,
    /// Systems in order; empty where the latest edit wins (P1).
    pub prefer: Vec<String>,
    /// Emptying is an edit (P2).
    pub clears: bool,
}

impl Default for Policies {
    fn default() -> Self {
        Policies {
            deletes: Deletes::Ignore,
            merge_duplicates: false,
            separate_duplicates: false,
            prefer: Vec::new(),
            clears: true,
        }
    }
}

impl Project {
    /// The system of this name.
    pub fn system(&self, name: &str) -> Option<&System> {
        self.systems.iter().find(|system| system.name == name)
    }
}

impl System {
    /// Where what a message is about stands in the connector's settings: the first word in
    /// backticks that is written there, else the connector's name.
    pub fn setting_place(&self, message: &str) -> Place {
        let words = message.split('`').skip(1).step_by(2).filter(|word| !word.is_empty());
        let found = self
            .with_place
            .as_ref()
            .and_then(|with| words.into_iter().find_map(|word| with.narrowed_to_word(word)));
        found.unwrap_or_else(|| self.connector_place.clone())
    }

    /// How documents call it: its title, else its name.
    pub fn title(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }

    /// The connector's schemas with what the project adds: references, the country of telephone
    /// numbers, placeholders. Use these for running and checking alike.
    pub fn with_references(&self, mut schemas: Vec<TypeSchema>) -> Vec<TypeSchema> {
        for schema in &mut schemas {
            schema.region = self.region;
            schema.untold_wins = self.untold_wins;
            schema.placeholders = self.placeholders.clone();
        }
        for Reference { kind, path, to, .. } in &self.references {
            let Some(schema) = schemas.iter_mut().find(|schema| schema.kind == *kind) else {
                continue;
            };
            match schema.properties.iter_mut().find(|property| property.path == *path) {
                Some(property) => property.reference = Some(to.clone()),
                None => schema.properties.push(PropertySchema {
                    reference: Some(to.clone()),
                    ..PropertySchema::new(path.as_str(), PlainType::Any)
                }),
            }
        }
        schemas
    }
}

// The settings hold secrets: only their names are shown.
impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System")
            .field("name", &self.name)
            .field("connector", &self.connector)
            .field("with", &self.with.keys().collect::<Vec<_>>())
            .field("title", &self.title)
            .field("aliases", &self.aliases)
            .field("schedule", &self.schedule)
            .field("full_scan", &self.full_scan)
            .field("limits", &self.limits)
            .field("rate_per_second", &self.rate_per_second)
            .field("clears", &self.clears)
            .field("untold_wins", &self.untold_wins)
            .field("references", &self.references)
            .finish_non_exhaustive()
    }
}

/// Reads a project folder. Every problem of every file is told; the project is there as far as it
/// could be understood.
///
/// A project with errors among its problems is for showing more problems ([`crate::check`]), not
/// for running.
pub fn load(dir: &FilePath) -> (Option<Project>, Vec<Problem>) {
    load_with(dir, &|name| std::env::var(name).ok())
}

/// [`load`] with an environment of the caller's.
pub fn load_with(
    dir: &FilePath,
    environment: &dyn Fn(&str) -> Option<String>,
) -> (Option<Project>, Vec<Problem>) {
    let (environment, mut problems) =
        Environment::new(std::fs::read_to_string(dir.join(".env")).ok(), environment);
    let source = match read_file(dir, "lockstep.yaml") {
        Ok(source) => source,
        Err(mut problem) => {
            if !dir.join("lockstep.yaml").exists() {
                problem.code = codes::NO_PROJECT;
                problem.message = format!("there is no lockstep.yaml in {}", dir.display());
                problem.help =
                    Some("`lockstep init` makes a project; `-C DIR` names another folder".into());
            }
            problems.push(*problem);
            return (None, problems);
        }
    };
    let (root, yaml_problems) = crate::yaml::parse(&source);
    problems.extend(yaml_problems);
    let mut reading = ProjectReader::new(&source, dir);
    let Some(mut root) = root else {
        if problems.is_empty() {
            problems.push(
                Problem::error(
                    codes::MISSING_KEY,
                    Place::new(&source, 0..0),
                    "lockstep.yaml is empty",
                )
                .help("`lockstep init` writes one"),
            );
        }
        return (None, in_order(problems));
    };
    environment.expand(&mut root, &mut reading.reader);
    let mut project = reading.project(&root);
    problems.append(&mut reading.reader.problems);
    if let Some(project) = &mut project {
        for (name, names) in std::mem::take(&mut reading.unresolved) {
            problems.extend(add_flows(project, &name, &names));
        }
        let (flows, places, united) =
            crate::unite::unite(project.files.iter().flat_map(|file| &file.sections));
        (project.flows, project.places) = (flows, places);
        problems.extend(united);
        apply_clears(project);
        problems.extend(keys_of_elements(project));
    }
    (project, in_order(problems))
}

/// What flows say of which property tells an element from the others of its list: their systems'
/// connectors are to know it.
fn keys_of_elements(project: &mut Project) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (flow, places) in project.flows.iter().zip(&project.places) {
        let Some(ids) = &flow.key else { continue };
        for (ty, id) in [&flow.from, &flow.to].into_iter().zip(ids) {
            let Some((parent, list)) = crate::row_lists::list_of(ty) else { continue };
            let Some(system) = project.systems.iter_mut().find(|system| system.name == ty.system)
            else {
                continue;
            };
            let elements = system.with.entry(ELEMENTS).or_insert_with(|| Value::Object(Map::new()));
            let lists = elements
                .as_object_mut()
                .map(|all| all.entry(parent).or_insert_with(|| Value::Object(Map::new())));
            let Some(lists) = lists.and_then(Value::as_object_mut) else { continue };
            let said = lists.entry(list).or_insert_with(|| json!({ "id": id.as_str() }));
            let known = said.get("id").and_then(Value::as_str).unwrap_or_default();
            if known != id.as_str() {
                let message = format!(
                    "the elements of {ty} are told apart by `{known}` elsewhere, and by `{id}` here"
                );
                let problem = Problem::error(codes::CONTRADICTION, places.flow.clone(), message);
                problems.push(problem.help("an element has one id: say the same everywhere"));
            }
        }
    }
    problems
}

/// `clears: ignore` of a system holds for every row that has a property of it.
fn apply_clears(project: &mut Project) {
    let ignored: Vec<&str> = project
        .systems
        .iter()
        .filter(|system| !system.clears)
        .map(|system| system.name.as_str())
        .collect();
    for flow in &mut project.flows {
        if ignored.contains(&flow.from.system.as_str())
            || ignored.contains(&flow.to.system.as_str())
        {
            flow.properties.iter_mut().for_each(|pair| pair.clears = false);
        }
    }
}

fn add_flows(project: &mut Project, name: &str, names: &Names) -> Vec<Problem> {
    let source = match read_file(&project.dir, name) {
        Ok(source) => source,
        Err(problem) => return vec![*problem],
    };
    let (file, problems) =
        match name.to_lowercase().ends_with(".yaml") || name.to_lowercase().ends_with(".yml") {
            true => crate::flow_file::read(&source, names, &project.policies, Some(&project.dir)),
            false => crate::document_flows::read(&source, names, &project.policies),
        };
    project.files.push(file);
    problems
}

pub(crate) fn read_file(dir: &FilePath, name: &str) -> Result<Arc<Source>, Box<Problem>> {
    let fails = |message: String, help: &str| {
        let place = Place::new(&Arc::new(Source::new(name, "")), 0..0);
        Err(Box::new(Problem::error(codes::UNREADABLE_FILE, place, message).help(help)))
    };
    match std::fs::read(dir.join(name)) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Arc::new(Source::new(name, text))),
            Err(error) => {
                let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
                    .iter()
                    .filter(|b| **b == b'\n')
                    .count()
                    + 1;
                fails(format!("{name} is no UTF-8 text: line {line}"), "save it as UTF-8")
            }
        },
        Err(error) => fails(
            format!("{name} can't be read: {error}"),
            "see that the file is there and may be read",
        ),
    }
}

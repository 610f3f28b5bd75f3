//! A project as far as it could be understood: its systems, its flows, and what holds for them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use lockstep_model::flow::Deletes;
use lockstep_model::matching::Placeholders;
use lockstep_model::{Flow, Limits, Path, PlainType, PropertySchema, Region, TypeSchema, Value};
use serde_json::Map;

use crate::names::Names;
use crate::secrets::Variable;
use crate::section::{FlowFile, FlowPlaces};
use crate::source::Place;

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
    /// The variables that `lockstep.yaml` names and that have a value.
    pub variables: Vec<Variable>,
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
    /// Lists whose elements are records of their own.
    pub elements: Vec<Elements>,
    /// Where `full_scan` stands, if it is said.
    pub full_scan_place: Option<Place>,
    /// Where its name stands in `lockstep.yaml`.
    pub place: Place,
    /// Where its connector's name stands.
    pub connector_place: Place,
    /// Where the connector's settings stand, if there are any.
    pub with_place: Option<Place>,
}

/// A list whose elements are records of their own.
#[derive(Clone, Debug)]
pub struct Elements {
    /// The record type that has it.
    pub kind: String,
    pub list: Path,
    /// The property that tells its elements apart, or several that do so together, and where each
    /// stands.
    pub id: Vec<(String, Place)>,
    /// Where the list's name stands.
    pub place: Place,
}

/// A reference that the project adds to a connector's schema.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The record type that has it.
    pub kind: String,
    pub path: Path,
    /// The record type that it refers to.
    pub to: String,
    /// The system that has that record type, where it is another one.
    pub to_system: Option<String>,
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
        for Reference { kind, path, to, to_system, .. } in &self.references {
            let Some(schema) = schemas.iter_mut().find(|schema| schema.kind == *kind) else {
                continue;
            };
            match schema.properties.iter_mut().find(|property| property.path == *path) {
                Some(property) => {
                    property.reference = Some(to.clone());
                    property.reference_system.clone_from(to_system);
                }
                None => schema.properties.push(PropertySchema {
                    reference: Some(to.clone()),
                    reference_system: to_system.clone(),
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

//! Where trials are played: emulated systems, connected, with the flows that run among them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use lockstep_config::{FlowFile, Names, Problem, Project, SystemNames};
use lockstep_connector::rest::{self, Rest};
use lockstep_connector::{Connector, catalogue};
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::{Hub, Safeguards, System, SystemClock};
use lockstep_model::flow::PropertyRef;
use lockstep_model::limits::{GuardKind, Limit, Limits};
use lockstep_model::{Create, Flow, TypeName};
use lockstep_sandbox::{Options, Running, SYSTEMS, Sandbox, credentials};
use lockstep_store::SqliteStore;
use serde_json::{Map, Value, json};

use crate::describe;
use crate::files::{files_of_project, is_flow_file, read};
use crate::hands::{Hand, Hands};
use crate::{Error, Written};

/// As many requests a second as there may be: the systems are on this machine.
const RATE: f64 = 100_000.0;

/// A document with the names that it gives the systems.
pub struct Stage {
    /// What must hold: the documents as they were read, in their order.
    pub files: Vec<FlowFile>,
    /// What was amiss in reading them.
    pub problems: Vec<Problem>,
    /// What was taken for granted, in words.
    pub notes: Vec<String>,
    pub hands: Hands,
    pub sandbox: Arc<Running>,
    systems: Vec<System>,
    schemas: Schemas,
}

impl Stage {
    /// Emulated systems for these documents.
    pub fn of_documents(documents: &[Written]) -> Result<Stage, Error> {
        // Others that a document names are emulated from what it says of them.
        let connectors = SYSTEMS.to_vec();
        let built_in = catalogue::built_in();
        let mut notes = Vec::new();
        let texts: Vec<&str> = documents
            .iter()
            .filter(|document| !is_flow_file(document))
            .map(|document| document.text.as_str())
            .collect();
        let proposals = lockstep_config::propose_systems(&texts, &connectors);
        // System by name, with the connector that it has.
        let mut systems: BTreeMap<String, Option<String>> = BTreeMap::new();
        let mut names: Vec<SystemNames> = Vec::new();
        for proposal in proposals.into_iter().filter(|proposal| !proposal.unnamed) {
            systems.insert(proposal.names.name.clone(), proposal.connector);
            names.push(proposal.names);
        }
        // Flow files name systems as a project would.
        for name in documents
            .iter()
            .filter(|document| is_flow_file(document))
            .flat_map(|d| lockstep_config::systems_named(&d.text))
        {
            if !systems.contains_key(&name) {
                systems.insert(
                    name.clone(),
                    connectors.contains(&name.as_str()).then(|| name.clone()),
                );
                names.push(SystemNames { name, ..SystemNames::default() });
            }
        }
        let mut unnamed: Vec<Option<String>> = Vec::new();
        for document in documents {
            if is_flow_file(document) || !lockstep_config::leaves_unnamed(&document.text) {
                unnamed.push(None);
                continue;
            }
            let name = match lockstep_config::unnamed_system(&document.text, &built_in) {
                Some(connector) => {
                    notes.push(format!(
                        "{} leaves a system unnamed; by its record types and properties it is {connector}",
                        document.name
                    ));
                    let known = systems
                        .iter()
                        .find(|(_, known)| known.as_deref() == Some(&connector))
                        .map(|(name, _)| name.clone());
                    known.unwrap_or(connector)
                }
                None => {
                    let name = format!("unnamed-{}", unnamed.len() + 1);
                    notes.push(format!(
                        "{} leaves a system unnamed; it is called {name} here",
                        document.name
                    ));
                    name
                }
            };
            if !systems.contains_key(&name) {
                let connector = connectors.contains(&name.as_str()).then(|| name.clone());
                systems.insert(name.clone(), connector);
                names.push(SystemNames { name: name.clone(), ..SystemNames::default() });
            }
            unnamed.push(Some(name));
        }
        let (files, problems) = read(documents, &Names::new(names), &unnamed);
        Stage::set(files, problems, notes, systems, &[])
    }

    /// Emulated systems for a project: those of its systems that have an emulator, and descriptions
    /// for the others. Without documents, the project's own files say what must hold.
    pub fn of_project(project: &Project, documents: &[Written]) -> Result<Stage, Error> {
        let (mut systems, mut notes) = (BTreeMap::new(), Vec::new());
        for system in &project.systems {
            let emulated = SYSTEMS.contains(&system.connector.as_str());
            let taken = systems
                .values()
                .any(|other: &Option<String>| other.as_deref() == Some(system.connector.as_str()));
            if emulated && taken {
                notes.push(format!(
                    "{} is emulated from what the flows say: there is one emulated {} only",
                    system.name, system.connector
                ));
            }
            systems.insert(
                system.name.clone(),
                (emulated && !taken).then(|| system.connector.clone()),
            );
        }
        let (files, problems) = files_of_project(project, documents);
        Stage::set(files, problems, notes, systems, &project.flows)
    }

    fn set(
        files: Vec<FlowFile>,
        problems: Vec<Problem>,
        mut notes: Vec<String>,
        systems: BTreeMap<String, Option<String>>,
        run: &[Flow],
    ) -> Result<Stage, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::Stage(error.to_string());
        let (said, _) = lockstep_config::united_flows(files.iter());
        let flows: Vec<Flow> = said.into_iter().chain(run.iter().cloned()).collect();
        let known = catalogue::built_in();
        let known = systems.iter().filter_map(|(name, connector)| {
            Some((name.clone(), known.get(connector.as_ref()?)?.clone()))
        });
        let unknown: BTreeSet<String> = systems
            .iter()
            .filter(|(_, connector)| connector.is_none())
            .map(|(name, _)| name.clone())
            .collect();
        let described = describe::described(&flows, &unknown, &known.collect());
        for system in &described {
            let types: Vec<&str> = system.types.iter().map(|ty| ty.name.as_str()).collect();
            notes.push(format!(
                "{} has no connector: it is emulated from what is said of it ({})",
                system.name,
                types.join(", ")
            ));
        }
        let wanted = systems.values().flatten().cloned().collect();
        let options = Options {
            systems: wanted,
            described,
            rate_scale: 0.0,
            keep_bodies: true,
            ..Options::empty()
        };
        let described = options.described.clone();
        let mut stage = Stage {
            files,
            problems,
            notes,
            hands: Hands::default(),
            sandbox: Arc::new(Sandbox::start(options).map_err(|error| failed(&error))?),
            systems: vec![],
            schemas: Schemas::new(),
        };
        for (name, connector) in &systems {
            let Some(kind) = connector else { continue };
            let settings = settings(kind, &stage.sandbox);
            let open = || {
                catalogue::connect(kind, &settings, Path::new("."))
                    .map_err(|trouble| failed(&format!("{name}: {trouble}")))
            };
            stage.connect(name, &open, kind)?;
        }
        for system in &described {
            let manifest = describe::manifest(system);
            let settings = describe::settings(&format!(
                "{}/{}",
                stage.sandbox.root(),
                describe::encoded(&system.name)
            ));
            let open = || -> Result<Box<dyn Connector>, Error> {
                let manifest =
                    rest::parse(&system.name, &manifest).map_err(|trouble| failed(&trouble))?;
                Ok(Box::new(Rest::open(manifest, &settings).map_err(|trouble| failed(&trouble))?))
            };
            stage.connect(&system.name, &open, &system.name)?;
        }
        Ok(stage)
    }

    /// Two connections: the hub's and the tester's.
    fn connect(
        &mut self,
        name: &str,
        open: &dyn Fn() -> Result<Box<dyn Connector>, Error>,
        emulated: &str,
    ) -> Result<(), Error> {
        let connector: Arc<dyn Connector> = Arc::from(open()?);
        let types = connector.types().to_vec();
        self.schemas.insert(name.into(), types.clone());
        self.systems.push(System { name: name.into(), connector });
        let kind = emulated.to_string();
        let emulated = Some((self.sandbox.clone(), kind.clone()));
        self.hands.take(name, Hand { connector: Arc::from(open()?), types, kind, emulated });
        Ok(())
    }

    /// A hub that runs these flows, as far as the systems have what they name.
    pub fn hub(&self, flows: &[Flow]) -> Result<Hub, Error> {
        let runnable = runnable(&self.hands, flows);
        let plan = Plan::compile(&runnable, &self.schemas).map_err(|errors| {
            Error::Stage(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        })?;
        let systems = self
            .systems
            .iter()
            .filter(|system| plan.types.iter().any(|ty| ty.name.system == system.name));
        let systems: Vec<System> = systems.cloned().collect();
        // In memory: nobody goes on with it, and a file would have to be flushed before each write.
        let store = SqliteStore::in_memory().map_err(|error| Error::Stage(error.to_string()))?;
        let limits = systems.iter().map(|system| (system.name.clone(), unlimited())).collect();
        let mut hub = Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock))?;
        hub.ledger.set_safeguards(Safeguards { limits, ..Safeguards::default() });
        Ok(hub)
    }
}

/// The flows without what the systems do not have: whole flows, or single rows. What is left out is
/// told at its line.
fn runnable(hands: &Hands, flows: &[Flow]) -> Vec<Flow> {
    let has_type = |ty: &TypeName| hands.schema(ty).is_some();
    let mut runnable: Vec<Flow> =
        flows.iter().filter(|flow| has_type(&flow.from) && has_type(&flow.to)).cloned().collect();
    for flow in &mut runnable {
        let (from, to) = (flow.from.clone(), flow.to.clone());
        let has = |ty: &TypeName, path: &PropertyRef| hands.has(ty, path);
        flow.properties.retain(|pair| has(&from, &pair.from) && has(&to, &pair.to));
        flow.matches.retain(|row| row.pairs.iter().all(|(a, b)| has(&from, a) && has(&to, b)));
        match &mut flow.create {
            Create::ConnectedTo(types) => types.retain(has_type),
            Create::When { filter, .. } => {
                let known =
                    |path: &lockstep_model::Path| has(&from, &PropertyRef::new(path.clone()));
                filter.take_if(|filter| !filter.reads.iter().all(known));
            }
            Create::Never | Create::Always => {}
        }
    }
    runnable
}

fn unlimited() -> Limits {
    let mut limits = Limits::default();
    GuardKind::ALL.into_iter().for_each(|kind| limits.set(kind, Limit::None));
    limits
}

/// The settings with which a built-in connector reaches its emulator.
fn settings(connector: &str, sandbox: &Running) -> Map<String, Value> {
    let url = sandbox.url(connector).unwrap_or_default();
    let mut settings = Map::new();
    settings.insert("base_url".into(), json!(url));
    settings.insert("rate_per_second".into(), json!(RATE));
    let known = credentials(connector);
    for setting in catalogue::settings(connector) {
        let variable = format!("_{}", setting.name.to_uppercase());
        let value = match setting.name.as_str() {
            "base_url" => continue,
            "token_url" => Some(format!("{url}/connect/token")),
            _ => known
                .iter()
                .find(|(name, _)| name.ends_with(&variable))
                .map(|(_, value)| value.clone()),
        };
        if let Some(value) = value {
            settings.insert(setting.name, json!(value));
        }
    }
    settings
}

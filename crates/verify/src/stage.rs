//! Where trials are played: emulated systems, connected, with the flows that run among them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use lockstep_config::{FlowFile, Names, Problem, SystemNames};
use lockstep_connector::{Connector, catalogue};
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::{Hub, Safeguards, System, SystemClock};
use lockstep_model::limits::{Limit, Limits};
use lockstep_model::{Flow, TypeName};
use lockstep_sandbox::{Options, Running, SYSTEMS, Sandbox, credentials};
use lockstep_store::SqliteStore;
use serde_json::{Map, Value, json};

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
    /// Goes last: the store lies in it.
    folder: tempfile::TempDir,
}

impl Stage {
    /// Emulated systems for these documents.
    pub fn of_documents(documents: &[Written]) -> Result<Stage, Error> {
        let connectors: Vec<String> = catalogue::names().into_iter().filter(|name| name != "files").collect();
        let connectors: Vec<&str> = connectors.iter().map(AsRef::as_ref).collect();
        let built_in = catalogue::built_in();
        let mut notes = Vec::new();
        let texts: Vec<&str> = documents.iter().map(|document| document.text.as_str()).collect();
        let proposals = lockstep_config::propose_systems(&texts, &connectors);
        // System by name, with the connector that it has.
        let mut systems: BTreeMap<String, Option<String>> = BTreeMap::new();
        let mut names: Vec<SystemNames> = Vec::new();
        for proposal in proposals.into_iter().filter(|proposal| !proposal.unnamed) {
            systems.insert(proposal.names.name.clone(), proposal.connector);
            names.push(proposal.names);
        }
        let mut unnamed: Vec<Option<String>> = Vec::new();
        for document in documents {
            if !lockstep_config::leaves_unnamed(&document.text) {
                unnamed.push(None);
                continue;
            }
            let name = match lockstep_config::unnamed_system(&document.text, &built_in) {
                Some(connector) => {
                    notes.push(format!(
                        "{} leaves a system unnamed; by its record types and properties it is {connector}",
                        document.name
                    ));
                    let known =
                        systems.iter().find(|(_, known)| known.as_deref() == Some(&connector)).map(|(name, _)| name.clone());
                    known.unwrap_or(connector)
                }
                None => {
                    let name = format!("unnamed-{}", unnamed.len() + 1);
                    notes.push(format!("{} leaves a system unnamed; it is called {name} here", document.name));
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
        let names = Names::new(names);
        let (mut files, mut problems) = (Vec::new(), Vec::new());
        for (document, unnamed) in documents.iter().zip(&unnamed) {
            let own = names.of_document(unnamed.as_deref(), &BTreeMap::new());
            let (file, told) = lockstep_config::read_flows(&document.name, &document.text, &own);
            files.push(file);
            problems.extend(told);
        }
        Stage::set(files, problems, notes, systems)
    }

    fn set(
        files: Vec<FlowFile>,
        problems: Vec<Problem>,
        notes: Vec<String>,
        systems: BTreeMap<String, Option<String>>,
    ) -> Result<Stage, Error> {
        let emulated: Vec<String> = systems.values().flatten().cloned().collect();
        let wanted = SYSTEMS.iter().filter(|name| emulated.iter().any(|wanted| wanted == *name)).map(|name| (*name).to_string());
        let mut wanted: Vec<String> = wanted.collect();
        if wanted.is_empty() {
            // Of no system at all it would emulate all six.
            wanted.push("crmoffice".into());
        }
        let options = Options { systems: wanted, rate_scale: 0.0, keep_bodies: true, ..Options::empty() };
        let sandbox = Arc::new(Sandbox::start(options).map_err(|error| Error::Stage(error.to_string()))?);
        let mut stage = Stage {
            files,
            problems,
            notes,
            hands: Hands::default(),
            sandbox,
            systems: vec![],
            schemas: Schemas::new(),
            folder: tempfile::tempdir().map_err(|error| Error::Stage(error.to_string()))?,
        };
        for (name, connector) in &systems {
            if let Some(kind) = connector {
                let settings = settings(kind, &stage.sandbox);
                stage.connect(
                    name,
                    &|| {
                        catalogue::connect(kind, &settings, Path::new("."))
                            .map_err(|trouble| Error::Stage(format!("{name}: {trouble}")))
                    },
                    kind,
                )?;
            }
        }
        Ok(stage)
    }

    /// Two connections: the hub's and the tester's.
    fn connect(&mut self, name: &str, open: &dyn Fn() -> Result<Box<dyn Connector>, Error>, emulated: &str) -> Result<(), Error> {
        let connector: Arc<dyn Connector> = Arc::from(open()?);
        let types = connector.types().to_vec();
        self.schemas.insert(name.into(), types.clone());
        self.systems.push(System { name: name.into(), connector });
        let emulated = Some((self.sandbox.clone(), emulated.to_string()));
        self.hands.take(name, Hand { connector: Arc::from(open()?), types, emulated });
        Ok(())
    }

    /// A hub that runs these flows, as far as the systems have what they name.
    pub fn hub(&self, flows: &[Flow]) -> Result<Hub, Error> {
        let runnable = runnable(&self.hands, flows);
        let plan = Plan::compile(&runnable, &self.schemas)
            .map_err(|errors| Error::Stage(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))?;
        let systems = self.systems.iter().filter(|system| plan.types.iter().any(|ty| ty.name.system == system.name));
        let systems: Vec<System> = systems.cloned().collect();
        let store = SqliteStore::open(self.folder.path().join("trials.db")).map_err(|error| Error::Stage(error.to_string()))?;
        let limits = systems.iter().map(|system| (system.name.clone(), unlimited())).collect();
        let mut hub = Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock))?;
        hub.set_safeguards(Safeguards { limits, ..Safeguards::default() });
        Ok(hub)
    }
}

/// The flows without what the systems do not have: whole flows, or single rows. What is left out is told at its line.
fn runnable(hands: &Hands, flows: &[Flow]) -> Vec<Flow> {
    let has_type = |ty: &TypeName| hands.schema(ty).is_some();
    let mut runnable: Vec<Flow> = flows.iter().filter(|flow| has_type(&flow.from) && has_type(&flow.to)).cloned().collect();
    for flow in &mut runnable {
        let (from, to) = (flow.from.clone(), flow.to.clone());
        let has = |ty: &TypeName, path: &lockstep_model::flow::PropertyRef| hands.property(ty, path).is_some();
        flow.properties.retain(|pair| has(&from, &pair.from) && has(&to, &pair.to));
        flow.matches.retain(|row| row.pairs.iter().all(|(a, b)| has(&from, a) && has(&to, b)));
        if let lockstep_model::Create::ConnectedTo(types) = &mut flow.create {
            types.retain(has_type);
        }
    }
    runnable
}

fn unlimited() -> Limits {
    Limits { creates: Limit::None, updates: Limit::None, deletes: Limit::None, vanished: Limit::None }
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
            _ => known.iter().find(|(name, _)| name.ends_with(&variable)).map(|(_, value)| value.clone()),
        };
        if let Some(value) = value {
            settings.insert(setting.name, json!(value));
        }
    }
    settings
}

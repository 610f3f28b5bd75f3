//! A project, opened: its files checked, its systems connected, its store at hand.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockstep_config::{Problem, Project, Severity};
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::{Hub, HubError, System, SystemClock};
use lockstep_model::flow::Deletes;
use lockstep_store::StoreError;
use lockstep_store::sqlite::SqliteStore;

use crate::exit::{Failure, Result};

/// A project whose files hold no error.
pub struct Opened {
    pub project: Project,
    pub schemas: Schemas,
}

/// Reads and checks a project. Problems come back, errors among them too.
pub fn examine(dir: &Path) -> (Option<Project>, Schemas, Vec<Problem>) {
    let (project, mut problems) = lockstep_config::load(dir);
    let Some(project) = project else { return (None, Schemas::new(), problems) };
    let mut schemas = Schemas::new();
    for system in &project.systems {
        match lockstep_connector::catalogue::schemas(&system.connector, &system.with, &project.dir) {
            Ok(types) => {
                schemas.insert(system.name.clone(), system.with_references(types));
            }
            Err(trouble) => problems.push(
                Problem::error("config::connector", system.connector_place.clone(), trouble.to_string()).help(format!(
                    "built in are {}; a connector of your own is a file in connectors/",
                    lockstep_connector::catalogue::names().join(", ")
                )),
            ),
        }
    }
    problems.extend(lockstep_config::check(&project, &schemas));
    // D1: this version carries out the default only; a policy that it would not follow must not be taken for one that it does.
    for (flow, places) in project.flows.iter().zip(&project.places) {
        if flow.deletes != Deletes::Ignore {
            let message = format!(
                "{}: this version passes no deletion on, whatever `deletes` says: the link ends, the other records stay (D1)",
                flow.name()
            );
            problems.push(
                Problem::warning("config::deletes", places.flow.clone(), message)
                    .help("take `deletes` out until it is carried out"),
            );
        }
    }
    (Some(project), schemas, problems)
}

/// Reads and checks a project; with an error in any file, tells all problems and gives up.
pub fn open(dir: &Path) -> Result<Opened> {
    let (project, schemas, problems) = examine(dir);
    let errors = problems.iter().filter(|p| p.severity == Severity::Error).count();
    match project {
        Some(project) if errors == 0 => Ok(Opened { project, schemas }),
        _ => {
            for problem in problems.iter().filter(|p| p.severity == Severity::Error) {
                eprintln!("{}", problem.render());
            }
            Err(Failure::usage(match errors {
                1 => "1 error in the project's files".into(),
                n => format!("{n} errors in the project's files"),
            }))
        }
    }
}

impl Opened {
    /// The plan of flows.
    pub fn plan(&self) -> Result<Plan> {
        Plan::compile(&self.project.flows, &self.schemas).map_err(|errors| {
            let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Failure::usage(text.join("\n"))
        })
    }

    /// The systems that the flows name, connected. Nothing is asked of them yet.
    pub fn connect(&self, plan: &Plan) -> Result<Vec<System>> {
        let mut systems = Vec::new();
        for system in &self.project.systems {
            if !plan.types.iter().any(|ty| ty.name.system == system.name) {
                continue;
            }
            let mut settings = system.with.clone();
            if let (Some(rate), false) = (system.rate_per_second, system.connector == "files") {
                settings.insert("rate_per_second".into(), serde_json::json!(rate));
            }
            let connector = lockstep_connector::catalogue::connect(&system.connector, &settings, &self.project.dir)
                .map_err(|trouble| Failure::usage(format!("{}: {trouble}", system.name)))?;
            systems.push(System { name: system.name.clone(), connector: Arc::from(connector) });
        }
        Ok(systems)
    }

    fn store_path(&self) -> Result<PathBuf> {
        match self.project.store.strip_prefix("sqlite:") {
            Some(path) => Ok(self.project.dir.join(path)),
            None => Err(Failure::usage(format!(
                "the store {} is not of a kind that this program has: write `store: sqlite:lockstep.db`",
                self.project.store
            ))),
        }
    }

    /// The hub, for working: one at a time on a store.
    pub fn hub(&self) -> Result<Hub> {
        let plan = self.plan()?;
        let systems = self.connect(&plan)?;
        let store = SqliteStore::open(&self.store_path()?).map_err(store_failure)?;
        Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock)).map_err(hub_failure)
    }

    /// The hub, for looking, also while a run is at work.
    pub fn hub_for_looking(&self) -> Result<Hub> {
        let plan = self.plan()?;
        let path = self.store_path()?;
        if !path.exists() {
            return Err(Failure::usage(format!("there is no store at {} yet: `lockstep sync` makes it", path.display())));
        }
        let systems = self.connect(&plan)?;
        let store = SqliteStore::open_read_only(&path).map_err(store_failure)?;
        Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock)).map_err(hub_failure)
    }
}

/// A store's error with the exit status it means.
pub fn store_failure(error: StoreError) -> Failure {
    match error {
        StoreError::Newer { .. } => Failure::usage(error.to_string()),
        StoreError::Locked { .. } | StoreError::Unwritable { .. } | StoreError::Forbidden { .. } | StoreError::Damaged { .. } => {
            Failure::person(error.to_string())
        }
    }
}

/// A hub's error with the exit status it means.
pub fn hub_failure(error: HubError) -> Failure {
    match error {
        HubError::Store(error) => store_failure(error),
        HubError::NoSystem(_) => Failure::usage(error.to_string()),
    }
}

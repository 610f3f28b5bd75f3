//! A project, opened: its files checked, its systems connected, its store at hand.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockstep_config::{
    Commands, Place, Problem, Project, Severity, Source, ValueSource, Variable, codes,
};
use lockstep_connector::Connector;
use lockstep_connector::down::Down;
use lockstep_connector::vault::{KEY_VARIABLE, Vault, VaultEntry};
use lockstep_engine::Plan;
use lockstep_engine::plan::Schemas;
use lockstep_hub::report::Report;
use lockstep_hub::{Hub, HubError, Safeguards, System, SystemClock};
use lockstep_model::TypeName;
use lockstep_service::{Client, Desk, Refusal};
use lockstep_store::StoreError;
use lockstep_store::sqlite::SqliteStore;

use crate::exit::{Exit, Failure, Result};
use crate::wording::{NO_PROJECT, with_remedies};
use crate::{print, work};

/// A project whose files hold no error.
#[derive(Clone)]
pub struct Opened {
    pub project: Project,
    pub schemas: Schemas,
    /// Flows name columns that a file's header does not have.
    lacks_columns: bool,
    /// Systems that lack a variable or can't be set up, in a project that is opened all the same.
    unready: BTreeSet<String>,
}

/// What a project is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// Its systems are read or written.
    Work,
    /// Its files are checked, or tried in memory: no secret is needed.
    Check,
    /// What is stored is looked at: no system is asked for anything, and none need be set up.
    Look,
}

/// Reads and checks a project. Problems come back, errors among them too.
pub fn examine(dir: &Path) -> (Option<Project>, Schemas, Vec<Problem>) {
    examine_for(dir, Purpose::Work, Commands::Run)
}

/// The same for what talks to no system: a variable that has no value is a warning. Its sources are
/// tried all the same.
pub fn examine_without_secrets(dir: &Path) -> (Option<Project>, Schemas, Vec<Problem>) {
    examine_for(dir, Purpose::Check, Commands::Run)
}

/// The project's files, with what to do where there are none.
pub fn load(dir: &Path, commands: Commands) -> (Option<Project>, Vec<Problem>) {
    let (project, mut problems) = lockstep_config::load_for(dir, commands);
    for problem in problems.iter_mut().filter(|problem| problem.code == codes::NO_PROJECT) {
        problem.help = Some(NO_PROJECT.into());
    }
    (project, problems)
}

/// What is told where a variable has no value.
const WITHOUT_VALUE: [&str; 3] = [codes::ENV_MISSING, codes::ENV_FILE, codes::ENV_COMMAND];

fn examine_for(
    dir: &Path,
    purpose: Purpose,
    commands: Commands,
) -> (Option<Project>, Schemas, Vec<Problem>) {
    let (project, mut problems) = load(dir, commands);
    let not_run = |one: &Variable| matches!(one.source, ValueSource::NotRun(_));
    let mut lacks = project.iter().any(|project| project.variables.iter().any(not_run));
    if purpose != Purpose::Work {
        let lacking = |problem: &&mut Problem| WITHOUT_VALUE.contains(&problem.code);
        for problem in problems.iter_mut().filter(lacking) {
            lacks = true;
            // A name much like one in `.env` is a slip, whether the secrets are there or not.
            let is_slip =
                problem.help.as_ref().is_some_and(|help| help.starts_with("did you mean"));
            if is_slip && purpose == Purpose::Check {
                continue;
            }
            problem.severity = Severity::Warning;
            problem.message.push_str("; a run needs it");
        }
    }
    let Some(project) = project else { return (None, Schemas::new(), problems) };
    let mut schemas = Schemas::new();
    for system in &project.systems {
        let unknown = lacks && purpose != Purpose::Work && is_nowhere(system);
        if unknown || purpose == Purpose::Look && asks_a_server(system) {
            schemas.insert(system.name.clone(), untold(&project, system));
            continue;
        }
        match lockstep_connector::catalogue::schemas(&system.connector, &system.with, &project.dir)
        {
            Ok(types) => {
                problems.extend(lockstep_config::check_references(system, &types));
                let told = lockstep_connector::catalogue::without_effect(
                    &system.connector,
                    &system.with,
                    &project.dir,
                );
                problems.extend(told.into_iter().map(|message| {
                    Problem::warning(codes::WITHOUT_EFFECT, system.setting_place(&message), message)
                        .help("correct the setting, or leave it out")
                }));
                // To a run it is a file that has lost a column (R8), which pauses alone.
                if purpose == Purpose::Check {
                    let told = lockstep_connector::catalogue::misnamed(
                        &system.connector,
                        &system.with,
                        &project.dir,
                    );
                    problems.extend(told.into_iter().map(|message| {
                        Problem::error(
                            codes::UNKNOWN_COLUMN,
                            system.setting_place(&message),
                            message,
                        )
                        .help("correct the setting")
                    }));
                }
                let told = lockstep_connector::catalogue::warnings(
                    &system.connector,
                    &system.with,
                    &project.dir,
                );
                problems.extend(told.into_iter().map(|message| {
                    Problem::warning(
                        codes::NOTE,
                        system.connector_place.clone(),
                        format!("{}: {message}", system.name),
                    )
                    .help(format!("docs/systems/{}.md tells more", system.connector))
                }));
                let missing = lockstep_connector::catalogue::missing(
                    &system.connector,
                    &system.with,
                    &project.dir,
                );
                problems.extend(missing.into_iter().map(|(name, what)| {
                    let message = format!("{} needs the setting `{name}`: {what}", system.name);
                    Problem::warning("config::connector", system.connector_place.clone(), message)
                        .help("a connector's settings stand under `with` of its system; a run leaves the system alone without it")
                }));
                schemas.insert(system.name.clone(), system.with_references(types));
            }
            Err(_) if purpose == Purpose::Look => {
                schemas.insert(system.name.clone(), untold(&project, system));
            }
            Err(_) if manifest_problems(&project.dir, system, &mut problems) => {}
            // The variable that it lacks has been told.
            Err(_) if lacks && system.with.values().any(has_empty) => {
                schemas.insert(system.name.clone(), untold(&project, system));
            }
            // It pauses alone in a run; the others go on (R8).
            Err(trouble) if Down::may_pass(&trouble) => {
                let message =
                    format!("{} can't be asked for its record types: {trouble}", system.name);
                let warning =
                    Problem::warning(codes::UNREACHABLE, system.connector_place.clone(), message);
                problems.push(
                    warning.help("a run leaves it alone until it can be asked; what flows say of it is not checked before"),
                );
                let down = Down::new(kinds_named(&project, &system.name), trouble);
                schemas.insert(system.name.clone(), system.with_references(down.types().to_vec()));
            }
            Err(trouble) => {
                let message = trouble.to_string();
                let problem =
                    Problem::error(codes::CONNECTOR, system.setting_place(&message), message);
                // Of a connector that is not there the message itself says which there are.
                let is_there = lockstep_connector::catalogue::names().contains(&system.connector);
                problems.push(match is_there {
                    true => problem.help("a connector's settings stand under `with` of its system"),
                    false => problem,
                });
            }
        }
    }
    problems.extend(lockstep_config::check(&project, &schemas));
    problems.extend(crate::connectors::not_held(&project));
    (Some(project), schemas, problems)
}

/// Whether a system can tell its record types only by asking a server.
fn asks_a_server(system: &lockstep_config::System) -> bool {
    let url = system.with.get("url").and_then(serde_json::Value::as_str).unwrap_or_default();
    system.connector == "sql" && !url.starts_with("sqlite:")
}

/// Whether the folder of a system's files is a variable without a value.
fn is_nowhere(system: &lockstep_config::System) -> bool {
    system.connector == "files" && system.with.get("folder").is_some_and(has_empty)
}

/// The record types that flows name of a system; of none of them anything is known.
fn untold(project: &Project, system: &lockstep_config::System) -> Vec<lockstep_model::TypeSchema> {
    let open = kinds_named(project, &system.name).into_iter().map(lockstep_model::TypeSchema::open);
    system.with_references(open.collect())
}

/// What a variable that is not set leaves.
fn has_empty(setting: &serde_json::Value) -> bool {
    match setting {
        serde_json::Value::String(text) => text.is_empty(),
        serde_json::Value::Array(items) => items.iter().any(has_empty),
        serde_json::Value::Object(entries) => entries.values().any(has_empty),
        _ => false,
    }
}

/// R8: the record types that flows name and that a run would leave alone, as their files are. All
/// files are gone through for that.
pub fn damaged(project: &Project) -> Vec<Problem> {
    let mut problems = Vec::new();
    for system in &project.systems {
        let named = kinds_named(project, &system.name);
        let damages =
            lockstep_connector::catalogue::damages(&system.connector, &system.with, &project.dir);
        for (kind, trouble) in
            damages.into_iter().filter(|(kind, _)| named.contains(&kind.as_str()))
        {
            let message = format!("{}.{kind} can't be read: {trouble}", system.name);
            let warning = Problem::warning(codes::DAMAGED, system.connector_place.clone(), message);
            problems.push(warning.help(
                "a run leaves this record type alone until it is put right, and says so (R8)",
            ));
        }
        let rows = lockstep_connector::catalogue::damaged_rows(
            &system.connector,
            &system.with,
            &project.dir,
        );
        for (kind, faults, all) in rows.into_iter().filter(|(kind, ..)| named.contains(&&**kind)) {
            let more = match all - faults.len() {
                0 => String::new(),
                more => format!("; and {}", print::count(more as u64, "more row")),
            };
            let told: Vec<String> =
                faults.iter().map(|fault| format!("{}: {}", fault.place, fault.message)).collect();
            let message = format!(
                "{} of {}.{kind} can't be read: {}{more}",
                print::count(all as u64, "row"),
                system.name,
                told.join("; ")
            );
            let warning = Problem::warning(codes::DAMAGED, system.connector_place.clone(), message);
            problems.push(
                warning
                    .help("a run leaves these rows alone until they are mended, and says so (R8)"),
            );
        }
    }
    problems
}

/// The record types of a system that flows name.
fn kinds_named<'a>(project: &'a Project, system: &str) -> Vec<&'a str> {
    let names = project.flows.iter().flat_map(|flow| [&flow.from, &flow.to]);
    let mut kinds: Vec<&str> =
        names.filter(|name| name.system == system).map(|name| name.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// What is wrong in the manifest of a system, each at its place there; whether anything is.
fn manifest_problems(
    dir: &Path,
    system: &lockstep_config::System,
    problems: &mut Vec<Problem>,
) -> bool {
    let Some((path, text, faults)) = lockstep_connector::catalogue::faults(&system.connector, dir)
    else {
        return false;
    };
    let name = path.strip_prefix(dir).unwrap_or(&path).to_string_lossy().replace('\\', "/");
    let source = Arc::new(Source::new(name, text));
    problems.extend(faults.into_iter().map(|fault| {
        let place = Place::new(&source, fault.span.unwrap_or(0..0));
        Problem::error(codes::MANIFEST, place, fault.message)
            .help("docs/connectors.md has the words of manifests")
    }));
    true
}

/// Reads and checks a project; with an error in any file, tells all problems and gives up.
pub fn open(dir: &Path) -> Result<Opened> {
    settled(examine(dir))
}

/// Like [`open`], for what talks to no system: variables that are not there are no error.
pub fn open_without_secrets(dir: &Path) -> Result<Opened> {
    settled(examine_for(dir, Purpose::Check, Commands::Leave))
}

/// Like [`open`], to look at what is stored: no system is asked, and neither secrets nor connectors
/// are needed.
pub fn open_for_looking(dir: &Path) -> Result<Opened> {
    settled(examine_for(dir, Purpose::Look, Commands::Leave))
}

/// Like [`open`], for what reads systems and has nothing to do with flows: these may have errors
/// yet.
pub fn open_for_its_systems(dir: &Path) -> Result<Opened> {
    let (project, schemas, mut problems) = examine(dir);
    if let Some(project) = &project {
        problems.retain(|problem| {
            !project.files.iter().any(|file| file.source.name == problem.place.source.name)
        });
    }
    settled((project, schemas, problems))
}

/// Like [`open`], to plan what would be taken back: a system that lacks a secret, or can't be set
/// up, is not asked.
pub fn open_to_plan_back(dir: &Path) -> Result<Opened> {
    let (project, schemas, problems) = examine(dir);
    let of_systems = [&WITHOUT_VALUE[..], &[codes::CONNECTOR, codes::MANIFEST]].concat();
    let is_error = |problem: &&Problem| problem.severity == Severity::Error;
    let errors: Vec<Problem> = problems.iter().filter(is_error).cloned().collect();
    if errors.is_empty() || !errors.iter().all(|problem| of_systems.contains(&problem.code)) {
        return settled((project, schemas, problems));
    }
    let mut opened = open_for_looking(dir)?;
    let is_unready = |system: &&lockstep_config::System| {
        let (connector, with) = (&system.connector, &system.with);
        let lacks = |place: &Place| errors.iter().any(|error| place.holds(&error.place));
        system.with_place.as_ref().is_some_and(lacks)
            || lockstep_connector::catalogue::connect(connector, with, &opened.project.dir).is_err()
    };
    let unready = opened.project.systems.iter().filter(is_unready);
    opened.unready = unready.map(|system| system.name.clone()).collect();
    Ok(opened)
}

fn settled(
    (project, schemas, problems): (Option<Project>, Schemas, Vec<Problem>),
) -> Result<Opened> {
    // R8: a column that is gone stops its record type, not the others; the run tells it again.
    let is_column = |problem: &Problem| problem.code == codes::UNKNOWN_COLUMN;
    let (columns, problems): (Vec<_>, Vec<_>) = problems.into_iter().partition(is_column);
    columns.iter().for_each(|problem| note!("{}", problem.render()));
    let lacks_columns = !columns.is_empty();
    let errors = problems.iter().filter(|p| p.severity == Severity::Error).count();
    match project {
        Some(project) if errors == 0 => {
            Ok(Opened { project, schemas, lacks_columns, unready: BTreeSet::new() })
        }
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

/// The file of a project's store.
pub fn path_of_store(project: &Project) -> Result<PathBuf> {
    match project.store.strip_prefix("sqlite:") {
        Some(path) => Ok(project.dir.join(path)),
        None => Err(Failure::usage(format!(
            "the store {} is not of a kind that this program has: write `store: sqlite:lockstep.db`",
            project.store
        ))),
    }
}

impl Opened {
    /// The exit status that a report means. R8: a column that is missing is told by it until it is
    /// there.
    pub fn exit(&self, report: &Report) -> Exit {
        match work::exit(report) {
            Exit::Done if self.lacks_columns => Exit::NeedsAPerson,
            exit => exit,
        }
    }

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
            if self.unready.contains(&system.name) {
                systems.push(self.not_asked(system, "it lacks a variable or a setting"));
                continue;
            }
            let mut settings = system.with.clone();
            if let (Some(rate), false) = (system.rate_per_second, system.connector == "files") {
                settings.insert("rate_per_second".into(), serde_json::json!(rate));
            }
            let connected = lockstep_connector::catalogue::connect_kept(
                &system.connector,
                &settings,
                &self.project.dir,
                self.keep(&system.name)?,
            );
            let connector: Arc<dyn Connector> = match connected {
                Ok(connector) => Arc::from(connector),
                Err(trouble) if Down::may_pass(&trouble) => {
                    Arc::new(Down::new(kinds_named(&self.project, &system.name), trouble))
                }
                Err(trouble) => return Err(Failure::usage(format!("{}: {trouble}", system.name))),
            };
            systems.push(System { name: system.name.clone(), connector });
        }
        Ok(systems)
    }

    /// A system in name: it is not asked for anything.
    fn not_asked(&self, system: &lockstep_config::System, why: &str) -> System {
        let trouble = lockstep_connector::Trouble::Unreachable(why.into());
        let connector = Arc::new(Down::new(kinds_named(&self.project, &system.name), trouble));
        System { name: system.name.clone(), connector }
    }

    /// Where the tokens of a system are kept: beside the store.
    pub fn keep(&self, system: &str) -> Result<VaultEntry> {
        let key = lockstep_config::secrets::of_process(KEY_VARIABLE).map_err(Failure::usage)?;
        let vault = Vault::beside(&self.store_path()?, key);
        Ok(VaultEntry { vault: Arc::new(vault), system: system.to_string() })
    }

    pub fn store_path(&self) -> Result<PathBuf> {
        path_of_store(&self.project)
    }

    /// The hub, for working: one at a time on a store.
    pub fn hub(&self) -> Result<Hub> {
        let plan = self.plan()?;
        let systems = self.connect(&plan)?;
        self.hub_over(plan, systems)
    }

    /// Who does what a command asks for: the service that is at work on the store, or else a hub
    /// of the command's own.
    pub fn desk(&self) -> Result<Desk> {
        match Client::of(&self.store_path()?) {
            Some(service) => Ok(Desk::There(service)),
            None => Ok(Desk::Here(Box::new(self.hub()?))),
        }
    }

    /// The same, to take writes back.
    pub fn desk_for_undo(&self) -> Result<Desk> {
        match Client::of(&self.store_path()?) {
            Some(service) => Ok(Desk::There(service)),
            // Says what is missing.
            None if !self.unready.is_empty() => open(&self.project.dir)?.desk_for_undo(),
            None => Ok(Desk::Here(Box::new(self.hub_for_undo(true)?))),
        }
    }

    /// The hub, to plan: it reads what is stored, also while a service is at work.
    pub fn hub_for_planning(&self) -> Result<Hub> {
        match Client::of(&self.store_path()?) {
            Some(_) => self.hub_for_reading(),
            None => self.hub(),
        }
    }

    /// The hub, for working with systems that are connected already.
    pub fn hub_over(&self, plan: Plan, systems: Vec<System>) -> Result<Hub> {
        let store = opened_for_work(&self.store_path()?)?;
        let mut hub =
            Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock)).map_err(hub_failure)?;
        hub.ledger.set_safeguards(self.safeguards(hub.ledger.plan_of_flows()));
        hub.ledger.keep_journal_for(self.project.journal_days);
        Ok(hub)
    }

    /// What the project says of guards and of listing everything.
    fn safeguards(&self, plan: &Plan) -> Safeguards {
        let limits = self
            .project
            .systems
            .iter()
            .map(|system| (system.name.clone(), system.limits))
            .collect();
        let every = |name: &TypeName| {
            let scan = &self.project.system(&name.system)?.full_scan;
            scan.types.get(&name.kind).copied().or(scan.every_seconds)
        };
        let scans = plan.types.iter().filter_map(|ty| {
            let ms = i64::try_from(every(&ty.name)?).ok()?.checked_mul(1000)?;
            Some((ty.name.to_string(), ms))
        });
        Safeguards { limits, full_scans_ms: scans.collect() }
    }

    /// The hub, to take writes back: it knows also what no flow names any more, where the project's
    /// systems still have it. For looking only, or for working.
    pub fn hub_for_undo(&self, works: bool) -> Result<Hub> {
        let path = self.store_path()?;
        if !path.exists() {
            return Err(Failure::usage(format!(
                "there is no store at {} yet: `lockstep sync` makes it",
                path.display()
            )));
        }
        let watched = {
            let mut store = SqliteStore::open_read_only(&path).map_err(store_failure)?;
            lockstep_hub::undo::ever_written(&mut store).map_err(store_failure)?
        };
        let plan = Plan::compile_watching(&self.project.flows, &self.schemas, &watched).map_err(
            |errors| {
                let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
                Failure::usage(text.join("\n"))
            },
        )?;
        let systems = self.connect(&plan)?;
        if works {
            return self.hub_over(plan, systems);
        }
        let store = SqliteStore::open_read_only(&path).map_err(store_failure)?;
        let hub = Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock));
        Ok(hub.map_err(hub_failure)?.without_asking(self.unready.clone()))
    }

    /// The hub, for looking at what is stored, also while a run is at work. Its systems are not
    /// connected.
    pub fn hub_for_looking(&self) -> Result<Hub> {
        let plan = self.plan()?;
        let not_asked = |system: &lockstep_config::System| {
            self.not_asked(system, "no system is asked while one looks at what is stored")
        };
        let systems = self.project.systems.iter().map(not_asked).collect();
        self.hub_reading(plan, systems)
    }

    /// The hub, to read what is stored and to ask the systems, also while a run is at work.
    pub fn hub_for_reading(&self) -> Result<Hub> {
        let plan = self.plan()?;
        let systems = self.connect(&plan)?;
        self.hub_reading(plan, systems)
    }

    fn hub_reading(&self, plan: Plan, systems: Vec<System>) -> Result<Hub> {
        let path = self.store_path()?;
        if !path.exists() {
            return Err(Failure::usage(format!(
                "there is no store at {} yet: `lockstep sync` makes it",
                path.display()
            )));
        }
        let store = SqliteStore::open_read_only(&path).map_err(store_failure)?;
        let mut hub =
            Hub::new(plan, systems, Box::new(store), Arc::new(SystemClock)).map_err(hub_failure)?;
        hub.ledger.set_safeguards(self.safeguards(hub.ledger.plan_of_flows()));
        Ok(hub)
    }
}

/// Why nothing was done, with the exit status it means.
pub fn refusal(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Wrong(why) => Failure::usage(with_remedies(&why.message, &why.remedies)),
        Refusal::Person(why) => Failure::person(with_remedies(&why.message, &why.remedies)),
    }
}

/// How long a command waits for a store that another process works on, in seconds;
/// `LOCKSTEP_WAIT_S` says otherwise.
const PATIENCE_S: u64 = 600;

/// Opens the store for work, and waits while another process works on it: a service gives it up
/// between its runs.
fn opened_for_work(path: &Path) -> Result<SqliteStore> {
    let patience = std::env::var("LOCKSTEP_WAIT_S")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(PATIENCE_S);
    let began = Instant::now();
    let mut told = false;
    loop {
        match SqliteStore::open(path) {
            Err(StoreError::Locked { place, holder })
                if began.elapsed() < Duration::from_secs(patience) =>
            {
                if !told {
                    note!(
                        "waiting for {place}, which is in use ({holder}), until it has a moment between two runs"
                    );
                    told = true;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            opened => return opened.map_err(store_failure),
        }
    }
}

/// A store's error with the exit status it means.
pub fn store_failure(error: StoreError) -> Failure {
    match error {
        StoreError::Newer { .. } => Failure::usage(error.to_string()),
        StoreError::Locked { .. }
        | StoreError::LostLease { .. }
        | StoreError::Unwritable { .. }
        | StoreError::Forbidden { .. }
        | StoreError::Empty { .. }
        | StoreError::Older { .. }
        | StoreError::Damaged { .. } => {
            Failure::person(with_remedies(&error.to_string(), error.remedies()))
        }
    }
}

/// A hub's error with the exit status it means.
pub fn hub_failure(error: HubError) -> Failure {
    match error {
        HubError::Store(error) => store_failure(error),
        HubError::NoSystem(_) => Failure::usage(error.to_string()),
        HubError::IllegalStep { .. } => Failure::person(error.to_string()),
    }
}

//! Reading a project folder: `lockstep.yaml`, its `.env`, and the files of flows that it names.

use std::path::Path as FilePath;

use lockstep_model::Path;
use serde_json::{Map, Value, json};

use crate::codes;
use crate::env::Environment;
use crate::names::Names;
use crate::problem::{Problem, in_order};
use crate::project::{ELEMENTS, Elements, Project};
use crate::project_file::ProjectReader;
use crate::read_file::read_file;
use crate::secrets::Commands;
use crate::source::Place;

/// Reads a project folder. Every problem of every file is told; the project is there as far as it
/// could be understood.
///
/// A project with errors among its problems is for showing more problems ([`crate::check`]), not
/// for running.
pub fn load(dir: &FilePath) -> (Option<Project>, Vec<Problem>) {
    load_for(dir, Commands::Run)
}

/// [`load`], where nothing that is read needs what commands give.
pub fn load_for(dir: &FilePath, commands: Commands) -> (Option<Project>, Vec<Problem>) {
    load_from(dir, &|name| std::env::var(name).ok(), commands)
}

/// [`load`] with an environment of the caller's.
pub fn load_with(
    dir: &FilePath,
    environment: &dyn Fn(&str) -> Option<String>,
) -> (Option<Project>, Vec<Problem>) {
    load_from(dir, environment, Commands::Run)
}

fn load_from(
    dir: &FilePath,
    environment: &dyn Fn(&str) -> Option<String>,
    commands: Commands,
) -> (Option<Project>, Vec<Problem>) {
    let (mut environment, mut problems) = Environment::of(dir, environment, commands);
    let source = match read_file(dir, "lockstep.yaml") {
        Ok(source) => source,
        Err(mut problem) => {
            if !dir.join("lockstep.yaml").exists() {
                problem.code = codes::NO_PROJECT;
                problem.message = format!("there is no lockstep.yaml in {}", dir.display());
                problem.help = None;
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
                .help("it names the systems that are kept in step, under `systems`"),
            );
        }
        return (None, in_order(problems));
    };
    crate::exec::expand(&mut root, &mut environment, &mut reading.reader);
    let mut project = reading.project(&root);
    if let Some(project) = &mut project {
        project.variables = environment.variables();
    }
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
        for (side, ty) in [&flow.from, &flow.to].into_iter().enumerate() {
            let ids: Vec<&str> = flow.key.iter().map(|pair| pair[side].as_str()).collect();
            if ids.is_empty() {
                continue;
            }
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
            let said = lists.entry(list).or_insert_with(|| {
                let place = places.key.as_ref().unwrap_or(&places.flow);
                system.elements.push(Elements {
                    kind: parent.to_string(),
                    list: Path::new(list),
                    id: ids.iter().map(|id| (id.to_string(), place.narrowed(id))).collect(),
                    place: if ty == &flow.from { &places.from } else { &places.to }.clone(),
                });
                match ids[..] {
                    [id] => json!({ "id": id }),
                    _ => json!({ "id": ids }),
                }
            });
            let known = texts(said.get("id"));
            if known != ids {
                let (known, id) = (known.join("` and `"), ids.join("` and `"));
                let message = format!(
                    "the elements of {ty} are told apart by `{known}` elsewhere, and by `{id}` here"
                );
                let place = places.key.as_ref().unwrap_or(&places.flow).clone();
                let problem = Problem::error(codes::CONTRADICTION, place, message);
                problems.push(problem.help("an element has one id: say the same everywhere"));
            }
        }
    }
    problems
}

/// A text, or a list of texts.
fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        one => one.and_then(Value::as_str).into_iter().collect(),
    }
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

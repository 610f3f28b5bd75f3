//! `lockstep.yaml`: from YAML to a project without its flows.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;

use lockstep_model::matching::Placeholders;
use lockstep_model::{GuardKind, Limit, Limits, Path, Value};
use serde_json::Map;

use crate::codes;
use crate::flow_file::deletes_of;
use crate::names::{Names, SystemNames, squeezed};
use crate::near::nearest;
use crate::problem::{Problem, Reader, is_secret_name};
use crate::project::{ELEMENTS, Elements, Policies, Project, Reference, Schedule, System};
use crate::source::{Place, Source};
use crate::written;
use crate::yaml::{Node, Yaml};

/// Said of a key of a system that is not known.
const SETTINGS: &str = "; what its connector is to know stands under `with`";

pub(crate) struct ProjectReader<'a> {
    pub reader: Reader,
    dir: &'a FilePath,
    /// Files of flows still to be read, with the names that hold in them.
    pub unresolved: Vec<(String, Names)>,
}

impl<'a> ProjectReader<'a> {
    pub fn new(source: &Arc<Source>, dir: &'a FilePath) -> Self {
        ProjectReader { reader: Reader::new(source.clone()), dir, unresolved: Vec::new() }
    }

    /// What the file says, as far as it can be understood; its files of flows are still to be read.
    pub fn project(&mut self, root: &Node) -> Option<Project> {
        let fields = self.reader.fields::<written::ProjectYaml>(root, "lockstep.yaml")?;
        let region = fields.get("region").and_then(|node| self.reader.region(node));
        let placeholders =
            fields.get("placeholders").map(|node| self.placeholders(node)).unwrap_or_default();
        let limits = fields
            .get("limits")
            .map_or_else(Limits::default, |node| self.limits(node, Limits::default()));
        let systems_node =
            self.reader.required(&fields, "systems", "lockstep.yaml", "{ name: { connector: … } }");
        let entries = systems_node
            .and_then(|node| self.reader.entries(node, "`systems`"))
            .unwrap_or_default();
        let systems: Vec<System> = entries
            .iter()
            .filter_map(|(key, node)| self.system(&key.text, &key.span, node, limits))
            .collect();
        let common = |system: System| System {
            region: system.region.or(region),
            placeholders: placeholders.clone(),
            ..system
        };
        let systems = systems.into_iter().map(common).collect();
        let systems = of_other_systems(systems, entries.iter().map(|(key, _)| key.text.as_str()));
        self.same_names(&systems);
        let names = Names::new(
            // Flows of a system whose settings are wrong are no mistakes.
            entries
                .iter()
                .map(|(key, _)| match systems.iter().find(|system| system.name == key.text) {
                    Some(system) => SystemNames {
                        name: system.name.clone(),
                        title: system.title.clone(),
                        aliases: system.aliases.clone(),
                    },
                    None => SystemNames { name: key.text.clone(), ..SystemNames::default() },
                })
                .collect(),
        );
        let store = fields
            .get("store")
            .and_then(|node| self.store(node))
            .unwrap_or_else(|| "sqlite:lockstep.db".into());
        let journal_days = fields.get("journal").and_then(|node| self.journal(node));
        let policies =
            fields.get("policies").map(|node| self.policies(node, &names)).unwrap_or_default();
        let first_run_waits = fields
            .get("first_run")
            .and_then(|node| self.reader.word::<written::FirstRun>(node, "`first_run`"))
            != Some("go");
        self.flow_files(
            fields.get("flows"),
            fields.entry("flows").map(|(key, _)| key.span.clone()),
            &names,
        );
        Some(Project {
            dir: self.dir.to_path_buf(),
            systems,
            store,
            journal_days,
            region,
            policies,
            first_run_waits,
            flows: Vec::new(),
            places: Vec::new(),
            files: Vec::new(),
            names,
            variables: Vec::new(),
        })
    }

    fn system(
        &mut self,
        name: &str,
        span: &Range<usize>,
        node: &Node,
        limits: Limits,
    ) -> Option<System> {
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) {
            self.reader
                .error(codes::UNKNOWN_WORD, span, format!("`{name}` can't be the name of a system"))
                .set_help("use letters, digits, `-` and `_`; how documents call it is its `title`");
        }
        let fields = self.reader.fields_or::<written::SystemYaml>(node, "a system", SETTINGS)?;
        let connector = self.reader.required(&fields, "connector", "a system", "files");
        let mut with = fields.get("with").and_then(|node| self.settings(node)).unwrap_or_default();
        let mut elements = vec![];
        if let Some(node) = fields.get("elements") {
            elements = self.elements(node);
            with.insert(ELEMENTS.into(), node.to_json());
        }
        let title = fields
            .get("title")
            .and_then(|node| self.reader.text(node, "`title`"))
            .map(String::from);
        let aliases = fields
            .get("aliases")
            .map(|node| self.reader.texts(node, "`aliases`"))
            .unwrap_or_default();
        let aliases = aliases.into_iter().map(|(text, _)| text.to_string()).collect();
        let schedule = fields.get("schedule").map(|node| self.schedule(node)).unwrap_or_default();
        let full_scan = fields.get("full_scan").map(|node| self.schedule(node)).unwrap_or_default();
        let limits = fields.get("limits").map_or(limits, |node| self.limits(node, limits));
        let rate_per_second = fields.get("rate").and_then(|node| self.rate(node));
        let clears = fields
            .get("clears")
            .and_then(|node| self.reader.word::<written::Clears>(node, "`clears`"))
            != Some("ignore");
        let untold_wins = fields
            .get("untold")
            .and_then(|node| self.reader.word::<written::Untold>(node, "`untold`"))
            == Some("wins");
        let region = fields.get("region").and_then(|node| self.reader.region(node));
        let references =
            fields.get("references").map(|node| self.references(node)).unwrap_or_default();
        let connector = connector.and_then(|node| {
            self.reader.text(node, "`connector`").map(|text| (text.to_string(), node.span.clone()))
        })?;
        Some(System {
            name: name.to_string(),
            connector: connector.0,
            with,
            title,
            aliases,
            schedule,
            full_scan,
            limits,
            rate_per_second,
            clears,
            untold_wins,
            region,
            placeholders: Placeholders::default(),
            references,
            elements,
            full_scan_place: fields.get("full_scan").map(|node| self.reader.place(&node.span)),
            place: self.reader.place(span),
            connector_place: self.reader.place(&connector.1),
            with_place: fields.get("with").map(|node| self.reader.place(&node.span)),
        })
    }

    /// Which lists are record types. Which record types and lists there are the connector knows.
    fn elements(&mut self, node: &Node) -> Vec<Elements> {
        let mut found = vec![];
        for (kind, lists) in self.reader.entries(node, "`elements`").unwrap_or_default() {
            for (list, said) in
                self.reader.entries(lists, "the lists of a record type").unwrap_or_default()
            {
                let Some(fields) =
                    self.reader.fields::<written::ElementsYaml>(said, "the elements of a list")
                else {
                    continue;
                };
                if let Some(id) =
                    self.reader.required(&fields, "id", "the elements of a list", "line_no")
                {
                    let id = self.element_id(id);
                    if !id.is_empty() {
                        found.push(Elements {
                            kind: kind.text.clone(),
                            list: Path::new(&list.text),
                            id,
                            place: self.reader.place(&list.span),
                        });
                    }
                }
            }
        }
        found
    }

    /// By what elements are told apart: `line_no`, or several properties that do so together.
    fn element_id(&mut self, node: &Node) -> Vec<(String, Place)> {
        let mut found: Vec<(String, Place)> = vec![];
        let texts = self.reader.texts(node, "`id`");
        if texts.is_empty() && matches!(&node.value, Yaml::List(items) if items.is_empty()) {
            self.reader
                .error(codes::WRONG_TYPE, &node.span, "`id` names no property")
                .set_help("write `id: line_no`, or `id: [order_no, line_no]`");
        }
        for (text, span) in texts {
            if found.iter().any(|(known, _)| known == text) {
                self.reader
                    .error(codes::WITHOUT_EFFECT, &span, format!("`{text}` stands twice in `id`"))
                    .set_help("leave one of them out");
                continue;
            }
            found.push((text.to_string(), self.reader.place(&span)));
        }
        found
    }

    fn settings(&mut self, node: &Node) -> Option<Map<String, Value>> {
        let entries = self.reader.entries(node, "`with`")?;
        for (key, value) in entries {
            let written = self.reader.source.text.get(value.span.clone()).unwrap_or_default();
            if is_secret_name(&key.text)
                && value.text().is_some()
                && !written.contains("${")
                && !written.trim_matches(['"', '\'']).is_empty()
            {
                let name = squeezed_upper(&key.text);
                self.reader
                    .warning(
                        codes::SECRET_IN_FILE,
                        &key.span,
                        format!("the secret `{}` stands in lockstep.yaml, where others may read it", key.text),
                    )
                    .set_help(format!(
                        "write `{}: ${{{name}}}` here and `{name}=…` in .env, and keep .env out of version control",
                        key.text
                    ));
            }
        }
        match node.to_json() {
            Value::Object(map) => Some(map),
            _ => None,
        }
    }

    fn schedule(&mut self, node: &Node) -> Schedule {
        let Yaml::Map(_) = node.value else {
            return Schedule { every_seconds: self.duration(node), types: BTreeMap::new() };
        };
        let Some(fields) = self.reader.fields::<written::ScheduleMapYaml>(node, "`schedule`")
        else {
            return Schedule::default();
        };
        let every_seconds = fields.get("every").and_then(|node| self.duration(node));
        let types = fields
            .get("types")
            .and_then(|node| self.reader.entries(node, "`types`"))
            .unwrap_or_default();
        let types = types
            .iter()
            .filter_map(|(key, node)| Some((key.text.clone(), self.duration(node)?)))
            .collect();
        Schedule { every_seconds, types }
    }

    fn duration(&mut self, node: &Node) -> Option<u64> {
        let text = self.reader.text(node, "a duration")?.trim();
        let (number, unit) =
            text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let seconds = match unit.trim() {
            "" | "s" => Some(1),
            "m" | "min" => Some(60),
            "h" => Some(3600),
            _ => None,
        };
        let found = seconds
            .and_then(|unit| number.parse::<u64>().ok()?.checked_mul(unit))
            .filter(|seconds| *seconds > 0);
        if found.is_none() {
            let text = self.reader.shown(&node.span, text);
            self.reader
                .error(codes::WRONG_TYPE, &node.span, format!("`{text}` is no duration"))
                .set_help("write seconds, or a number with `s`, `m` or `h` behind it: `60`, `5m`");
        }
        found
    }

    /// Limits over those that hold where nothing is said.
    fn limits(&mut self, node: &Node, mut limits: Limits) -> Limits {
        let Some(fields) = self.reader.fields::<written::LimitsYaml>(node, "`limits`") else {
            return limits;
        };
        for kind in GuardKind::ALL {
            let Some(node) = fields.get(kind.name()) else { continue };
            let Some(text) = self.reader.text(node, "a limit") else { continue };
            match Limit::parse(text) {
                Some(limit) => limits.set(kind, limit),
                None => {
                    let text = self.reader.shown(&node.span, text);
                    self.reader
                        .error(codes::WRONG_TYPE, &node.span, format!("`{text}` is no limit"))
                        .set_help("write a count, a share of the records known, or both, of which the larger holds: `20`, `5%`, `20 or 5%`; or `none`");
                }
            }
        }
        limits
    }

    fn rate(&mut self, node: &Node) -> Option<f64> {
        let text = self.reader.text(node, "`rate`")?;
        let (number, unit) = text.split_once('/').unwrap_or((text, "second"));
        let seconds = match unit.trim() {
            "second" | "s" => Some(1.0),
            "minute" | "min" | "m" => Some(60.0),
            "hour" | "h" => Some(3600.0),
            _ => None,
        };
        let number =
            number.trim().parse::<f64>().ok().filter(|number| *number > 0.0 && number.is_finite());
        let found = number.zip(seconds).map(|(number, seconds)| number / seconds);
        if found.is_none() {
            let text = self.reader.shown(&node.span, text);
            self.reader
                .error(codes::WRONG_TYPE, &node.span, format!("`{text}` is no rate"))
                .set_help("write requests a second (`5`), or `300/minute`");
        }
        found
    }

    fn references(&mut self, node: &Node) -> Vec<Reference> {
        let mut references = Vec::new();
        for (kind, node) in self.reader.entries(node, "`references`").unwrap_or_default() {
            for (path, to) in
                self.reader.entries(node, "the references of a record type").unwrap_or_default()
            {
                let Some(text) = self.reader.text(to, "what a reference refers to") else {
                    continue;
                };
                references.push(Reference {
                    kind: kind.text.clone(),
                    path: Path::new(&path.text),
                    to: text.to_string(),
                    to_system: None,
                    place: self.reader.place(&to.span),
                });
            }
        }
        references
    }

    /// A title or alias that two systems share makes documents ambiguous.
    fn same_names(&mut self, systems: &[System]) {
        for (at, system) in systems.iter().enumerate() {
            for other in &systems[..at] {
                let names = |s: &System| {
                    s.title.iter().chain(&s.aliases).map(|name| squeezed(name)).collect::<Vec<_>>()
                };
                let (mine, theirs) = (names(system), names(other));
                let shared = mine
                    .iter()
                    .find(|name| theirs.contains(name) || squeezed(&other.name) == **name);
                if shared.is_some() || theirs.contains(&squeezed(&system.name)) {
                    let message = format!(
                        "`{}` and `{}` go by the same name, so a document can't tell them apart",
                        system.name, other.name
                    );
                    let problem = Problem::warning(codes::SAME_SYSTEM_NAME, system.place.clone(), message)
                        .help("give them different titles and aliases, or say in `flows` which is meant: `{ file: …, names: { … } }`")
                        .related(&other.place, "the other one");
                    self.reader.problems.push(problem);
                }
            }
        }
    }

    fn store(&mut self, node: &Node) -> Option<String> {
        let text = self.reader.text(node, "`store`")?;
        let known = ["sqlite:", "postgres:", "postgresql:"];
        if known.iter().any(|scheme| text.starts_with(scheme) && text.len() > scheme.len()) {
            return Some(text.to_string());
        }
        self.reader.error(codes::UNKNOWN_WORD, &node.span, "this names no store").set_help(
            "write `sqlite:` and a file: `sqlite:lockstep.db`; or `postgres://…` where several machines share the work",
        );
        None
    }

    /// For how many days the journal is kept; nothing for ever.
    fn journal(&mut self, node: &Node) -> Option<u32> {
        let fields = self.reader.fields::<written::JournalYaml>(node, "`journal`")?;
        let node = fields.get("keep")?;
        let text = self.reader.text(node, "`keep`")?.trim();
        if text == "forever" {
            return None;
        }
        let days = text
            .strip_suffix('d')
            .and_then(|days| days.trim().parse::<u32>().ok())
            .filter(|days| *days > 0);
        if days.is_none() {
            let text = self.reader.shown(&node.span, text);
            self.reader
                .error(
                    codes::WRONG_TYPE,
                    &node.span,
                    format!("`{text}` is no time to keep the journal for"),
                )
                .set_help("write `forever`, or a number of days: `90d`");
        }
        days
    }

    fn placeholders(&mut self, node: &Node) -> Placeholders {
        let texts = self.reader.texts(node, "`placeholders`");
        for (text, span) in &texts {
            if Placeholders::with([text]).added().next().is_none() {
                self.reader
                    .error(
                        codes::WRONG_TYPE,
                        span,
                        "a placeholder without letters or signs stands for nothing anyway",
                    )
                    .set_help("leave it out: what is empty never matches");
            }
        }
        Placeholders::with(texts.iter().map(|(text, _)| text))
    }

    fn policies(&mut self, node: &Node, names: &Names) -> Policies {
        let mut policies = Policies::default();
        let Some(fields) = self.reader.fields::<written::PoliciesYaml>(node, "`policies`") else {
            return policies;
        };
        if let Some(word) = fields
            .get("deletes")
            .and_then(|node| self.reader.word::<written::Deletes>(node, "`deletes`"))
        {
            policies.deletes = deletes_of(word);
        }
        let duplicates = fields
            .get("duplicates")
            .and_then(|node| self.reader.word::<written::Duplicates>(node, "`duplicates`"));
        policies.merge_duplicates = duplicates == Some("merge");
        policies.separate_duplicates = duplicates == Some("separate");
        policies.clears = fields
            .get("clears")
            .and_then(|node| self.reader.word::<written::Clears>(node, "`clears`"))
            != Some("ignore");
        let prefer = fields.get("prefer");
        if let Some(node) =
            prefer.filter(|node| matches!(&node.value, Yaml::List(items) if items.is_empty()))
        {
            self.reader
                .error(codes::WITHOUT_EFFECT, &node.span, "`prefer` names no system")
                .set_help("name systems, the first first: `[crm, shop]`; or leave it out");
        }
        for (text, span) in
            prefer.map(|node| self.reader.texts(node, "`prefer`")).unwrap_or_default()
        {
            self.reader.preferred_once(text, &span, &policies.prefer);
            if self.is_system(text, &span, names) {
                policies.prefer.push(text.to_string());
            }
        }
        policies
    }

    fn is_system(&mut self, name: &str, span: &Range<usize>, names: &Names) -> bool {
        if names.has(name) {
            return true;
        }
        let help = match nearest(name, names.systems()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("lockstep.yaml has {}", crate::near::all_of(names.systems())),
        };
        let name = self.reader.shown(span, name);
        self.reader
            .error(codes::UNKNOWN_SYSTEM, span, format!("lockstep.yaml has no system `{name}`"))
            .set_help(help);
        false
    }

    fn flow_files(&mut self, node: Option<&Node>, key: Option<Range<usize>>, names: &Names) {
        let Some(node) = node else {
            for pattern in ["flows/*.yaml", "flows/*.yml", "flows/*.rst", "flows/*.txt"] {
                self.add_files(crate::glob::files(self.dir, pattern), names);
            }
            if self.unresolved.is_empty() {
                let span = key.unwrap_or(0..0);
                self.reader
                    .warning(codes::NO_FLOWS, &span, "there are no flows, so there is nothing to keep in step")
                    .set_help("put flow files or dataflow documents into flows/, or name them: `flows: [people.yaml]`");
            }
            return;
        };
        for item in self.reader.list(node, "`flows`").unwrap_or_default() {
            let (pattern, span, names) = match &item.value {
                Yaml::Map(_) => match self.flows_file(item, names) {
                    Some(found) => found,
                    None => continue,
                },
                _ => match self.reader.text(item, "a file of flows") {
                    Some(text) => (text.to_string(), item.span.clone(), names.clone()),
                    None => continue,
                },
            };
            let files = crate::glob::files(self.dir, &pattern);
            if files.is_empty() {
                self.no_such_file(&pattern, &span);
            }
            self.names_of_no_document(item, &files);
            self.add_files(files, &names);
        }
    }

    fn flows_file(&mut self, item: &Node, names: &Names) -> Option<(String, Range<usize>, Names)> {
        let fields = self.reader.fields::<written::FlowsFileYaml>(item, "a file of flows")?;
        let unnamed = fields.get("unnamed").and_then(|node| {
            self.reader.text(node, "`unnamed`").map(|text| (text, node.span.clone()))
        });
        let unnamed =
            unnamed.filter(|(text, span)| self.is_system(text, span, names)).map(|(text, _)| text);
        let mut own = BTreeMap::new();
        let mut sides = Vec::new();
        for (key, node) in fields
            .get("names")
            .and_then(|node| self.reader.entries(node, "`names`"))
            .unwrap_or_default()
        {
            if let Yaml::List(_) = node.value {
                let found = self.reader.texts(node, "two systems");
                let known: Vec<String> = found
                    .into_iter()
                    .filter(|(text, span)| self.is_system(text, span, names))
                    .map(|(text, _)| text.to_string())
                    .collect();
                match <[String; 2]>::try_from(known) {
                    Ok(both) => sides.push((key.text.clone(), both)),
                    Err(known) if known.len() == 2 => {}
                    Err(_) => {
                        self.reader
                            .error(codes::WRONG_TYPE, &node.span, format!("`{}` names other than two systems", key.text))
                            .set_help("write one system, or two: that of a heading's first side, and that of the other");
                    }
                }
                continue;
            }
            let Some(text) = self.reader.text(node, "a system") else { continue };
            if self.is_system(text, &node.span, names) {
                own.insert(key.text.clone(), text.to_string());
            }
        }
        let file = self.reader.required(&fields, "file", "a file of flows", "flows/people.rst")?;
        let text = self.reader.text(file, "`file`")?.to_string();
        let names =
            sides.into_iter().fold(names.of_document(unnamed, &own), |names, (name, both)| {
                names.with_sides(&name, both)
            });
        Some((text, file.span.clone(), names))
    }

    /// `unnamed` and `names` say what a document's names mean; a flow file has the project's own.
    fn names_of_no_document(&mut self, item: &Node, files: &[String]) {
        let Yaml::Map(entries) = &item.value else { return };
        let is_flow_file = |file: &String| file.ends_with(".yaml") || file.ends_with(".yml");
        if files.is_empty() || !files.iter().all(is_flow_file) {
            return;
        }
        for (key, _) in entries.iter().filter(|(key, _)| matches!(&*key.text, "unnamed" | "names"))
        {
            let message = format!(
                "`{}` has no effect: it says what names in a dataflow document mean, and {} is none",
                key.text, files[0]
            );
            self.reader.warning(codes::WITHOUT_EFFECT, &key.span, message).set_help("leave it out");
        }
    }

    fn no_such_file(&mut self, pattern: &str, span: &Range<usize>) {
        let shown = self.reader.shown(span, pattern);
        if pattern.contains(['*', '?']) {
            self.reader.warning(codes::NO_FLOWS, span, format!("no file fits `{shown}`")).set_help(
                "patterns are taken from the project folder; `*` stands for any part of one name",
            );
            return;
        }
        let folder = FilePath::new(pattern)
            .parent()
            .map(|p| p.to_string_lossy().into_owned())
            .unwrap_or_default();
        let around = crate::glob::files(
            self.dir,
            &if folder.is_empty() { "*".into() } else { format!("{folder}/*") },
        );
        let help = match nearest(pattern, around.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "files are named from the project folder".into(),
        };
        self.reader
            .error(codes::UNREADABLE_FILE, span, format!("there is no file `{shown}`"))
            .set_help(help);
    }

    fn add_files(&mut self, files: Vec<String>, names: &Names) {
        for file in files {
            if !self.unresolved.iter().any(|(known, _)| *known == file) {
                self.unresolved.push((file, names.clone()));
            }
        }
    }
}

/// P8: `hr.Employees` is a record type of the system `hr`, where there is one.
fn of_other_systems<'n>(
    mut systems: Vec<System>,
    names: impl Iterator<Item = &'n str>,
) -> Vec<System> {
    let names: BTreeSet<&str> = names.collect();
    for system in &mut systems {
        for reference in &mut system.references {
            let Some((other, kind)) = reference.to.split_once('.') else { continue };
            if names.contains(other) {
                reference.to_system = Some(other.to_string()).filter(|other| *other != system.name);
                reference.to = kind.to_string();
            }
        }
    }
    systems
}

fn squeezed_upper(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect()
}

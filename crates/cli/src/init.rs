//! `init`: a new project folder, from documents where given.

use std::path::{Path, PathBuf};

use lockstep_document::StatementKind;

use crate::documents::read_all;
use crate::exit::{Exit, Failure, Result};

const STARTER: &str = "\
# The systems to keep in step. Secrets stand in .env and are named here: ${NAME}.
store: sqlite:lockstep.db

systems:
  crm:
    connector: files
    title: CRM
    with: { folder: data/crm }
  shop:
    connector: files
    title: Shop
    with: { folder: data/shop }

flows:
  - flows/*.yaml
";

const STARTER_FLOWS: &str = "\
flows:
  - from: crm.People
    to: shop.Customers
    create: always
    match:
      - email = mail            # a row; several rows are alternatives
    properties:
      - email <-> mail
      - name  <-> name
      - phone <-> phone
";

const STARTER_DATA: [(&str, &str); 2] = [
    (
        "data/crm/People.jsonl",
        "{\"id\":1,\"name\":\"Solveig Aas\",\"email\":\"solveig@example.com\",\"phone\":\"+47 22 00 00 01\"}\n\
         {\"id\":2,\"name\":\"Torbjørn Lie\",\"email\":\"torbjorn@example.com\",\"phone\":\"\"}\n",
    ),
    ("data/shop/Customers.jsonl", "{\"id\":\"c-1\",\"name\":\"Solveig Aas\",\"mail\":\"SOLVEIG@example.com\",\"phone\":\"\"}\n"),
];

/// Writes a project. Nothing that is there is overwritten.
pub fn init(dir: &Path, from: &[PathBuf]) -> Result<Exit> {
    if dir.join("lockstep.yaml").exists() {
        return Err(Failure::usage(format!("{} holds a project already; nothing was changed", dir.display())));
    }
    let files = if from.is_empty() { starter() } else { from_documents(from)? };
    for (name, text) in files {
        let path = dir.join(name);
        if path.exists() {
            println!("kept    {}", path.display());
            continue;
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
        }
        std::fs::write(&path, text).map_err(|error| Failure::file(&path, &error))?;
        println!("wrote   {}", path.display());
    }
    println!(
        "\nNext:\n  lockstep check -C {0}    what is wrong, or may do harm\n  lockstep plan -C {0}     what a run would do",
        dir.display()
    );
    Ok(Exit::Done)
}

fn starter() -> Vec<(String, String)> {
    let mut files = vec![
        ("lockstep.yaml".to_string(), STARTER.to_string()),
        ("flows/people.yaml".to_string(), STARTER_FLOWS.to_string()),
        (".gitignore".to_string(), ".env\n.lockstep/\nlockstep.db*\n".to_string()),
    ];
    files.extend(STARTER_DATA.map(|(name, text)| (name.to_string(), text.to_string())));
    files
}

fn from_documents(documents: &[PathBuf]) -> Result<Vec<(String, String)>> {
    let texts = read_all(documents)?;
    let all: Vec<&str> = texts.iter().map(|(_, text)| text.as_str()).collect();
    let connectors = lockstep_connector::catalogue::names();
    let connectors: Vec<&str> = connectors.iter().map(AsRef::as_ref).collect();
    let mut proposals = lockstep_config::propose_systems(&all, &connectors);
    let (mut files, mut guesses) = (Vec::new(), Vec::new());
    for (path, text) in &texts {
        let name = path.file_stem().map_or_else(|| "document".into(), |stem| stem.to_string_lossy().into_owned());
        let file = format!("flows/{name}.rst");
        if let Some(connector) = unnamed_system(text) {
            println!("{} leaves a system unnamed; by its record types and properties it is {connector}", path.display());
            guesses.push((file.clone(), connector));
        }
        files.push((file, text.clone()));
    }
    // A system that every document leaving one unnamed was recognised in needs no placeholder.
    if guesses.len() == texts.iter().filter(|(_, text)| leaves_unnamed(text)).count() {
        proposals.retain(|proposal| !proposal.unnamed);
    }
    for (_, connector) in &guesses {
        if !proposals.iter().any(|proposal| proposal.names.name == *connector) {
            let names = lockstep_config::SystemNames { name: connector.clone(), ..Default::default() };
            proposals.push(lockstep_config::Proposal { names, connector: Some(connector.clone()), unnamed: false });
        }
    }
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let settings = |connector: &str| {
        let all = lockstep_connector::catalogue::settings(connector);
        all.into_iter().filter(|s| s.default.is_none()).map(|s| (s.name, s.description)).collect()
    };
    let mut yaml = lockstep_config::write_project_yaml(&proposals, &names, &settings);
    for (file, connector) in &guesses {
        yaml = yaml.replace(&format!("  - {file}\n"), &format!("  - {{ file: {file}, unnamed: {connector} }}\n"));
    }
    files.insert(0, ("lockstep.yaml".into(), yaml));
    files.push((".gitignore".into(), ".env\n.lockstep/\nlockstep.db*\n".into()));
    Ok(files)
}

fn leaves_unnamed(text: &str) -> bool {
    let (document, _) = lockstep_document::read(text);
    document.sections.iter().any(|s| s.heading.from.system.is_empty() || s.heading.to.system.is_empty())
}

/// The built-in system that a document leaves unnamed: the only one that has all the record types and properties it names there.
fn unnamed_system(text: &str) -> Option<String> {
    let (document, _) = lockstep_document::read(text);
    let mut wanted: Vec<(String, Vec<String>)> = Vec::new();
    for section in &document.sections {
        let from = section.heading.from.system.is_empty();
        let kind = match (from, section.heading.to.system.is_empty()) {
            (true, _) => &section.heading.from.kind,
            (_, true) => &section.heading.to.kind,
            _ => continue,
        };
        let mut paths = Vec::new();
        for statement in &section.statements {
            match &statement.kind {
                StatementKind::Match { rows } => {
                    paths.extend(
                        rows.iter().flat_map(|r| &r.pairs).map(|p| if from { p.from.path.clone() } else { p.to.path.clone() }),
                    );
                }
                StatementKind::Properties { rows } => {
                    paths.extend(rows.iter().map(|r| if from { r.from.path.clone() } else { r.to.path.clone() }));
                }
                _ => {}
            }
        }
        wanted.push((kind.clone(), paths));
    }
    if wanted.is_empty() {
        return None;
    }
    let has_all = |name: &String| {
        let types = lockstep_connector::catalogue::schemas(name, &serde_json::Map::new(), Path::new(".")).unwrap_or_default();
        wanted.iter().all(|(kind, paths)| {
            let schema = types.iter().find(|schema| !schema.open && schema.kind == *kind);
            schema.is_some_and(|schema| paths.iter().all(|path| schema.resolve(&path.as_str().into()).is_some()))
        })
    };
    let mut fitting = lockstep_connector::catalogue::names().into_iter().filter(|name| name != "files").filter(has_all);
    fitting.next().filter(|_| fitting.next().is_none())
}

//! `init`: a new project folder, from documents where given.

use std::path::{Path, PathBuf};

use crate::args::Format;
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

# What the flows are to do with a few records; `lockstep test` plays it in memory. What is not expected must not happen.
tests:
  - name: a customer whom the shop knows is linked by e-mail and not created again
    given:
      crm.People:
        \"1\": { name: Solveig Aas, email: solveig@example.com, phone: \"+47 22 00 00 01\" }
      shop.Customers:
        c-1: { name: Solveig Aas, mail: SOLVEIG@example.com }
    expect:
      links:
        - crm.People/1 = shop.Customers/c-1
      updates:                    # the two addresses differ in case alone: they are equal, and neither is rewritten
        shop.Customers:
          c-1: { phone: \"+47 22 00 00 01\" }
  - name: a new person becomes a customer, and edits travel both ways
    given:
      crm.People:
        \"2\": { name: Torbjørn Lie, email: torbjorn@example.com }
    expect:
      creates:
        shop.Customers:
          c-2: { name: Torbjørn Lie, mail: torbjorn@example.com }   # c-2: by this id the steps below know it
    then:
      - edit:
          shop.Customers:
            c-2: { phone: \"+47 22 00 00 02\" }
        expect:
          updates:
            crm.People:
              \"2\": { phone: \"+47 22 00 00 02\" }
      - edit:
          crm.People:
            \"2\": { phone: null }    # emptying is an edit, too
        expect:
          updates:
            shop.Customers:
              c-2: { phone: null }
";

const STARTER_DATA: [(&str, &str); 2] = [
    (
        "data/crm/People.jsonl",
        "{\"id\":1,\"name\":\"Solveig Aas\",\"email\":\"solveig@example.com\",\"phone\":\"+47 22 00 00 01\"}\n\
         {\"id\":2,\"name\":\"Torbjørn Lie\",\"email\":\"torbjorn@example.com\",\"phone\":\"\"}\n",
    ),
    (
        "data/shop/Customers.jsonl",
        "{\"id\":\"c-1\",\"name\":\"Solveig Aas\",\"mail\":\"SOLVEIG@example.com\",\"phone\":\"\"}\n",
    ),
];

/// Writes a project. Nothing that is there is overwritten.
///
/// `named` is the folder of `-C`. After `--from` the documents come to no end of their own, so a
/// folder among them is the project's.
pub fn init(
    named: Option<&Path>,
    folder: Option<PathBuf>,
    mut from: Vec<PathBuf>,
    format: Format,
) -> Result<Exit> {
    let is_folder = |path: &PathBuf| path.is_dir() || !path.exists() && path.extension().is_none();
    let swallowed =
        (folder.is_none() && from.len() > 1).then(|| from.iter().position(is_folder)).flatten();
    let folder = folder.or_else(|| swallowed.map(|at| from.remove(at)));
    let dir = &named.unwrap_or(Path::new(".")).join(folder.as_deref().unwrap_or(Path::new("")));
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir.as_path() };
    let dir = dir.strip_prefix("./").unwrap_or(dir);
    let is_here = dir.as_os_str().is_empty() || dir == Path::new(".");
    let from = &from[..];
    if dir.join("lockstep.yaml").exists() {
        return Err(Failure::usage(format!(
            "{} holds a project already; nothing was changed",
            if is_here { Path::new(".") } else { dir }.display()
        )));
    }
    let files = if from.is_empty() { starter() } else { from_documents(from)? };
    // A flow file that is there says something else than the project would be made for.
    for (name, text) in files.iter().filter(|(name, _)| name.starts_with("flows/")) {
        let path = dir.join(name);
        if path.symlink_metadata().is_ok()
            && std::fs::read_to_string(&path).ok().as_ref() != Some(text)
        {
            return Err(Failure::usage(format!(
                "{} is there already: nothing was written; move it away, or choose another folder",
                path.display()
            )));
        }
    }
    let example = env_example(
        files
            .iter()
            .find(|(name, _)| name == "lockstep.yaml")
            .map_or("", |(_, text)| text.as_str()),
    );
    let is_to_fill = !example.is_empty();
    let (mut wrote, mut kept) = (Vec::new(), Vec::new());
    for (name, text) in
        files.into_iter().chain(is_to_fill.then(|| (".env.example".to_string(), example)))
    {
        let path = dir.join(name);
        if path.exists() {
            if format == Format::Text {
                println!("kept    {}", path.display());
            }
            kept.push(path.display().to_string());
            continue;
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
        }
        std::fs::write(&path, text).map_err(|error| Failure::file(&path, &error))?;
        if format == Format::Text {
            println!("wrote   {}", path.display());
        }
        wrote.push(path.display().to_string());
    }
    if format == Format::Json {
        let folder = if is_here { ".".into() } else { dir.display().to_string() };
        crate::look::json(&crate::wire::Made { folder, wrote, kept })?;
        return Ok(Exit::Done);
    }
    if is_to_fill {
        println!(
            "\nCopy {0} to {1} and fill it in; it stays out of version control.",
            dir.join(".env.example").display(),
            dir.join(".env").display()
        );
    }
    let at = match is_here {
        true => String::new(),
        false => format!(" -C {}", dir.display()),
    };
    println!(
        "\nNext:\n  lockstep check{at}    what is wrong, or may do harm\n  lockstep test{at}     the flows' own tests, in memory\n  lockstep plan{at}     what a run would do",
    );
    Ok(Exit::Done)
}

/// A line for each variable that `lockstep.yaml` names, below what it is for.
fn env_example(project: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in project.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, rest)) = line.split_once("${").and_then(|(_, rest)| rest.split_once('}'))
        else {
            continue;
        };
        if !lines.iter().any(|known| known.ends_with(&format!("{name}=\n"))) {
            let what = rest.split_once('#').map_or(String::new(), |(_, what)| format!("#{what}\n"));
            lines.push(format!("{what}{name}=\n"));
        }
    }
    match lines.is_empty() {
        true => String::new(),
        false => format!(
            "# Copy this to .env and fill it in. .env is not for version control.\n\n{}",
            lines.concat()
        ),
    }
}

fn starter() -> Vec<(String, String)> {
    let mut files = vec![
        ("lockstep.yaml".to_string(), STARTER.to_string()),
        ("flows/people.yaml".to_string(), STARTER_FLOWS.to_string()),
        (
            ".gitignore".to_string(),
            ".env\n.lockstep/\nlockstep.db*\nlockstep.key\nlockstep.tokens*\n".to_string(),
        ),
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
    let built_in = lockstep_connector::catalogue::built_in();
    let (mut files, mut guesses) = (Vec::new(), Vec::new());
    for (path, text) in &texts {
        let name = path
            .file_stem()
            .map_or_else(|| "document".into(), |stem| stem.to_string_lossy().into_owned());
        let file = format!("flows/{name}.rst");
        if let Some(connector) = lockstep_config::unnamed_system(text, &built_in) {
            note!(
                "{} leaves a system unnamed; by its record types and properties it is {connector}",
                path.display()
            );
            guesses.push((file.clone(), connector));
        }
        files.push((file, text.clone()));
    }
    // A system that every document leaving one unnamed was recognised in needs no placeholder.
    if guesses.len()
        == texts.iter().filter(|(_, text)| lockstep_config::leaves_unnamed(text)).count()
    {
        proposals.retain(|proposal| !proposal.unnamed);
    }
    for (_, connector) in &guesses {
        if !proposals.iter().any(|proposal| proposal.names.name == *connector) {
            let names =
                lockstep_config::SystemNames { name: connector.clone(), ..Default::default() };
            proposals.push(lockstep_config::Proposal {
                names,
                connector: Some(connector.clone()),
                unnamed: false,
            });
        }
    }
    // Tests of the flows, in a file of their own: a document has no place for them.
    let of_all = lockstep_config::names_of(&proposals);
    let read = |(name, text): &(String, String)| {
        let unnamed =
            guesses.iter().find(|(file, _)| file == name).map(|(_, connector)| connector.as_str());
        let names = match unnamed {
            Some(unnamed) => of_all.of_document(Some(unnamed), &Default::default()),
            None => of_all.clone(),
        };
        lockstep_config::read_flows(name, text, &names).0
    };
    let read: Vec<lockstep_config::FlowFile> = files.iter().map(read).collect();
    let (flows, _) = lockstep_config::united_flows(read.iter());
    let tests = crate::documents::samples(read.iter(), &flows);
    if !tests.is_empty() {
        files.push((
            "flows/tests.yaml".into(),
            format!("flows: []\n\n{}{tests}", crate::documents::TESTS),
        ));
    }
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let settings = |connector: &str| {
        let all = lockstep_connector::catalogue::settings(connector);
        all.into_iter().filter(|s| s.default.is_none()).map(|s| (s.name, s.description)).collect()
    };
    let mut yaml = lockstep_config::write_project_yaml(&proposals, &names, &settings, &flows);
    for (file, connector) in &guesses {
        yaml = yaml.replace(
            &format!("  - {file}\n"),
            &format!("  - {{ file: {file}, unnamed: {connector} }}\n"),
        );
    }
    files.insert(0, ("lockstep.yaml".into(), yaml));
    files.push((
        ".gitignore".into(),
        ".env\n.lockstep/\nlockstep.db*\nlockstep.key\nlockstep.tokens*\n".into(),
    ));
    Ok(files)
}

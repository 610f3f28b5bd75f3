//! `doc` and `import`: flow files to documents, documents to flow files. Nothing here needs a
//! project, a network or a store.

use std::ffi::OsStr;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use lockstep_config::{Commands, FlowFile, Names, Problem, Severity, SystemNames};
use lockstep_document::{write_html, write_markdown, write_rst};
use lockstep_model::Flow;

use crate::args::DocFormat;
use crate::exit::{Exit, Failure, Result};

/// Flow files (or documents) to documents.
pub fn doc(dir: &Path, format: DocFormat, out: Option<&Path>, files: &[PathBuf]) -> Result<Exit> {
    let mut written: Vec<(PathBuf, String)> = Vec::new();
    if files.is_empty() {
        let (project, problems) = crate::project::load(dir, Commands::Leave);
        tell(&problems);
        let project =
            project.ok_or_else(|| Failure::usage("there is no project to write documents of"))?;
        for file in &project.files {
            written.push((PathBuf::from(&file.source.name), as_document(file, format)));
        }
    } else {
        for (path, text) in read_all(files)? {
            let file = read_flows(&path, &text, files.len() == 1)?;
            written.push((path, as_document(&file, format)));
        }
    }
    let extension = match format {
        DocFormat::Rst => "rst",
        DocFormat::Md => "md",
        DocFormat::Html => "html",
    };
    put(written, out, extension, false)
}

/// A document that was read is given back as it is, byte for byte, when it is asked for in its own
/// form.
fn as_document(file: &FlowFile, format: DocFormat) -> String {
    let draft = || file.draft.clone().with_all_said();
    match format {
        DocFormat::Rst if file.is_document => file.source.text.clone(),
        DocFormat::Rst => write_rst(&draft()),
        DocFormat::Md => write_markdown(&draft()),
        DocFormat::Html => write_html(&draft()),
    }
}

/// Documents to flow files, each with some tests of its flows; those of all documents are at work
/// in them.
pub fn import(documents: &[PathBuf], out: Option<&Path>) -> Result<Exit> {
    let mut files = Vec::new();
    for (path, text) in read_all(documents)? {
        files.push((path.clone(), read_flows(&path, &text, true)?));
    }
    let (all, _) = lockstep_config::united_flows(files.iter().map(|(_, file)| file));
    let mut written = Vec::new();
    for (path, file) in &files {
        let mut text = lockstep_config::write_flows_yaml(file);
        let tests = samples(std::iter::once(file), &all);
        if file.is_document && too_many_for_tests(file, &all) {
            note!(
                "{}: no tests were made of it: more than {} flows have to do with each other here. Write some by hand under `tests:`",
                path.display(),
                lockstep_workbench::samples::MOST_FLOWS
            );
        }
        if file.is_document && !tests.is_empty() {
            text.push_str(&format!("\n{TESTS}{tests}"));
        }
        written.push((path.clone(), text));
    }
    put(written, out, "yaml", true)
}

/// What stands before the tests that are made for flows.
pub const TESTS: &str = "\
# What the flows do with a few records; `lockstep test` plays it in memory. What is not expected must not happen.
tests:
";
/// Samples generated per document.
const SAMPLES: usize = 3;

/// Tests of the flows of these files, with all flows at work. Systems by the name of a built-in
/// connector are taken for one of its kind.
pub fn samples<'a>(files: impl Iterator<Item = &'a FlowFile>, all: &[Flow]) -> String {
    let schemas = lockstep_connector::catalogue::built_in();
    let tests = files.map(|file| {
        let (flows, _) = lockstep_config::united_flows(std::iter::once(file));
        // As they run: united with what other files say of the same two record types.
        let same = |flow: &Flow| {
            all.iter().find(|known| known.from == flow.from && known.to == flow.to).cloned()
        };
        let flows: Vec<Flow> = flows.iter().filter_map(same).collect();
        lockstep_workbench::samples::samples(&flows, all, &schemas, SAMPLES)
    });
    tests.collect()
}

/// Whether so many flows are at work together that no tests are made of those of this file.
fn too_many_for_tests(file: &FlowFile, all: &[Flow]) -> bool {
    let (flows, _) = lockstep_config::united_flows(std::iter::once(file));
    all.len() > lockstep_workbench::samples::MOST_FLOWS
        && lockstep_workbench::samples::together_with(&flows, all).len()
            > lockstep_workbench::samples::MOST_FLOWS
}

/// The texts of files. One that is no text is told with what it is.
pub fn read_all(files: &[PathBuf]) -> Result<Vec<(PathBuf, String)>> {
    let read = |path: &PathBuf| {
        let bytes = std::fs::read(path).map_err(|error| Failure::file(path, &error))?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok((path.clone(), text)),
            Err(error) => match lockstep_document::read_bytes(error.as_bytes()) {
                Err(why) => Err(Failure::usage(format!("{}: {why}", path.display()))),
                Ok(_) => Err(Failure::usage(format!("{}: not UTF-8", path.display()))),
            },
        }
    };
    files.iter().map(read).collect()
}

/// Reads a file of flows by itself: the systems get the names that the text itself suggests.
pub fn read_flows(path: &Path, text: &str, warn: bool) -> Result<FlowFile> {
    let name = path.display().to_string();
    let names = if name.ends_with(".yaml") || name.ends_with(".yml") {
        let systems = lockstep_config::systems_named(text)
            .into_iter()
            .map(|name| SystemNames { name, ..SystemNames::default() });
        Names::new(systems.collect())
    } else {
        let connectors = lockstep_connector::catalogue::names();
        let connectors: Vec<&str> = connectors.iter().map(AsRef::as_ref).collect();
        lockstep_config::names_of(&lockstep_config::propose_systems(&[text], &connectors))
    };
    let (file, problems) = lockstep_config::read_flows(&name, text, &names);
    if warn {
        tell(&problems);
    }
    match problems.iter().filter(|p| p.severity == Severity::Error).count() {
        0 => Ok(file),
        // A document is still given back as it was read.
        _ if file.is_document => Ok(file),
        n => {
            if !warn {
                tell(&problems);
            }
            Err(Failure::usage(format!("{name}: {}", crate::print::count(n as u64, "error"))))
        }
    }
}

fn tell(problems: &[Problem]) {
    for problem in problems {
        eprintln!("{}", problem.render());
    }
}

/// One file each under the same base name; without a folder, all to standard output. `only_new`: a
/// file that is there, and may be edited since, is not overwritten, and then none is written. Nor
/// is a file that was read.
fn put(
    texts: Vec<(PathBuf, String)>,
    out: Option<&Path>,
    extension: &str,
    only_new: bool,
) -> Result<Exit> {
    let Some(out) = out else {
        for (_, text) in texts {
            // G9: on a terminal a stranger's document is shown like anything else; a file or a pipe
            // gets it byte for byte.
            if std::io::stdout().is_terminal() {
                emit!("{text}");
            } else {
                ::std::print!("{text}");
            }
        }
        return Ok(Exit::Done);
    };
    let target = |path: &Path| {
        out.join(path.file_stem().unwrap_or(OsStr::new("document"))).with_extension(extension)
    };
    for (at, (path, text)) in texts.iter().enumerate() {
        let to = target(path);
        if let Some((other, _)) = texts[..at].iter().find(|(other, _)| target(other) == to) {
            return Err(Failure::usage(format!(
                "{} and {} would both be written to {}: nothing was written; give one of them another name, or another `-o`",
                other.display(),
                path.display(),
                to.display()
            )));
        }
        let there = std::fs::read_to_string(&to).ok();
        let was_read = texts.iter().any(|(read, _)| {
            std::fs::canonicalize(read)
                .is_ok_and(|read| std::fs::canonicalize(&to).is_ok_and(|to| to == read))
        });
        if to.symlink_metadata().is_ok() && (only_new || was_read) && there.as_ref() != Some(text) {
            return Err(Failure::usage(format!(
                "{} is there already: nothing was written, so that no edit of it is lost; move it away, or name another folder with `-o`",
                to.display()
            )));
        }
    }
    std::fs::create_dir_all(out).map_err(|error| Failure::file(out, &error))?;
    for (path, text) in texts {
        let target = target(&path);
        std::fs::write(&target, text).map_err(|error| Failure::file(&target, &error))?;
        println!("{}", target.display());
    }
    Ok(Exit::Done)
}

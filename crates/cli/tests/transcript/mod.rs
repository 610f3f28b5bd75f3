//! Runs of the built command, kept as a person would see them: the command, what it printed, its
//! exit status.
//!
//! Every check shows the whole transcript when it does not hold, because the message is what is
//! being tested.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use lockstep_sandbox::{Running, SYSTEMS, credentials};
use serde_json::Value;

/// One run of the command.
pub struct Ran {
    pub command: String,
    pub stdout: String,
    pub stderr: String,
    pub status: Option<i32>,
}

impl Ran {
    pub fn of(command: &Command, output: Output) -> Self {
        let args: Vec<_> =
            command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
        Ran {
            command: format!("lockstep {}", args.join(" ")),
            stdout: String::from_utf8(output.stdout).expect("standard output is text"),
            stderr: String::from_utf8(output.stderr).expect("standard error is text"),
            status: output.status.code(),
        }
    }

    /// It ended with this exit status.
    #[track_caller]
    pub fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "exit status\n{self}");
        self
    }

    /// It printed this, wherever.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.stdout.contains(text) || self.stderr.contains(text),
            "missing: {text}\n{self}"
        );
        self
    }

    /// It did not print this anywhere.
    #[track_caller]
    pub fn says_nothing_of(self, text: &str) -> Self {
        assert!(
            !self.stdout.contains(text) && !self.stderr.contains(text),
            "there is: {text}\n{self}"
        );
        self
    }

    /// Standard output is one JSON document and nothing else.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON document: {error}\n{self}"))
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "$ {}\n{}--- standard error\n{}--- exit status {:?}\n",
            self.command, self.stdout, self.stderr, self.status
        )
    }
}

/// The command in a folder, with no variable of the caller's that a project could read.
pub fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    // No test writes into the keyring of whoever runs it.
    command.current_dir(dir).args(args).stdin(Stdio::null()).env("LOCKSTEP_KEY", "file");
    for system in SYSTEMS {
        command.env_remove(format!("{}_URL", variable(system)));
        for (name, _) in credentials(system) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the command in a folder.
pub fn lockstep(dir: &Path, args: &[&str]) -> Ran {
    let mut command = command(dir, args);
    let output = command.output().expect("the command can be started");
    Ran::of(&command, output)
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the workspace is there")
}

/// The files of a folder with an extension, sorted.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return vec![] };
    let mut files: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    files.sort();
    files
}

/// The seed documents; none, with a notice, where they are not beside the workspace.
pub fn seeds() -> Vec<PathBuf> {
    let seeds = files(&root().join("../shared/seeds"), "txt");
    if seeds.is_empty() {
        println!("skipped: the seed documents are not beside the workspace");
    }
    seeds
}

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Writes records into a file of JSON lines.
pub fn put(dir: &Path, file: &str, records: &[Value]) {
    let lines: Vec<String> = records.iter().map(|record| format!("{record}\n")).collect();
    write(&dir.join(file), &lines.concat());
}

/// The records of a file of JSON lines.
pub fn rows(dir: &Path, file: &str) -> Vec<Value> {
    read(&dir.join(file)).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a file has a folder"))
        .expect("the folder can be made");
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if path.ends_with(".env") {
        keep_from_others(path);
    }
}

/// As a careful person does: `check` warns of secrets that others may read.
pub fn keep_from_others(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// Puts one text for another in a file, and insists that it was there.
#[track_caller]
pub fn replace(path: &Path, what: &str, with: &str) {
    let text = read(path);
    assert!(text.contains(what), "{what} is not in {}", path.display());
    write(path, &text.replace(what, with));
}

/// All files of a folder and what they hold.
pub fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder can be listed").flatten() {
            match entry.path() {
                path if path.is_dir() => open.push(path),
                path => drop(
                    all.insert(path.clone(), std::fs::read(&path).expect("a file can be read")),
                ),
            }
        }
    }
    all
}

fn variable(system: &str) -> String {
    system.to_uppercase().replace('-', "_")
}

/// The example project against a sandbox. `other` are variables with values of their own.
pub fn example(dir: &Path, sandbox: &Running, other: &[(&str, &str)]) {
    let examples = root().join("examples");
    write(&dir.join("lockstep.yaml"), &read(&examples.join("lockstep.yaml")));
    for flows in files(&examples.join("flows"), "yaml") {
        write(&dir.join("flows").join(flows.file_name().expect("it has a name")), &read(&flows));
    }
    let mut variables = BTreeMap::from([
        ("RATE".to_string(), "1000".to_string()),
        (
            "CRMOFFICE_TOKEN_URL".to_string(),
            format!("{}/connect/token", sandbox.url("crmoffice").unwrap_or_default()),
        ),
    ]);
    for system in SYSTEMS {
        variables
            .insert(format!("{}_URL", variable(system)), sandbox.url(system).unwrap_or_default());
        variables.extend(credentials(system));
    }
    variables.extend(other.iter().map(|(name, value)| (name.to_string(), value.to_string())));
    let env: String = variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    write(&dir.join(".env"), &env);
}

//! Where the value of a variable comes from: the environment, a file that it names, a credential of
//! the service manager, `.env`, or a command that `lockstep.yaml` names. No value is shown, nor
//! what a command prints.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::codes;

/// The largest value, in bytes.
const MOST_BYTES: usize = 64 << 10;
/// A command that gives a value ends within this.
const PATIENCE: Duration = Duration::from_secs(30);
/// The folder in which systemd puts a service's credentials.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// Whether the commands are run that give values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commands {
    Run,
    /// For what needs no secret: their values are empty.
    Leave,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValueSource {
    Environment,
    /// The file that `NAME_FILE` names.
    File(PathBuf),
    /// A file in `$CREDENTIALS_DIRECTORY`.
    Credential,
    DotEnv,
    /// The name of the program.
    Command(String),
    /// The same, which was not run.
    NotRun(String),
    /// `${NAME:-…}`
    Default,
}

impl fmt::Display for ValueSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueSource::Environment => write!(f, "the environment"),
            ValueSource::File(path) => write!(f, "the file {}", path.display()),
            ValueSource::Credential => write!(f, "${CREDENTIALS}"),
            ValueSource::DotEnv => write!(f, ".env"),
            ValueSource::Command(program) => write!(f, "the command `{program}`"),
            ValueSource::NotRun(program) => {
                write!(f, "the command `{program}`, which was not run")
            }
            ValueSource::Default => write!(f, "the default in lockstep.yaml"),
        }
    }
}

/// A variable that `lockstep.yaml` names, and where its value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    pub source: ValueSource,
}

/// Why a source has no value though it is the one that counts. The source itself is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoValue {
    pub code: &'static str,
    pub message: String,
    pub help: String,
}

/// What a look for a variable found.
#[derive(Clone, Debug)]
pub(crate) enum Looked {
    Found { value: String, source: ValueSource },
    Missing,
    Failed(NoValue),
}

/// All sources. Each variable is looked for once.
pub(crate) struct Sources<'a> {
    /// Paths in `.env` begin here.
    dir: PathBuf,
    process: &'a dyn Fn(&str) -> Option<String>,
    /// The variables of `.env`.
    pub file: BTreeMap<String, String>,
    /// Programs with their arguments, by the variable that they give.
    pub commands: BTreeMap<String, Vec<String>>,
    runs: Commands,
    known: RefCell<BTreeMap<String, Looked>>,
}

impl<'a> Sources<'a> {
    pub fn new(
        dir: &Path,
        process: &'a dyn Fn(&str) -> Option<String>,
        file: BTreeMap<String, String>,
        runs: Commands,
    ) -> Self {
        let (dir, commands, known) = (dir.to_path_buf(), BTreeMap::new(), RefCell::default());
        Sources { dir, process, file, commands, runs, known }
    }

    /// Looks for a variable. The second is true where this is the first look for it.
    pub fn look_up(&self, name: &str) -> (Looked, bool) {
        if let Some(looked) = self.known.borrow().get(name) {
            return (looked.clone(), false);
        }
        let looked = self.find(name);
        self.known.borrow_mut().insert(name.to_string(), looked.clone());
        (looked, true)
    }

    pub fn was_looked_for(&self, name: &str) -> bool {
        self.known.borrow().contains_key(name)
    }

    fn find(&self, name: &str) -> Looked {
        let named_file = format!("{name}_FILE");
        let found = |value: String, source| Looked::Found { value, source };
        if let Some(value) = (self.process)(name) {
            return found(value, ValueSource::Environment);
        }
        if let Some(path) = (self.process)(&named_file).filter(|path| !path.is_empty()) {
            return from_file(name, Path::new(&path), false);
        }
        let credential = (self.process)(CREDENTIALS).map(|dir| Path::new(&dir).join(name));
        if let Some(path) = credential.filter(|path| path.exists()) {
            return from_file(name, &path, true);
        }
        if let Some(value) = self.file.get(name) {
            return found(value.clone(), ValueSource::DotEnv);
        }
        if let Some(path) = self.file.get(&named_file).filter(|path| !path.is_empty()) {
            return from_file(name, &self.dir.join(path), false);
        }
        let Some((program, args)) = self.commands.get(name).and_then(|all| all.split_first())
        else {
            return Looked::Missing;
        };
        if self.runs == Commands::Leave {
            return found(String::new(), ValueSource::NotRun(program.clone()));
        }
        match output_of(program, args, &self.dir) {
            Ok(value) => found(value, ValueSource::Command(program.clone())),
            Err(why) => Looked::Failed(NoValue {
                code: codes::ENV_COMMAND,
                message: format!("the command `{program}`, which gives {name}, {why}"),
                help:
                    "run it yourself: what it prints is not shown here, as it may hold the secret"
                        .into(),
            }),
        }
    }
}

/// A variable of the process, or what a file holds that it or the service manager names.
///
/// # Errors
/// The file can't be read; the text says which and why.
pub fn of_process(name: &str) -> Result<Option<String>, String> {
    let process = |name: &str| std::env::var(name).ok();
    let sources = Sources::new(Path::new(""), &process, BTreeMap::new(), Commands::Leave);
    match sources.find(name) {
        Looked::Found { value, .. } => Ok(Some(value)),
        Looked::Missing => Ok(None),
        Looked::Failed(why) => Err(why.message),
    }
}

fn from_file(name: &str, path: &Path, is_credential: bool) -> Looked {
    let source = match is_credential {
        true => ValueSource::Credential,
        false => ValueSource::File(path.to_path_buf()),
    };
    match file_text(path) {
        Ok(value) => Looked::Found { value, source },
        Err(why) => Looked::Failed(NoValue {
            code: codes::ENV_FILE,
            message: format!("the file {}, which is to hold {name}, {why}", path.display()),
            help: match is_credential {
                true => "put it right where the service manager is told of it".into(),
                false => {
                    format!("put the path in {name}_FILE right, or let this user read the file")
                }
            },
        }),
    }
}

fn file_text(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("can't be read: {error}");
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    text_of(bytes, "holds")
}

/// A value as it stands in a file or in what a command prints: without its last line end.
fn text_of(bytes: Vec<u8>, holds: &str) -> Result<String, String> {
    if bytes.len() > MOST_BYTES {
        return Err(format!("{holds} more than {MOST_BYTES} bytes"));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| format!("{holds} what is no UTF-8"))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// What a command prints. It is not read to the end where that is too much, and is stopped where it
/// takes too long.
fn output_of(program: &str, args: &[String], dir: &Path) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(args).current_dir(if dir.as_os_str().is_empty() { Path::new(".") } else { dir });
    // Its errors may hold the secret as well.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("can't be started: {error}"))?;
    let Some(out) = child.stdout.take() else { return Err("prints nothing".into()) };
    let (read, printed) = channel();
    // Not waited for: what it has started itself may keep its output open.
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let done = out.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes);
        let _ = read.send(done.map(|_| bytes));
    });
    let until = Instant::now() + PATIENCE;
    let bytes = match printed.recv_timeout(PATIENCE) {
        Ok(bytes) => bytes.map_err(|error| format!("can't be read from: {error}"))?,
        Err(_) => return Err(stopped(&mut child)),
    };
    if bytes.len() > MOST_BYTES {
        stopped(&mut child);
        return text_of(bytes, "prints");
    }
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return text_of(bytes, "prints"),
            Ok(Some(status)) => return Err(format!("failed ({status})")),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) => return Err(stopped(&mut child)),
            Err(error) => return Err(format!("can't be waited for: {error}")),
        }
    }
}

fn stopped(child: &mut Child) -> String {
    let _ = child.kill();
    let _ = child.wait();
    format!("did not end within {} s and was stopped", PATIENCE.as_secs())
}

/// Whether somebody else on this machine may read a file: it is open to all, and so are the folders
/// that lead to it.
#[cfg(unix)]
pub(crate) fn others_may_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(path) = path.canonicalize() else { return false };
    let has = |path: &Path, bit| {
        std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & bit != 0)
    };
    has(&path, 0o004) && path.ancestors().skip(1).all(|folder| has(folder, 0o001))
}

#[cfg(not(unix))]
pub(crate) fn others_may_read(_: &Path) -> bool {
    false
}

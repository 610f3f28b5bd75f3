//! The operating system's keyring, which gives a secret to the person who is signed in and to
//! nobody else: on Linux the Secret Service
//! (<https://specifications.freedesktop.org/secret-service/>) by `secret-tool`, on macOS the
//! keychain by `security`.
//!
//! Both are asked as processes: a library that speaks D-Bus would be larger than all the rest of
//! the vault. A secret goes to them on standard input and comes back on standard output; it is in
//! no argument, which everybody on the machine could list. A keyring that is locked asks the person
//! for its password in a window, so an answer may take a while.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the entries are under.
const SERVICE: &str = "lockstep";
/// A person may have to type a password. Who does not answer for so long is not there.
const PATIENCE: Duration = Duration::from_secs(60);
/// `security` ends with this where there is no such entry.
const NO_ENTRY: i32 = 44;

/// The program by which a keyring is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keyring {
    /// `secret-tool`, of libsecret.
    SecretTool(PathBuf),
    /// `security`, of macOS.
    Security(PathBuf),
}

impl Keyring {
    /// That of this machine, if it has a program for it. Whether it answers shows when it is asked.
    pub fn of_this_machine() -> Option<Keyring> {
        if cfg!(target_os = "macos") {
            return on_path("security").map(Keyring::Security);
        }
        on_path("secret-tool").map(Keyring::SecretTool)
    }

    /// The secret under a name; `None` if there is none.
    ///
    /// # Errors
    /// In words: the keyring is locked, or not to be reached.
    pub fn read(&self, name: &str) -> Result<Option<String>, String> {
        let told = match self {
            Keyring::SecretTool(program) => ask(
                Command::new(program).args(["lookup", "service", SERVICE, "key", name]),
                None,
                name,
            )?,
            Keyring::Security(program) => ask(
                Command::new(program).args([
                    "find-generic-password",
                    "-s",
                    SERVICE,
                    "-a",
                    name,
                    "-w",
                ]),
                None,
                name,
            )?,
        };
        let secret = told.out.trim();
        match (self, told.status) {
            (_, Some(0)) => Ok((!secret.is_empty()).then(|| secret.to_string())),
            // It says nothing where there is simply no such entry.
            (Keyring::SecretTool(_), Some(1)) if told.err.trim().is_empty() => Ok(None),
            (Keyring::Security(_), Some(NO_ENTRY)) => Ok(None),
            _ => Err(told.why()),
        }
    }

    /// Keeps a secret under a name, in place of what was there. It has neither blanks nor quotation
    /// marks.
    pub fn write(&self, name: &str, secret: &str) -> Result<(), String> {
        let told = match self {
            Keyring::SecretTool(program) => {
                let label = format!("--label=Lockstep's key to its tokens ({name})");
                ask(
                    Command::new(program).args(["store", &label, "service", SERVICE, "key", name]),
                    Some(secret),
                    secret,
                )?
            }
            // As one of the commands that it reads from its input, so that the secret is in no
            // argument.
            Keyring::Security(program) => {
                let command =
                    format!("add-generic-password -U -s {SERVICE} -a {name} -w {secret}\n");
                ask(Command::new(program).arg("-i"), Some(&command), secret)?
            }
        };
        match (told.status, self.read(name)?) {
            (Some(0), Some(kept)) if kept == secret => Ok(()),
            (Some(0), _) => Err("it does not give back what it was given to keep".into()),
            _ => Err(told.why()),
        }
    }
}

/// What a program answered.
struct Told {
    status: Option<i32>,
    out: String,
    err: String,
}

impl Told {
    fn why(&self) -> String {
        match self.err.lines().find(|line| !line.trim().is_empty()) {
            Some(line) => line.trim().to_string(),
            None => format!(
                "it ended with status {}",
                self.status.map_or("unknown".into(), |status| status.to_string())
            ),
        }
    }
}

/// Runs a program; what it says of the secret is left out of what it complains about.
fn ask(command: &mut Command, input: Option<&str>, secret: &str) -> Result<Told, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let given = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    let started = command.stdin(given).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = started.map_err(|error| format!("{program} can't be started ({error})"))?;
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        // Who has ended without reading says why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let status = ended(&mut child)
        .ok_or_else(|| format!("{program} did not answer within {} s", PATIENCE.as_secs()))?;
    let (mut out, mut err) = (String::new(), String::new());
    if let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) {
        // Either is a line: neither pipe can have been full.
        let _ = stdout.read_to_string(&mut out);
        let _ = stderr.read_to_string(&mut err);
    }
    Ok(Told { status: status.code(), out, err: err.replace(secret, "…") })
}

fn ended(child: &mut Child) -> Option<std::process::ExitStatus> {
    let until = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

//! Real servers for tests: started on a free port over a folder that is thrown away, stopped when
//! the test ends.
//!
//! A server that is not installed is told of and left out, unless `LOCKSTEP_NEEDS` names it:
//! `./test` does, for all it could install.
#![allow(dead_code)]

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server.
pub struct Server {
    child: Child,
    /// What it was started with.
    command: Command,
    pub port: u16,
    pub dir: tempfile::TempDir,
}

pub const PASSWORD: &str = "secret-of-the-test";

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Server {
    /// Starts it and waits until it answers.
    fn start(mut command: Command, port: u16, dir: tempfile::TempDir, name: &str) -> Server {
        let (out, err) = said(&dir);
        let child = command
            .stdout(out)
            .stderr(err)
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut server = Server { child, command, port, dir };
        server.wait_until_it_answers(name);
        server
    }

    /// Starts it anew on the same folder and port, after it was stopped.
    pub fn start_again(&mut self) {
        self.child = self.command.spawn().unwrap();
        self.wait_until_it_answers("the server, started again,");
        // PostgreSQL answers before it is ready, and says so.
        if self.dir.path().join("secret.txt").exists() {
            self.wait_until_postgres_is_ready();
        }
    }

    fn wait_until_postgres_is_ready(&self) {
        let end = Instant::now() + Duration::from_secs(30);
        while let Err(error) = postgres::Client::connect(&self.postgres_url(), postgres::NoTls) {
            assert!(Instant::now() < end, "PostgreSQL: {error:?}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Stops it, as its service would be stopped.
    pub fn stop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn wait_until_it_answers(&mut self, name: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if let Ok(Some(status)) = self.child.try_wait() {
                let said =
                    std::fs::read_to_string(self.dir.path().join("said.txt")).unwrap_or_default();
                panic!("{name} ended with {status}:\n{said}");
            }
            assert!(Instant::now() < end, "{name} does not answer on port {}", self.port);
            std::thread::sleep(Duration::from_millis(30));
        }
    }
}

/// A port that nobody has.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Whether to go on without this server: it is not there, and nobody insisted.
pub fn left_out(name: &str, why: &str) {
    let needs = std::env::var("LOCKSTEP_NEEDS").unwrap_or_default();
    assert!(!needs.split_whitespace().any(|needed| needed == name), "{name} is needed, but {why}");
    eprintln!("LEFT OUT: what runs on {name}, because {why}; ./test installs it");
}

fn program(candidates: &[&str]) -> Option<String> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let homes: Vec<String> =
        versions.map(|entry| format!("{}/bin", entry.path().display())).collect();
    let path = std::env::var("PATH").unwrap_or_default();
    let dirs: Vec<String> = path
        .split(':')
        .map(str::to_string)
        .chain(homes)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .collect();
    candidates
        .iter()
        .flat_map(|name| dirs.iter().map(move |dir| format!("{dir}/{name}")))
        .find(|path| Path::new(path).is_file())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

/// A command as a user that is not root, where the servers insist on one.
fn humble(program: &str, user: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid",
        user,
        "--regid",
        user,
        "--clear-groups",
        "--pdeathsig",
        "INT",
        program,
    ]);
    command
}

fn folder(user: &str) -> tempfile::TempDir {
    let dir = tempfile::Builder::new().prefix("lockstep-server-").tempdir_in("/tmp").unwrap();
    if is_root() {
        let status =
            Command::new("chown").args([user, &dir.path().display().to_string()]).status().unwrap();
        assert!(status.success(), "there is no user {user}");
    }
    dir
}

fn said(dir: &tempfile::TempDir) -> (Stdio, Stdio) {
    let file = std::fs::File::create(dir.path().join("said.txt")).unwrap();
    (file.try_clone().unwrap().into(), file.into())
}

fn ran(command: &mut Command, what: &str) {
    let output =
        command.current_dir("/").output().unwrap_or_else(|error| panic!("{what}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{what}:\n{}{}", text(&output.stdout), text(&output.stderr));
}

/// The certificate of a server called `localhost`, of an authority that only tests know, and its
/// key, where the server may read them.
fn certificate(dir: &tempfile::TempDir, user: &str) -> (String, String) {
    let files = [
        ("server.pem", include_str!("../tls/server.pem")),
        ("server.key", include_str!("../tls/server.key")),
    ];
    let [certificate, key] = files.map(|(name, text)| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let path = path.display().to_string();
        ran(Command::new("chmod").args(["600", &path]), "chmod");
        if is_root() {
            ran(Command::new("chown").args([user, &path]), "chown");
        }
        path
    });
    (certificate, key)
}

/// PostgreSQL with a user `lockstep` and a database of that name.
pub fn postgres() -> Option<Server> {
    let (Some(initdb), Some(server)) = (program(&["initdb"]), program(&["postgres"])) else {
        left_out("postgresql", "it is not installed");
        return None;
    };
    let dir = folder("postgres");
    let data = dir.path().join("data").display().to_string();
    let secret = dir.path().join("secret.txt");
    std::fs::write(&secret, PASSWORD).unwrap();
    let pwfile = format!("--pwfile={}", secret.display());
    ran(
        humble(&initdb, "postgres").args([
            "-D",
            &data,
            "--no-sync",
            "-A",
            "scram-sha-256",
            "-U",
            "lockstep",
            &pwfile,
            "-E",
            "UTF8",
            "--locale=C",
        ]),
        "initdb",
    );
    let port = free_port();
    let (certificate, key) = certificate(&dir, "postgres");
    // In its own file of settings, so that a test can change it while the server runs.
    let settings =
        std::fs::OpenOptions::new().append(true).open(dir.path().join("data/postgresql.conf"));
    writeln!(settings.unwrap(), "ssl = on").unwrap();
    let mut command = humble(&server, "postgres");
    command
        .args([
            "-D",
            &data,
            "-p",
            &port.to_string(),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
        ])
        .args(["-c", "fsync=off", "-c", "max_connections=20"])
        .args(["-c", &format!("ssl_cert_file={certificate}"), "-c", &format!("ssl_key_file={key}")])
        .current_dir("/");
    let server = Server::start(command, port, dir, "PostgreSQL");
    server.wait_until_postgres_is_ready();
    Some(server)
}

impl Server {
    pub fn postgres_url(&self) -> String {
        format!("postgres://lockstep:{PASSWORD}@127.0.0.1:{}/postgres", self.port)
    }

    pub fn mariadb_url(&self) -> String {
        format!("mysql://lockstep:{PASSWORD}@127.0.0.1:{}/lockstep", self.port)
    }
}

/// MariaDB with a user `lockstep` and a database of that name.
pub fn mariadb() -> Option<Server> {
    let (Some(install), Some(server)) =
        (program(&["mariadb-install-db"]), program(&["mariadbd", "mysqld"]))
    else {
        left_out("mariadb", "it is not installed");
        return None;
    };
    let dir = folder("mysql");
    let data = format!("--datadir={}", dir.path().join("data").display());
    ran(
        humble(&install, "mysql").args([
            "--no-defaults",
            &data,
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--force",
        ]),
        "mariadb-install-db",
    );
    let begin = dir.path().join("begin.sql");
    let sql = format!(
        "CREATE DATABASE lockstep CHARACTER SET utf8mb4;\nCREATE USER lockstep@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n\
         GRANT ALL ON *.* TO lockstep@'127.0.0.1';\n"
    );
    std::fs::write(&begin, sql).unwrap();
    let port = free_port();
    let (certificate, key) = certificate(&dir, "mysql");
    let mut command = humble(&server, "mysql");
    command
        .args([
            "--no-defaults",
            &data,
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=0",
        ])
        .args([format!("--ssl-cert={certificate}"), format!("--ssl-key={key}")])
        .arg(format!("--port={port}"))
        .arg(format!("--socket={}", dir.path().join("s").display()))
        .arg(format!("--pid-file={}", dir.path().join("pid").display()))
        .arg(format!("--init-file={}", begin.display()))
        .current_dir("/");
    Some(Server::start(command, port, dir, "MariaDB"))
}

/// A program of a Python package that `./test` puts into an environment of its own:
/// `LOCKSTEP_PYTHON` is its `bin` folder.
fn python_program(name: &str) -> Option<String> {
    let bin = std::env::var("LOCKSTEP_PYTHON")
        .map(|bin| format!("{bin}/{name}"))
        .ok()
        .filter(|path| Path::new(path).is_file());
    bin.or_else(|| program(&[name]))
}

/// The SCIM 2.0 server `scim2-server`, empty, under `/v2`; [`PASSWORD`] is its bearer token.
pub fn scim() -> Option<Server> {
    let Some(program) = python_program("scim2-server") else {
        left_out("scim2-server", "it is not installed");
        return None;
    };
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut command = Command::new(program);
    command.args(["--port", &port.to_string(), "--bearer-token", PASSWORD]).current_dir(dir.path());
    Some(Server::start(command, port, dir, "scim2-server"))
}

/// The key of Redmine's administrator.
pub const API_KEY: &str = "0123456789abcdef0123456789abcdef01234567";

/// Redmine as Debian packages it, on a copy of the database that its installation made, with the
/// REST API switched on.
pub fn redmine() -> Option<Server> {
    let home = Path::new("/usr/share/redmine");
    let made = "/var/lib/dbconfig-common/sqlite3/redmine/instances/default/redmine_default";
    let why = match program(&["rails"]) {
        _ if !home.is_dir() => Some("it is not installed"),
        None => Some("Rails is not installed"),
        Some(_) if std::fs::read(made).is_err() => {
            Some("its database can't be read: that takes root")
        }
        Some(_) => None,
    };
    if let Some(why) = why {
        left_out("redmine", why);
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("redmine.db");
    std::fs::copy(made, &database).unwrap();
    let sql = format!(
        "INSERT INTO settings (name, value) VALUES ('rest_api_enabled', '1');
         INSERT INTO tokens (user_id, action, value, created_on, updated_on) VALUES (1, 'api', '{API_KEY}', datetime('now'), datetime('now'));
         UPDATE users SET must_change_passwd = 0;"
    );
    rusqlite::Connection::open(&database).unwrap().execute_batch(&sql).unwrap();
    let port = free_port();
    let mut command = Command::new("rails");
    command
        .args([
            "server",
            "-u",
            "thin",
            "-e",
            "production",
            "-b",
            "127.0.0.1",
            "-p",
            &port.to_string(),
            "-P",
        ])
        .arg(dir.path().join("pid"))
        .env("DATABASE_URL", format!("sqlite3:{}", database.display()))
        .current_dir(home);
    Some(Server::start(command, port, dir, "Redmine"))
}

/// Radicale with the address book `/ase/contacts/` of the user `ase`, whose password is
/// [`PASSWORD`].
pub fn radicale() -> Option<Server> {
    let Some(program) = program(&["radicale"]) else {
        left_out("radicale", "it is not installed");
        return None;
    };
    let dir = tempfile::tempdir().unwrap();
    let users = dir.path().join("users");
    std::fs::write(&users, format!("ase:{PASSWORD}\n")).unwrap();
    let port = free_port();
    let mut command = Command::new(program);
    command
        .args(["--config", "", "--server-hosts", &format!("127.0.0.1:{port}")])
        .args([
            "--auth-type",
            "htpasswd",
            "--auth-htpasswd-encryption",
            "plain",
            "--auth-delay",
            "0",
        ])
        .arg("--auth-htpasswd-filename")
        .arg(&users)
        .arg("--storage-filesystem-folder")
        .arg(dir.path().join("kept"))
        .current_dir(dir.path());
    Some(Server::start(command, port, dir, "Radicale"))
}

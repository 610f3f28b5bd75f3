//! The console and the HTTP API, as a browser and a program see them: the built command, a real
//! store, real HTTP.

mod answers;
mod pages;
mod schema;
mod who;

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::service::{Service, run, wait_for};
use crate::transcript::{Ran, command, lockstep, write};

pub const PASSWORD: &str = "a long password";
/// A role, and the scopes of a token that may do what it may.
pub const ROLES: [(&str, &[&str]); 4] = [
    ("viewer", &["look"]),
    ("reviewer", &["look", "review"]),
    ("operator", &["look", "review", "operate"]),
    ("admin", &["look", "review", "operate", "admin"]),
];

/// Runs a command with this as its standard input.
pub fn with_input(dir: &Path, args: &[&str], input: &str) -> Ran {
    let mut command = command(dir, args);
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    // A command that refuses at once reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Ran::of(&command, output)
}

pub fn add_user(dir: &Path, name: &str, role: &str) {
    let args = ["user", "add", name, "--role", role];
    with_input(dir, &args, &format!("{PASSWORD}\n")).exits(0).says("may sign in");
}

pub fn token(dir: &Path, name: &str, scopes: &[&str]) -> String {
    let mut args = vec!["token", "create", name];
    args.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
    lockstep(dir, &args).exits(0).stdout.trim().to_string()
}

/// What came back.
pub struct Came {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: String,
}

impl Came {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Came {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Came {
        assert!(self.body.contains(text), "missing: {text}\n{}", self.body);
        self
    }
}

/// A service at work with its console.
pub struct Console {
    pub url: String,
    /// Kept, or its threads would end the lines that it prints.
    _lines: mpsc::Receiver<String>,
    _service: Service,
}

impl Console {
    /// The service of a project, with its first run done.
    pub fn start(dir: &Path) -> Console {
        Console::start_with(dir, &[])
    }

    pub fn start_with(dir: &Path, more: &[&str]) -> Console {
        let args = [&["--listen", "127.0.0.1:0"], more].concat();
        let (service, lines) = run(dir, &args);
        let line = wait_for(&lines, "The console is at ");
        let url = line.trim_start_matches("The console is at ").to_string();
        let console = Console { url, _lines: lines, _service: service };
        let until = std::time::Instant::now() + Duration::from_secs(60);
        while console.call("GET", "/readyz", &[], "").status != 200 {
            assert!(std::time::Instant::now() < until, "it does not become ready");
            std::thread::sleep(Duration::from_millis(50));
        }
        console
    }

    /// What answers there.
    pub fn at(url: &str, lines: mpsc::Receiver<String>, service: Service) -> Console {
        Console { url: url.into(), _lines: lines, _service: service }
    }

    /// One call, as it is.
    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Came {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(60)));
        let agent = ureq::Agent::new_with_config(config.build());
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = agent.run(request.body(body.to_string()).unwrap()).unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        Came { status: answer.status().as_u16(), headers: answer.headers().clone(), body }
    }

    /// A call of a program.
    pub fn api(&self, token: &str, method: &str, path: &str, body: &str) -> Came {
        let shown = format!("Bearer {token}");
        self.call(method, &format!("/api/v1{path}"), &[("authorization", &shown)], body)
    }

    /// Signs in as a browser does. Gives the cookie.
    pub fn sign_in(&self, name: &str, password: &str) -> Came {
        let form = format!("name={}&password={}&next=%2F", form(name), form(password));
        self.post("/sign-in", "", &form)
    }

    /// The cookie of somebody who has signed in.
    pub fn cookie(&self, name: &str) -> String {
        let came = self.sign_in(name, PASSWORD).is(303);
        came.header("set-cookie").split(';').next().unwrap().to_string()
    }

    /// A page.
    pub fn get(&self, path: &str, cookie: &str) -> Came {
        self.call("GET", path, &[("cookie", cookie)], "")
    }

    /// A form that a page of the console sends.
    pub fn post(&self, path: &str, cookie: &str, form: &str) -> Came {
        let headers = [
            ("cookie", cookie),
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-site", "same-origin"),
        ];
        self.call("POST", path, &headers, form)
    }
}

/// A text as a value of a form.
pub fn form(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

/// A project in which something waits for a person: two customers with Åse's address.
pub fn project() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    lockstep(dir.path(), &["init"]).exits(0);
    let person = |id, name: &str, email: &str| {
        format!("{{\"id\":{id},\"name\":\"{name}\",\"email\":\"{email}\",\"phone\":\"\"}}\n")
    };
    let customer = |id: &str, name: &str, mail: &str| {
        format!("{{\"id\":\"{id}\",\"name\":\"{name}\",\"mail\":\"{mail}\",\"phone\":\"\"}}\n")
    };
    write(
        &dir.path().join("data/crm/People.jsonl"),
        &[
            person(1, "Åse Berg", "ase@example.com"),
            person(2, "Odd Lie", "odd@example.com"),
            person(3, "Liv <b>Moe</b>", "liv@example.com"),
        ]
        .concat(),
    );
    write(
        &dir.path().join("data/shop/Customers.jsonl"),
        &[
            customer("a", "Åse Berg", "ase@example.com"),
            customer("b", "Aase Berg", "ase@example.com"),
            customer("c", "Odd Lie", "odd@example.com"),
        ]
        .concat(),
    );
    dir
}

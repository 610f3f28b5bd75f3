//! The service under a service manager: it says when it is ready, ends in time and in order when it
//! is asked to, and takes new secrets without being started anew.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::service::{run, wait_for, wait_until};
use crate::transcript::{command, write};

/// A system over HTTP that takes its time to make a record.
pub struct Server {
    url: String,
    /// How many records it is making at this moment.
    making: AtomicUsize,
    made: Mutex<Vec<Value>>,
    /// The keys that came with requests, the last one last.
    keys: Mutex<Vec<String>>,
    takes: Duration,
    updates: AtomicUsize,
}

impl Server {
    pub fn start(takes: Duration) -> Arc<Server> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (making, made, keys) = (AtomicUsize::new(0), Mutex::default(), Mutex::default());
        let server =
            Arc::new(Server { url, making, made, keys, takes, updates: AtomicUsize::new(0) });
        let answering = Arc::clone(&server);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = Arc::clone(&answering);
                std::thread::spawn(move || server.answer(stream));
            }
        });
        server
    }

    fn answer(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut head, mut length) = (String::new(), 0);
        while reader.read_line(&mut head).is_ok_and(|n| n > 2) {
            let last = head.lines().last().unwrap_or_default();
            let (name, value) = last.split_once(':').unwrap_or_default();
            match &*name.to_lowercase() {
                "content-length" => length = value.trim().parse().unwrap(),
                "x-key" => self.keys.lock().unwrap().push(value.trim().into()),
                _ => {}
            }
        }
        let mut sent = vec![0; length];
        let _ = reader.read_exact(&mut sent);
        let body = if head.starts_with("POST") {
            self.making.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(self.takes);
            let mut record: Value = serde_json::from_slice(&sent).unwrap();
            let mut made = self.made.lock().unwrap();
            record["id"] = json!(made.len() + 1);
            made.push(record.clone());
            self.making.fetch_sub(1, Ordering::SeqCst);
            record
        } else if let Some(path) = head.strip_prefix("PATCH /people/") {
            std::thread::sleep(self.takes);
            let id: usize = path.split(' ').next().unwrap().parse().unwrap();
            let Value::Object(sent) = serde_json::from_slice(&sent).unwrap() else { panic!() };
            let mut made = self.made.lock().unwrap();
            made[id - 1].as_object_mut().unwrap().extend(sent);
            self.updates.fetch_add(1, Ordering::SeqCst);
            made[id - 1].clone()
        } else {
            Value::Array(self.made.lock().unwrap().clone())
        }
        .to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(format!("{head}{body}").as_bytes());
    }

    pub fn made(&self) -> usize {
        self.made.lock().unwrap().len()
    }

    pub fn updates(&self) -> usize {
        self.updates.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> usize {
        self.keys.lock().unwrap().len()
    }
}

const MANIFEST: &str = "\
title: Fjord
settings: { base_url: { what: address }, key: { what: key, secret: true } }
base: '{{ base_url }}'
auth: { headers: { X-Key: '{{ key }}' } }
rate: { at-once: 16 }
test: /people
errors: [{ status: 422, means: rejected, message: [error] }]
types:
  People:
    id: id
    absent-is-empty: true
    properties: { name: {}, mail: {} }
    list: { request: { path: /people }, paging: none }
    create: { request: { method: POST, path: /people } }
    update: { request: { method: PATCH, path: '/people/{{ id }}' } }
";

pub fn project(server: &Server, people: usize, every: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| write(&dir.path().join(name), text);
    put("connectors/fjord.yaml", MANIFEST);
    let url = &server.url;
    put(
        "lockstep.yaml",
        &format!(
            "systems:\n  crm: {{ connector: files, schedule: {{ every: {every} }}, with: {{ folder: crm }} }}\n  fjord: {{ connector: fjord, schedule: {{ every: {every} }}, with: {{ base_url: \"{url}\", key: \"${{KEY}}\" }} }}\nflows: [flows.yaml]\n"
        ),
    );
    put(
        "flows.yaml",
        "flows:\n  - from: crm.people\n    to: fjord.People\n    create: always\n    match: [mail = mail]\n    properties: [name -> name, mail -> mail]\n",
    );
    put(".env", "KEY=yesterday\n");
    let person = |n: usize| format!("{n},Person {n},p{n}@example.com\n");
    put(
        "crm/people.csv",
        &format!("id,name,mail\n{}", (1..=people).map(person).collect::<String>()),
    );
    dir
}

pub fn signal(child: &Child, name: &str) {
    let done = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(done.success());
}

/// Waits until it ends. Gives how long that took, and its exit status.
pub fn ended(child: &mut Child) -> (Duration, Option<i32>) {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return (began.elapsed(), status.code());
        }
        assert!(began.elapsed() < Duration::from_secs(30), "it does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How many writes are in this state.
pub fn writes(dir: &Path, state: &str) -> usize {
    let store = rusqlite::Connection::open(dir.join("lockstep.db")).unwrap();
    store
        .query_row("SELECT count(*) FROM writes WHERE state = ?1", [state], |row| {
            row.get::<_, i64>(0)
        })
        .unwrap() as usize
}

#[test]
fn c2_sigterm_with_requests_under_way_leaves_no_unknown_write() {
    let tries = std::env::var("LOCKSTEP_SIGTERMS").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    let (mut with_some_under_way, mut longest) = (0, Duration::ZERO);
    for n in 0..tries {
        let server = Server::start(Duration::from_millis(120));
        let dir = project(&server, 300, "1h");
        let mut child = command(dir.path(), &["run", "--approve"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // At another moment in each try: while the first are made, and later on.
        wait_until("it makes records", || {
            server.made() >= n % 5 * 8 && server.making.load(Ordering::SeqCst) > 0
        });
        std::thread::sleep(Duration::from_millis(7 * (n as u64 % 13)));
        with_some_under_way += usize::from(server.making.load(Ordering::SeqCst) > 0);
        signal(&child, "-TERM");
        let (took, status) = ended(&mut child);
        assert_eq!(status, Some(0), "try {n}");
        assert!(took < Duration::from_secs(10), "try {n}: {took:?}");
        longest = longest.max(took);
        let of = |state| writes(dir.path(), state);
        assert_eq!((of("sent"), of("unknown")), (0, 0), "try {n}");
        assert_eq!(of("done"), server.made(), "try {n}: what was made is known");
        assert!(of("queued") > 0, "try {n}: it ended before all was done");
    }
    println!("{with_some_under_way} of {tries} with requests under way, at most {longest:?}");
    assert!(with_some_under_way * 2 > tries, "{with_some_under_way} of {tries}");
}

#[test]
fn c2_a_system_that_does_not_answer_keeps_no_service_from_ending() {
    let server = Server::start(Duration::from_secs(25));
    let dir = project(&server, 3, "1h");
    let mut child = command(dir.path(), &["run", "--approve"]).spawn().unwrap();
    wait_until("it makes a record", || server.making.load(Ordering::SeqCst) > 0);
    signal(&child, "-TERM");
    let (took, status) = ended(&mut child);
    assert!(took < Duration::from_secs(10) && status == Some(0), "{took:?} {status:?}");
    assert!(writes(dir.path(), "sent") > 0, "what became of them is found out by the next start");
}

/// What the service manager is told, until that is said.
fn told(socket: &UnixDatagram, text: &str) -> Vec<String> {
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
    while !all.iter().any(|line: &String| line.contains(text)) {
        let length = socket.recv(&mut buffer).unwrap_or_else(|_| panic!("{text}: {all:?}"));
        all.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
    }
    all
}

fn manager_is_told(socket: &UnixDatagram, name: &str) {
    let server = Server::start(Duration::ZERO);
    let dir = project(&server, 2, "1h");
    let mut child = command(dir.path(), &["run"])
        .env("NOTIFY_SOCKET", name)
        .env("WATCHDOG_USEC", "400000")
        .spawn()
        .unwrap();
    told(socket, "READY=1\nSTATUS=waits for flows to be approved");
    assert!(command(dir.path(), &["approve"]).status().unwrap().success());
    told(socket, "READY=1\nSTATUS=at work");
    for _ in 0..3 {
        told(socket, "WATCHDOG=1");
    }
    signal(&child, "-TERM");
    told(socket, "STOPPING=1");
    assert_eq!(ended(&mut child).1, Some(0));
}

#[test]
fn the_service_manager_is_told_how_the_service_fares() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    manager_is_told(&UnixDatagram::bind(&path).unwrap(), path.to_str().unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn the_service_manager_is_told_by_a_socket_without_a_file_too() {
    use std::os::linux::net::SocketAddrExt as _;
    let name = format!("lockstep-test-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    manager_is_told(&UnixDatagram::bind_addr(&address).unwrap(), &format!("@{name}"));
}

#[test]
fn new_secrets_are_taken_at_sighup() {
    let server = Server::start(Duration::ZERO);
    let dir = project(&server, 2, "1s");
    let (service, lines) = run(dir.path(), &[]);
    let last = |key: &str| server.keys.lock().unwrap().last().is_some_and(|last| last == key);
    wait_until("it works", || server.made() == 2);
    assert!(last("yesterday"));
    write(&dir.path().join(".env"), "KEY=today\n");
    std::thread::sleep(Duration::from_millis(1_500));
    assert!(last("yesterday"), "nothing is read anew that was not asked for");
    signal(service.child(), "-HUP");
    wait_for(&lines, "were read anew");
    wait_until("the new key is used", || last("today"));
    // What can't be used is told, and the service goes on with what it has.
    write(&dir.path().join(".env"), "OTHER=x\n");
    signal(service.child(), "-HUP");
    wait_for(&lines, "secrets stay as they were");
    let before = server.keys.lock().unwrap().len();
    wait_until("it goes on", || server.keys.lock().unwrap().len() > before && last("today"));
}

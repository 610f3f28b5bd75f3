//! A known secret in every system of a project, systems that repeat what they were sent, and every
//! command that talks to them: the secret is in nothing that is printed, as text or as JSON, and in
//! no file but `.env`, where it was put.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use crate::transcript::{contents, lockstep, put, read, rows, write};

const SECRET: &str = "s3cr3t-of-the-test";

/// Lists one record, and refuses every write with all that came with it.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut head, mut length) = (String::new(), 0);
            while reader.read_line(&mut head).is_ok_and(|n| n > 2) {
                let last = head.lines().last().unwrap_or_default().to_lowercase();
                length = last
                    .strip_prefix("content-length:")
                    .and_then(|n| n.trim().parse().ok())
                    .unwrap_or(length);
            }
            let mut sent = vec![0; length];
            let _ = reader.read_exact(&mut sent);
            let (status, body) = match head.split_whitespace().next() {
                Some("GET") => {
                    (200, serde_json::json!([{"id": 1, "name": "Ada", "mail": "ada@example.no"}]))
                }
                _ => (
                    422,
                    serde_json::json!({"error": format!("{head} {}", String::from_utf8_lossy(&sent))}),
                ),
            };
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    address
}

#[test]
fn a_known_secret_is_printed_nowhere_and_kept_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let manifest = |auth: &str| {
        format!(
            "title: Fjord\nsettings: {{ base_url: {{ what: address }}, key: {{ what: key, secret: true }} }}\nbase: '{{{{ base_url }}}}'\nauth: {auth}\nrate: {{}}\ntest: /people\n\
             errors: [{{ status: 422, means: rejected, message: [error] }}]\n\
             types:\n  People:\n    id: id\n    absent-is-empty: true\n    properties: {{ name: {{}}, mail: {{}} }}\n    list: {{ request: {{ path: /people }}, paging: none }}\n    \
             create: {{ request: {{ method: POST, path: /people }} }}\n    update: {{ request: {{ method: PATCH, path: '/people/{{{{ id }}}}' }} }}\n"
        )
    };
    let ways = [
        ("header", "{ headers: { X-Key: '{{ key }}' } }"),
        ("query", "{ query: { key: '{{ key }}' } }"),
        ("basic", "{ basic: 'a:{{ key }}' }"),
        ("bearer", "{ bearer: '{{ key }}' }"),
    ];
    let address = serve();
    let mut systems = String::new();
    let mut flows = String::new();
    for (way, auth) in ways {
        write(&dir.join(format!("connectors/{way}.yaml")), &manifest(auth));
        systems += &format!(
            "  {way}: {{ connector: {way}, with: {{ base_url: \"{address}\", key: \"${{SECRET}}\" }} }}\n"
        );
        flows += &format!(
            "  - from: office.People\n    to: {way}.People\n    create: always\n    match: [mail = mail]\n    properties: [name <-> name, mail <-> mail]\n"
        );
    }
    // Systems that are not there: what can be told of them is where they should be.
    systems += "  cards: { connector: carddav, with: { url: \"http://127.0.0.1:1/book/\", user: a, password: \"${SECRET}\" } }\n";
    systems += "  crm: { connector: crmoffice, with: { base_url: \"http://127.0.0.1:1\", token_url: \"http://127.0.0.1:1/t\", client_id: a, client_secret: \"${SECRET}\", refresh_token: \"${SECRET}\" } }\n";
    systems += "  office: { connector: files, with: { folder: data } }\n";
    flows += "  - from: crm.Contacts\n    to: office.People\n    create: always\n    match: [givenName = name]\n    properties: [givenName <-> name]\n";
    flows += "  - from: cards.Contacts\n    to: office.People\n    create: always\n    match: [fn = name]\n    properties: [fn <-> name]\n";
    write(&dir.join(".env"), &format!("SECRET={SECRET}\n"));
    write(&dir.join("lockstep.yaml"), &format!("store: sqlite:lockstep.db\nsystems:\n{systems}"));
    write(&dir.join("flows/all.yaml"), &format!("flows:\n{flows}"));
    write(
        &dir.join("data/People.jsonl"),
        "{\"id\": 1, \"name\": \"Ada Lund\", \"mail\": \"ada@example.no\"}\n{\"id\": 2, \"name\": \"Bo\", \"mail\": \"bo@example.no\"}\n",
    );
    let mut covered = 0;
    for args in [
        &["check"][..],
        &["check", "--format", "json"],
        &["plan"],
        &["sync"],
        &["sync", "--format", "json"],
        &["sync", "--full", "--format", "json"],
        &["status"],
        &["status", "--format", "json"],
        &["review"],
        &["review", "--format", "json"],
        &["review", "show", "1"],
        &["history", "--run", "2"],
        &["history", "--run", "3", "--format", "json"],
        &["explain", "bearer.People/1"],
        &["explain", "office.People/2", "--format", "json"],
        &["audit"],
        &["connect", "bearer"],
        &["connect", "crm"],
        &["connect", "cards"],
        &["connector", "test", "connectors/basic.yaml", "--write"],
        &["connector", "test", "connectors/query.yaml", "--write", "--format", "json"],
    ] {
        let ran = lockstep(dir, args);
        println!("{} ends with {:?}", ran.command, ran.status);
        covered += usize::from(ran.stdout.contains("•••"));
        for form in [SECRET, "YTpzM2NyM3Qtb2YtdGhlLXRlc3Q="] {
            assert!(!ran.stdout.contains(form) && !ran.stderr.contains(form), "{ran}");
        }
    }
    assert!(covered >= 5, "nothing was repeated, so nothing was tried: {covered}");
    for (path, bytes) in contents(dir) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let held = bytes.windows(SECRET.len()).any(|some| some == SECRET.as_bytes());
        assert_eq!(held, name == ".env", "{}", path.display());
    }

    // Who writes it into the file itself: no message shows the line as it stands.
    let lines = format!(
        "  db: {{ connector: sql, with: {{ url: \"postgres://a:{SECRET}@127.0.0.1:1/x?sslmode=prefer\" }} }}\n"
    );
    let project = read(&dir.join("lockstep.yaml"));
    write(&dir.join("lockstep.yaml"), &format!("{project}{lines}"));
    let ran = lockstep(dir, &["check"]).exits(2).says("sslmode");
    assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET), "{ran}");
}

/// A system with one person, in whose `phone` it repeats the key that it was sent; it takes writes
/// of `name`, and gives the names that it held.
fn repeating() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let names = Arc::new(Mutex::new(vec![String::from("Liv")]));
    let held = names.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut head, mut length, mut key) = (String::new(), 0, String::new());
            while reader.read_line(&mut head).is_ok_and(|n| n > 2) {
                let last = head.lines().last().unwrap_or_default().to_lowercase();
                match last.split_once(": ") {
                    Some(("content-length", n)) => length = n.trim().parse().unwrap(),
                    Some(("x-key", sent)) => key = sent.trim().to_string(),
                    _ => {}
                }
            }
            let mut sent = vec![0; length];
            let _ = reader.read_exact(&mut sent);
            let mut names = held.lock().unwrap();
            if head.starts_with("PATCH") {
                let sent: serde_json::Value = serde_json::from_slice(&sent).unwrap();
                names.push(sent["name"].as_str().unwrap().into());
            }
            let person = serde_json::json!({
                "id": "1", "mail": "liv@example.com", "name": names.last(), "phone": key
            });
            let is_list = head.starts_with("GET /people ");
            let body = if is_list { format!("[{person}]") } else { person.to_string() };
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    (address, names)
}

#[test]
fn r5_a_property_that_repeats_a_key_keeps_no_other_from_being_written() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (address, names) = repeating();
    write(
        &dir.join("connectors/fjord.yaml"),
        "title: Fjord\nsettings: { base_url: { what: address }, key: { what: key, secret: true } }\nbase: '{{ base_url }}'\n\
         auth: { headers: { X-Key: '{{ key }}' } }\nrate: { per-second: 500 }\ntest: /people\n\
         types:\n  People:\n    id: id\n    properties: { name: {}, mail: {}, phone: {} }\n    list: { request: { path: /people }, paging: none }\n    \
         get: { request: { path: '/people/{{ id }}' } }\n    update: { request: { method: PATCH, path: '/people/{{ id }}' } }\n",
    );
    write(&dir.join(".env"), &format!("KEY={SECRET}\n"));
    write(
        &dir.join("lockstep.yaml"),
        &format!(
            "systems:\n  crm: {{ connector: files, with: {{ folder: crm }} }}\n  shop: {{ connector: fjord, with: {{ base_url: '{address}', key: '${{KEY}}' }} }}\nflows: [flows.yaml]\n"
        ),
    );
    write(
        &dir.join("flows.yaml"),
        "flows:\n  - { from: crm.People, to: shop.People, match: [mail = mail], properties: [name <-> name, phone <-> phone] }\n",
    );
    let person = |name: &str| serde_json::json!({"id": 1, "mail": "liv@example.com", "name": name});
    put(dir, "crm/People.jsonl", &[person("Liv")]);
    lockstep(dir, &["sync"]).exits(1).says("holds a key of this project");
    put(dir, "crm/People.jsonl", &[person("Liv Moe")]);
    lockstep(dir, &["sync"])
        .exits(1)
        .says("holds a key of this project")
        .says("1 record written")
        .says_nothing_of("not delivered yet");
    assert_eq!(*names.lock().unwrap(), ["Liv", "Liv Moe"]);
    assert_eq!(rows(dir, "crm/People.jsonl"), [person("Liv Moe")]);
}

//! A system that answers with what no system should: its flow rests, with a message that names
//! system, request and what was expected, and the others go on. When it is well again, the next run
//! goes on where it was. (In how much memory: `connector/tests/bad_answers.rs`.)

use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::transcript::{lockstep, read, write};

const MANIFEST: &str = "title: Fjord
settings: { base_url: { what: address } }
base: '{{ base_url }}'
rate: {}
test: /people
types:
  People:
    id: id
    absent-is-empty: true
    properties: { name: {}, mail: {} }
    list: { request: { path: /people, query: { page: '{{ cursor }}' } }, items: items, paging: { cursor: { limit: 2, at: next } } }
    create: { request: { method: POST, path: /people } }
";

/// Answers every request with what is in the cell: header lines, and a body of which so many bytes
/// are promised.
fn serve(answer: Arc<Mutex<(String, usize)>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                line.clear();
            }
            let (body, promised) = answer.lock().unwrap().clone();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {promised}\r\nConnection: close\r\n\r\n"
            );
            let _ =
                stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    address
}

fn project(dir: &Path, address: &str) {
    write(&dir.join("connectors/fjord.yaml"), MANIFEST);
    let folder = |name: &str| {
        format!("  {name}:\n    connector: files\n    with: {{ folder: data/{name} }}\n")
    };
    write(
        &dir.join("lockstep.yaml"),
        &format!(
            "store: sqlite:lockstep.db\nsystems:\n  fjord:\n    connector: fjord\n    with: {{ base_url: \"{address}\" }}\n{}{}",
            folder("office"),
            folder("shop")
        ),
    );
    let flow = |from: &str, to: &str| {
        format!(
            "  - from: {from}.People\n    to: {to}.People\n    create: always\n    match: [mail = mail]\n    properties: [name <-> name, mail <-> mail]\n"
        )
    };
    write(
        &dir.join("flows/all.yaml"),
        &format!("flows:\n{}{}", flow("fjord", "office"), flow("office", "shop")),
    );
    write(&dir.join("data/office/People.jsonl"), "");
    write(&dir.join("data/shop/People.jsonl"), "");
}

#[test]
fn a_flow_rests_on_a_bad_answer_and_the_others_go_on() {
    let good =
        "{\"items\": [{\"id\": 1, \"name\": \"Sigrid Aune\", \"mail\": \"sigrid@example.no\"}]}"
            .to_string();
    let answer = Arc::new(Mutex::new((good.clone(), good.len())));
    let address = serve(Arc::clone(&answer));
    let bad = [
        (
            "<html>We are away</html>",
            24,
            "fjord.People: Fjord GET /people: expected JSON, and it is not",
        ),
        (
            "{\"items\": [{\"id\": 1, \"na",
            900,
            "fjord.People: Fjord GET /people: expected JSON, and the answer broke off",
        ),
        (
            "{\"items\": 7}",
            12,
            "fjord.People: Fjord GET /people: expected a list of records at `items`",
        ),
        (
            "{\"items\": [{\"id\": 1}], \"next\": \"x\"}",
            35,
            "fjord.People: Fjord GET /people: expected the next page, and the same page comes again",
        ),
    ];
    for (n, (body, promised, told)) in bad.into_iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        project(dir, &address);
        *answer.lock().unwrap() = (body.into(), promised);
        let row =
            format!("{{\"id\": {n}, \"name\": \"Tor Lien\", \"mail\": \"tor{n}@example.no\"}}\n");
        write(&dir.join("data/office/People.jsonl"), &row);
        lockstep(dir, &["sync"]).exits(1).says(told);
        assert!(read(&dir.join("data/shop/People.jsonl")).contains("Tor Lien"), "the others go on");
        *answer.lock().unwrap() = (good.clone(), good.len());
        lockstep(dir, &["sync"]).exits(0);
        assert!(
            read(&dir.join("data/office/People.jsonl")).contains("Sigrid Aune"),
            "it is well again"
        );
        assert!(read(&dir.join("data/shop/People.jsonl")).contains("Sigrid Aune"));
    }
}

//! Answers that would take all memory, or that are none, over HTTP: each is given up in bounded
//! memory with a message that names the system, the request and what was expected.
//!
//! One test, as the most memory that this process ever took is what is measured.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use lockstep_connector::rest::{Rest, parse};
use lockstep_connector::{Connector, ReadRequest, Trouble};
use lockstep_model::flow::PropertyRef;
use serde_json::json;

const GIGABYTE: u64 = 1 << 30;
const MANIFEST: &str = "title: Fjord
settings: { address: { what: address } }
base: '{{ address }}'
rate: {}
test: /me
types:
  People:
    id: id
    properties: { name: {} }
    list: { request: { path: '/people', query: { c: '{{ cursor }}' } }, items: items, paging: { cursor: { limit: 2, at: next } } }
";

/// Takes bytes of an answer; gives whether they got away.
type Sending<'a> = dyn FnMut(&[u8]) -> bool + 'a;

/// Serves each request with what `answer` writes, after the head. Counts the bytes that got away.
fn serve(answer: impl Fn(&mut Sending<'_>) + Send + Sync + 'static) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicU64::new(0));
    let (counted, answer) = (Arc::clone(&sent), Arc::new(answer));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (counted, answer) = (Arc::clone(&counted), Arc::clone(&answer));
            std::thread::spawn(move || serve_one(stream, &counted, answer.as_ref()));
        }
    });
    (address, sent)
}

fn serve_one(mut stream: TcpStream, counted: &AtomicU64, answer: &dyn Fn(&mut Sending<'_>)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
        line.clear();
    }
    answer(&mut |bytes| {
        counted.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        stream.write_all(bytes).is_ok()
    });
}

fn head(more: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n{more}\r\n")
        .into_bytes()
}

/// So many of these bytes, a piece at a time.
fn repeated(send: &mut Sending<'_>, piece: &[u8], most: u64) {
    let mut left = most;
    while left > 0 && send(piece) {
        left = left.saturating_sub(piece.len() as u64);
    }
}

/// The most memory that this process has taken so far, in megabytes; nothing where the system does
/// not tell.
fn peak_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kb| kb >> 10)
}

fn told(address: &str) -> String {
    let settings = json!({"address": address});
    let rest =
        Rest::open(parse("fjord", MANIFEST).unwrap(), settings.as_object().unwrap()).unwrap();
    let watch = [PropertyRef::new("name")];
    let mut checkpoint = None;
    for _ in 0..10 {
        match rest.read(ReadRequest {
            kind: "People",
            watch: &watch,
            checkpoint: checkpoint.as_ref(),
            page_size: 10,
        }) {
            Ok(page) => checkpoint = Some(page.checkpoint),
            Err(Trouble::Malformed(told)) => return told,
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("it was read for ever");
}

#[test]
fn what_no_system_should_answer_is_given_up_in_bounded_memory() {
    let before = peak_mb();
    let check = |what: &str, address: &str, expected: &str| {
        let told = told(address);
        println!("{what}: {told}");
        assert!(told.contains("Fjord GET /people") && told.contains(expected), "{what}: {told}");
    };

    // A gigabyte of blanks is a megabyte on the way: a hundred times the same ten.
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&vec![b' '; 10 << 20]).unwrap();
    let packed = packed.finish().unwrap();
    let (bomb, sent) = serve(move |send| {
        send(&head("Content-Encoding: gzip\r\n"));
        repeated(send, &packed, 100 * packed.len() as u64);
    });
    check("a gzip bomb", &bomb, "expected JSON, and the answer is larger than 64 MB");
    assert!(sent.load(Ordering::Relaxed) < 2 << 20, "it was small on the way");

    // One that says how large it is, and one that does not.
    for length in [format!("Content-Length: {GIGABYTE}\r\n"), String::new()] {
        let (large, sent) = serve(move |send| {
            send(&head(&length));
            repeated(send, &[b'x'; 1 << 16], GIGABYTE);
        });
        check("a gigabyte", &large, "expected JSON, and the answer is larger than 64 MB");
        assert!(
            sent.load(Ordering::Relaxed) < 100 << 20,
            "{} bytes were taken",
            sent.load(Ordering::Relaxed)
        );
    }

    // Within the bound as text, and forty times as much as values.
    let (values, _) = serve(|send| {
        send(&head(""));
        send(b"{\"items\": [0");
        repeated(send, &b",0".repeat(1 << 15), 60 << 20);
        send(b"]}");
    });
    check("thirty million numbers", &values, "more than 4000000 values");
    let (deep, _) = serve(|send| {
        send(&head(""));
        repeated(send, &[b'['; 1 << 16], 8 << 20);
    });
    check("eight million brackets", &deep, "more than 4000000 values");

    for (what, more, body, expected) in [
        (
            "one that is cut off",
            "Content-Length: 1000\r\n",
            "{\"items\": [{\"id\": 1",
            "expected JSON, and the answer broke off",
        ),
        (
            "one that ends in the middle",
            "",
            "{\"items\": [{\"id\": 1",
            "expected JSON, and it is not: EOF",
        ),
        ("a page for people", "", "<html>We are away</html>", "expected JSON, and it is not"),
        (
            "bytes that are no text",
            "Content-Encoding: gzip\r\n",
            "{\"items\": []}",
            "expected JSON, and the answer broke off",
        ),
        ("another type", "", "{\"items\": {\"id\": 1}}", "expected a list of records at `items`"),
        ("nothing of it", "", "{\"people\": []}", "expected a list of records at `items`"),
        (
            "the same page for ever",
            "",
            "{\"items\": [{\"id\": 1}], \"next\": \"c\"}",
            "expected the next page, and the same page comes again",
        ),
    ] {
        let (address, _) = serve(move |send| {
            send(&head(more));
            send(body.as_bytes());
        });
        check(what, &address, expected);
    }
    let (latin, _) = serve(|send| {
        send(&head(""));
        send(b"{\"items\": [{\"id\": 1, \"name\": \"J\xf8rn\"}]}");
    });
    check("another encoding", &latin, "not text in UTF-8");

    if let (Some(before), Some(after)) = (before, peak_mb()) {
        println!("memory: {before} MB before, {after} MB at most");
        assert!(after - before < 400, "{before} MB before, {after} MB at most");
    }
}

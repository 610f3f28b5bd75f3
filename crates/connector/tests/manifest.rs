//! The manifest interpreter against answers that no vendor's documentation promises: a small server
//! that says what each test tells it to say, and remembers what it was asked.

use std::net::TcpListener;

use crate::serving::{Asked, serve, serve_side_by_side};
use lockstep_connector::contract::read_all;
use lockstep_connector::rest::{Rest, parse};
use lockstep_connector::{Action, Connector, Outcome, ReadRequest, Trouble, Write, WriteValue};
use lockstep_model::flow::PropertyRef;
use serde_json::{Value, json};

/// A manifest with one record type, `People`, listed as `list` says.
fn people(list: &str) -> String {
    format!(
        "
title: Fjord
settings: {{ address: {{ what: address }}, key: {{ what: key, secret: true }} }}
base: '{{{{ address }}}}'
auth: {{ bearer: '{{{{ key }}}}' }}
rate: {{ per-second: 1000 }}
test: /me
types:
  People:
    id: id
    modified: changed
    properties:
      name: {{}}
    {list}
    get: {{ request: {{ path: '/people/{{{{ id | url }}}}' }} }}
    create: {{ request: {{ method: POST, path: /people }} }}
"
    )
}

fn names() -> Vec<PropertyRef> {
    vec![PropertyRef::new("name")]
}

fn ok(body: Value) -> (u16, String, String) {
    (200, String::new(), body.to_string())
}

/// The whole number at a query key.
fn number(path: &str, key: &str) -> usize {
    path.split(['?', '&'])
        .find_map(|part| part.strip_prefix(&format!("{key}=")))
        .and_then(|v| v.parse().ok())
        .unwrap_or(0)
}

fn person(n: usize) -> Value {
    json!({"id": n, "name": format!("Person {n}")})
}

#[test]
fn a_total_tells_that_a_short_page_is_not_the_last() {
    // It gives two at a time, however many it is asked for.
    let answer = |asked: &Asked| {
        let offset = number(&asked.path, "offset");
        ok(
            json!({"total": 5, "items": (offset..(offset + 2).min(5)).map(person).collect::<Vec<_>>()}),
        )
    };
    let server = serve(answer);
    let list = |paging: &str| {
        people(&format!(
            "list: {{ request: {{ path: /people, query: {{ offset: '{{{{ offset }}}}', limit: '{{{{ limit }}}}' }} }}, items: items, paging: {{ offset: {paging} }} }}"
        ))
    };
    let all = read_all(
        &server.connect(&list("{ limit: 100, total: total }")),
        "People",
        &names(),
        None,
        1000,
    )
    .unwrap();
    assert_eq!((all.records.len(), all.pages, all.everything), (5, 3, true));
    let in_pairs =
        read_all(&server.connect(&list("{ limit: 2 }")), "People", &names(), None, 1000).unwrap();
    assert_eq!(in_pairs.records.len(), 5);
}

#[test]
fn a_page_that_comes_for_ever_is_given_up() {
    let server = serve(|_| ok(json!({"items": [person(1), person(2)], "next": "x"})));
    for paging in ["offset: { limit: 2 }", "page: { limit: 2 }", "cursor: { limit: 2, at: next }"] {
        let request = "request: { path: /people, query: { o: '{{ offset }}', p: '{{ page }}', c: '{{ cursor }}', l: '{{ limit }}' } }";
        let rest = server.connect(&people(&format!(
            "list: {{ {request}, items: items, paging: {{ {paging} }} }}"
        )));
        match read_all(&rest, "People", &names(), None, 1000) {
            Err(Trouble::Malformed(message)) => {
                assert!(message.contains("same page") && message.contains("Fjord"), "{message}")
            }
            other => panic!("{paging}: {other:?}"),
        }
    }
}

#[test]
fn the_next_address_leads_nowhere_but_to_the_system() {
    let server = serve(|_| ok(json!({"items": [person(1)], "next": "http://127.0.0.1:1/steal"})));
    let rest =
        server.connect(&people("list: { request: { path: /people }, items: items, paging: { next: { limit: 1, at: next } } }"));
    match read_all(&rest, "People", &names(), None, 1000) {
        Err(Trouble::Malformed(message)) => assert!(message.contains("another host"), "{message}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_page_that_has_grown_old_begins_the_listing_anew_once() {
    let answer = |asked: &Asked| match asked.path.as_str() {
        "/people?cursor=old" => {
            (422, String::new(), json!({"error": "cursor expired"}).to_string())
        }
        "/people?cursor=c2" => ok(json!({"items": [person(2)]})),
        _ => ok(json!({"items": [person(1)], "next": "c2"})),
    };
    let server = serve(answer);
    let list = "list: { request: { path: /people, query: { cursor: '{{ cursor }}' } }, items: items, paging: { cursor: { limit: 1, at: next } } }";
    let rest = server.connect(&people(list));
    let first = rest
        .read(ReadRequest { kind: "People", watch: &names(), checkpoint: None, page_size: 10 })
        .unwrap();
    let mut old = first.checkpoint.clone();
    old.text = old.text.replace("c2", "old");
    let all = read_all(&rest, "People", &names(), Some(old), 10).unwrap();
    assert_eq!(all.records.len(), 2);
}

#[test]
fn r1_the_next_reading_asks_from_the_servers_clock_less_the_overlap() {
    let mut latest = person(1);
    latest["changed"] = json!("1994-11-06T08:49:37Z");
    let server = serve(move |_| ok(json!([latest])));
    let list = "list: { request: { path: /people }, paging: none }
    changes: { request: { path: /people, query: { since: '{{ since }}', unix: '{{ since_unix }}', plain: '{{ since_plain }}' } }, paging: none, overlap-s: 60 }";
    let rest = server.connect(&people(list));
    let first = read_all(&rest, "People", &names(), None, 10).unwrap();
    let second = read_all(&rest, "People", &names(), Some(first.checkpoint), 10).unwrap();
    assert!(first.everything && !second.everything);
    assert_eq!(
        server.paths(),
        [
            "GET /people",
            "GET /people?plain=1994-11-06T08%3A48%3A37&since=1994-11-06T08%3A48%3A37Z&unix=784111717"
        ]
    );
}

#[test]
fn a_record_without_an_id_is_a_fault_and_the_others_go_on() {
    let server = serve(|_| ok(json!([{"name": "nobody"}, person(1), "nonsense"])));
    let rest = server.connect(&people("list: { request: { path: /people }, paging: none }"));
    let all = read_all(&rest, "People", &names(), None, 10).unwrap();
    assert_eq!((all.records.len(), all.faults.len()), (1, 2));
    assert!(
        all.faults[0].place.contains("record 1") && all.faults[0].message.contains("`id`"),
        "{:?}",
        all.faults
    );
}

#[test]
fn r5_what_a_record_does_not_tell_is_not_empty() {
    let server = serve(|_| ok(json!([{"id": 1}, {"id": 2, "name": null}])));
    let rest = server.connect(&people("list: { request: { path: /people }, paging: none }"));
    let all = read_all(&rest, "People", &names(), None, 10).unwrap();
    assert_eq!(
        (&all.records["1"].values[0], &all.records["2"].values[0]),
        (&None, &Some(Value::Null))
    );
}

#[test]
fn answers_that_are_no_records_name_what_was_asked_and_expected() {
    let list = people("list: { request: { path: /people }, items: items, paging: none }");
    for body in ["<html>maintenance</html>", "{\"items\": 7}", "{}"] {
        let server = serve(move |_| (200, String::new(), body.to_string()));
        match read_all(&server.connect(&list), "People", &names(), None, 10) {
            Err(Trouble::Malformed(message)) => {
                assert!(
                    message.contains("Fjord GET /people") && message.contains("expected"),
                    "{body}: {message}"
                );
            }
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn a_redirect_is_not_followed_with_the_key() {
    let elsewhere = serve(|_| ok(json!([])));
    let to = elsewhere.address.clone();
    let server = serve(move |_| (302, format!("Location: {to}/people\r\n"), String::new()));
    let rest = server.connect(&people("list: { request: { path: /people }, paging: none }"));
    assert!(read_all(&rest, "People", &names(), None, 10).is_err());
    assert!(elsewhere.paths().is_empty());
}

#[test]
fn the_key_is_sent_where_it_belongs_and_stands_in_no_message() {
    let server = serve(|asked| match asked.path.as_str() {
        "/me" => (401, String::new(), json!({"message": "no"}).to_string()),
        _ => (500, String::new(), "oh".into()),
    });
    let rest = server.connect(&people("list: { request: { path: /people }, paging: none }"));
    let told = rest.test().unwrap_err().to_string();
    assert!(told.contains("key") && !told.contains("s3cret"), "{told}");
    assert!(server.asked.lock().unwrap()[0].headers.contains("authorization:Bearer s3cret"));
}

#[test]
fn c2_what_comes_of_a_creation_is_never_guessed() {
    let create = Write {
        action: Action::Create,
        values: vec![WriteValue { prop: 0, value: json!("Ada"), displaced: Value::Null.into() }],
        token: "1".into(),
    };
    let list = people("list: { request: { path: /people }, paging: none }");
    let outcome = |status: u16, headers: &'static str, body: &'static str| {
        let server = serve(move |_| (status, headers.into(), body.into()));
        let outcome = server
            .connect(&list)
            .write("People", &names(), std::slice::from_ref(&create))
            .remove(0);
        assert_eq!(server.paths(), ["POST /people"], "it is sent once");
        assert_eq!(server.asked.lock().unwrap()[0].body, "{\"name\":\"Ada\"}");
        outcome
    };
    assert!(
        matches!(outcome(201, "", "{\"id\": 7, \"name\": \"Ada\"}"), Outcome::Done(record) if record.id == "7")
    );
    assert!(
        matches!(outcome(201, "", "{}"), Outcome::Unknown { .. }),
        "done, and nothing tells which it is"
    );
    assert!(matches!(outcome(201, "", "{\"id\""), Outcome::Unknown { .. }));
    assert!(matches!(outcome(502, "", ""), Outcome::Unknown { .. }));
    assert!(matches!(
        outcome(503, "Retry-After: 3\r\n", ""),
        Outcome::Later { retry_after_ms: Some(3000), .. }
    ));
    assert!(
        matches!(outcome(400, "", "{\"message\": \"too long\"}"), Outcome::Rejected { message, .. } if message == "too long")
    );
    assert!(matches!(outcome(401, "", ""), Outcome::Stopped(Trouble::Unauthorized(_))));
}

#[test]
fn a_system_that_does_not_answer_in_time_leaves_a_creation_unknown() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let settings = json!({"address": address, "key": "k", "timeout_s": 0.2});
    let list = people("list: { request: { path: /people }, paging: none }");
    let rest = Rest::open(parse("test", &list).unwrap(), settings.as_object().unwrap()).unwrap();
    let create = Write { action: Action::Create, values: vec![], token: "1".into() };
    let outcome = rest.write("People", &names(), &[create]).remove(0);
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
}

#[test]
fn an_unknown_word_in_a_manifest_is_told_with_its_place() {
    let manifest = people("list: { request: { path: /people }, pagination: none }");
    let told = parse("connectors/fjord.yaml", &manifest).unwrap_err().to_string();
    assert!(
        told.contains("connectors/fjord.yaml")
            && told.contains("pagination")
            && told.contains("line"),
        "{told}"
    );
}

#[test]
fn a_link_header_leads_to_the_next_page() {
    let answer = |asked: &Asked| match asked.path.as_str() {
        "/people" => (
            200,
            "Link: </people?page=2>; rel=\"next\", </people?page=9>; rel=last\r\n".into(),
            json!([person(1)]).to_string(),
        ),
        _ => ok(json!([person(2)])),
    };
    let server = serve(answer);
    let rest = server
        .connect(&people("list: { request: { path: /people }, paging: { link: { limit: 1 } } }"));
    let all = read_all(&rest, "People", &names(), None, 10).unwrap();
    assert_eq!(all.records.len(), 2);
    assert_eq!(server.paths(), ["GET /people", "GET /people?page=2"]);
}

#[test]
fn what_a_search_finds_beside_what_was_asked_for_is_left_out() {
    let server = serve(|_| {
        ok(
            json!([{"id": 1, "name": "Ada Berg"}, {"id": 2, "name": " ada BERG "}, {"id": 3, "name": "Ada Bergset"}]),
        )
    });
    let list = "list: { request: { path: /people }, paging: none }
    find: { name: { request: { path: /search, query: { q: '{{ value }}' } } } }";
    let rest = server.connect(&people(list));
    let found = rest.find("People", &names(), 0, &json!("Ada Berg")).unwrap().unwrap();
    assert_eq!(found.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(server.paths(), ["GET /search?q=Ada%20Berg"]);
}

/// Everything that a listing shows, as `read` gives it for each page; `between` is told how many
/// pages there have been.
fn walk_all(connector: &Rest, between: &mut dyn FnMut(usize)) -> Vec<String> {
    let (mut ids, mut checkpoint) = (vec![], None);
    for page in 1.. {
        let request = ReadRequest {
            kind: "People",
            watch: &names(),
            checkpoint: checkpoint.as_ref(),
            page_size: 1000,
        };
        let read = connector.read(request).unwrap();
        ids.extend(read.records.into_iter().map(|record| record.id));
        checkpoint = Some(read.checkpoint);
        if !read.more {
            break;
        }
        between(page);
    }
    ids
}

#[test]
fn r1_pages_are_asked_for_side_by_side_where_the_total_is_told_and_nothing_is_missed() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    for paging in
        ["offset: { limit: 10, total: total }", "page: { limit: 10, total: total, first: 1 }"]
    {
        for (vanish, step) in [(0, 10), (3, 10), (0, 7)] {
            let all = Arc::new(Mutex::new((0..237).collect::<Vec<usize>>()));
            let (under_way, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
            let (shared, peak) = (Arc::clone(&all), Arc::clone(&most));
            let server = serve_side_by_side(move |asked| {
                peak.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(std::time::Duration::from_millis(10));
                let all = shared.lock().unwrap();
                let offset = match number(&asked.path, "page") {
                    0 => number(&asked.path, "offset"),
                    page => 10 * (page - 1),
                };
                // It may give fewer than it is asked for.
                let shown: Vec<Value> =
                    all.iter().skip(offset).take(step).map(|n| person(*n)).collect();
                under_way.fetch_sub(1, Ordering::SeqCst);
                ok(json!({"total": all.len(), "items": shown}))
            });
            if paging.starts_with("page") && step != 10 {
                continue;
            }
            let list = format!(
                "list: {{ request: {{ path: /people, query: {{ offset: '{{{{ offset }}}}', page: '{{{{ page }}}}', limit: '{{{{ limit }}}}' }} }}, items: items, paging: {{ {paging} }} }}"
            );
            let manifest = people(&list).replace("per-second: 1000", "at-once: 8");
            let connector = server.connect(&manifest);
            // Records on pages that have been passed vanish while later ones are read.
            let mut ids = walk_all(&connector, &mut |page| {
                let mut all = all.lock().unwrap();
                if page % 4 == 2 {
                    all.drain(..vanish);
                }
            });
            let asked = server.asked.lock().unwrap().len();
            ids.sort_by_key(|id| id.parse::<usize>().unwrap());
            ids.dedup();
            for n in all.lock().unwrap().iter() {
                assert!(ids.contains(&n.to_string()), "{paging}: {n} is missed");
            }
            assert!((4..=8).contains(&most.load(Ordering::SeqCst)), "{paging}: {most:?} at once");
            if vanish == 0 {
                assert_eq!(
                    asked,
                    237_usize.div_ceil(step),
                    "{paging}: no page twice, none behind the last one"
                );
            }
        }
    }
}

#[test]
fn r1_pages_that_follow_otherwise_than_foreseen_are_not_asked_for_ahead_again() {
    // Each page is shorter than the one before: nobody can tell where the next one begins.
    let server = serve_side_by_side(|asked| {
        let offset = number(&asked.path, "offset");
        let few = 10 - (offset / 10).min(8);
        ok(
            json!({"total": 120, "items": (offset..(offset + few).min(120)).map(person).collect::<Vec<_>>()}),
        )
    });
    let list = "list: { request: { path: /people, query: { offset: '{{ offset }}', limit: '{{ limit }}' } }, items: items, paging: { offset: { limit: 10, total: total } } }";
    let connector = server.connect(&people(list).replace("per-second: 1000", "at-once: 8"));
    let mut ids = walk_all(&connector, &mut |_| {});
    ids.dedup();
    assert_eq!(ids.len(), 120);
    let asked = server.asked.lock().unwrap().len();
    assert!(asked <= 40 + 8, "{asked} requests");
}

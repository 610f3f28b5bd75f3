//! The words of the manifest language, each against a small server: what is asked, and what is made
//! of the answers.

use std::sync::Mutex;

use crate::serving::{Asked, Server, serve};
use lockstep_connector::contract::read_all;
use lockstep_connector::rest::{Rest, parse};
use lockstep_connector::{Action, Connector, Outcome, ReadRequest, Trouble, Write, WriteValue};
use lockstep_model::flow::PropertyRef;
use serde_json::{Value, json};

fn manifest(auth: &str, rate: &str, ty: &str) -> String {
    format!(
        "title: Fjord\nsettings: {{ address: {{ what: address }}, key: {{ what: key, secret: true }} }}\nbase: '{{{{ address }}}}'\nauth: {auth}\nrate: {rate}\ntest: /me\ntypes:\n  People:\n    id: id\n    modified: changed\n    properties: {{ name: {{}}, phone: {{}}, home: {{ at: $parent, create-only: true }} }}\n{ty}"
    )
}

fn people(server: &Server, ty: &str) -> Rest {
    server.connect(&manifest("{ bearer: '{{ key }}' }", "{ per-second: 1000 }", ty))
}

fn watch() -> Vec<PropertyRef> {
    ["name", "phone", "home"].map(PropertyRef::new).to_vec()
}

fn ok(body: Value) -> (u16, String, String) {
    (200, String::new(), body.to_string())
}

fn write(action: Action, values: &[(usize, &str)]) -> Write {
    let values = values.iter().map(|(prop, value)| WriteValue {
        prop: *prop,
        value: json!(value),
        displaced: Value::Null.into(),
    });
    Write { action, values: values.collect(), token: "t1".into() }
}

fn update(id: &str) -> Action {
    Action::Update { id: id.into(), version: None }
}

const LIST: &str = "    list: { request: { path: /people }, paging: none }\n";

#[test]
fn a_key_in_the_query_is_sent_with_each_request_and_shown_in_no_message() {
    let server = serve(|_| (400, String::new(), "oh".into()));
    let rest = server.connect(&manifest("{ query: { api_key: '{{ key }}' } }", "{}", LIST));
    let told = rest.test().unwrap_err().to_string();
    assert!(!told.contains("s3cret"), "{told}");
    assert!(
        server.paths().iter().all(|path| path == "GET /me?api_key=s3cret"),
        "{:?}",
        server.paths()
    );
}

#[test]
fn records_are_read_through_their_parents_and_written_below_them() {
    let answer = |asked: &Asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/homes?page=1") => ok(json!([{"id": "a"}, {"id": "b"}])),
        ("GET", "/homes?page=2") => ok(json!([{"id": "c"}])),
        ("GET", "/homes/a/people") => ok(json!([{"id": 1, "name": "Ada"}])),
        ("GET", "/homes/b/people") => ok(json!([])),
        ("GET", "/homes/c/people") => ok(json!([{"id": 1, "name": "Cai"}])),
        ("POST", "/homes/c/people") => {
            (201, String::new(), json!({"id": 2, "name": "Eli"}).to_string())
        }
        ("GET" | "PATCH", "/homes/c/people/1") => ok(json!({"id": 1, "name": "Kai"})),
        _ => (404, String::new(), String::new()),
    };
    let server = serve(answer);
    let rest = people(
        &server,
        "    list: { request: { path: '/homes/{{ parent | url }}/people' }, paging: none, parents: { request: { path: /homes, query: { page: '{{ page }}' } }, paging: { page: { limit: 2 } }, id: id } }
    get: { request: { path: '/homes/{{ parent | url }}/people/{{ id | url }}' } }
    create: { request: { method: POST, path: '/homes/{{ parent | url }}/people' } }
    update: { request: { method: PATCH, path: '/homes/{{ parent | url }}/people/{{ id | url }}' }, read-before: true }
",
    );
    let all = read_all(&rest, "People", &watch(), None, 10).unwrap();
    assert_eq!(all.records.len(), 2);
    assert!(all.records.contains_key("a/1"));
    assert_eq!(all.records["c/1"].values, [Some(json!("Cai")), None, Some(json!("c"))]);
    assert!(all.everything);
    let got = rest.get("People", &watch(), "c/1").unwrap().unwrap();
    assert_eq!((got.id.as_str(), &got.values[2]), ("c/1", &Some(json!("c"))));
    match rest
        .write("People", &watch(), &[write(Action::Create, &[(0, "Eli"), (2, "c")])])
        .remove(0)
    {
        Outcome::Done(record) => assert_eq!(record.id, "c/2"),
        other => panic!("{other:?}"),
    }
    let mut edit = write(update("c/1"), &[(0, "Kaia")]);
    edit.values[0].displaced = json!("Kai").into();
    assert!(
        matches!(rest.write("People", &watch(), &[edit]).remove(0), Outcome::Done(record) if record.id == "c/1")
    );
    let asked = server.asked.lock().unwrap();
    let sent: Vec<&str> = asked
        .iter()
        .filter(|asked| asked.method != "GET")
        .map(|asked| asked.body.as_str())
        .collect();
    assert_eq!(
        sent,
        ["{\"name\":\"Eli\"}", "{\"name\":\"Kaia\"}"],
        "the parent is in the address and not in the body"
    );
}

#[test]
fn a_list_sorted_by_change_is_left_where_it_grows_old() {
    let answer = |asked: &Asked| {
        let page = if asked.path.ends_with("p=2") { 10 } else { 0 };
        // The latest first: 1994-11-06T08:49:37 is when the server says it is.
        ok(json!(
            (0..10)
                .map(|n| json!({"id": page + n, "changed": format!("1994-11-06T08:{:02}:00Z", 59 - page - n)}))
                .collect::<Vec<_>>()
        ))
    };
    let server = serve(answer);
    let paging = "paging: { page: { limit: 10 } }";
    let rest = people(
        &server,
        &format!(
            "{LIST}    changes: {{ request: {{ path: /people, query: {{ p: '{{{{ page }}}}' }} }}, {paging}, stops-at-since: true }}\n"
        ),
    );
    let first = read_all(&rest, "People", &watch(), None, 10).unwrap();
    let since = read_all(&rest, "People", &watch(), Some(first.checkpoint), 10).unwrap();
    assert_eq!(
        server.paths(),
        ["GET /people", "GET /people?p=1", "GET /people?p=0", "GET /people?p=2"]
    );
    // What is older on the page where it is left was not asked for.
    assert_eq!((since.records.len(), since.everything), (10, false));
}

#[test]
fn what_was_deleted_is_asked_for_where_it_is_listed_by_itself() {
    let answer = |asked: &Asked| match asked.path.split('?').next().unwrap() {
        "/gone" if asked.path.contains("offset=0") => ok(json!({"ids": ["7", "8"]})),
        "/gone" if asked.path.contains("offset=2") => ok(json!({"ids": ["9"]})),
        "/gone" => ok(json!({"ids": []})),
        _ => ok(json!([{"id": 1}])),
    };
    let server = serve(answer);
    let rest = people(
        &server,
        &format!(
            "{LIST}    changes: {{ request: {{ path: /people, query: {{ since: '{{{{ since }}}}' }} }}, paging: none }}
    gone: {{ request: {{ path: /gone, query: {{ since: '{{{{ since }}}}', offset: '{{{{ offset }}}}', n: '{{{{ limit }}}}' }} }}, items: ids, paging: {{ offset: {{ limit: 2 }} }} }}\n"
        ),
    );
    assert!(rest.types()[0].can.tells_deletions);
    let first = read_all(&rest, "People", &watch(), None, 10).unwrap();
    let page = rest
        .read(ReadRequest {
            kind: "People",
            watch: &watch(),
            checkpoint: Some(&first.checkpoint),
            page_size: 9,
        })
        .unwrap();
    assert_eq!(page.gone, ["7", "8", "9"]);
}

#[test]
fn p6_an_etag_is_read_before_and_sent_along() {
    let answer = |asked: &Asked| match asked.method.as_str() {
        "GET" => (200, "ETag: \"v7\"\r\n".into(), json!({"id": 1, "name": "Ada"}).to_string()),
        "DELETE" => (204, String::new(), String::new()),
        _ => (412, String::new(), json!({"message": "changed"}).to_string()),
    };
    let server = serve(answer);
    let rest = people(
        &server,
        &format!(
            "    version: $etag\n{LIST}    get: {{ request: {{ path: '/people/{{{{ id }}}}' }} }}
    update: {{ request: {{ method: PUT, path: '/people/{{{{ id }}}}', headers: {{ If-Match: '{{{{ version }}}}' }} }}, style: whole, read-before: true }}
    delete: {{ method: DELETE, path: '/people/{{{{ id }}}}', headers: {{ If-Match: '{{{{ version }}}}' }} }}\n"
        ),
    );
    assert_eq!(
        rest.get("People", &watch(), "1").unwrap().unwrap().version.as_deref(),
        Some("\"v7\"")
    );
    let mut edit = write(update("1"), &[(0, "Adda")]);
    edit.values[0].displaced = json!("Ada").into();
    assert!(matches!(rest.write("People", &watch(), &[edit]).remove(0), Outcome::Conflict { .. }));
    let delete = write(Action::Delete { id: "1".into(), version: None }, &[]);
    assert!(matches!(rest.write("People", &watch(), &[delete]).remove(0), Outcome::Done(_)));
    let asked = server.asked.lock().unwrap();
    let (put, delete) = (
        asked.iter().find(|a| a.method == "PUT").unwrap(),
        asked.iter().find(|a| a.method == "DELETE").unwrap(),
    );
    assert!(
        put.headers.contains("if-match:\"v7\"") && delete.headers.contains("if-match:\"v7\""),
        "{asked:?}"
    );
    assert_eq!(put.body, "{\"id\":1,\"name\":\"Adda\"}", "what the interpreter notes is not sent");
}

#[test]
fn a_field_mask_names_what_is_sent() {
    let server = serve(|_| ok(json!({"id": 1})));
    let rest = people(
        &server,
        &format!(
            "{LIST}    update: {{ request: {{ method: PATCH, path: '/people/{{{{ id }}}}', query: {{ updateMask: '{{{{ fields }}}}' }} }} }}\n"
        ),
    );
    rest.write("People", &watch(), &[write(update("1"), &[(0, "Ada"), (1, "7")])]);
    assert_eq!(server.paths(), ["PATCH /people/1?updateMask=name%2Cphone"]);
}

#[test]
fn several_are_written_in_one_request_and_each_has_its_own_result() {
    let server = serve(|asked| {
        let sent: Value = serde_json::from_str(&asked.body).unwrap();
        let results = sent["people"].as_array().unwrap().iter().enumerate().map(|(n, person)| {
            match person["name"].as_str() {
                Some("bad") => json!({"error": "no such name"}),
                _ => json!({"person": {"id": n + 1, "name": person["name"]}}),
            }
        });
        ok(json!({"results": results.collect::<Vec<_>>()}))
    });
    let rest = people(
        &server,
        &format!(
            "{LIST}    create: {{ request: {{ method: POST, path: /people }}, bulk: {{ request: {{ method: POST, path: /people/bulk }}, most: 3, wrap: people, results: results, item: person, error: error }} }}\n"
        ),
    );
    assert_eq!(rest.batch("People"), 3);
    let writes: Vec<Write> =
        ["Ada", "bad", "Cai"].iter().map(|name| write(Action::Create, &[(0, name)])).collect();
    let outcomes = rest.write("People", &watch(), &writes);
    assert!(matches!(&outcomes[0], Outcome::Done(record) if record.id == "1"), "{outcomes:?}");
    assert!(
        matches!(&outcomes[1], Outcome::Rejected { message, .. } if message == "no such name"),
        "{outcomes:?}"
    );
    assert!(matches!(&outcomes[2], Outcome::Done(record) if record.id == "3"), "{outcomes:?}");
    assert_eq!(server.paths(), ["POST /people/bulk"]);
}

#[test]
fn c2_what_a_refused_list_has_made_is_not_made_once_more() {
    let server =
        serve(|asked| match (asked.method.as_str(), asked.path.split('?').next().unwrap()) {
            ("POST", "/b") => {
                (400, String::new(), json!({"error": "the third is bad"}).to_string())
            }
            ("POST", _) => ok(json!({"id": 9, "name": "Cai", "phone": "3"})),
            _ if asked.path.ends_with("=1") => ok(json!([{"id": 1, "name": "Ada", "phone": "1"}])),
            // It makes something else of the name.
            _ if asked.path.ends_with("=2") => ok(json!([{"id": 2, "name": "BO", "phone": "2"}])),
            _ => ok(json!([])),
        });
    let rest = people(
        &server,
        &format!(
            "{LIST}    find: {{ phone: {{ request: {{ path: /f, query: {{ p: '{{{{ value }}}}' }} }} }} }}
    create: {{ request: {{ method: POST, path: /p }}, bulk: {{ request: {{ method: POST, path: /b }}, most: 9 }} }}\n"
        ),
    );
    let people = [("Ada", "1"), ("Bo", "2"), ("Cai", "3")];
    let writes: Vec<Write> = people
        .iter()
        .map(|(name, phone)| write(Action::Create, &[(0, name), (1, phone)]))
        .collect();
    let outcomes = rest.write("People", &watch(), &writes);
    assert!(
        matches!(&outcomes[0], Outcome::Duplicate { id: Some(id), .. } if id == "1"),
        "{outcomes:?}"
    );
    assert!(matches!(&outcomes[1], Outcome::Unknown { .. }), "{outcomes:?}");
    assert!(matches!(&outcomes[2], Outcome::Done(record) if record.id == "9"), "{outcomes:?}");
    assert_eq!(
        server.paths().iter().filter(|path| **path == "POST /p").count(),
        1,
        "{:?}",
        server.paths()
    );
}

#[test]
fn c2_bulk_results_that_can_t_be_told_apart_are_unknown() {
    let server = serve(|_| ok(json!([{"id": 1}])));
    let rest = people(
        &server,
        &format!(
            "{LIST}    create: {{ request: {{ method: POST, path: /p }}, bulk: {{ request: {{ method: POST, path: /b }}, most: 9 }} }}\n"
        ),
    );
    let writes: Vec<Write> =
        ["Ada", "Cai"].iter().map(|name| write(Action::Create, &[(0, name)])).collect();
    assert!(
        rest.write("People", &watch(), &writes)
            .iter()
            .all(|outcome| matches!(outcome, Outcome::Unknown { .. }))
    );
}

#[test]
fn c2_an_upsert_whose_answer_is_lost_is_sent_again() {
    let asked = Mutex::new(0);
    let server = serve(move |_| {
        *asked.lock().unwrap() += 1;
        let body = if *asked.lock().unwrap() == 1 {
            "{\"id\"".to_string()
        } else {
            json!({"id": 1}).to_string()
        };
        (200, String::new(), body)
    });
    let create = "create: { request: { method: PUT, path: '/people/by-key/{{ intent | url }}' }, upsert: true }";
    let rest = people(&server, &format!("{LIST}    {create}\n"));
    assert!(matches!(
        rest.write("People", &watch(), &[write(Action::Create, &[(0, "Ada")])]).remove(0),
        Outcome::Done(_)
    ));
    assert_eq!(server.paths(), ["PUT /people/by-key/t1"; 2]);
}

#[test]
fn graphql_is_a_body_with_variables_and_errors_in_an_answer_of_200() {
    let server = serve(|asked| {
        let sent: Value = serde_json::from_str(&asked.body).unwrap();
        if sent["query"].as_str().unwrap().starts_with("mutation") {
            return ok(
                json!({"data": null, "errors": [{"message": "name is too long", "extensions": {"code": "BAD_INPUT"}}]}),
            );
        }
        match sent["variables"]["after"].as_str() {
            None => ok(
                json!({"data": {"people": {"nodes": [{"id": "1", "name": "Ada"}], "pageInfo": {"hasNextPage": true, "endCursor": "c1"}}}}),
            ),
            _ => ok(
                json!({"data": {"people": {"nodes": [{"id": "2", "name": "Cai"}], "pageInfo": {"hasNextPage": false, "endCursor": "c2"}}}}),
            ),
        }
    });
    let text = manifest(
        "{ bearer: '{{ key }}' }",
        "{}",
        "    list:
      request: { method: POST, path: /graphql, body: { query: 'query($after: String) { people(after: $after) { nodes { id name } pageInfo { hasNextPage endCursor } } }', variables: { after: '{{ cursor }}' } } }
      items: data.people.nodes
      paging: { cursor: { limit: 1, at: data.people.pageInfo.endCursor, more: data.people.pageInfo.hasNextPage } }
    create:
      request: { method: POST, path: /graphql }
      wrap: variables.input
      beside: { query: 'mutation($input: PersonInput!) { createPerson(input: $input) { person { id } } }' }
      item: data.createPerson.person
",
    )
    .replace("types:", "errors:\n  - { status: 200, at: errors.0.extensions.code, is: [BAD_INPUT], means: rejected, property: [errors.0.message], message: [errors.0.message] }\ntypes:");
    let rest = server.connect(&text);
    assert_eq!(read_all(&rest, "People", &watch(), None, 10).unwrap().records.len(), 2);
    match rest.write("People", &watch(), &[write(Action::Create, &[(0, "Ada")])]).remove(0) {
        Outcome::Rejected { prop, message } => {
            assert_eq!((prop, message.as_str()), (Some(0), "name is too long"))
        }
        other => panic!("{other:?}"),
    }
    let sent: Value =
        serde_json::from_str(&server.asked.lock().unwrap().last().unwrap().body).unwrap();
    assert_eq!(sent["variables"]["input"], json!({"name": "Ada"}));
}

#[test]
fn an_odata_next_link_and_a_relative_one_lead_on() {
    let answer = |asked: &Asked| match asked.path.as_str() {
        "/api/people" => ok(json!({"value": [{"id": 1}], "@odata.nextLink": "?skip=1"})),
        "/api/people?skip=1" => {
            ok(json!({"value": [{"id": 2}], "@odata.nextLink": "/api/people?skip=2"}))
        }
        _ => ok(json!({"value": [{"id": 3}]})),
    };
    let server = serve(answer);
    let text = manifest(
        "{}",
        "{}",
        "    list: { request: { path: /people }, items: value, paging: { next: { limit: 1, at: '@odata.nextLink' } } }\n",
    )
    .replace("base: '{{ address }}'", "base: '{{ address }}/api'");
    assert_eq!(
        read_all(&server.connect(&text), "People", &watch(), None, 10).unwrap().records.len(),
        3
    );
}

#[test]
fn a_next_address_is_no_template_and_no_path_leads_to_another_host() {
    let server = serve(|asked| match asked.path.as_str() {
        "/people" => ok(json!({"value": [{"id": 1}], "next": "/people?leak={{ key }}"})),
        _ => ok(json!({"value": []})),
    });
    let rest = people(
        &server,
        "    list: { request: { path: /people }, items: value, paging: { next: { limit: 1, at: next } } }\n",
    );
    read_all(&rest, "People", &watch(), None, 10).unwrap();
    assert!(server.paths().iter().all(|path| !path.contains("s3cret")), "{:?}", server.paths());
    let rest =
        people(&server, &format!("{LIST}    get: {{ request: {{ path: '{{{{ id }}}}' }} }}\n"));
    match rest.get("People", &watch(), "@127.0.0.1:1/x") {
        Err(Trouble::Misconfigured(told)) => assert!(told.contains("leads away"), "{told}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_gigabyte_is_not_taken_in() {
    let server = serve(|asked| match asked.path.as_str() {
        // Seventy megabytes are enough to be too many.
        "/people" => (200, String::new(), format!("[\"{}\"]", "x".repeat(70 << 20))),
        _ => ok(json!({})),
    });
    match read_all(&people(&server, LIST), "People", &watch(), None, 10) {
        Err(Trouble::Malformed(told)) => {
            assert!(
                told.contains("Fjord GET /people: expected JSON")
                    && told.contains("larger than 64 MB"),
                "{told}"
            );
        }
        other => panic!("{:?}", other.map(|read| read.records.len())),
    }
}

#[test]
fn a_vendors_own_budget_headers_hold_the_next_request_back() {
    let server = serve(|_| (200, "X-Left: 0\r\nX-Reset: 3600\r\n".into(), json!({}).to_string()));
    let rest = server.connect(&manifest("{}", "{ remaining: X-Left, resets: X-Reset }", LIST));
    rest.test().unwrap();
    match rest.test() {
        Err(Trouble::Busy { retry_after_ms, .. }) => assert!(retry_after_ms.unwrap() > 3_500_000),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.paths().len(), 1, "what would be refused is not sent");
}

#[test]
fn a_later_among_the_errors_of_an_answer_is_no_illness() {
    let server = serve(|_| ok(json!({"errors": [{"code": "THROTTLED"}]})));
    let text = manifest("{}", "{}", LIST).replace(
        "types:",
        "errors: [{ at: errors.0.code, is: [THROTTLED], means: later }]\ntypes:",
    );
    assert!(matches!(
        read_all(&server.connect(&text), "People", &watch(), None, 10),
        Err(Trouble::Busy { .. })
    ));
}

#[test]
fn unknown_words_are_answered_with_the_known_ones_at_their_place() {
    let told = |text: &str| parse("connectors/fjord.yaml", text).unwrap_err().to_string();
    let wrong = told(&manifest("{ beerer: x }", "{}", LIST));
    assert!(
        wrong.contains("beerer") && wrong.contains("bearer") && wrong.contains("line 4"),
        "{wrong}"
    );
    let wrong =
        told(&manifest("{}", "{}", "    list: { request: { path: '/p/{{ oh' }, paging: none }\n"));
    assert!(wrong.contains("/p/{{ oh"), "{wrong}");
    let wrong = told(&manifest(
        "{}",
        "{}",
        "    list: { request: { path: /p }, paging: { pages: { limit: 1 } } }\n",
    ));
    assert!(
        wrong.contains("pages") && wrong.contains("cursor") && wrong.contains("line"),
        "{wrong}"
    );
}

const GET: &str = "    get: { request: { path: '/people/{{ id | url }}' } }\n";

#[test]
fn r3_an_error_answered_with_200_is_no_deletion() {
    let of = |body: &'static str, status: u16| serve(move |_| (status, String::new(), body.into()));
    let got = |body, status, get: &str| {
        people(&of(body, status), &format!("{LIST}{get}"))
            .get("People", &watch(), "1")
            .map(|found| found.map(|record| record.id))
    };
    let in_list =
        "    get: { request: { path: '/people', query: { id: '{{ id }}' } }, item: people }\n";
    for (body, status, get) in [
        ("{\"error\": \"try again\"}", 200, GET),
        ("{\"status\": \"error\", \"message\": \"down\"}", 200, GET),
        ("{}", 200, GET),
        ("[]", 200, in_list),
        ("null", 200, GET),
        ("", 200, GET),
        ("", 204, GET),
        ("\"busy\"", 200, GET),
        ("{\"error\": \"try again\"}", 200, in_list),
        ("{\"people\": [], \"error\": \"try again\"}", 200, in_list),
        ("{\"people\": null, \"errors\": [{\"message\": \"down\"}]}", 200, in_list),
        ("{\"people\": [{\"error\": 1}]}", 200, in_list),
        ("{\"people\": [{\"id\": 7}, {\"id\": 8}]}", 200, in_list),
        ("{\"id\": 1, \"changed\": \"01.02.2024\"}", 200, GET),
        ("{}", 302, GET),
        ("{}", 403, GET),
        ("{}", 500, GET),
    ] {
        let found = got(body, status, get);
        assert!(matches!(found, Err(Trouble::Malformed(_))), "{status} {body}: {found:?}");
    }
    assert!(matches!(got("{}", 401, GET), Err(Trouble::Unauthorized(_))));
    assert!(matches!(got("{}", 503, GET), Err(Trouble::Busy { .. })));
    for (body, status, get) in [
        ("{}", 404, GET),
        ("", 410, GET),
        ("{\"people\": []}", 200, in_list),
        ("{\"people\": null}", 200, in_list),
    ] {
        assert_eq!(got(body, status, get), Ok(None), "{status} {body}");
    }
    // A record may well have failed.
    assert_eq!(
        got("{\"id\": 1, \"error\": \"no stock\", \"status\": \"failed\"}", 200, GET),
        Ok(Some("1".into()))
    );
    assert_eq!(got("{\"people\": [{\"id\": 7}, {\"id\": 1}]}", 200, in_list), Ok(Some("1".into())));
    // The manifest's own word comes first.
    let text = manifest("{}", "{}", &format!("{LIST}{GET}")).replace(
        "types:",
        "errors: [{ status: 200, at: code, is: [unknown], means: gone }, { status: 404, at: code, is: [moved], means: later }]\ntypes:",
    );
    assert_eq!(
        of("{\"code\": \"unknown\"}", 200).connect(&text).get("People", &watch(), "1"),
        Ok(None)
    );
    let moved = of("{\"code\": \"moved\"}", 404).connect(&text).get("People", &watch(), "1");
    assert!(matches!(moved, Err(Trouble::Busy { .. })), "{moved:?}");
}

#[test]
fn r3_a_listing_with_an_error_is_no_listing() {
    for body in [
        "",
        "null",
        "{\"people\": [], \"error\": \"down\"}",
        "{\"people\": [{\"id\": 1}], \"errors\": [\"shard 2\"]}",
        "{}",
    ] {
        let rest = people(
            &serve(move |_| (200, String::new(), body.into())),
            "    list: { request: { path: /people }, items: people, paging: none }\n",
        );
        let read = read_all(&rest, "People", &watch(), None, 10);
        assert!(matches!(read, Err(Trouble::Malformed(_))), "{body}");
    }
    let empty = people(&serve(|_| (204, String::new(), String::new())), LIST);
    assert!(read_all(&empty, "People", &watch(), None, 10).unwrap().everything);
}

#[test]
fn g4_what_is_wrong_with_one_record_does_not_hold_the_others() {
    let began = std::time::Instant::now();
    let server = serve(|asked| match asked.method.as_str() {
        "GET" if asked.path.ends_with("/1") => (503, "Retry-After: 1\r\n".into(), String::new()),
        "GET" if asked.path.ends_with("/2") => (403, String::new(), "{}".into()),
        "GET" if asked.path.ends_with("/3") => (500, String::new(), "{}".into()),
        _ => ok(json!({"id": 4, "name": "Ada"})),
    });
    let update =
        "    update: { request: { method: PATCH, path: '/people/{{ id }}' }, read-before: true }\n";
    let rest = people(&server, &format!("{LIST}{GET}{update}"));
    let edits: Vec<Write> = ["1", "2", "3", "4"]
        .iter()
        .map(|id| Write {
            values: vec![WriteValue {
                prop: 0,
                value: json!("Adda"),
                displaced: json!("Ada").into(),
            }],
            ..write(update_of(id), &[])
        })
        .collect();
    let outcomes = rest.write("People", &watch(), &edits);
    for outcome in &outcomes[..3] {
        assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
    }
    assert!(matches!(&outcomes[3], Outcome::Done(_)), "{outcomes:?}");
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

fn update_of(id: &str) -> Action {
    update(id)
}

#[test]
fn g4_later_is_later_whatever_the_status() {
    let server = serve(|_| {
        (
            403,
            "Retry-After: 1796042977\r\n".into(),
            json!({"reason": "dailyLimitExceeded", "text": "Daily limit"}).to_string(),
        )
    });
    let text = manifest("{}", "{}", LIST).replace(
        "types:",
        "errors: [{ status: 403, at: reason, is: [dailyLimitExceeded], means: later, message: [text] }]\ntypes:",
    );
    match read_all(&server.connect(&text), "People", &watch(), None, 10) {
        Err(Trouble::Busy { retry_after_ms, message }) => {
            assert!(message.contains("Daily limit"), "{message}");
            assert_eq!(retry_after_ms, Some(24 * 3_600_000), "never longer than a day");
        }
        other => panic!("{:?}", other.map(|read| read.records.len())),
    }
}

/// What a second reading asks for the changes since, where the first was answered at `dates.0` and
/// the second at `dates.1`.
fn asked_since(words: &str, changes: &str, dates: (&str, &str), record: Value) -> Vec<String> {
    let (first, second) = (format!("Date: {}\r\n", dates.0), format!("Date: {}\r\n", dates.1));
    let count = Mutex::new(0);
    let server = serve(move |_| {
        *count.lock().unwrap() += 1;
        let date = if *count.lock().unwrap() == 1 { &first } else { &second };
        (200, date.clone(), json!([record]).to_string())
    });
    let list = "    list: { request: { path: /all }, paging: none }\n";
    let rest = people(
        &server,
        &format!(
            "{words}{list}    changes: {{ request: {{ path: /new, query: {{ s: '{{{{ since }}}}' }} }}, paging: none{changes} }}\n"
        ),
    );
    let read = read_all(&rest, "People", &watch(), None, 10).unwrap();
    read_all(&rest, "People", &watch(), Some(read.checkpoint), 10).unwrap();
    server.paths()
}

#[test]
fn r1_readings_overlap_by_what_times_can_t_tell_apart_and_by_the_stated_delay() {
    const AT: (&str, &str) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT");
    let since = |words: &str, changes: &str, changed: &str| {
        asked_since(words, changes, AT, json!({"id": 1, "changed": changed}))
            .pop()
            .unwrap()
            .replace("%3A", ":")
    };
    let fine = "1994-11-06T08:49:37.123Z";
    assert_eq!(since("", "", fine), "GET /new?s=1994-11-06T08:49:34Z", "never none");
    assert_eq!(
        since("", ", overlap-s: 0", fine),
        "GET /new?s=1994-11-06T08:49:34Z",
        "not even where it is said"
    );
    assert_eq!(since("", ", overlap-s: 60", fine), "GET /new?s=1994-11-06T08:48:37Z");
    assert_eq!(
        since("    settles-ms: 30000\n", ", overlap-s: 5", fine),
        "GET /new?s=1994-11-06T08:49:04Z"
    );
    assert_eq!(
        since("", "", "1994-11-06T08:50"),
        "GET /new?s=1994-11-06T08:48:35Z",
        "times of whole minutes"
    );
    assert_eq!(since("", "", "1994-11-07"), "GET /new?s=1994-11-05T08:49:35Z", "dates");
}

#[test]
fn r1_a_property_at_another_place_makes_everything_be_listed_again() {
    let server = serve(|_| {
        (200, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n".into(), json!([{"id": 1}]).to_string())
    });
    let list = format!(
        "{LIST}    changes: {{ request: {{ path: /new, query: {{ s: '{{{{ since }}}}' }} }}, paging: none }}\n"
    );
    let said = manifest("{ bearer: '{{ key }}' }", "{ per-second: 1000 }", &list);
    let first = read_all(&server.connect(&said), "People", &watch(), None, 10).unwrap();
    let again = |said: &str| {
        let from = Some(first.checkpoint.clone());
        read_all(&server.connect(said), "People", &watch(), from, 10).unwrap().everything
    };
    assert!(!again(&said));
    assert!(again(&said.replace("phone: {}", "phone: { at: tel }")));
    assert!(again(&said.replace("modified: changed", "modified: stamped")));
}

#[test]
fn r1_times_of_change_that_lag_behind_the_servers_clock_hide_no_change() {
    const AT: (&str, &str) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT");
    let since = |changed: &str| {
        asked_since("", "", AT, json!({"id": 1, "changed": changed}))
            .pop()
            .unwrap()
            .replace("%3A", ":")
    };
    // Local times without a zone, told two hours west of Greenwich: what changes next has a time
    // two hours back.
    assert_eq!(since("1994-11-06T06:49:37"), "GET /new?s=1994-11-06T06:49:34Z");
    // No zone is further away than this, so that a system in which nothing changes is not asked for
    // more and more.
    assert_eq!(since("1994-11-01T00:00:00"), "GET /new?s=1994-11-05T17:49:34Z");
    // Nothing is known of the clock of times of which none has been seen.
    let unseen = asked_since("", "", AT, json!({"id": 1})).pop().unwrap().replace("%3A", ":");
    assert_eq!(unseen, "GET /new?s=1994-11-05T17:49:34Z");
    // Times ahead of the clock lose nothing.
    assert_eq!(since("1994-11-06T10:49:37"), "GET /new?s=1994-11-06T08:49:34Z");
}

#[test]
fn g4_the_systems_own_words_are_told_whatever_form_they_have() {
    let told = |status: u16, body: Value| {
        let server = serve(move |_| (status, String::new(), body.to_string()));
        let create = "    create: { request: { method: POST, path: /people } }\n";
        let rest = people(&server, &format!("{LIST}{create}"));
        match rest
            .write("People", &watch(), &[write(Action::Create, &[(0, "Ada"), (1, "x")])])
            .remove(0)
        {
            Outcome::Rejected { prop, message } => (prop, message),
            other => panic!("{other:?}"),
        }
    };
    for (body, prop, words) in [
        (
            json!({"errors": {"phone": ["is invalid", "is too short"]}}),
            Some(1),
            "phone: is invalid; is too short",
        ),
        (
            json!({"message": "Validation failed", "errors": [{"field": "phone", "message": "is invalid"}]}),
            Some(1),
            "phone: is invalid",
        ),
        (json!({"phone": ["Enter a valid address."]}), Some(1), "phone: Enter a valid address."),
        (
            json!({"detail": [{"loc": ["body", "phone"], "msg": "not an address", "type": "value_error"}]}),
            Some(1),
            "not an address",
        ),
        (
            json!({"errors": [{"source": {"pointer": "/data/attributes/phone"}, "detail": "is taken"}]}),
            Some(1),
            "is taken",
        ),
        (
            json!({"error": {"message": "Invalid phone", "param": "phone"}}),
            Some(1),
            "Invalid phone",
        ),
        (
            json!({"error": {"code": 17, "message": "the quota is used up"}}),
            None,
            "the quota is used up",
        ),
        (json!("name and phone are not allowed"), None, "name and phone are not allowed"),
        (json!({"errors": {"fax": ["is invalid"]}}), None, "fax: is invalid"),
    ] {
        let (blamed, message) = told(400, body.clone());
        assert!(message.contains(words), "{body}: {message}");
        assert_eq!(blamed, prop, "{body}: {message}");
    }
    // Some say with 200 that nothing was done.
    for body in [
        json!({"success": false, "error": "the quota is used up"}),
        json!({"status": "error", "message": "the quota is used up"}),
        json!({"errors": [{"message": "the quota is used up"}], "data": null}),
    ] {
        let (_, message) = told(200, body.clone());
        assert!(
            message.contains("answered 200: ") && message.contains("the quota is used up"),
            "{body}: {message}"
        );
    }
}

#[test]
fn g4_an_answer_that_shows_the_record_is_no_error_whatever_it_is_called() {
    let server = serve(|_| {
        ok(json!({"id": 1, "name": "Ada", "status": "failed", "errors": ["a complaint"]}))
    });
    let create = "    create: { request: { method: POST, path: /people } }\n";
    let rest = people(&server, &format!("{LIST}{create}"));
    let outcome = rest.write("People", &watch(), &[write(Action::Create, &[(0, "Ada")])]).remove(0);
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
}

#[test]
fn r1_a_server_clock_that_was_wrong_or_is_set_back_hides_no_change() {
    let http = |s: i64| {
        let at = jiff::Timestamp::from_second(s).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    };
    let now = jiff::Timestamp::now().as_second();
    // Whatever it showed the first time, the second reading asks from about the moment of the
    // first, or for everything.
    for wrong in [3_600, 10 * 365 * 86_400] {
        let record = json!({"id": 1, "changed": http(now + wrong)});
        let paths = asked_since("", "", (&http(now + wrong), &http(now)), record);
        assert_eq!(paths.last().unwrap(), "GET /all", "{wrong}: {paths:?}");
    }
    // It was an hour fast when the last reading began, which is two hours ago by now: set right it
    // shows a later time all the same.
    let server =
        serve(move |_| (200, format!("Date: {}\r\n", http(now)), json!([{"id": 1}]).to_string()));
    let rest = people(
        &server,
        &format!(
            "{LIST}    changes: {{ request: {{ path: /new, query: {{ s: '{{{{ since_unix }}}}' }} }}, paging: none }}\n"
        ),
    );
    let text = json!({"since": 1000 * (now - 3_600), "ahead": 3_600_000}).to_string();
    let before = lockstep_connector::Checkpoint { text, bytes: vec![] };
    read_all(&rest, "People", &watch(), Some(before), 10).unwrap();
    let since: i64 = server.paths().pop().unwrap().rsplit_once('=').unwrap().1.parse().unwrap();
    assert!((since - (now - 7_200)).abs() <= 2, "{since}, {now}");
}

#[test]
fn r8_a_time_in_no_known_form_is_told_and_never_unknown() {
    let read = |words: &str, records: Value| {
        let server = serve(move |_| ok(records.clone()));
        read_all(&people(&server, &format!("{words}{LIST}")), "People", &watch(), None, 10)
    };
    let modified = |changed: Value| {
        read("", json!([{"id": 1, "changed": changed}])).unwrap().records["1"].modified
    };
    for form in [
        json!(1_714_644_000),
        json!("1714644000"),
        json!(1_714_644_000_000_i64),
        json!("/Date(1714644000000)/"),
        json!("Thu, 02 May 2024 10:00:00 GMT"),
    ] {
        assert_eq!(
            modified(form.clone()),
            Some(lockstep_model::Timestamp(1_714_644_000_000)),
            "{form}"
        );
    }
    assert_eq!(modified(json!(null)), None);
    match read("", json!([{"id": 1, "changed": "01.02.2024"}, {"id": 2, "changed": "03.02.2024"}]))
    {
        Err(Trouble::Malformed(told)) => {
            assert!(told.contains("01.02.2024") && told.contains("modified-form"), "{told}")
        }
        other => panic!("{:?}", other.map(|read| read.records.len())),
    }
    // One odd one among others is told by itself.
    let one =
        read("", json!([{"id": 1, "changed": "01.02.2024"}, {"id": 2, "changed": "2024-02-03"}]))
            .unwrap();
    assert_eq!(
        (one.records.len(), one.faults.len(), one.faults[0].id.as_deref()),
        (1, 1, Some("1"))
    );
    let form = read("    modified-form: '%d.%m.%Y'\n", json!([{"id": 1, "changed": "01.02.2024"}]))
        .unwrap();
    assert_eq!(form.records["1"].modified, lockstep_model::Timestamp::parse("2024-02-01"));
}

#[test]
fn r1_pages_are_counted_from_1_or_from_0_and_a_listing_may_end_with_404() {
    let page_of = |asked: &Asked| {
        asked.path.split("page=").nth(1).and_then(|n| n.split('&').next()?.parse::<i64>().ok())
    };
    let list = |from: i64, page: i64| -> Value {
        let n = (page - from) * 2;
        (n.max(0)..5.min(n + 2).max(0)).map(|id| json!({"id": id})).collect()
    };
    let text = |first: &str| {
        format!(
            "    list: {{ request: {{ path: /people, query: {{ page: '{{{{ page }}}}' }} }}, paging: {{ page: {{ limit: 2{first} }} }} }}\n"
        )
    };
    let ids = |server: &Server, first: &str| {
        read_all(&people(server, &text(first)), "People", &watch(), None, 10).unwrap().records.len()
    };
    // From 0, from 1; with 404, with an error, and with the first page again for page 0.
    let from_zero = serve(move |asked| ok(list(0, page_of(asked).unwrap())));
    assert_eq!((ids(&from_zero, ""), ids(&from_zero, ", first: 0")), (5, 5));
    for status in [200, 404, 400, 500] {
        let from_one = serve(move |asked| match page_of(asked).unwrap() {
            0 if status != 200 => (status, String::new(), "{}".into()),
            page if page > 3 && status == 404 => {
                (404, String::new(), "{\"detail\": \"Invalid page.\"}".into())
            }
            page => ok(list(1, page.max(1))),
        });
        assert_eq!(ids(&from_one, ""), 5, "{status}");
    }
    let said = serve(move |asked| ok(list(1, page_of(asked).unwrap())));
    assert_eq!(ids(&said, ", first: 1"), 5);
    assert!(said.paths().iter().all(|path| !path.ends_with("page=0")), "{:?}", said.paths());
    // A request that does sums with the page says what it wants.
    let sums = "    list: { request: { path: /people, query: { page: '{{ page - 1 }}' } }, paging: { page: { limit: 2 } } }\n";
    let zero = serve(move |asked| ok(list(0, page_of(asked).unwrap())));
    assert_eq!(
        read_all(&people(&zero, sums), "People", &watch(), None, 10).unwrap().records.len(),
        5
    );
    assert!(zero.paths().iter().all(|path| !path.contains("-1")), "{:?}", zero.paths());
}

#[test]
fn r1_an_incomplete_listing_is_told_each_time_and_read_once_it_is_whole() {
    let whole = std::sync::Arc::new(Mutex::new(false));
    let now = std::sync::Arc::clone(&whole);
    let server = serve(move |asked| {
        let from: usize = asked.path.split("o=").nth(1).unwrap().parse().unwrap();
        let most = if *now.lock().unwrap() { 5 } else { 3 };
        let items: Vec<Value> =
            (from..most.max(from).min(from + 2)).map(|id| json!({"id": id})).collect();
        ok(json!({"people": items, "total": 5}))
    });
    let rest = people(
        &server,
        "    list: { request: { path: /people, query: { n: '{{ limit }}', o: '{{ offset }}' } }, items: people, paging: { offset: { limit: 2, total: total } } }\n",
    );
    let read = |from: Option<lockstep_connector::Checkpoint>| {
        let mut checkpoint = from;
        loop {
            match rest.read(ReadRequest {
                kind: "People",
                watch: &watch(),
                checkpoint: checkpoint.as_ref(),
                page_size: 9,
            }) {
                Ok(page) if !page.more => return (checkpoint, Ok(())),
                Ok(page) => checkpoint = Some(page.checkpoint),
                Err(trouble) => return (checkpoint, Err(trouble.to_string())),
            }
        }
    };
    let (mut at, mut told) = read(None);
    for _ in 0..3 {
        assert!(told.as_ref().unwrap_err().contains("expected 5 records"), "{told:?}");
        (at, told) = read(at);
    }
    *whole.lock().unwrap() = true;
    assert_eq!(read(at).1, Ok(()));
}

#[test]
fn r1_a_comma_in_a_link_does_not_end_the_listing() {
    let server = serve(|asked| match asked.path.as_str() {
        "/people" => (
            200,
            "Link: </people?ids=1,2&p=1>; rel=\"first\", <people?ids=1,2,3&p=2>; rel=\"next\"\r\n"
                .into(),
            json!([{"id": 1}]).to_string(),
        ),
        "/people?ids=1,2,3&p=2" => ok(json!([{"id": 2}])),
        _ => (404, String::new(), String::new()),
    });
    let rest = people(
        &server,
        "    list: { request: { path: /people }, paging: { link: { limit: 1 } } }\n",
    );
    assert_eq!(read_all(&rest, "People", &watch(), None, 10).unwrap().records.len(), 2);
}

#[test]
fn p6_no_version_is_no_header() {
    let server = serve(|_| ok(json!({"id": 1})));
    let update = "    update: { request: { method: PATCH, path: '/people/{{ id }}', query: { rev: '{{ version }}' }, headers: { If-Match: '\"{{ version }}\"', X-Modified: '{{ modified_http }}' } } }\n";
    let delete = "    delete: { method: DELETE, path: '/people/{{ id }}', headers: { If-Match: '{{ version }}' } }\n";
    let rest = people(&server, &format!("    version: rev\n{LIST}{update}{delete}"));
    rest.write("People", &watch(), &[write(update_of("1"), &[(0, "Ada")])]);
    rest.write("People", &watch(), &[write(Action::Delete { id: "1".into(), version: None }, &[])]);
    for asked in server.asked.lock().unwrap().iter() {
        assert!(
            !asked.headers.contains("if-match") && !asked.headers.contains("x-modified"),
            "{asked:?}"
        );
        assert!(!format!("{asked:?}").contains("none") && !asked.path.contains("rev"), "{asked:?}");
    }
    let version = Some("7".to_string());
    rest.write(
        "People",
        &watch(),
        &[write(Action::Update { id: "1".into(), version }, &[(0, "Ada")])],
    );
    assert!(server.asked.lock().unwrap().last().unwrap().headers.contains("if-match:\"7\""));
}

#[test]
fn r3_a_deletion_of_what_is_there_is_no_deletion() {
    let server = serve(|asked| match asked.method.as_str() {
        "DELETE" => (404, String::new(), json!({"message": "no such address"}).to_string()),
        _ => ok(json!({"id": 1})),
    });
    let delete = "    delete: { method: DELETE, path: '/persons/{{ id }}' }\n";
    let rest = people(&server, &format!("{LIST}{GET}{delete}"));
    let outcome = rest
        .write("People", &watch(), &[write(Action::Delete { id: "1".into(), version: None }, &[])])
        .remove(0);
    assert!(
        matches!(&outcome, Outcome::Rejected { message, .. } if message.contains("is there")),
        "{outcome:?}"
    );
}

#[test]
fn p1_a_property_s_own_time_is_another_property() {
    let with = |said: &str| {
        let text = manifest("{}", "{}", LIST);
        parse(
            "fjord",
            &text.replace(
                "phone: {}",
                &format!("phone: {{ modified: {said} }}, phone_at: {{ type: datetime }}"),
            ),
        )
    };
    let told = |said: &str| with(said).unwrap_err().to_string();
    assert!(
        told("fone_at").contains("in `fone_at`, which is no property of it"),
        "{}",
        told("fone_at")
    );
    assert!(told("phone").contains("in `phone`, which is itself"), "{}", told("phone"));
    let types = lockstep_connector::rest::schemas(&with("phone_at").unwrap());
    assert_eq!(types[0].property(&"phone".into()).unwrap().modified, Some("phone_at".into()));
}

#[test]
fn d3_a_mark_says_that_a_record_is_deleted() {
    let marked = |words: &str| {
        let records = json!([{"id": 1, "state": "archived", "at": "2024-05-02"}, {"id": 2, "state": "open", "at": null}, {"id": 3}]);
        let server = serve(move |_| ok(records.clone()));
        let rest = people(&server, &format!("    deleted: {words}\n{LIST}"));
        let mut read = read_all(&rest, "People", &watch(), None, 10).unwrap();
        let mut live: Vec<String> = read.records.drain().map(|(id, _)| id).collect();
        live.sort();
        (read.gone, live)
    };
    let first_is = (vec!["1".to_string()], vec!["2".to_string(), "3".to_string()]);
    assert_eq!(marked("{ at: state, is: [archived, closed] }"), first_is);
    assert_eq!(marked("{ at: state, is-not: [open] }"), first_is);
    assert_eq!(marked("{ at: at, is-not: [null] }"), first_is);
}

#[test]
fn d3_a_deletion_is_whatever_request_the_manifest_says() {
    let server = serve(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("PATCH", "/people/7") => ok(json!({"id": 7, "archived": true})),
        ("GET", "/people/8") => ok(json!({"id": 8, "archived": true})),
        _ => (404, String::new(), String::new()),
    });
    let words = "    deleted: { at: archived, is: [true] }
    get: { request: { path: '/people/{{ id | url }}' } }
    update: { request: { method: PUT, path: '/people/{{ id | url }}' } }
    delete: { method: PATCH, path: '/people/{{ id | url }}', body: { archived: true } }\n";
    let rest = people(&server, &format!("{words}{LIST}"));
    let delete = |id: &str| write(Action::Delete { id: id.into(), version: None }, &[]);
    assert!(
        matches!(rest.write("People", &watch(), &[delete("7")]).remove(0), Outcome::Done(gone) if gone.deleted)
    );
    let asked = server.asked.lock().unwrap();
    let sent: Vec<(&str, &str)> =
        asked.iter().map(|asked| (asked.method.as_str(), asked.body.as_str())).collect();
    assert_eq!(sent, [("PATCH", "{\"archived\":true}")]);
    drop(asked);
    assert!(rest.get("People", &watch(), "8").unwrap().is_none_or(|record| record.deleted));
}

#[test]
fn c2_a_look_up_that_answers_nothing_clear_has_not_found_nobody() {
    let find = "    find: { name: { request: { path: /search, query: { q: '{{ value }}' } }, item: people } }\n";
    let found = |body: &'static str, status: u16| {
        let server = serve(move |_| (status, String::new(), body.into()));
        people(&server, &format!("{LIST}{find}")).find("People", &watch(), 0, &json!("Ada"))
    };
    for body in [
        "{}",
        "",
        "{\"error\": \"down\"}",
        "{\"people\": [], \"error\": \"down\"}",
        "{\"people\": [{\"name\": \"Ada\"}]}",
    ] {
        assert!(matches!(found(body, 200), Err(Trouble::Busy { .. })), "{body}");
    }
    for (body, status) in
        [("{\"people\": []}", 200), ("{\"people\": null}", 200), ("", 204), ("{}", 404)]
    {
        assert_eq!(found(body, status), Ok(Some(vec![])), "{status} {body}");
    }
    assert_eq!(
        found("{\"people\": [{\"id\": 1, \"name\": \"Ada\"}]}", 200).unwrap().unwrap().len(),
        1
    );
}

#[test]
fn c2_r6_what_was_created_and_is_not_there_may_not_have_been() {
    let answer = |asked: &Asked| match asked.method.as_str() {
        "POST" => (201, String::new(), json!({"id": 7}).to_string()),
        _ => (404, String::new(), String::new()),
    };
    let create = "get: { request: { path: '/people/{{ id | url }}' } }\n    create: { request: { method: POST, path: /people }, read-after: true }";
    for (settles, known) in
        [("", false), ("    settles-ms: 0\n", false), ("    settles-ms: 5000\n", true)]
    {
        let server = serve(answer);
        let rest = people(&server, &format!("{LIST}{settles}    {create}\n"));
        let outcome =
            rest.write("People", &watch(), &[write(Action::Create, &[(0, "Ada")])]).remove(0);
        // A system that says that it lags shows it later.
        assert_eq!(matches!(outcome, Outcome::Done(_)), known, "{settles}: {outcome:?}");
        assert!(known || matches!(outcome, Outcome::Accepted { .. }), "{settles}: {outcome:?}");
    }
}

#[test]
fn d2_a_deleted_record_is_restored_by_its_id() {
    let server = serve(|asked| match asked.path.as_str() {
        "/bin/7/restore" => (200, String::new(), String::new()),
        _ => (404, String::new(), String::new()),
    });
    let restore = "restore: { method: PUT, path: '/bin/{{ id | url }}/restore' }";
    let rest = people(&server, &format!("{LIST}    {restore}\n"));
    assert!(rest.types()[0].can.restore);
    let outcomes = ["7", "8"].map(|id| {
        rest.write("People", &watch(), &[write(Action::Restore { id: id.into() }, &[])]).remove(0)
    });
    assert!(matches!(&outcomes[0], Outcome::Done(record) if record.id == "7"), "{outcomes:?}");
    assert!(matches!(&outcomes[1], Outcome::Gone { .. }), "{outcomes:?}");
    assert_eq!(server.paths(), ["PUT /bin/7/restore", "PUT /bin/8/restore"]);
}

#[test]
fn r7_d3_a_mark_of_deleted_records_is_compared_by_value() {
    for (mark, live, deleted) in [
        ("{ at: gone, is-not: [null] }", json!([null, "", "  "]), json!(["2026-01-31", 1])),
        (
            "{ at: gone, is: [true] }",
            json!([false, 0, "false", "", null]),
            json!([true, 1, "true"]),
        ),
        ("{ at: gone, is: [1] }", json!([0, false, "0"]), json!([1, true, "1"])),
    ] {
        let held: Vec<&Value> =
            [&live, &deleted].into_iter().flat_map(|list| list.as_array().unwrap()).collect();
        let body: Value =
            held.iter().enumerate().map(|(id, gone)| json!({"id": id + 1, "gone": gone})).collect();
        let server = serve(move |_| ok(body.clone()));
        let rest = people(&server, &format!("{LIST}    deleted: {mark}\n"));
        let read = read_all(&rest, "People", &watch(), None, 100).unwrap();
        let mut found: Vec<&str> = read.records.keys().map(String::as_str).collect();
        found.sort_unstable();
        let expected: Vec<String> =
            (1..=live.as_array().unwrap().len()).map(|id| id.to_string()).collect();
        assert_eq!(found, expected, "{mark}: {held:?}");
    }
}

#[test]
fn a_timeout_or_a_rate_that_can_t_be_is_refused() {
    let manifest = || parse("fjord", &manifest("{}", "{}", LIST)).unwrap();
    for (name, value) in [
        ("timeout_s", json!(1e300)),
        ("timeout_s", json!("99999999999999999999")),
        ("timeout_s", json!(0)),
        ("timeout_s", json!(-1)),
        ("timeout_s", json!("soon")),
        ("timeout_s", json!("NaN")),
        ("rate_per_second", json!(0)),
        ("rate_per_second", json!(-3)),
        ("rate_per_second", json!("inf")),
    ] {
        let given = json!({"address": "http://127.0.0.1:1", "key": "k", name: value});
        let given = given.as_object().unwrap();
        let opened = Rest::open(manifest(), given).map(|_| ());
        assert!(
            matches!(&opened, Err(Trouble::Misconfigured(told)) if told.contains(name)),
            "{given:?}: {opened:?}"
        );
        assert!(
            lockstep_connector::rest::settings(&manifest(), given, false).is_err(),
            "`check` says it as well"
        );
    }
    let given = json!({"address": "http://127.0.0.1:1", "key": "k", "timeout_s": "86400"});
    assert!(Rest::open(manifest(), given.as_object().unwrap()).is_ok());
}

#[test]
fn records_are_read_through_parents_of_their_parents() {
    let answer = |asked: &Asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/towns?page=1") => ok(json!([{"id": "x"}, {"id": "y"}])),
        ("GET", "/towns?page=2") => ok(json!([{"id": "z"}])),
        ("GET", "/towns/x/homes?page=1") => ok(json!([{"id": "a"}, {"id": "b"}])),
        ("GET", "/towns/x/homes?page=2") => ok(json!([{"id": "c"}])),
        ("GET", "/towns/y/homes?page=1") => ok(json!([])),
        ("GET", "/towns/z/homes?page=1") => ok(json!([{"id": "a"}])),
        ("GET", "/towns/x/homes/a/people") => ok(json!([{"id": 1, "name": "Ada"}])),
        ("GET", "/towns/x/homes/b/people") => ok(json!([])),
        ("GET", "/towns/x/homes/c/people") => ok(json!([{"id": "1/2", "name": "Bo"}])),
        ("GET", "/towns/z/homes/a/people") => ok(json!([{"id": 1, "name": "Cai"}])),
        ("POST", "/towns/z/homes/a/people") => {
            (201, String::new(), json!({"id": 2, "name": "Eli"}).to_string())
        }
        ("GET", "/towns/x/homes/c/people/1%2F2") => ok(json!({"id": "1/2", "name": "Bo"})),
        ("PATCH", "/towns/x/homes/c/people/1%2F2") => ok(json!({"id": "1/2", "name": "Bob"})),
        ("DELETE", "/towns/x/homes/a/people/1") => (204, String::new(), String::new()),
        _ => (404, String::new(), String::new()),
    };
    let server = serve(answer);
    let of = "/towns/{{ parents[0] | url }}/homes/{{ parent | url }}/people";
    let one = format!("{of}/{{{{ id | url }}}}");
    let rest = people(
        &server,
        &format!(
            "    list:
      request: {{ path: '{of}' }}
      paging: none
      parents:
        request: {{ path: '/towns/{{{{ parent | url }}}}/homes', query: {{ page: '{{{{ page }}}}' }} }}
        paging: {{ page: {{ limit: 2 }} }}
        id: id
        parents: {{ request: {{ path: /towns, query: {{ page: '{{{{ page }}}}' }} }}, paging: {{ page: {{ limit: 2 }} }}, id: id }}
    get: {{ request: {{ path: '{one}' }} }}
    create: {{ request: {{ method: POST, path: '{of}' }} }}
    update: {{ request: {{ method: PATCH, path: '{one}' }} }}
    delete: {{ method: DELETE, path: '{one}' }}
"
        ),
    );
    let all = read_all(&rest, "People", &watch(), None, 10).unwrap();
    let mut ids: Vec<&String> = all.records.keys().collect();
    ids.sort();
    assert_eq!(ids, ["x/a/1", "x/c/1/2", "z/a/1"]);
    assert_eq!(all.records["z/a/1"].values, [Some(json!("Cai")), None, Some(json!("z/a"))]);
    assert!(all.everything);
    // The reading that follows begins anew.
    let again = read_all(&rest, "People", &watch(), Some(all.checkpoint), 10).unwrap();
    assert_eq!(again.records.len(), 3);
    let got = rest.get("People", &watch(), "x/c/1/2").unwrap().unwrap();
    assert_eq!((got.id.as_str(), &got.values[2]), ("x/c/1/2", &Some(json!("x/c"))));
    let writes = [
        write(Action::Create, &[(0, "Eli"), (2, "z/a")]),
        write(update("x/c/1/2"), &[(0, "Bob")]),
        write(Action::Delete { id: "x/a/1".into(), version: None }, &[]),
    ];
    let made: Vec<String> = writes
        .iter()
        .map(|one| match rest.write("People", &watch(), std::slice::from_ref(one)).remove(0) {
            Outcome::Done(record) => record.id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(made, ["z/a/2", "x/c/1/2", "x/a/1"]);
}

#[test]
fn g10_changes_list_below_as_many_parents_as_everything() {
    let parents = "parents: { request: { path: /homes }, paging: none, id: id }";
    let text = manifest(
        "{}",
        "{}",
        &format!(
            "    list: {{ request: {{ path: '/homes/{{{{ parent }}}}/people' }}, paging: none, {parents} }}\n    changes: {{ request: {{ path: '/people?since={{{{ since }}}}' }}, paging: none }}\n"
        ),
    );
    let told = parse("test", &text).unwrap_err().to_string();
    assert!(told.contains("has as many `parents`"), "{told}");
}

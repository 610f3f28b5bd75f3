//! The words of the manifest language, each against a small server: what is asked, and what is made of the answers.

mod serving;

use std::sync::Mutex;

use lockstep_connector::contract::read_all;
use lockstep_connector::rest::{Rest, parse};
use lockstep_connector::{Action, Connector, Outcome, ReadRequest, Trouble, Write, WriteValue};
use lockstep_model::flow::PropertyRef;
use serde_json::{Value, json};
use serving::{Asked, Server, serve};

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
    let values =
        values.iter().map(|(prop, value)| WriteValue { prop: *prop, value: json!(value), displaced: Value::Null.into() });
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
    assert!(server.paths().iter().all(|path| path == "GET /me?api_key=s3cret"), "{:?}", server.paths());
}

#[test]
fn records_are_read_through_their_parents_and_written_below_them() {
    let answer = |asked: &Asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/homes?page=1") => ok(json!([{"id": "a"}, {"id": "b"}])),
        ("GET", "/homes?page=2") => ok(json!([{"id": "c"}])),
        ("GET", "/homes/a/people") => ok(json!([{"id": 1, "name": "Ada"}])),
        ("GET", "/homes/b/people") => ok(json!([])),
        ("GET", "/homes/c/people") => ok(json!([{"id": 1, "name": "Cai"}])),
        ("POST", "/homes/c/people") => (201, String::new(), json!({"id": 2, "name": "Eli"}).to_string()),
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
    match rest.write("People", &watch(), &[write(Action::Create, &[(0, "Eli"), (2, "c")])]).remove(0) {
        Outcome::Done(record) => assert_eq!(record.id, "c/2"),
        other => panic!("{other:?}"),
    }
    let mut edit = write(update("c/1"), &[(0, "Kaia")]);
    edit.values[0].displaced = json!("Kai").into();
    assert!(matches!(rest.write("People", &watch(), &[edit]).remove(0), Outcome::Done(record) if record.id == "c/1"));
    let asked = server.asked.lock().unwrap();
    let sent: Vec<&str> = asked.iter().filter(|asked| asked.method != "GET").map(|asked| asked.body.as_str()).collect();
    assert_eq!(sent, ["{\"name\":\"Eli\"}", "{\"name\":\"Kaia\"}"], "the parent is in the address and not in the body");
}

#[test]
fn a_list_sorted_by_change_is_left_where_it_grows_old() {
    let answer = |asked: &Asked| {
        let page = if asked.path.ends_with("p=1") { 0 } else { 10 };
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
    assert_eq!(server.paths(), ["GET /people", "GET /people?p=1", "GET /people?p=2"]);
    assert_eq!((since.records.len(), since.everything), (20, false));
}

#[test]
fn what_was_deleted_is_asked_for_where_it_is_listed_by_itself() {
    let answer = |asked: &Asked| match asked.path.split('?').next().unwrap() {
        "/gone" if asked.path.contains("offset=0") => ok(json!({"ids": ["7", "8"]})),
        "/gone" => ok(json!({"ids": ["9"]})),
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
    let page =
        rest.read(ReadRequest { kind: "People", watch: &watch(), checkpoint: Some(&first.checkpoint), page_size: 9 }).unwrap();
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
    assert_eq!(rest.get("People", &watch(), "1").unwrap().unwrap().version.as_deref(), Some("\"v7\""));
    let mut edit = write(update("1"), &[(0, "Adda")]);
    edit.values[0].displaced = json!("Ada").into();
    assert!(matches!(rest.write("People", &watch(), &[edit]).remove(0), Outcome::Conflict { .. }));
    let delete = write(Action::Delete { id: "1".into(), version: None }, &[]);
    assert!(matches!(rest.write("People", &watch(), &[delete]).remove(0), Outcome::Done(_)));
    let asked = server.asked.lock().unwrap();
    let (put, delete) = (asked.iter().find(|a| a.method == "PUT").unwrap(), asked.iter().find(|a| a.method == "DELETE").unwrap());
    assert!(put.headers.contains("if-match:\"v7\"") && delete.headers.contains("if-match:\"v7\""), "{asked:?}");
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
        let results = sent["people"].as_array().unwrap().iter().enumerate().map(|(n, person)| match person["name"].as_str() {
            Some("bad") => json!({"error": "no such name"}),
            _ => json!({"person": {"id": n + 1, "name": person["name"]}}),
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
    let writes: Vec<Write> = ["Ada", "bad", "Cai"].iter().map(|name| write(Action::Create, &[(0, name)])).collect();
    let outcomes = rest.write("People", &watch(), &writes);
    assert!(matches!(&outcomes[0], Outcome::Done(record) if record.id == "1"), "{outcomes:?}");
    assert!(matches!(&outcomes[1], Outcome::Rejected { message, .. } if message == "no such name"), "{outcomes:?}");
    assert!(matches!(&outcomes[2], Outcome::Done(record) if record.id == "3"), "{outcomes:?}");
    assert_eq!(server.paths(), ["POST /people/bulk"]);
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
    let writes: Vec<Write> = ["Ada", "Cai"].iter().map(|name| write(Action::Create, &[(0, name)])).collect();
    assert!(rest.write("People", &watch(), &writes).iter().all(|outcome| matches!(outcome, Outcome::Unknown { .. })));
}

#[test]
fn c2_an_upsert_whose_answer_is_lost_is_sent_again() {
    let asked = Mutex::new(0);
    let server = serve(move |_| {
        *asked.lock().unwrap() += 1;
        let body = if *asked.lock().unwrap() == 1 { "{\"id\"".to_string() } else { json!({"id": 1}).to_string() };
        (200, String::new(), body)
    });
    let create = "create: { request: { method: PUT, path: '/people/by-key/{{ intent | url }}' }, upsert: true }";
    let rest = people(&server, &format!("{LIST}    {create}\n"));
    assert!(matches!(rest.write("People", &watch(), &[write(Action::Create, &[(0, "Ada")])]).remove(0), Outcome::Done(_)));
    assert_eq!(server.paths(), ["PUT /people/by-key/t1"; 2]);
}

#[test]
fn graphql_is_a_body_with_variables_and_errors_in_an_answer_of_200() {
    let server = serve(|asked| {
        let sent: Value = serde_json::from_str(&asked.body).unwrap();
        if sent["query"].as_str().unwrap().starts_with("mutation") {
            return ok(json!({"data": null, "errors": [{"message": "name is too long", "extensions": {"code": "BAD_INPUT"}}]}));
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
        Outcome::Rejected { prop, message } => assert_eq!((prop, message.as_str()), (Some(0), "name is too long")),
        other => panic!("{other:?}"),
    }
    let sent: Value = serde_json::from_str(&server.asked.lock().unwrap().last().unwrap().body).unwrap();
    assert_eq!(sent["variables"]["input"], json!({"name": "Ada"}));
}

#[test]
fn an_odata_next_link_and_a_relative_one_lead_on() {
    let answer = |asked: &Asked| match asked.path.as_str() {
        "/api/people" => ok(json!({"value": [{"id": 1}], "@odata.nextLink": "?skip=1"})),
        "/api/people?skip=1" => ok(json!({"value": [{"id": 2}], "@odata.nextLink": "/api/people?skip=2"})),
        _ => ok(json!({"value": [{"id": 3}]})),
    };
    let server = serve(answer);
    let text = manifest(
        "{}",
        "{}",
        "    list: { request: { path: /people }, items: value, paging: { next: { limit: 1, at: '@odata.nextLink' } } }\n",
    )
    .replace("base: '{{ address }}'", "base: '{{ address }}/api'");
    assert_eq!(read_all(&server.connect(&text), "People", &watch(), None, 10).unwrap().records.len(), 3);
}

#[test]
fn a_next_address_is_no_template_and_no_path_leads_to_another_host() {
    let server = serve(|asked| match asked.path.as_str() {
        "/people" => ok(json!({"value": [{"id": 1}], "next": "/people?leak={{ key }}"})),
        _ => ok(json!({"value": []})),
    });
    let rest =
        people(&server, "    list: { request: { path: /people }, items: value, paging: { next: { limit: 1, at: next } } }\n");
    read_all(&rest, "People", &watch(), None, 10).unwrap();
    assert!(server.paths().iter().all(|path| !path.contains("s3cret")), "{:?}", server.paths());
    let rest = people(&server, &format!("{LIST}    get: {{ request: {{ path: '{{{{ id }}}}' }} }}\n"));
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
            assert!(told.contains("Fjord GET /people: expected JSON") && told.contains("larger than 64 MB"), "{told}");
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
    let text =
        manifest("{}", "{}", LIST).replace("types:", "errors: [{ at: errors.0.code, is: [THROTTLED], means: later }]\ntypes:");
    assert!(matches!(read_all(&server.connect(&text), "People", &watch(), None, 10), Err(Trouble::Busy { .. })));
}

#[test]
fn unknown_words_are_answered_with_the_known_ones_at_their_place() {
    let told = |text: &str| parse("connectors/fjord.yaml", text).unwrap_err().to_string();
    let wrong = told(&manifest("{ beerer: x }", "{}", LIST));
    assert!(wrong.contains("beerer") && wrong.contains("bearer") && wrong.contains("line 4"), "{wrong}");
    let wrong = told(&manifest("{}", "{}", "    list: { request: { path: '/p/{{ oh' }, paging: none }\n"));
    assert!(wrong.contains("/p/{{ oh"), "{wrong}");
    let wrong = told(&manifest("{}", "{}", "    list: { request: { path: /p }, paging: { pages: { limit: 1 } } }\n"));
    assert!(wrong.contains("pages") && wrong.contains("cursor") && wrong.contains("line"), "{wrong}");
}

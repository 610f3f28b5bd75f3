//! No secret in anything that is told, in any way of being let in, and even where the system
//! repeats in its answer everything that it was sent.

use crate::serving::{Asked, serve};
use lockstep_connector::rest::{Rest, parse};
use lockstep_connector::{Action, Call, Connector, ReadRequest, Write, WriteValue};
use lockstep_model::Timestamp;
use lockstep_model::flow::PropertyRef;
use serde_json::{Value, json};

/// What may be told nowhere. With what gets another form in an address, in JSON and in a header.
const KEY: &str = "s3cr3t/k\"ey+7";
const REFRESH: &str = "r3fr3sh=one";
const GIVEN: [&str; 2] = ["acc3ss-given", "r3fr3sh-given"];

/// The ways of being let in, as `auth` has them.
const WAYS: [(&str, &str); 8] = [
    ("a header", "{ headers: { X-Key: '{{ key }}' } }"),
    ("a header with a word before", "{ headers: { Authorization: 'Token {{ key }}' } }"),
    ("the query", "{ query: { api_key: '{{ key }}' } }"),
    ("basic", "{ basic: 'lockstep:{{ key }}' }"),
    ("bearer", "{ bearer: '{{ key }}' }"),
    (
        "client credentials",
        "{ token: { url: '{{ address }}/token', form: { grant_type: client_credentials, client_id: a, client_secret: '{{ key }}' } } }",
    ),
    (
        "a refresh token",
        "{ token: { url: '{{ address }}/token', basic: 'a:{{ key }}', form: { grant_type: refresh_token, refresh_token: '{{ refresh_token }}' } } }",
    ),
    (
        "a signed exchange",
        "{ signed: { key: '{{ private_key }}', text: '{{ key }}.{{ minute }}', url: '{{ address }}/token', body: { t: '{{ signed }}', app: '{{ key }}' }, at: access_token, message: error, authorization: 'Ticket {{ ticket }}', headers: { X-App: '{{ key }}' } } }",
    ),
];

fn manifest(auth: &str) -> String {
    format!(
        "title: Fjord
settings:
  address: {{ what: address }}
  key: {{ what: key, secret: true }}
  refresh_token: {{ what: token, secret: true, default: '' }}
  private_key: {{ what: key, secret: true, default: '' }}
base: '{{{{ address }}}}'
auth: {auth}
rate: {{}}
test: /me
errors:
  - {{ status: 422, means: rejected, property: [error], message: [error] }}
webhook:
  signature: {{ header: X-Sig, secret: '{{{{ key }}}}' }}
  register: {{ method: POST, path: /hooks, body: {{ url: '{{{{ url }}}}', secret: '{{{{ key }}}}' }} }}
types:
  People:
    id: id
    properties: {{ name: {{}} }}
    list: {{ request: {{ path: /people, headers: {{ X-N: '{{{{ key | int }}}}' }} }}, paging: none }}
    get: {{ request: {{ path: '/people/{{{{ id | url }}}}' }} }}
    find: {{ name: {{ request: {{ path: /search, query: {{ q: '{{{{ value }}}}' }} }} }} }}
    create: {{ request: {{ method: POST, path: /people }} }}
    update: {{ request: {{ method: PATCH, path: '/people/{{{{ id | url }}}}' }}, read-before: true }}
    delete: {{ method: DELETE, path: '/people/{{{{ id | url }}}}' }}
"
    )
}

/// Everything that was sent, and what base64 in it holds.
fn all_of(asked: &Asked) -> String {
    format!("{} {} {} {}", asked.method, asked.path, asked.headers, asked.body)
}

/// Repeats the request in the answer's body, in the ways that systems do.
fn echo(asked: &Asked, status: u16, way: usize, tokens: bool) -> (u16, String, String) {
    let all = all_of(asked);
    if asked.path.starts_with("/token") && tokens {
        return (
            200,
            String::new(),
            json!({"access_token": GIVEN[0], "refresh_token": GIVEN[1]}).to_string(),
        );
    }
    let body = match way {
        0 => json!({"error": all, "message": all, "detail": {"said": [all]}}).to_string(),
        1 => all,
        _ => format!("<html>{all}</html>"),
    };
    // A page that leads elsewhere repeats it in a header.
    let header =
        if status == 302 { "Location: http://127.0.0.1:1/x\r\n" } else { "Retry-After: 0\r\n" };
    (status, header.into(), body)
}

/// Everything that a connector tells about anything.
fn told(rest: &Rest) -> String {
    let watch = [PropertyRef::new("name")];
    let write = |action| Write {
        action,
        values: vec![WriteValue { prop: 0, value: json!("Ada"), displaced: Value::Null.into() }],
        token: "t".into(),
    };
    let (id, version) = (String::from("1"), None);
    let read =
        rest.read(ReadRequest { kind: "People", watch: &watch, checkpoint: None, page_size: 10 });
    let mut told = format!("{:?} {read:?} {:?}", rest.test(), rest.get("People", &watch, "1"));
    told += &format!("{:?}", rest.find("People", &watch, 0, &json!("Ada")));
    for action in [
        Action::Create,
        Action::Update { id: id.clone(), version: version.clone() },
        Action::Delete { id: id.clone(), version: version.clone() },
    ] {
        told += &format!("{:?}", rest.write("People", &watch, &[write(action)]));
    }
    let call = Call {
        method: "POST".into(),
        address: "/hooks/fjord".into(),
        query: vec![],
        headers: vec![("x-sig".into(), "00".into())],
        body: b"{}".to_vec(),
        at: Timestamp(0),
    };
    told += &format!(
        "{:?} {:?} {:?}",
        rest.listen_at("http://127.0.0.1:1/hooks/fjord", &[]),
        rest.hear(&call),
        rest.pace()
    );
    told
}

#[test]
fn what_a_system_repeats_is_covered_in_every_way_of_being_let_in() {
    let pem = include_str!("key.pem");
    let coded = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(text)
    };
    let percent = |text: &str| {
        text.replace('/', "%2F").replace('"', "%22").replace('+', "%2B").replace('=', "%3D")
    };
    let mut hidden: Vec<String> = Vec::new();
    for secret in [KEY, REFRESH, GIVEN[0], GIVEN[1]] {
        hidden.extend([secret.to_string(), percent(secret), coded(secret)]);
    }
    hidden.extend([
        KEY.replace('"', "\\\""),
        coded(&format!("lockstep:{KEY}")),
        coded(&format!("a:{KEY}")),
    ]);
    hidden.extend(pem.lines().filter(|line| !line.starts_with("-----")).map(str::to_string));
    for (way, auth) in WAYS {
        let mut repeated = 0;
        for tokens in [true, false] {
            for (n, status) in
                [200, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503].into_iter().enumerate()
            {
                let server = serve(move |asked| echo(asked, status, n % 3, tokens));
                let settings = json!({"address": server.address, "key": KEY, "refresh_token": REFRESH, "private_key": pem, "timeout_s": 9});
                let rest = Rest::open(
                    parse("fjord", &manifest(auth)).unwrap(),
                    settings.as_object().unwrap(),
                )
                .unwrap();
                let told = told(&rest);
                for secret in &hidden {
                    assert!(
                        !told.contains(secret.as_str()),
                        "{way}, {status}: `{secret}` is told: {told}"
                    );
                }
                repeated += usize::from(told.contains("•••"));
            }
        }
        println!("{way}: covered in {repeated} of 22 kinds of answers");
        assert!(repeated > 0, "{way}: nothing was ever repeated, so nothing was tried");
    }
}

#[test]
fn settings_that_are_wrong_are_told_without_them() {
    for text in [
        manifest("{}").replace("base: '{{ address }}'", "base: '{{ key }}'"),
        manifest("{ headers: { X: \"{{ key | int }}\" } }"),
        manifest(
            "{ basic: '{{ key | tojson | list | first }}{{ key.nothing.at.all }}{{ 1 / 0 }}{{ key + 1 }}' }",
        ),
    ] {
        let settings = json!({"address": "http://127.0.0.1:1", "key": KEY});
        let told = match Rest::open(parse("fjord", &text).unwrap(), settings.as_object().unwrap()) {
            Err(trouble) => format!("{trouble} {trouble:?}"),
            Ok(rest) => told(&rest),
        };
        assert!(!told.contains(KEY) && !told.contains("s3cr3t"), "{told}");
    }
}

#[test]
fn a_key_that_a_system_repeats_in_what_is_read_is_not_taken_in() {
    let key = "s3cr3t/k\"ey+7";
    let server = serve(move |asked| {
        let next = "/people?page=2&api_key=s3cr3t%2Fk%22ey%2B7&trace=s3cr3t%2fk%22ey%2b7";
        match asked.path.as_str() {
            path if path.starts_with("/people?page=2") => {
                (200, String::new(), json!({"people": [{"id": 2, "name": "Bo"}]}).to_string())
            }
            path if path.starts_with("/people/1") => {
                (200, String::new(), json!({"id": 1, "name": format!("key {key}")}).to_string())
            }
            path if path.starts_with("/people") && asked.method == "GET" => {
                let ada = json!({"id": 1, "name": format!("Ada {key}")});
                (200, String::new(), json!({"people": [ada], "next": next}).to_string())
            }
            _ => (201, String::new(), json!({"id": 3, "name": all_of(asked)}).to_string()),
        }
    });
    let text = manifest("{ query: { api_key: '{{ key }}' } }").replace(
        "list: { request: { path: /people, headers: { X-N: '{{ key | int }}' } }, paging: none }",
        "list: { request: { path: /people }, items: people, paging: { next: { limit: 1, at: next } } }",
    );
    let settings =
        json!({"address": server.address, "key": key, "refresh_token": "", "private_key": ""});
    let rest = Rest::open(parse("fjord", &text).unwrap(), settings.as_object().unwrap()).unwrap();
    let watch = [PropertyRef::new("name")];
    let read = |checkpoint| {
        rest.read(ReadRequest { kind: "People", watch: &watch, checkpoint, page_size: 10 }).unwrap()
    };
    let first = read(None);
    assert_eq!(
        (first.records[0].id.as_str(), &first.records[0].values[0]),
        ("1", &None),
        "{first:?}"
    );
    assert!(
        first.faults.len() == 1 && first.faults[0].message.contains("a key of this project"),
        "told: {first:?}"
    );
    let second = read(Some(&first.checkpoint));
    assert_eq!(second.records[0].values[0], Some(json!("Bo")), "and the listing goes on");
    let got = rest.get("People", &watch, "1").unwrap();
    let create = Write {
        action: Action::Create,
        values: vec![WriteValue { prop: 0, value: json!("Ada"), displaced: Value::Null.into() }],
        token: "t".into(),
    };
    let made = rest.write("People", &watch, &[create]);
    let told = format!("{first:?} {second:?} {got:?} {made:?}").to_lowercase();
    assert!(!told.contains("s3cr3t"), "{told}");
    // Another process can't know what the checkpoint leaves out: it begins anew.
    let rest = Rest::open(parse("fjord", &text).unwrap(), settings.as_object().unwrap()).unwrap();
    let anew = rest
        .read(ReadRequest {
            kind: "People",
            watch: &watch,
            checkpoint: Some(&first.checkpoint),
            page_size: 10,
        })
        .unwrap();
    assert_eq!(anew.records[0].id, "1");
}

#[test]
fn a_key_in_the_path_of_a_request_names_no_fault() {
    // At every place, those at which the path is too long to be told whole among them.
    for before in [0, 170, 185, 195] {
        let server = serve(|asked| match asked.path.contains("/people/") {
            true => (400, String::new(), "{}".into()),
            false => (200, String::new(), json!([{"name": "Ada"}, {"id": 2}]).to_string()),
        });
        let keyed = format!("'/{}/{{{{ key | url }}}}/people", "y".repeat(before));
        let text = manifest("{}")
            .replace(
                "path: /people, headers: { X-N: '{{ key | int }}' }",
                &format!("path: {keyed}'"),
            )
            .replace("path: /people }", &format!("path: {keyed}' }}"))
            .replace("path: '/people", &format!("path: {keyed}"));
        let settings = json!({"address": server.address, "key": KEY});
        let rest =
            Rest::open(parse("fjord", &text).unwrap(), settings.as_object().unwrap()).unwrap();
        let page = rest
            .read(ReadRequest {
                kind: "People",
                watch: &[PropertyRef::new("name")],
                checkpoint: None,
                page_size: 10,
            })
            .unwrap();
        assert_eq!(page.faults.len(), 1, "the one without an id: {page:?}");
        let told = format!("{page:?} {}", told(&rest));
        assert!(!told.contains("s3cr"), "{before}: {told}");
        assert!(told.contains("•••"), "{before}: {told}");
    }
}

//! Words of the manifest language that few systems need: how they let requests in, and how their
//! answers and bodies differ. Each against a small server; and what is said where they are written
//! wrongly.

use crate::serving::{Asked, Server, serve};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use lockstep_connector::contract::read_all;
use lockstep_connector::rest::{Rest, parse};
use lockstep_connector::{Action, Call, Connector, Heard, Outcome, Trouble, Write, WriteValue};
use lockstep_model::Timestamp;
use lockstep_model::flow::PropertyRef;
use serde_json::{Value, json};

fn manifest(auth: &str, ty: &str) -> String {
    format!(
        "title: Fjord\nsettings: {{ address: {{ what: address }}, key: {{ what: key, secret: true }} }}\nbase: '{{{{ address }}}}'\nauth: {auth}\nrate: {{ per-second: 1000 }}\ntest: /me\ntypes:\n  People:\n    id: id\n    properties: {{ name: {{}}, phone: {{}} }}\n{ty}"
    )
}

const LIST: &str = "    list: { request: { path: /people }, paging: none }\n";

fn watch() -> Vec<PropertyRef> {
    ["name", "phone"].map(PropertyRef::new).to_vec()
}

fn ok(body: Value) -> (u16, String, String) {
    (200, String::new(), body.to_string())
}

fn create(rest: &Rest, name: &str) -> Outcome {
    let values = vec![WriteValue { prop: 0, value: json!(name), displaced: Value::Null.into() }];
    rest.write("People", &watch(), &[Write { action: Action::Create, values, token: "t1".into() }])
        .remove(0)
}

fn told(auth: &str, ty: &str) -> String {
    match parse("fjord", &manifest(auth, ty)) {
        Ok(_) => "nothing".into(),
        Err(trouble) => trouble.to_string(),
    }
}

/// What a request with a token is let in by, where the token is asked for at /token.
fn let_in(
    auth: &str,
    token: impl Fn(&Asked) -> (u16, String, String) + Send + 'static,
    opens: &'static str,
) -> (Server, Rest) {
    let server = serve(move |asked| match asked.path.split('?').next().unwrap() {
        "/token" => token(asked),
        _ if asked.headers.contains(opens) || asked.path.contains(opens) => {
            ok(json!([{"id": 1, "name": "Ada"}]))
        }
        _ => (401, String::new(), "{}".into()),
    });
    let rest = server.connect(&manifest(auth, LIST));
    rest.test().unwrap_or_else(|trouble| panic!("{trouble}: {:?}", server.asked.lock().unwrap()));
    (server, rest)
}

#[test]
fn a_session_is_asked_for_by_put_with_a_query_and_carried_in_basic() {
    // As Tripletex has it.
    let auth = "{ token: { url: '{{ address }}/token', method: PUT, query: { consumerToken: '{{ key }}', expirationDate: '{{ tomorrow }}' }, at: value.token, ends-at: value.expirationDate, sends: { basic: '0:{{ token }}' } } }";
    let answer = |asked: &Asked| {
        assert!(
            asked.method == "PUT" && asked.path.contains("consumerToken=s3cret&expirationDate=20"),
            "{asked:?}"
        );
        ok(json!({"value": {"token": "t0ken-1", "expirationDate": "2999-01-01"}}))
    };
    let (server, rest) = let_in(auth, answer, "authorization:Basic MDp0MGtlbi0x");
    rest.test().unwrap();
    assert_eq!(
        server.paths().iter().filter(|path| path.contains("/token")).count(),
        1,
        "it is good for long"
    );
}

#[test]
fn a_token_is_asked_for_with_json_and_carried_in_a_header_or_the_query() {
    let auth = "{ token: { url: '{{ address }}/token', json: { user: { key: '{{ key }}' } }, at: AccessToken, lives-s: 3600, sends: { headers: { Authorization: 'Zoho-oauthtoken {{ token }}', X-Token: '{{ token }}' } } } }";
    let answer = |asked: &Asked| {
        assert_eq!(asked.body, "{\"user\":{\"key\":\"s3cret\"}}");
        assert!(asked.headers.contains("content-type:application/json"), "{asked:?}");
        ok(json!({"AccessToken": "t0ken-2"}))
    };
    let_in(auth, answer, "authorization:Zoho-oauthtoken t0ken-2\n");
    let auth = "{ token: { url: '{{ address }}/token', method: GET, headers: { Key: '{{ key }}' }, at: $headers.X-Session, sends: { query: { session: '{{ token }}' } } } }";
    let answer = |asked: &Asked| {
        assert!(asked.headers.contains("key:s3cret") && asked.body.is_empty(), "{asked:?}");
        (200, "X-Session: t0ken-3\r\n".into(), "{}".into())
    };
    let (server, rest) = let_in(auth, answer, "?session=t0ken-3");
    let refuses = serve(|asked| {
        if asked.path == "/token" {
            (200, "X-Session: t0ken-4\r\n".into(), "{}".into())
        } else {
            (401, String::new(), asked.path.clone())
        }
    });
    let message = refuses.connect(&manifest(auth, LIST)).test().unwrap_err().to_string();
    assert!(!message.contains("t0ken-4"), "{message}");
    drop((server, rest));
}

#[test]
fn cookies_of_a_session_are_sent_back_and_asked_for_anew_when_they_end() {
    let auth =
        "{ token: { url: '{{ address }}/token', json: { password: '{{ key }}' }, cookies: true } }";
    let logins = std::sync::Mutex::new(0);
    let server = serve(move |asked| match asked.path.as_str() {
        "/token" => {
            let mut logins = logins.lock().unwrap();
            *logins += 1;
            (
                200,
                format!(
                    "Set-Cookie: sid=s{logins}; Path=/; HttpOnly\r\nSet-Cookie: csrf=c; Secure\r\n"
                ),
                "{}".into(),
            )
        }
        _ if asked.headers.contains("cookie:sid=s2; csrf=c") => ok(json!([])),
        _ => (401, String::new(), "{}".into()),
    });
    server.connect(&manifest(auth, LIST)).test().unwrap();
    let none = serve(|_| ok(json!({})));
    let message = none.connect(&manifest(auth, LIST)).test().unwrap_err().to_string();
    assert!(message.contains("expected cookies"), "{message}");
}

#[test]
fn a_token_that_is_not_where_the_manifest_says_is_told_with_the_place() {
    let server = serve(|_| ok(json!({"token": "t0ken"})));
    let auth = "{ token: { url: '{{ address }}/token', at: data.token, json: {} } }";
    let message = server.connect(&manifest(auth, LIST)).test().unwrap_err().to_string();
    assert!(
        message.contains("expected a token at `data.token`") && message.contains("say with `at`"),
        "{message}"
    );
}

/// Header and claims of the web token in a text.
fn opened(text: &str) -> (Value, Value, String) {
    let token = text.split_whitespace().last().unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    (json(parts[0]), json(parts[1]), token.to_string())
}

#[test]
fn a_web_token_is_made_with_a_shared_secret() {
    // As Ghost has it: the secret is in hexadecimal digits.
    let auth = "{ jwt: { algorithm: HS256, key: '{{ key }}', key-encoding: hex, header: { kid: k1 }, claims: { aud: /admin/ }, sends: { headers: { Authorization: 'Ghost {{ token }}' } } } }";
    let server = serve(|_| ok(json!([])));
    let settings = json!({"address": server.address, "key": "00ff10"});
    let rest =
        Rest::open(parse("fjord", &manifest(auth, LIST)).unwrap(), settings.as_object().unwrap())
            .unwrap();
    rest.test().unwrap();
    let headers = server.asked.lock().unwrap()[0].headers.clone();
    let sent = headers.lines().find_map(|line| line.strip_prefix("authorization:Ghost ")).unwrap();
    let (header, claims, token) = opened(sent);
    assert_eq!(header, json!({"alg": "HS256", "kid": "k1", "typ": "JWT"}));
    assert_eq!(
        (&claims["aud"], claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()),
        (&json!("/admin/"), 300)
    );
    let (signed, proof) = token.rsplit_once('.').unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &[0, 0xff, 0x10]);
    ring::hmac::verify(&key, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(proof).unwrap()).unwrap();
    let settings = json!({"address": server.address, "key": "s3cret"});
    let rest =
        Rest::open(parse("fjord", &manifest(auth, LIST)).unwrap(), settings.as_object().unwrap())
            .unwrap();
    let message = rest.test().unwrap_err().to_string();
    assert!(message.contains("hexadecimal digits") && !message.contains("s3cret"), "{message}");
}

#[test]
fn a_client_proves_itself_by_a_signed_assertion() {
    let pem = include_str!("key.pem").replace('\n', "\\n");
    let auth = "{ token: { url: '{{ address }}/token', assertion: { algorithm: RS256, key: '{{ key }}', claims: { iss: me, jti: '{{ random }}' } }, form: { grant_type: client_credentials, client_assertion: '{{ assertion }}' } } }";
    let server = serve(|asked| match asked.path.as_str() {
        "/token" => {
            let assertion =
                asked.body.split("client_assertion=").nth(1).unwrap().split('&').next().unwrap();
            let (header, claims, _) = opened(assertion);
            let fine = header["alg"] == "RS256"
                && claims["iss"] == "me"
                && claims["jti"].as_str().unwrap().len() == 32;
            if fine {
                ok(json!({"access_token": "t0ken", "expires_in": 3600}))
            } else {
                (400, String::new(), "{}".into())
            }
        }
        _ => ok(json!([])),
    });
    let settings = json!({"address": server.address, "key": pem});
    let rest =
        Rest::open(parse("fjord", &manifest(auth, LIST)).unwrap(), settings.as_object().unwrap())
            .unwrap();
    rest.test().unwrap();
    assert!(server.asked.lock().unwrap()[1].headers.contains("authorization:Bearer t0ken"));
}

#[test]
fn what_lets_in_nothing_is_refused_where_it_stands() {
    for (auth, message) in [
        ("{ token: { url: a, form: { a: b }, json: {} } }", "a token request has one body"),
        ("{ token: { url: a, method: GET, form: { a: b } } }", "say `query` instead"),
        ("{ token: { url: a, method: FETCH } }", "`FETCH` is no method for a token request"),
        ("{ token: { url: a, cookies: true, at: b } }", "the cookies are the token"),
        ("{ token: { url: a, lives-s: 1, ends-at: b } }", "one of `lives-at`"),
        (
            "{ token: { url: a, assertion: { algorithm: HS256, key: k } } }",
            "`assertion` is made for",
        ),
        ("{ token: { url: a, sends: { headers: { X: y } } } }", "nothing in `sends` names"),
        (
            "{ token: { url: a }, jwt: { algorithm: HS256, key: k } }",
            "`token` is used before `jwt`",
        ),
        (
            "{ jwt: { algorithm: RS256, key: k, key-encoding: hex } }",
            "`key-encoding` is for shared secrets",
        ),
        ("{ jwt: { algorithm: none, key: k } }", "HS256"),
        ("{ token: { url: 'a{{ b', json: { a: 'c{{ d' } } }", "c{{ d"),
    ] {
        let told = told(auth, LIST);
        assert!(told.contains(message) && told.contains("line 4"), "{auth}: {told}");
    }
    let text = manifest("{ token: { url: a, sends: { basic: '0:{{ token }}' } } }", LIST)
        .replace("key: {", "token: {");
    assert!(
        parse("fjord", &text)
            .unwrap_err()
            .to_string()
            .contains("call the setting `token` otherwise")
    );
}

#[test]
fn bodies_are_sent_as_forms() {
    let server = serve(|_| ok(json!({"id": 1, "name": "Åse"})));
    let ty = "    create: { request: { method: POST, path: /people, encoding: form }, wrap: person, beside: { notify: false } }\n";
    let rest = server.connect(&manifest("{}", &format!("{LIST}{ty}")));
    assert!(matches!(create(&rest, "Åse"), Outcome::Done(_)));
    let asked = server.asked.lock().unwrap();
    assert_eq!(asked[0].body, "notify=false&person%5Bname%5D=%C3%85se");
    assert!(
        asked[0].headers.contains("content-type:application/x-www-form-urlencoded"),
        "{asked:?}"
    );
    assert!(
        told("{}", "    list: { request: { path: /p, encoding: xml }, paging: none }\n")
            .contains("form")
    );
}

#[test]
fn r1_totals_and_cursors_are_read_from_headers() {
    let page = |asked: &Asked| {
        let from: usize = asked.path.split("o=").nth(1).and_then(|o| o.parse().ok()).unwrap_or(0);
        let shown: Vec<Value> = (from..5.min(from + 2)).map(|id| json!({"id": id})).collect();
        let next = if from + 2 < 5 { format!("X-Next: {}\r\n", from + 2) } else { String::new() };
        (
            206,
            format!("Content-Range: items {from}-{}/5\r\nX-Total-Count: 5\r\n{next}", from + 1),
            Value::Array(shown).to_string(),
        )
    };
    for (paging, variable, requests) in [
        ("offset: { limit: 2, total: $headers.X-Total-Count }", "offset", 3),
        ("offset: { limit: 2, total: $headers.content-range }", "offset", 3),
        ("cursor: { limit: 2, at: $headers.X-Next }", "cursor", 3),
    ] {
        let server = serve(page);
        let ty = format!("    list: {{ request: {{ path: /people, query: {{ n: '{{{{ limit }}}}', o: '{{{{ {variable} }}}}' }} }}, paging: {{ {paging} }} }}\n")
            .replace("n: '{{ limit }}', ", if variable == "cursor" { "" } else { "l: '{{ limit }}', " });
        let rest = server.connect(&manifest("{}", &ty));
        assert_eq!(
            read_all(&rest, "People", &watch(), None, 10).unwrap().records.len(),
            5,
            "{paging}"
        );
        assert_eq!(server.paths().len(), requests, "{paging}: {:?}", server.paths());
    }
    let short = serve(|_| (200, "X-Total-Count: 7\r\n".into(), "[]".into()));
    let ty = "    list: { request: { path: /people, query: { l: '{{ limit }}', o: '{{ offset }}' } }, paging: { offset: { limit: 2, total: $headers.X-Total-Count } } }\n";
    let read = read_all(&short.connect(&manifest("{}", ty)), "People", &watch(), None, 10);
    assert!(
        matches!(&read, Err(Trouble::Malformed(told)) if told.contains("expected 7 records")),
        "{:?}",
        read.is_ok()
    );
}

#[test]
fn c2_the_id_of_a_new_record_stands_apart() {
    for (answer, place) in [
        ((201, String::new(), json!({"insertedId": 7}).to_string()), "insertedId"),
        ((201, "Location: /api/people/7?x=1\r\n".into(), String::new()), "$headers.Location"),
        (
            (201, "Location: https://example.com/people/7/\r\n".into(), "{}".into()),
            "$headers.Location",
        ),
    ] {
        let server = serve(move |asked| match asked.method.as_str() {
            "POST" => answer.clone(),
            _ => ok(json!({"id": 7, "name": "Ada"})),
        });
        let ty = format!(
            "{LIST}    get: {{ request: {{ path: '/people/{{{{ id }}}}' }} }}\n    create: {{ request: {{ method: POST, path: /people }}, id-at: {place} }}\n"
        );
        match create(&server.connect(&manifest("{}", &ty)), "Ada") {
            Outcome::Done(made) => assert_eq!(
                (made.id.as_str(), &made.values[0]),
                ("7", &Some(json!("Ada"))),
                "{place}"
            ),
            other => panic!("{place}: {other:?}"),
        }
    }
    let update =
        "    update: { request: { method: PATCH, path: '/people/{{ id }}' }, id-at: id }\n";
    assert!(told("{}", &format!("{LIST}{update}")).contains("`id-at` is read below `create`"));
}

#[test]
fn c2_a_record_that_is_created_in_steps_is_whole_or_not_there() {
    let then = "    get: { request: { path: '/people/{{ id }}' } }
    create: { request: { method: POST, path: /drafts }, then: [{ request: { method: POST, path: '/people/{{ id }}/phones', body: { number: '{{ record.phone }}', draft: '{{ last.rev }}' } } }, { request: { method: POST, path: '/people/{{ id }}/publish' } }] }
    delete: { method: DELETE, path: '/people/{{ id }}' }\n";
    let of = |publishes: u16| {
        serve(move |asked| match (asked.method.as_str(), asked.path.as_str()) {
            ("POST", "/drafts") => ok(json!({"id": 7, "rev": "r1"})),
            ("POST", "/people/7/phones")
                if asked.body == "{\"draft\":\"r1\",\"number\":\"22\"}" =>
            {
                ok(json!({}))
            }
            ("POST", "/people/7/publish") => {
                (publishes, String::new(), json!({"message": "not yet"}).to_string())
            }
            ("DELETE", _) => (204, String::new(), String::new()),
            _ => ok(json!({"id": 7, "name": "Ada", "phone": "22"})),
        })
    };
    let written = |server: &Server, ty: &str| {
        let rest = server.connect(&manifest("{}", &format!("{LIST}{ty}")));
        let value = |prop, value: &str| WriteValue {
            prop,
            value: json!(value),
            displaced: Value::Null.into(),
        };
        let values = vec![value(0, "Ada"), value(1, "22")];
        rest.write(
            "People",
            &watch(),
            &[Write { action: Action::Create, values, token: "t1".into() }],
        )
        .remove(0)
    };
    let fine = of(200);
    assert!(
        matches!(written(&fine, then), Outcome::Done(made) if made.values[1] == Some(json!("22")))
    );
    assert_eq!(
        fine.paths(),
        ["POST /drafts", "POST /people/7/phones", "POST /people/7/publish", "GET /people/7"]
    );
    let refused = of(422);
    let outcome = written(&refused, then);
    assert!(
        matches!(&outcome, Outcome::Rejected { message, .. } if message.contains("not yet") && message.contains("deleted again")),
        "{outcome:?}"
    );
    assert_eq!(refused.paths().last().unwrap(), "DELETE /people/7");
    // What can't be deleted is not made once more: that it is there is found out.
    let stays = written(&of(422), then.split("    delete").next().unwrap());
    assert!(
        matches!(&stays, Outcome::Unknown { message } if message.contains("7 was created")),
        "{stays:?}"
    );
}

#[test]
fn r3_an_empty_list_in_place_of_a_record_is_no_word_that_it_is_gone() {
    let server = serve(|asked| match asked.path.as_str() {
        "/people/1" => ok(json!([])),
        _ => ok(json!({"found": []})),
    });
    let ty = |get: &str| {
        format!(
            "    list: {{ request: {{ path: /people }}, paging: none }}\n    get: {{ request: {{ path: '/people/{{{{ id }}}}' }}{get} }}\n"
        )
    };
    let rest = server.connect(&manifest("{}", &ty("")));
    let told = format!("{:?}", rest.get("People", &watch(), "1").unwrap_err());
    assert!(told.contains("the answer is an empty list"), "{told}");
    // Where the manifest names the place of what was found, nothing was.
    let rest = server.connect(&manifest("{}", &ty(", item: found")));
    assert_eq!(rest.get("People", &watch(), "2"), Ok(None));
}

#[test]
fn rules_for_one_request_come_before_those_of_all() {
    let server = serve(|asked| match asked.path.as_str() {
        "/people/1" => (403, String::new(), json!({"code": "unknown"}).to_string()),
        _ => (403, String::new(), json!({"code": "forbidden"}).to_string()),
    });
    let ty = "    list: { request: { path: /people }, paging: none }
    get: { request: { path: '/people/{{ id }}', errors: [{ status: 403, at: code, is: [unknown], means: gone }] } }
    create: { request: { method: POST, path: /people, errors: [{ status: 403, means: later }] } }\n";
    let rest = server.connect(&manifest("{}", ty));
    assert_eq!(rest.get("People", &watch(), "1"), Ok(None));
    assert!(rest.get("People", &watch(), "2").is_err(), "it is no word that it is gone");
    assert!(matches!(create(&rest, "Ada"), Outcome::Later { .. }));
    assert!(read_all(&rest, "People", &watch(), None, 10).is_err());
    let wrong = "    list: { request: { path: /people, errors: [{ status: 403, is: [x], means: gone }] }, paging: none }\n";
    assert!(told("{}", wrong).contains("`is` and `has` need `at`"));
}

#[test]
fn r7_a_manifests_types_shape_what_is_read() {
    let server = serve(|_| {
        ok(
            json!([{"id": 1, "age": "41", "vip": 1, "zip": 1530}, {"id": 2, "age": 42, "vip": "no", "zip": "0150"}]),
        )
    });
    let text = manifest("{}", LIST).replace(
        "{ name: {}, phone: {} }",
        "{ age: { type: integer }, vip: { type: boolean }, zip: { type: string } }",
    );
    let watch = ["age", "vip", "zip"].map(PropertyRef::new).to_vec();
    let read = read_all(&server.connect(&text), "People", &watch, None, 10).unwrap();
    let values = |id: &str| read.records[id].values.iter().flatten().cloned().collect::<Vec<_>>();
    assert_eq!(values("1"), [json!(41), json!(true), json!("1530")]);
    assert_eq!(values("2"), [json!(42), json!(false), json!("0150")]);
}

#[test]
fn r4_calls_may_be_signed_with_sha_1_and_the_address_after_the_body() {
    // As Trello has it.
    let hook = "webhook: { signature: { header: X-Trello-Webhook, secret: '{{ key }}', hash: sha1, encoding: base64, after: 'https://example.com/hooks/fjord' } }\ntypes:";
    let server = serve(|_| ok(json!({})));
    let rest = server.connect(&manifest("{}", LIST).replace("types:", hook));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"s3cret");
    let call = |body: &str, signed: &str| Call {
        method: "POST".into(),
        address: "/hooks/fjord".into(),
        query: vec![],
        headers: vec![(
            "x-trello-webhook".into(),
            STANDARD.encode(ring::hmac::sign(&key, signed.as_bytes())),
        )],
        body: body.as_bytes().to_vec(),
        at: Timestamp(1_000),
    };
    assert!(matches!(rest.hear(&call("{}", "{}https://example.com/hooks/fjord")), Heard::Hint(_)));
    assert!(matches!(rest.hear(&call("{}", "{}")), Heard::Refused(_)));
    assert!(told("{}", LIST) == "nothing");
}

#[test]
fn p8_a_reference_by_name_is_an_id_to_the_hub() {
    let server = serve(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/people") => ok(
            json!([{"id": 1, "owner": "anna"}, {"id": 2, "owner": "anna"}, {"id": 3, "owner": "nobody"}, {"id": 4, "owner": null}]),
        ),
        ("GET", "/users?login=anna") => ok(json!([{"id": 17, "login": "anna"}])),
        ("GET", "/users/18") => ok(json!({"id": 18, "login": "odd"})),
        ("GET", "/users/19") => (404, String::new(), "{}".into()),
        ("GET", _) => ok(json!([])),
        _ => ok(json!({"id": 5, "owner": "odd"})),
    });
    let text = manifest(
        "{}",
        "    list: { request: { path: /people }, paging: none }\n    create: { request: { method: POST, path: /people } }\n",
    )
    .replace("{ name: {}, phone: {} }", "{ owner: { reference: Users, reference-by: login } }")
        + "  Users:\n    id: id\n    properties: { login: {} }\n    list: { request: { path: /users }, paging: none }\n    get: { request: { path: '/users/{{ id }}' } }\n    find: { login: { request: { path: /users, query: { login: '{{ value }}' } } } }\n";
    let rest = server.connect(&text);
    let watch = vec![PropertyRef::new("owner")];
    let read = read_all(&rest, "People", &watch, None, 10).unwrap();
    let owner = |id: &str| read.records[id].values[0].clone();
    assert_eq!(
        [owner("1"), owner("2"), owner("3"), owner("4")],
        [Some(json!("17")), Some(json!("17")), Some(json!("nobody")), Some(Value::Null)]
    );
    assert_eq!(
        server.paths().iter().filter(|path| path.contains("login=anna")).count(),
        1,
        "it is looked up once"
    );
    let written = |id: Value| {
        let values = vec![WriteValue { prop: 0, value: id, displaced: Value::Null.into() }];
        rest.write(
            "People",
            &watch,
            &[Write { action: Action::Create, values, token: "t1".into() }],
        )
        .remove(0)
    };
    match written(json!("18")) {
        Outcome::Done(made) => assert_eq!(made.values[0], Some(json!("18"))),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        server.asked.lock().unwrap().iter().find(|asked| asked.method == "POST").unwrap().body,
        "{\"owner\":\"odd\"}"
    );
    assert!(
        matches!(written(json!("19")), Outcome::Rejected { prop: Some(0), .. }),
        "it is not written as an id"
    );
    for (from, to, message) in [
        (
            "reference: Users, reference-by: login",
            "reference-by: login",
            "`reference-by` needs `reference`",
        ),
        ("reference-by: login", "reference-by: name", "no property of Users"),
        ("    find: { login:", "    find: { id:", "needs `find` by it"),
    ] {
        let told = parse("fjord", &text.replace(from, to)).unwrap_err().to_string();
        assert!(told.contains(message) && told.contains("line 10"), "{told}");
    }
}

/// A call to a webhook of this manifest.
fn heard(rest: &Rest, headers: &[(&str, &str)], address: &str, body: &str) -> Heard {
    let headers = headers.iter().map(|(name, value)| (name.to_lowercase(), (*value).to_string()));
    rest.hear(&Call {
        method: "POST".into(),
        address: address.into(),
        query: vec![],
        headers: headers.collect(),
        body: body.as_bytes().to_vec(),
        at: Timestamp(1_000_000),
    })
}

fn hooked(hook: &str) -> (Server, Rest) {
    let server = serve(|_| ok(json!({})));
    let get = format!("{LIST}    get: {{ request: {{ path: '/people/{{{{ id | url }}}}' }} }}\n");
    let rest = server
        .connect(&manifest("{}", &get).replace("types:", &format!("webhook: {hook}\ntypes:")));
    (server, rest)
}

#[test]
fn r4_what_a_call_is_about_may_be_in_its_headers() {
    // As Shopify and WooCommerce have it.
    let (_server, rest) = hooked(
        "{ word: $headers.X-Shopify-Topic, types: { People: customers/ }, id: $headers.X-Person }",
    );
    let call = |topic| {
        heard(&rest, &[("X-Shopify-Topic", topic), ("X-Person", "7")], "/hooks/fjord", "{}")
    };
    let Heard::Hint(named) = call("customers/update") else { panic!("no hint") };
    assert_eq!((named[0].kind.as_str(), named[0].id.as_deref()), ("People", Some("7")));
    assert!(matches!(call("orders/update"), Heard::Again));
}

#[test]
fn r4_a_call_may_repeat_a_secret() {
    // Tripletex: a header of one's choice.
    let (_server, rest) = hooked("{ repeats: { header: X-Key, secret: '{{ key }}' } }");
    let call = |key| heard(&rest, &[("x-key", key)], "/hooks/fjord", "{}");
    assert!(matches!(call("s3cret"), Heard::Hint(_)));
    assert!(matches!(call("s3cret "), Heard::Hint(_)), "spaces around a header do not count");
    assert!(matches!(call("other"), Heard::Refused(_)));
    assert!(matches!(heard(&rest, &[], "/hooks/fjord", "{}"), Heard::Refused(_)));
    // Business Central: in each event. Zoho: in the body.
    let (_server, rest) = hooked(
        "{ repeats: { at: state, secret: '{{ key }}' }, events: value, word: kind, types: { People: person } }",
    );
    let call = |body: &str| heard(&rest, &[], "/hooks/fjord", body);
    let event = |state: &str| format!("{{\"kind\":\"person\",\"state\":\"{state}\"}}");
    let all = |states: &[&str]| {
        format!(
            "{{\"value\":[{}]}}",
            states.iter().map(|state| event(state)).collect::<Vec<_>>().join(",")
        )
    };
    assert!(matches!(call(&all(&["s3cret", "s3cret"])), Heard::Hint(_)));
    assert!(matches!(call(&all(&["s3cret", "guess"])), Heard::Refused(_)));
    assert!(matches!(call("{\"value\":[],\"state\":\"s3cret\"}"), Heard::Again));
    assert!(matches!(call("{\"value\":[]}"), Heard::Refused(_)));
    let repeats = |place: &str| {
        let hook = format!("webhook: {{ repeats: {{ {place}secret: '{{{{ key }}}}' }} }}\ntypes:");
        parse("fjord", &manifest("{}", LIST).replace("types:", &hook)).map(|_| ())
    };
    assert_eq!(repeats("header: X-Key, "), Ok(()));
    for wrong in ["", "header: X-Key, at: state, "] {
        let told = repeats(wrong).unwrap_err().to_string();
        assert!(told.contains("`repeats` says where"), "{wrong}: {told}");
    }
}

#[test]
fn r4_a_signature_may_cover_method_and_address_in_any_order() {
    // As HubSpot has it, version 3.
    let hook = "{ signature: { header: X-Signature-v3, secret: '{{ key }}', encoding: base64, timestamp: X-Time, signs: [method, address, body, timestamp]ADDRESS } }";
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"s3cret");
    let signed = |text: &str| STANDARD.encode(ring::hmac::sign(&key, text.as_bytes()));
    let given = "https://hooks.example.com/hooks/fjord";
    for (more, base) in [
        (format!(", address: '{given}'"), given),
        (String::new(), "https://fjord.example.com/hooks/fjord"),
    ] {
        let (_server, rest) = hooked(&hook.replace("ADDRESS", &more));
        let call = |text: &str| {
            heard(
                &rest,
                &[
                    ("X-Time", "1000"),
                    ("X-Signature-v3", &signed(text)),
                    ("Host", "fjord.example.com"),
                ],
                "/hooks/fjord?a=1",
                "[]",
            )
        };
        assert!(matches!(call(&format!("POST{base}?a=1[]1000")), Heard::Hint(_)), "{base}");
        for wrong in [
            format!("GET{base}?a=1[]1000"),
            format!("POST{base}[]1000"),
            format!("POST{base}?a=1[]1001"),
            "1000[]".into(),
        ] {
            assert!(matches!(call(&wrong), Heard::Refused(_)), "{wrong}");
        }
    }
    let wrong = hook.replace("ADDRESS", "").replace("body, ", "");
    let wrong = manifest("{}", LIST).replace("types:", &format!("webhook: {wrong}\ntypes:"));
    assert!(parse("fjord", &wrong).unwrap_err().to_string().contains("`signs` names the body"));
}

/// Topics are registered one by one, of the record types that are used; one that is refused keeps no
/// other from being told, and is alone in being told again.
#[test]
fn r4_each_topic_is_registered_and_a_refused_one_again() {
    let server = serve(|asked| match (asked.method.as_str(), asked.body.contains("\"b\"")) {
        ("GET", _) => ok(json!([{"url": "https://h/", "topic": "a", "id": 1}])),
        (_, true) => (400, String::new(), json!({"message": "no such topic"}).to_string()),
        (_, false) => ok(json!({"id": 2})),
    });
    let hook = "webhook: { topics: { People: [a, b, c] }, register: { method: POST, path: /hooks, body: { topic: '{{ topic }}', number: '{{ hook_number }}', url: '{{ url }}' } }, \
        register-id: id, registered: { request: { path: /hooks }, url: url, topic: topic, id: id } }\ntypes:";
    let rest = server.connect(&manifest("{}", LIST).replace("types:", hook));
    let told = |kinds: &[String]| {
        let from = server.asked.lock().unwrap().len();
        let result = rest.listen_at("https://h/", kinds);
        let asked: Vec<String> = server.asked.lock().unwrap()[from..]
            .iter()
            .filter(|asked| asked.method == "POST")
            .map(|asked| {
                let body: Value = serde_json::from_str(&asked.body).unwrap();
                assert!(body["number"].as_u64().is_some_and(|number| number < 1 << 53));
                body["topic"].as_str().unwrap().to_string()
            })
            .collect();
        (result.map_err(|trouble| trouble.to_string()), asked)
    };
    assert_eq!(told(&["Places".into()]), (Ok(None), vec![]));
    let people = ["People".to_string()];
    let (result, asked) = told(&people);
    assert!(result.unwrap_err().contains("no such topic"));
    assert_eq!(asked, ["b", "c"], "the first is known to the system");
    assert_eq!(told(&people).1, ["b"]);
}

#[test]
fn r1_304_says_that_nothing_has_changed() {
    let server = serve(|asked| match asked.headers.contains("if-modified-since:") {
        true => (304, "Date: Mon, 30 Nov 2026 10:00:00 GMT\r\n".into(), String::new()),
        false => (
            200,
            "Date: Mon, 30 Nov 2026 10:00:00 GMT\r\n".into(),
            json!([{"id": 1, "name": "Eira"}]).to_string(),
        ),
    });
    let changes = format!(
        "{LIST}    changes: {{ request: {{ path: /people, headers: {{ If-Modified-Since: '{{{{ since }}}}' }} }}, paging: none }}\n"
    );
    let rest = server.connect(&manifest("{}", &changes));
    let all = read_all(&rest, "People", &watch(), None, 100).unwrap();
    assert_eq!(all.records.len(), 1);
    let none = read_all(&rest, "People", &watch(), Some(all.checkpoint), 100).unwrap();
    assert!(none.records.is_empty() && !none.everything, "{none:?}");
}

#[test]
fn r1_304_ends_no_listing_and_answers_no_request_without_a_time() {
    let server = serve(|asked| match asked.path.as_str() {
        path if path.contains("since=") && path.contains("page=2") => {
            (304, String::new(), String::new())
        }
        path if path.contains("page=2") => ok(json!([])),
        path if path.contains("bare=") => (304, String::new(), String::new()),
        _ => ok(json!([{"id": 1, "name": "Eira"}])),
    });
    for (request, headers) in [
        ("page: '{{ page }}', since: '{{ since }}'", "If-Modified-Since: '{{ since }}'"),
        ("page: '{{ page }}', bare: '{{ since }}'", "X: '1'"),
    ] {
        let changes = format!(
            "    list: {{ request: {{ path: /people, query: {{ page: '{{{{ page }}}}' }} }}, paging: {{ page: {{ limit: 1, first: 1 }} }} }}\n    changes: {{ request: {{ path: /people, query: {{ {request} }}, headers: {{ {headers} }} }}, paging: {{ page: {{ limit: 1, first: 1 }} }} }}\n"
        );
        let rest = server.connect(&manifest("{}", &changes));
        let all = read_all(&rest, "People", &watch(), None, 1).unwrap();
        let again = read_all(&rest, "People", &watch(), Some(all.checkpoint), 1);
        // All is listed anew, or the answer is refused; neither is it the end of the changes.
        assert!(
            again.as_ref().is_err() || again.as_ref().is_ok_and(|all| all.everything),
            "{again:?}"
        );
    }
}

#[test]
fn c2_an_answer_may_leave_open_whether_a_write_was_done() {
    let server = serve(|asked| match asked.method.as_str() {
        "POST" => (500, String::new(), json!({"why": "it takes too long"}).to_string()),
        _ => (500, "Retry-After: 99\r\n".into(), json!({"why": "it takes too long"}).to_string()),
    });
    let create = "    create: { request: { method: POST, path: /people } }\n";
    let text = manifest("{}", &format!("{LIST}{create}")).replace(
        "types:",
        "errors: [{ status: 500, at: why, has: [too long], means: unknown, message: [why] }, { status: 500, means: rejected }]\ntypes:",
    );
    let rest = server.connect(&text);
    let outcome = create_of(&rest);
    assert!(
        matches!(&outcome, Outcome::Unknown { message } if message == "it takes too long"),
        "{outcome:?}"
    );
}

#[test]
fn c2_a_look_up_shows_all_that_is_found_or_is_no_answer() {
    let find = |paging: &str| {
        format!(
            "    list: {{ request: {{ path: /people, query: {{ after: '{{{{ cursor }}}}' }} }}, items: rows, paging: {{ cursor: {{ limit: 2, at: next }} }} }}\n    find: {{ name: {{ request: {{ path: /search, query: {{ q: '{{{{ value }}}}', after: '{{{{ cursor }}}}' }} }}, item: rows{paging} }} }}\n"
        )
    };
    let server = serve(|asked| match asked.path.contains("after=2") {
        true => ok(json!({"rows": [{"id": 3, "name": "Eira"}], "next": null})),
        false => ok(
            json!({"rows": [{"id": 1, "name": "Eira Lie"}, {"id": 2, "name": "Eira"}], "next": "2"}),
        ),
    });
    let rest =
        server.connect(&manifest("{}", &find(", paging: { cursor: { limit: 2, at: next } }")));
    let found = rest.find("People", &watch(), 0, &json!("Eira")).unwrap().unwrap();
    assert_eq!(found.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), ["2", "3"]);
    // Where nothing is said of pages, it is noticed that there are some.
    let rest = server.connect(&manifest("{}", &find("")));
    let told = rest.find("People", &watch(), 0, &json!("Eira")).unwrap_err().to_string();
    assert!(told.contains("more than the answer shows: say `paging`"), "{told}");
}

#[test]
fn c2_a_look_up_follows_the_address_of_its_next_page() {
    let server = serve(|asked| match asked.path.as_str() {
        "/search?page=2" => ok(json!([{"id": 3, "name": "Eira"}])),
        _ => (
            200,
            "Link: </search?page=2>; rel=\"next\"\r\n".into(),
            json!([{"id": 1, "name": "Eira"}]).to_string(),
        ),
    });
    let ty = "    list: { request: { path: /people }, paging: { link: { limit: 2 } } }\n    find: { name: { request: { path: /search, query: { q: '{{ value }}' } } } }\n";
    let rest = server.connect(&manifest("{}", ty));
    let found = rest.find("People", &watch(), 0, &json!("Eira")).unwrap().unwrap();
    assert_eq!(found.len(), 2, "{:?}", server.paths());
}

#[test]
fn r1_pages_asked_for_ahead_are_those_of_one_request() {
    // As with GraphQL, two record types have one address.
    let server = crate::serving::serve_side_by_side(|asked| {
        let sent: Value = serde_json::from_str(&asked.body).unwrap();
        let from = sent["offset"].as_u64().unwrap();
        let what = sent["what"].as_str().unwrap();
        let rows: Vec<Value> = (from..(from + 2).min(12))
            .map(|n| json!({"id": n, "name": format!("{what} {n}")}))
            .collect();
        ok(json!({"rows": rows, "total": 12}))
    });
    let list = |what: &str| {
        format!(
            "    list: {{ request: {{ method: POST, path: /graphql, body: {{ what: {what}, offset: '{{{{ offset | int }}}}', limit: '{{{{ limit }}}}' }} }}, items: rows, paging: {{ offset: {{ limit: 2, total: total }} }} }}\n"
        )
    };
    let text = manifest("{}", &list("person"))
        + &format!("  Firms:\n    id: id\n    properties: {{ name: {{}} }}\n{}", list("firm"));
    let rest = server.connect(&text);
    // In turns, two pages each: the second is asked for with those after it.
    let (mut people, mut firms) = (None, None);
    let mut names: [Vec<String>; 2] = Default::default();
    for turn in 0..12 {
        let n = turn / 2 % 2;
        let (kind, checkpoint) =
            [("People", &mut people), ("Firms", &mut firms)].into_iter().nth(n).unwrap();
        let page = rest
            .read(lockstep_connector::ReadRequest {
                kind,
                watch: &[PropertyRef::new("name")],
                checkpoint: checkpoint.as_ref(),
                page_size: 2,
            })
            .unwrap();
        let shown = page.records.iter().filter_map(|record| record.values[0].as_ref());
        names[n].extend(shown.map(|name| name.as_str().unwrap().to_string()));
        *checkpoint = Some(page.checkpoint);
    }
    assert_eq!(names[0], (0..12).map(|n| format!("person {n}")).collect::<Vec<_>>());
    assert_eq!(names[1], (0..12).map(|n| format!("firm {n}")).collect::<Vec<_>>());
}

#[test]
fn p6_a_budget_is_waited_for_before_a_record_is_read_to_be_written() {
    let server = serve(|asked| match asked.method.as_str() {
        "GET" => ok(json!({"id": 1, "name": "Eira", "phone": null})),
        _ => ok(json!({"id": 1, "name": "Eira", "phone": "+47 1"})),
    });
    let ty = format!(
        "{LIST}    get: {{ request: {{ path: '/people/{{{{ id | url }}}}' }} }}\n    update: {{ budget: edits, read-before: true, read-after: false, request: {{ method: PATCH, path: '/people/{{{{ id | url }}}}' }} }}\n"
    );
    let text = manifest("{}", &ty)
        .replace("rate: { per-second: 1000 }", "rate: { budgets: { edits: { per-second: 1 } } }");
    let rest = server.connect(&text);
    let update = || {
        let action = Action::Update { id: "1".into(), version: None };
        let values =
            vec![WriteValue { prop: 1, value: json!("+47 1"), displaced: Value::Null.into() }];
        rest.write("People", &watch(), &[Write { action, values, token: "t".into() }]).remove(0)
    };
    let began = std::time::Instant::now();
    assert!(matches!(update(), Outcome::Done(_)));
    std::thread::scope(|scope| {
        scope.spawn(|| assert!(matches!(update(), Outcome::Done(_))));
        std::thread::sleep(std::time::Duration::from_millis(400));
        assert_eq!(server.paths(), ["GET /people/1", "PATCH /people/1"], "it waits to read");
    });
    assert!(began.elapsed() >= std::time::Duration::from_secs(1));
    assert_eq!(server.paths()[2..], ["GET /people/1", "PATCH /people/1"]);
}

#[test]
fn c2_results_of_updates_are_those_of_the_records_that_were_sent() {
    let server = serve(|asked| {
        let sent: Value = serde_json::from_str(&asked.body).unwrap();
        let mut rows = sent.as_array().unwrap().clone();
        rows.reverse();
        ok(json!(rows))
    });
    let ty = format!(
        "{LIST}    update: {{ request: {{ method: PATCH, path: '/people/{{{{ id | url }}}}' }}, bulk: {{ request: {{ method: PATCH, path: /bulk }}, most: 9 }} }}\n"
    );
    let rest = server.connect(&manifest("{}", &ty));
    let update = |id: &str| Write {
        action: Action::Update { id: id.into(), version: None },
        values: vec![WriteValue { prop: 0, value: json!(id), displaced: Value::Null.into() }],
        token: id.into(),
    };
    let writes: Vec<Write> = ["1", "2", "3"].into_iter().map(update).collect();
    let outcomes = rest.write("People", &watch(), &writes);
    for (outcome, other) in outcomes.iter().zip(["3", "", "1"]) {
        match outcome {
            Outcome::Unknown { message } => {
                assert!(message.ends_with(&format!("shows the record {other}")), "{message}");
            }
            Outcome::Done(record) => assert!(other.is_empty() && record.id == "2", "{record:?}"),
            outcome => panic!("{outcome:?}"),
        }
    }
}

#[test]
fn a_record_type_has_error_rules_of_its_own() {
    let server = serve(|asked| match asked.method.as_str() {
        "POST" => (409, String::new(), json!({"why": "no room"}).to_string()),
        _ => ok(json!([])),
    });
    let create = "    create: { request: { method: POST, path: /people } }\n";
    let of = |rules: &str| {
        server.connect(
            &manifest("{}", &format!("{LIST}{create}{rules}"))
                .replace("types:", "errors: [{ status: 409, means: duplicate }]\ntypes:"),
        )
    };
    assert!(matches!(create_of(&of("")), Outcome::Duplicate { .. }));
    let own = "    errors: [{ status: 409, means: rejected, message: [why] }]\n";
    assert!(
        matches!(create_of(&of(own)), Outcome::Rejected { message, .. } if message == "no room")
    );
    let told = told("{}", &format!("{LIST}    errors: [{{ means: gone }}]\n"));
    assert!(told.contains("fits every answer") && told.contains("line "), "{told}");
}

#[test]
fn a_budget_of_writes_is_waited_for_and_must_be_there() {
    let create = "    create: { budget: news, request: { method: POST, path: /people } }\n";
    let told = told("{}", &format!("{LIST}{create}"));
    assert!(told.contains("there is no budget `news`"), "{told}");
    let server = serve(|_| ok(json!({"id": 1})));
    let text = manifest("{}", &format!("{LIST}{create}"))
        .replace("rate: { per-second: 1000 }", "rate: { budgets: { news: 2 } }");
    let rest = server.connect(&text);
    assert!(
        matches!(create_of(&rest), Outcome::Done(_))
            && matches!(create_of(&rest), Outcome::Done(_))
    );
    // The third waits for a minute: the others have left by then, and it has not.
    let rest = std::sync::Arc::new(rest);
    let third = std::sync::Arc::clone(&rest);
    std::thread::spawn(move || create_of(&third));
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert_eq!(server.paths().len(), 2);
}

fn create_of(rest: &Rest) -> Outcome {
    create(rest, "Eira")
}

#[test]
fn a_message_names_the_path_that_was_asked() {
    let server = serve(|_| (500, String::new(), "{}".into()));
    let get = format!("{LIST}    get: {{ request: {{ path: '/people/{{{{ id | url }}}}' }} }}\n");
    let rest = server.connect(&manifest("{}", &get));
    let told = rest.get("People", &watch(), "a b").unwrap_err().to_string();
    assert!(told.contains("GET /people/a%20b") && !told.contains("{{"), "{told}");
}

#[test]
fn r1_the_records_of_several_parents_are_asked_for_side_by_side() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);
    static PEAK: AtomicUsize = AtomicUsize::new(0);
    let server = crate::serving::serve_side_by_side(|asked| {
        let path = asked.path.split('?').next().unwrap().to_string();
        let Some(parent) =
            path.strip_prefix("/firms/").and_then(|rest| rest.strip_suffix("/people"))
        else {
            return ok(json!((1..=9).map(|n| json!({"id": n})).collect::<Vec<_>>()));
        };
        PEAK.fetch_max(1 + UNDER_WAY.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(80));
        UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
        // Two pages for each.
        let from = if asked.path.contains("offset=0") { 0 } else { 1 };
        let rows = if asked.path.contains("offset=2") {
            json!([])
        } else {
            json!([{"id": from, "name": format!("{parent}-{from}")}])
        };
        ok(rows)
    });
    let list = "    list: { request: { path: '/firms/{{ parent | url }}/people', query: { offset: '{{ offset }}', limit: '{{ limit }}' } }, paging: { offset: { limit: 1 } }, parents: { request: { path: /firms }, paging: none, id: id } }\n";
    let rest = server.connect(&manifest("{}", list));
    let read = read_all(&rest, "People", &watch(), None, 100).unwrap();
    assert_eq!(read.records.len(), 18);
    assert_eq!(read.records["7/1"].values[0], Some(json!("7-1")));
    let peak = PEAK.load(Ordering::SeqCst);
    assert!((2..=4).contains(&peak), "{peak} at once");
    let asked = server.paths().iter().filter(|path| path.contains("/people?")).count();
    assert_eq!(asked, 27, "none is asked for twice");
}

#[test]
fn r1_a_parent_that_is_deleted_while_its_records_are_listed_has_none() {
    let list = "    list: { request: { path: '/firms/{{ parent | url }}/people' }, paging: none, parents: { request: { path: /firms }, paging: none, id: id } }\n";
    let gone = |gone: &'static [&'static str]| {
        serve(move |asked| match asked.path.strip_prefix("/firms/") {
            Some(below) if gone.iter().any(|id| below.starts_with(id)) => {
                (404, String::new(), json!({"message": "no such firm"}).to_string())
            }
            Some(below) => ok(json!([{"id": below[..1], "name": "Åse"}])),
            None => ok(json!([{"id": 1}, {"id": 2}, {"id": 3}])),
        })
    };
    let server = gone(&["2"]);
    let rest = server.connect(&manifest("{}", list));
    let read = read_all(&rest, "People", &watch(), None, 100).unwrap();
    let mut ids: Vec<&String> = read.records.keys().collect();
    ids.sort();
    assert_eq!(ids, ["1/1", "3/3"]);
    // A list that no parent has is a path that is wrong, and not a list of nobody.
    let server = gone(&["1", "2", "3"]);
    let rest = server.connect(&manifest("{}", list));
    assert!(read_all(&rest, "People", &watch(), None, 100).is_err());
}

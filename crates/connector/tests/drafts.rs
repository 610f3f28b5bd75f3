//! Drafts from descriptions: each form that descriptions have, on small ones of our own; and the
//! vendors' own descriptions, each served as it stands.

use lockstep_connector::rest::draft::from_openapi;
use lockstep_connector::rest::written::{Auth, Manifest, TypeYaml};
use lockstep_connector::rest::{Rest, parse};
use lockstep_connector::{Action, Connector, Outcome, ReadRequest, Write, WriteValue};
use lockstep_model::PlainType;
use lockstep_model::flow::PropertyRef;
use serde_json::{Map, Value, json};

use crate::open_apis;
use crate::serving::serve;

/// The draft of a description, which is a manifest.
fn draft(api: &Value) -> (String, Manifest) {
    let text =
        from_openapi("fjord", &api.to_string()).unwrap_or_else(|trouble| panic!("{trouble}"));
    let manifest = parse("fjord", &text).unwrap_or_else(|trouble| panic!("{trouble}\n{text}"));
    (text, manifest)
}

fn answers(schema: Value) -> Value {
    json!({"200": {"content": {"application/json": {"schema": schema}}}})
}

fn takes(schema: Value) -> Value {
    json!({"content": {"application/json": {"schema": schema}}})
}

fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}

fn list_of(record: &Value) -> Value {
    json!({"type": "array", "items": record})
}

fn person() -> Value {
    object(json!({
        "id": {"type": "string"}, "name": {"type": "string"}, "company_id": {"type": "string"},
        "update_time": {"type": "string"},
    }))
}

#[test]
fn each_record_type_has_a_name_of_its_own() {
    let list = json!({"get": {"responses": answers(list_of(&person()))}});
    let other = json!({"get": {"responses": answers(list_of(&object(json!({"id": {"type": "integer"}, "at": {"type": "string"}}))))}});
    let (_, manifest) = draft(&json!({"paths": {
        "/rest/v2/events": list, "/rest/v2/smtp/events": other, "/rest/v2/inbound/events": other,
        "/rest/v2/people/": list,
    }}));
    let names: Vec<&String> = manifest.types.keys().collect();
    assert_eq!(names, ["Events", "InboundEvents", "People", "SmtpEvents"]);
}

#[test]
fn a_record_is_wrapped_as_bodies_have_it_not_as_answers_do() {
    let shown = object(json!({"data": person()}));
    let of = |create: Value, update: Value| {
        let (text, manifest) = draft(&json!({"paths": {
            "/people": {"get": {"responses": answers(object(json!({"data": list_of(&person())})))},
                        "post": {"requestBody": takes(create), "responses": answers(shown.clone())}},
            "/people/{id}": {"get": {"responses": answers(shown.clone())},
                             "patch": {"requestBody": takes(update), "responses": answers(shown.clone())}},
        }}));
        let ty = &manifest.types["People"];
        let (create, update) = (ty.create.clone().unwrap(), ty.update.clone().unwrap());
        assert_eq!(
            (create.item.as_deref(), update.item.as_deref()),
            (Some("data"), Some("data")),
            "{text}"
        );
        (create.wrap, update.wrap)
    };
    let own = object(json!({"name": {"type": "string"}}));
    assert_eq!(
        of(own.clone(), object(json!({"person": own, "notify": {"type": "boolean"}}))),
        (None, Some("person".into()))
    );
    let many = object(json!({"people": list_of(&own)}));
    assert_eq!(of(many, own.clone()), (Some("people.0".into()), None));
    // Swagger 2.0.
    let (text, manifest) = draft(
        &json!({"swagger": "2.0", "host": "fjord.example.com", "basePath": "/v1", "paths": {
            "/people": {"get": {"responses": {"200": {"schema": list_of(&person())}}},
                        "post": {"parameters": [{"in": "body", "name": "p", "schema": object(json!({"person": own}))}], "responses": {"201": {"schema": person()}}}},
        }}),
    );
    assert_eq!(
        manifest.types["People"].create.as_ref().unwrap().wrap.as_deref(),
        Some("person"),
        "{text}"
    );
    assert_eq!(
        manifest.settings["base_url"].default.as_deref(),
        Some("https://fjord.example.com/v1")
    );
}

#[test]
fn every_guess_of_a_draft_is_marked() {
    let with_times = object(
        json!({"id": {"type": "string"}, "name": {"type": "string"}, "updated_at": {"type": "string", "format": "date-time"}}),
    );
    let (text, _) = draft(&json!({"paths": {
        "/people": {
            "get": {"responses": answers(list_of(&with_times))},
            "put": {"requestBody": takes(with_times.clone()), "responses": {"204": {"description": "done"}}},
        },
        "/people/{id}": {
            "get": {"responses": answers(with_times.clone())},
            "patch": {"requestBody": takes(with_times.clone()), "responses": {"204": {"description": "done"}}},
        },
    }}));
    let marked = |word: &str, mark: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(word));
        let line = line.unwrap_or_else(|| panic!("{word}: {text}"));
        assert!(line.contains("# ?") && line.contains(mark), "a guess that is not marked: {line}");
    };
    marked("modified: updated_at", "by its name");
    marked("create:", "a PUT creates a record; where the answer has the new record's id");
    marked("update:", "the answer is not described as showing the record");
    // Where the description says it, nothing is guessed.
    let (text, _) = draft(&json!({"paths": {
        "/people": {
            "get": {"responses": answers(list_of(&with_times))},
            "post": {"requestBody": takes(with_times.clone()), "responses": answers(with_times.clone())},
        },
    }}));
    let create = text.lines().find(|line| line.trim_start().starts_with("create:")).unwrap();
    assert!(!create.contains("# ?"), "{create}");
}

#[test]
fn a_put_is_whole_only_where_a_whole_record_can_be_read() {
    let whole = object(
        json!({"name": {"type": "string"}, "company_id": {"type": "string"}, "id": {"type": "string"}, "update_time": {"type": "string"}}),
    );
    let of = |one: Value| {
        draft(
            &json!({"paths": {"/people": {"get": {"responses": answers(list_of(&person()))}}, "/people/{id}": one}}),
        )
    };
    let get = json!({"responses": answers(person())});
    let put = |schema: &Value, told: &str| json!({"description": told, "requestBody": takes(schema.clone()), "responses": answers(person())});
    let style = |manifest: &Manifest| {
        format!("{:?}", manifest.types["People"].update.as_ref().unwrap().style)
    };
    let (text, manifest) = of(json!({"get": get, "put": put(&whole, "")}));
    assert!(
        style(&manifest) == "Whole" && text.contains("# ? a PUT of the whole record"),
        "{text}"
    );
    let (text, manifest) =
        of(json!({"get": get, "put": put(&whole, "Only the fields that are given change.")}));
    assert!(style(&manifest) == "Part" && text.contains("# ? a PUT of a part"), "{text}");
    // Nothing reads one: what takes a part may still be used, what takes all of it may not.
    let (text, manifest) = of(json!({"put": put(&whole, "")}));
    assert!(manifest.types["People"].update.is_none() && text.contains("# no `update`"), "{text}");
    let part = object(json!({"name": {"type": "string"}}));
    let (text, manifest) = of(json!({"put": put(&part, "")}));
    assert!(style(&manifest) == "Part" && text.contains("# ? a PUT of a part"), "{text}");
}

#[test]
fn what_refers_to_another_record_type_says_so() {
    let company = object(json!({"id": {"type": "integer"}, "name": {"type": "string"}}));
    let of_person = object(json!({
        "id": {"type": "integer"},
        "billToCompanyId": {"type": "integer"},
        "employer": {"oneOf": [{"type": "integer"}, {"$ref": "#/components/schemas/Company"}]},
        "owner": {"$ref": "#/components/schemas/CompanyCompact"},
        "company_ids": {"type": "array", "items": {"type": "integer"}},
        "colour_id": {"type": "integer"},
    }));
    let (text, manifest) = draft(&json!({
        "components": {"schemas": {"Company": company, "CompanyCompact": company, "Person": of_person}},
        "paths": {
            "/companies": {"get": {"responses": answers(list_of(&json!({"$ref": "#/components/schemas/Company"})))}},
            "/people": {"get": {"responses": answers(list_of(&json!({"$ref": "#/components/schemas/Person"})))}},
        },
    }));
    let of = |path: &str| {
        manifest.types["People"].properties.get(path).and_then(|p| p.reference.clone())
    };
    for path in ["billToCompanyId", "employer", "owner.id", "company_ids"] {
        assert_eq!(of(path).as_deref(), Some("Companies"), "{path}: {text}");
        let line =
            text.lines().find(|line| line.trim_start().starts_with(&format!("{path}:"))).unwrap();
        assert!(line.contains("# ?"), "a guess that is not marked: {line}");
    }
    assert_eq!(of("colour_id"), None);
}

#[test]
fn steps_that_are_the_accounts_are_settings_and_others_are_parents() {
    let lists = |record: &Value| {
        json!({"get": {"parameters": [{"in": "query", "name": "$top", "schema": {"type": "integer"}}, {"in": "query", "name": "$skip", "schema": {"type": "integer"}}, {"in": "query", "name": "$filter", "schema": {"type": "string"}}],
        "responses": answers(object(json!({"value": list_of(record)})))}, "post": {"requestBody": takes(record.clone()), "responses": {"201": {"content": {"application/json": {"schema": record}}}}}})
    };
    let one = |record: &Value| json!({"get": {"responses": answers(record.clone())}, "patch": {"parameters": [{"in": "header", "name": "If-Match", "required": true}], "requestBody": takes(record.clone()), "responses": answers(record.clone())}});
    let item = object(
        json!({"id": {"type": "string"}, "number": {"type": "string"}, "lastModifiedDateTime": {"type": "string", "format": "date-time"}}),
    );
    let line = object(json!({"id": {"type": "string"}, "text": {"type": "string"}}));
    let mut paths = Map::new();
    for (list, record) in [("items", &item), ("orders", &item)] {
        paths.insert(format!("/c({{company_id}})/{list}"), lists(record));
        paths.insert(format!("/c({{company_id}})/{list}({{id}})"), one(record));
    }
    paths.insert("/c({company_id})/orders({order_id})/lines".into(), lists(&line));
    paths.insert("/c({company_id})/orders({order_id})/lines({id})".into(), one(&line));
    let (text, manifest) = draft(&json!({"paths": paths}));
    assert_eq!(manifest.types.keys().collect::<Vec<_>>(), ["Items", "Lines", "Orders"], "{text}");
    let items = &manifest.types["Items"];
    assert_eq!(items.modified.as_deref(), Some("lastModifiedDateTime"));
    assert_eq!(items.version.as_deref(), Some("$etag"));
    assert_eq!(
        items.changes.as_ref().unwrap().request.query["$filter"],
        "lastModifiedDateTime ge {{ since }}"
    );
    assert!(items.find.contains_key("number"), "{text}");

    let server = serve(|asked| {
        match asked.path.split('?').next().unwrap() {
        "/c(A%20B)/orders" => (200, String::new(), json!({"value": if asked.path.contains("skip=0") { json!([{"id": "7"}]) } else { json!([]) }}).to_string()),
        "/c(A%20B)/orders(7)/lines" => (200, String::new(), json!({"value": if asked.path.contains("skip=0") { json!([{"id": "1", "text": "bolts"}]) } else { json!([]) }}).to_string()),
        "/c(A%20B)/orders(7)/lines(1)" => (200, "ETag: W/1\r\n".into(), json!({"id": "1", "text": "nuts"}).to_string()),
        _ => (404, String::new(), "{}".into()),
    }
    });
    let rest = open(manifest, &server.address, &[("company_id", "A B")]);
    let text = [PropertyRef::new("text")];
    let read = lockstep_connector::contract::read_all(&rest, "Lines", &text, None, 100).unwrap();
    assert_eq!(read.records["7/1"].values[0], Some(json!("bolts")));
    let values = vec![WriteValue { prop: 0, value: json!("nuts"), displaced: Value::Null.into() }];
    let change = Write {
        action: Action::Update { id: "7/1".into(), version: None },
        values,
        token: "t".into(),
    };
    let outcome = rest.write("Lines", &text, &[change]).remove(0);
    let asked = server.asked.lock().unwrap();
    let patch =
        asked.iter().find(|asked| asked.method == "PATCH").unwrap_or_else(|| panic!("{outcome:?}"));
    assert_eq!(
        (patch.path.as_str(), patch.body.as_str()),
        ("/c(A%20B)/orders(7)/lines(1)", "{\"text\":\"nuts\"}")
    );
    assert!(patch.headers.contains("if-match:W/1"), "{}", patch.headers);
}

#[test]
fn pages_go_on_as_the_description_says_below_the_top_too() {
    let of = |parameters: Value, more: Value| {
        let mut answer = more;
        answer["items"] = list_of(&person());
        let (text, manifest) = draft(
            &json!({"paths": {"/people": {"get": {"parameters": parameters, "responses": answers(object(answer))}}}}),
        );
        let list = manifest.types["People"].list.clone();
        (format!("{:?}", list.paging), list.request.query, text)
    };
    let asks =
        |name: &str, kind: &str| json!({"in": "query", "name": name, "schema": {"type": kind}});
    let text = json!({"type": "string"});
    let (paging, query, _) = of(
        json!([asks("limit", "integer"), asks("offset", "string")]),
        json!({"next_page": object(json!({"offset": text, "uri": text}))}),
    );
    assert!(paging.contains("Cursor") && paging.contains("next_page.offset"), "{paging}");
    assert_eq!(query["offset"], "{{ cursor }}");
    let (paging, query, _) = of(
        json!([{"in": "query", "name": "resource", "schema": object(json!({"PageNumber": {"type": "integer"}, "PageSize": {"type": "integer", "maximum": 50}}))}]),
        json!({"fullResultSize": {"type": "integer"}}),
    );
    assert!(
        paging.contains("Page") && paging.contains("fullResultSize") && paging.contains("50"),
        "{paging}"
    );
    assert_eq!(
        (query["PageNumber"].as_str(), query["PageSize"].as_str()),
        ("{{ page }}", "{{ limit }}")
    );
    let (paging, _, text) = of(
        json!([]),
        json!({"pages": object(json!({"next": object(json!({"starting_after": text}))}))}),
    );
    assert!(
        paging.contains("pages.next.starting_after")
            && text.contains("# ? the parameter of the next page"),
        "{paging}"
    );
    // How many are on this page is not how many there are.
    let (paging, ..) = of(
        json!([asks("limit", "integer"), asks("skip", "integer")]),
        json!({"count": {"type": "integer", "description": "on this page"}}),
    );
    assert!(paging.contains("total: None"), "{paging}");
}

#[test]
fn what_a_person_must_give_is_a_setting_and_every_way_in_is_shown() {
    let list = json!({"get": {
        "parameters": [{"in": "header", "name": "X-Tenant-Id", "required": true, "description": "The tenant. It is a UUID."},
                       {"in": "query", "name": "from_date", "required": true, "schema": {"type": "string", "format": "date"}},
                       {"in": "query", "name": "kind", "required": true, "schema": {"type": "string", "enum": ["all", "some"]}}],
        "responses": answers(list_of(&person())), "security": [{"key": []}, {"o": []}]}});
    let (text, manifest) = draft(
        &json!({"paths": {"/people": list}, "components": {"securitySchemes": {
            "client": {"type": "http", "scheme": "basic"},
            "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "o": {"type": "oauth2", "flows": {"authorizationCode": {"authorizationUrl": "https://fjord.example.com/auth", "tokenUrl": "https://fjord.example.com/token", "scopes": {"people": "all"}}}},
            "cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
        }}}),
    );
    assert_eq!(manifest.auth.headers["X-Key"], "{{ api_key }}", "{text}");
    for name in ["`o`", "`client`", "`cookie`"] {
        assert!(text.contains(&format!("# Or, as {name}")), "{name}: {text}");
    }
    assert!(
        manifest.settings.contains_key("X_Tenant_Id")
            && manifest.settings.contains_key("from_date"),
        "{text}"
    );
    let query = &manifest.types["People"].list.request.query;
    assert_eq!((query["kind"].as_str(), query["from_date"].as_str()), ("all", "{{ from_date }}"));
}

#[test]
fn an_error_says_why_where_the_description_has_it() {
    let error = object(
        json!({"errors": list_of(&object(json!({"field": {"type": "string"}, "message": {"type": "string"}})))}),
    );
    let body = json!({"content": {"application/json": {"schema": error}}});
    let (text, manifest) = draft(&json!({"paths": {"/people": {
        "get": {"responses": answers(list_of(&person()))},
        "post": {"requestBody": takes(person()), "responses": {"201": {"content": {"application/json": {"schema": person()}}}, "422": body, "412": body}},
    }}}));
    let places: Vec<_> = manifest
        .errors
        .iter()
        .map(|rule| (rule.status, rule.message.clone(), rule.property.clone()))
        .collect();
    assert_eq!(
        places,
        [
            (Some(412), vec!["errors.0.message".to_string()], vec![]),
            (Some(422), vec!["errors.0.message".into()], vec!["errors.0.field".into()])
        ],
        "{text}"
    );
}

#[test]
fn what_is_done_is_no_record_type_and_is_named() {
    let list = |record: &Value| json!({"get": {"responses": answers(list_of(record))}});
    let (text, manifest) = draft(&json!({"paths": {
        "/people": list(&person()), "/people/search": list(&person()), "/people/archived": list(&person()),
        "/people/>forPayroll": list(&person()), "/rates": list(&object(json!({"from": {"type": "string"}}))),
        "/contacts": list(&object(json!({"ContactID": {"type": "string"}, "UpdatedDateUTC": {"type": "string"}}))),
        "/contacts/{ContactNumber}": {"get": {"responses": answers(person())}},
        "/contacts/{ContactID}": {"get": {"responses": answers(object(json!({"contacts": list_of(&object(json!({"ContactID": {"type": "string"}})))})))}},
    }}));
    assert_eq!(manifest.types.keys().collect::<Vec<_>>(), ["Contacts", "People"], "{text}");
    for path in ["/people/search", "/people/archived", "/people/>forPayroll", "/rates"] {
        assert!(text.contains(&format!("#   {path}\n")), "{path}: {text}");
    }
    let contacts = &manifest.types["Contacts"];
    assert_eq!(
        (contacts.id.as_str(), contacts.modified.as_deref()),
        ("ContactID", Some("UpdatedDateUTC"))
    );
    assert_eq!(contacts.get.as_ref().unwrap().item.as_deref(), Some("contacts"), "{text}");
}

/// A draft on a server, without its sign-in and its rate.
fn open(mut manifest: Manifest, address: &str, given: &[(&str, &str)]) -> Rest {
    manifest.auth = Auth::default();
    manifest.rate.per_second = None;
    let mut settings = Map::new();
    for (name, setting) in &manifest.settings {
        let own = given.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
        if setting.default.is_none() || own.is_some() {
            settings.insert(name.clone(), json!(own.unwrap_or("a")));
        }
    }
    settings.insert("base_url".into(), json!(address));
    Rest::open(manifest, &settings).unwrap_or_else(|trouble| panic!("{trouble}"))
}

/// What of a draft works on a server that keeps to the description.
#[derive(Debug, Default)]
struct Held {
    types: usize,
    read: usize,
    creatable: usize,
    created: usize,
    updatable: usize,
    updated: usize,
    why: Vec<String>,
}

fn tried(manifest: Manifest, api: Value) -> Held {
    let server = open_apis::serving(api);
    let kinds: Vec<_> = manifest.types.keys().cloned().collect();
    // A record below another is made with that one, which a reading gives.
    let may =
        |ty: &TypeYaml| (ty.create.is_some() && ty.list.parents.is_none(), ty.update.is_some());
    let may: Vec<(bool, bool)> = manifest.types.values().map(may).collect();
    let rest = open(manifest, &server.address, &[]);
    let mut held = Held { types: kinds.len(), ..Held::default() };
    for (kind, (creates, updates)) in kinds.iter().zip(may) {
        let schema = rest.types().iter().find(|ty| ty.kind == *kind).unwrap().clone();
        let texts = schema.properties.iter().filter(|p| {
            let single = p.ty == PlainType::String && !p.list && !p.read_only;
            single && p.reference.is_none() && !p.path.to_string().contains('.')
        });
        let texts: Vec<_> = texts.collect();
        let all: Vec<PropertyRef> =
            texts.iter().map(|p| PropertyRef::new(p.path.clone())).collect();
        let page = rest.read(ReadRequest { kind, watch: &all, checkpoint: None, page_size: 100 });
        let first = page.map(|page| page.records.into_iter().next());
        let first = first.unwrap_or_else(|trouble| {
            held.why.push(format!("{kind}: {trouble}"));
            None
        });
        held.read += usize::from(first.is_some());
        let values = first.as_ref().map(|record| &record.values[..]).unwrap_or_default();
        let at = values.iter().position(|value| value.as_ref().is_some_and(|v| !v.is_null()));
        let at = at.unwrap_or_default();
        let (writable, shown) = (texts.get(at).copied(), values.get(at).cloned().flatten());
        let id = first.as_ref().map(|record| record.id.clone());
        let watch: Vec<PropertyRef> = all.get(at).cloned().into_iter().collect();
        let mut write = |action: Action, could: &mut usize, did: &mut usize| {
            *could += 1;
            let values = vec![WriteValue {
                prop: 0,
                value: json!("b"),
                displaced: shown.clone().unwrap_or_default().into(),
            }];
            match rest.write(kind, &watch, &[Write { action, values, token: "t".into() }]).remove(0)
            {
                Outcome::Done(_) | Outcome::Accepted { .. } => *did += 1,
                other => held.why.push(format!("{kind}: {other:?}")),
            }
        };
        if creates && writable.is_some() {
            write(Action::Create, &mut held.creatable, &mut held.created);
        }
        if let Some(id) = id.filter(|_| updates && writable.is_some_and(|p| !p.create_only)) {
            write(Action::Update { id, version: None }, &mut held.updatable, &mut held.updated);
        }
    }
    held
}

/// The drafts from the vendors' descriptions are manifests, and on a server that keeps to the
/// description most of what they say holds at once.
#[test]
fn every_vendors_description_makes_a_draft_that_reads_and_writes() {
    let (mut all, mut good) = (0, 0);
    for (name, text) in open_apis::of_vendors() {
        let api = open_apis::read(&text);
        if !api["paths"].is_object() {
            assert!(
                from_openapi(&name, &text)
                    .unwrap_err()
                    .to_string()
                    .contains("describes no request")
            );
            continue;
        }
        let draft =
            from_openapi(&name, &text).unwrap_or_else(|trouble| panic!("{name}: {trouble}"));
        let manifest = parse(&name, &draft).unwrap_or_else(|trouble| panic!("{name}: {trouble}"));
        let held = tried(manifest, api);
        println!("{name}: {held:?}");
        all += 1;
        let reads = 10 * held.read >= 9 * held.types;
        let writes = held.creatable > 0
            && 10 * held.created >= 8 * held.creatable
            && 10 * held.updated >= 8 * held.updatable;
        good += usize::from(reads && writes);
    }
    assert!(all == 0 || 2 * good > all, "{good} of {all} read and write at once");
}

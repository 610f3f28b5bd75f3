//! `connector test` on manifests that are wrong in the ways in which people write them wrong, over
//! a small server that keeps records: each is caught, at its place, with what to do. And right
//! manifests pass, whatever shape the system has.

use std::sync::Mutex;

use crate::serving::{Asked, Server, serve};
use lockstep_connector::Connector;
use lockstep_connector::conformance::{Sheet, Verdict, try_type, try_wrong_key};
use lockstep_connector::rest::{Rest, parse};
use serde_json::{Map, Value, json};

/// How the server writes a time of change, and compares it with what it is asked for.
#[derive(Clone, Copy, PartialEq)]
pub enum Times {
    Iso,
    /// `2026-01-31 10:00:00`, and compared as texts.
    Sql,
    /// Seconds since 1970.
    Unix,
}

#[derive(Clone, Copy)]
pub struct Quirks {
    pub times: Times,
    /// No page has more records.
    pub cap: usize,
    /// Pages are counted from here.
    pub first: usize,
    /// The status for a record that is not there, and for a key that is refused.
    pub gone: u16,
    pub refused: u16,
    /// Texts are cut to so many characters.
    pub cut: usize,
    /// `null` empties nothing.
    pub null_is_nothing: bool,
    /// Totals and the like are told.
    pub totals: bool,
    /// Empty properties are left out.
    pub leaves_out: bool,
    /// Answers to writes show what was sent.
    pub echoes: bool,
    /// The list shows a new record only after so many milliseconds.
    pub lags_ms: i64,
    /// Times are told so many milliseconds off, as local times are.
    pub off_ms: i64,
    /// Look-ups tell capital letters from small ones.
    pub minds_case: bool,
    /// Each so many requests one is refused as too many; none at 0.
    pub refuses: usize,
    /// What is deleted is kept, with a mark.
    pub archives: bool,
    /// A score is told, and taken, as text.
    pub score_is_text: bool,
    /// The results of a request for several come in another order.
    pub turned: bool,
    /// A creation answers with the id of the request beside the record's.
    pub numbers_requests: bool,
    /// From the second creation on, answers show records that were there before.
    pub shows_others: bool,
    /// Of what may hide a record, only `true` is taken.
    pub archives_for_good: bool,
}

pub const FINE: Quirks = Quirks {
    times: Times::Iso,
    cap: 100,
    first: 1,
    gone: 404,
    refused: 401,
    cut: 60,
    null_is_nothing: false,
    totals: false,
    leaves_out: false,
    echoes: false,
    lags_ms: 0,
    off_ms: 0,
    minds_case: false,
    refuses: 0,
    archives: false,
    score_is_text: false,
    turned: false,
    numbers_requests: false,
    shows_others: false,
    archives_for_good: false,
};

struct Fjord {
    quirks: Quirks,
    people: Vec<Map<String, Value>>,
    deleted: Vec<(String, i64)>,
    bin: Vec<Map<String, Value>>,
    next: usize,
    asked: usize,
}

/// The id of the first record that is made: eight are there.
const FIRST_MADE: usize = 9;

const FIELDS: [&str; 13] = [
    "name",
    "email",
    "phone",
    "age",
    "score",
    "vip",
    "born",
    "joined",
    "tags",
    "company",
    "addresses",
    "status",
    "archived",
];

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn sql(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn iso(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

impl Fjord {
    fn new(quirks: Quirks) -> Fjord {
        let mut fjord =
            Fjord { quirks, people: vec![], deleted: vec![], bin: vec![], next: 1, asked: 0 };
        let names = [
            "Eira Solheim",
            "Odd Lie",
            "Sunniva Lund",
            "Halvard Moe",
            "Jorunn Vik",
            "Birk Dahl",
            "Siv Berg",
            "Tor Aas",
        ];
        for (n, name) in names.iter().enumerate() {
            let person = json!({
                "name": name, "email": format!("{}@example.com", name.split(' ').next().unwrap().to_lowercase()),
                "phone": format!("+47 22 00 00 0{n}"), "age": 20 + n, "score": 1.5, "vip": n % 2 == 0, "born": "1990-05-17",
                "joined": "2020-05-17T10:00:00Z", "tags": ["a", "b"], "company": 1 + n % 2,
                "addresses": [{"town": "Bergen"}],
            });
            fjord
                .add(person.as_object().unwrap().clone(), now() - (60 - 5 * n as i64) * 86_400_000);
        }
        fjord
    }

    fn add(&mut self, mut person: Map<String, Value>, at: i64) -> Map<String, Value> {
        person.insert("id".into(), json!(self.next));
        person.insert("ms".into(), json!(at));
        person.insert("made_ms".into(), json!(at));
        self.next += 1;
        self.people.push(person.clone());
        person
    }

    /// As it is shown.
    fn shown(&self, person: &Map<String, Value>) -> Value {
        let mut shown = person.clone();
        for (field, name) in [("ms", "changed"), ("made_ms", "created")] {
            let ms = shown.remove(field).unwrap().as_i64().unwrap() + self.quirks.off_ms;
            shown.insert(
                name.into(),
                match self.quirks.times {
                    Times::Iso => json!(iso(ms)),
                    Times::Sql => json!(sql(ms)),
                    Times::Unix => json!(ms / 1000),
                },
            );
        }
        if self.quirks.score_is_text
            && let Some(score) = shown.get("score").and_then(Value::as_f64)
        {
            shown.insert("score".into(), json!(score.to_string()));
        }
        shown.insert("rev".into(), json!(format!("r{}", person["ms"])));
        for field in FIELDS {
            if !shown.contains_key(field) && !self.quirks.leaves_out {
                shown.insert(field.into(), Value::Null);
            }
            if self.quirks.leaves_out && shown.get(field).is_some_and(Value::is_null) {
                shown.remove(field);
            }
        }
        Value::Object(shown)
    }

    fn put(&self, person: &mut Map<String, Value>, sent: &Value) -> Result<(), String> {
        for (key, value) in sent.as_object().ok_or("expected an object")? {
            if self.quirks.archives_for_good && key == "archived" && *value == json!(false) {
                return Err("what is archived stays so".into());
            }
            if !FIELDS.contains(&key.as_str()) || value.is_null() && self.quirks.null_is_nothing {
                continue;
            }
            let fits = value.is_null()
                || match key.as_str() {
                    "age" | "company" => value.is_u64(),
                    "score" => value.is_string() == self.quirks.score_is_text && !value.is_object(),
                    "status" => matches!(value.as_str(), Some("open" | "closed")),
                    "archived" => value.is_boolean(),
                    "vip" => value.is_boolean(),
                    "tags" | "addresses" => value.is_array(),
                    _ => value.is_string(),
                };
            if !fits {
                return Err(format!("{key} is invalid"));
            }
            let value = match value {
                Value::String(text) if text.is_empty() => Value::Null,
                Value::String(text) if key == "score" => json!(text.parse::<f64>().unwrap_or(0.0)),
                Value::String(text) => {
                    json!(text.chars().take(self.quirks.cut).collect::<String>())
                }
                other => other.clone(),
            };
            person.insert(key.clone(), value);
        }
        if person.get("name").is_none_or(Value::is_null) {
            Err("name is required".into())
        } else {
            Ok(())
        }
    }

    fn answer(&mut self, asked: &Asked) -> (u16, String, String) {
        let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT");
        let (status, headers, body) = self.answered(asked);
        (
            status,
            format!("Date: {date}\r\n{headers}"),
            if status == 204 { String::new() } else { body.to_string() },
        )
    }

    fn answered(&mut self, asked: &Asked) -> (u16, String, Value) {
        let plain = |status: u16, body: Value| (status, String::new(), body);
        if !asked.headers.contains("authorization:Bearer s3cret") {
            return plain(self.quirks.refused, json!({"message": "no such key"}));
        }
        self.asked += 1;
        if self.quirks.refuses > 0 && self.asked.is_multiple_of(self.quirks.refuses) {
            return (429, "Retry-After: 0\r\n".into(), json!({"message": "too many"}));
        }
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        let decoded = |text: &str| {
            percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
        };
        let query: Map<String, Value> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(k, v)| (decoded(k), json!(decoded(v))))
            .collect();
        let steps: Vec<&str> = path.trim_matches('/').split('/').collect();
        let sent: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        if let ["graphql"] = steps[..] {
            return self.graphql(&sent);
        }
        if let ["companies", id] = steps[..] {
            return if matches!(id, "1" | "2") {
                plain(200, json!({"id": id.parse::<u8>().unwrap()}))
            } else {
                plain(404, json!({}))
            };
        }
        if steps[0] == "companies" {
            return plain(
                200,
                json!([{"id": 1, "title": "Fjordfisk"}, {"id": 2, "title": "Havn"}]),
            );
        }
        // A filter in a language of its own, in which an odd quotation mark is an error.
        if let ("search", Some(filter)) = (steps[0], query.get("filter").and_then(Value::as_str)) {
            let wanted = filter.strip_prefix("email = '").and_then(|rest| rest.strip_suffix('\''));
            return match wanted.map(|wanted| wanted.replace("''", "\u{1}")) {
                Some(wanted) if !wanted.contains('\'') => {
                    let wanted =
                        Map::from_iter([("email".into(), json!(wanted.replace('\u{1}', "'")))]);
                    plain(200, json!({"items": self.filtered(&wanted)}))
                }
                _ => plain(400, json!({"message": "the filter can't be read"})),
            };
        }
        if steps[0] == "deleted" {
            let ids: Vec<&String> = self.deleted.iter().map(|(id, _)| id).collect();
            return plain(200, json!({"ids": ids}));
        }
        match (asked.method.as_str(), &steps[..]) {
            ("GET", ["me"]) => plain(200, json!({})),
            ("GET", [shape]) => self.list(shape, &query),
            ("POST", ["bulk"]) => {
                let mut results = vec![];
                for one in sent["items"].as_array().into_iter().flatten() {
                    let mut person = Map::new();
                    results.push(match self.put(&mut person, one) {
                        Err(message) => json!({"error": message}),
                        Ok(()) => {
                            let made = self.add(person, now());
                            let shown = if self.quirks.shows_others {
                                &self.people[results.len()]
                            } else {
                                &made
                            };
                            json!({"person": self.shown(shown)})
                        }
                    });
                }
                if self.quirks.turned {
                    results.reverse();
                }
                plain(200, json!({"results": results}))
            }
            ("POST", [_, id, "restore"]) => {
                let kept =
                    self.bin.iter().position(|person| person["id"].as_u64() == id.parse().ok());
                match kept {
                    None => plain(404, json!({"message": "nothing for you here"})),
                    Some(at) => {
                        let person = self.bin.remove(at);
                        self.people.push(person);
                        plain(204, Value::Null)
                    }
                }
            }
            ("POST", [shape]) => {
                let mut person = Map::new();
                match self.put(&mut person, &unwrapped(shape, &sent)) {
                    Err(message) => plain(422, json!({"message": message})),
                    Ok(()) => {
                        let made = self.add(person, now());
                        let mut shown = self.shown(&made);
                        if self.quirks.shows_others && made["id"] != json!(FIRST_MADE) {
                            shown = self.shown(&self.people[0]);
                        }
                        if let (true, Value::Object(shown)) = (self.quirks.echoes, &mut shown) {
                            shown.extend(
                                unwrapped(shape, &sent).as_object().cloned().unwrap_or_default(),
                            );
                        }
                        if self.quirks.numbers_requests {
                            return plain(201, json!({"id": 1, "person": shown}));
                        }
                        plain(201, wrapped(shape, shown))
                    }
                }
            }
            (method, [shape, id]) => {
                let Some(at) = self
                    .people
                    .iter()
                    .position(|person| person["id"] == json!(id.parse::<u64>().unwrap_or(0)))
                else {
                    return plain(self.quirks.gone, json!({"message": "nothing for you here"}));
                };
                match method {
                    "GET" => plain(200, wrapped(shape, self.shown(&self.people[at]))),
                    "DELETE" if self.quirks.archives => {
                        self.people[at].insert("archived".into(), json!(true));
                        plain(204, Value::Null)
                    }
                    "DELETE" => {
                        let person = self.people.remove(at);
                        self.bin.push(person);
                        self.deleted.push(((*id).to_string(), now()));
                        plain(204, Value::Null)
                    }
                    _ => {
                        let mut person = self.people[at].clone();
                        if let Some(version) = asked
                            .headers
                            .split("if-match:")
                            .nth(1)
                            .and_then(|rest| rest.lines().next())
                            && version != format!("r{}", person["ms"])
                        {
                            return plain(412, json!({"message": "changed meanwhile"}));
                        }
                        if method == "PUT" {
                            person
                                .retain(|key, _| !FIELDS.contains(&key.as_str()) || key == "name");
                        }
                        if let Err(message) = self.put(&mut person, &unwrapped(shape, &sent)) {
                            return plain(422, json!({"message": message}));
                        }
                        person.insert("ms".into(), json!(now()));
                        self.people[at] = person;
                        plain(200, wrapped(shape, self.shown(&self.people[at])))
                    }
                }
            }
            _ => plain(404, json!({"message": "no such address"})),
        }
    }

    /// The records that a list is asked for.
    fn filtered(&self, query: &Map<String, Value>) -> Vec<Value> {
        let text = |name: &str| query.get(name).and_then(Value::as_str);
        let since = |person: &Map<String, Value>, name: &str, field: &str| {
            let Some(since) = text(name) else { return true };
            let ms = person[field].as_i64().unwrap();
            match self.quirks.times {
                Times::Iso => {
                    since.parse::<jiff::Timestamp>().is_ok_and(|since| ms >= since.as_millisecond())
                }
                Times::Sql => sql(ms).as_str() >= since,
                Times::Unix => since.parse::<i64>().is_ok_and(|since| ms / 1000 >= since),
            }
        };
        let is = |person: &Map<String, Value>, name: &str| {
            text(name).is_none_or(|value| {
                person.get(name).is_some_and(|held| {
                    held.as_str().is_some_and(|held| match self.quirks.minds_case {
                        true => held == value,
                        false => held.eq_ignore_ascii_case(value),
                    }) || held.as_bool().is_some_and(|held| held.to_string() == value)
                })
            })
        };
        let shows = |person: &&Map<String, Value>| {
            since(person, "since", "ms")
                && since(person, "made_since", "made_ms")
                && text("until").is_none_or(|until| {
                    let ms = person["ms"].as_i64().unwrap();
                    until.parse::<jiff::Timestamp>().is_ok_and(|u| ms <= u.as_millisecond())
                })
                && ["email", "name", "vip", "status"].iter().all(|name| is(person, name))
                && (person.get("archived") != Some(&json!(true)) || text("all") == Some("1"))
                && person["made_ms"].as_i64().unwrap() <= now() - self.quirks.lags_ms
        };
        self.people.iter().filter(shows).map(|person| self.shown(person)).collect()
    }

    fn list(&self, shape: &str, query: &Map<String, Value>) -> (u16, String, Value) {
        let all = self.filtered(query);
        let number = |name: &str, or: usize| {
            query.get(name).and_then(|v| v.as_str()?.parse().ok()).unwrap_or(or)
        };
        let cap = self.quirks.cap;
        let limit = number("limit", 5.min(cap)).min(cap).max(1);
        let page = number("page", self.quirks.first);
        let from = match shape {
            "offset" | "next" => number("offset", 0),
            "cursor" => number("after", 0),
            _ => page.saturating_sub(self.quirks.first) * limit,
        };
        let shown: Vec<Value> = all.iter().skip(from).take(limit).cloned().collect();
        let (end, total) = (from + shown.len(), all.len());
        let more = end < total;
        let mut headers = String::new();
        let mut body = match shape {
            "offset" => json!({"items": shown}),
            "pages" => json!({"data": shown}),
            "cursor" => {
                json!({"people": shown, "next_cursor": if more { json!(end.to_string()) } else { Value::Null }, "has_more": more})
            }
            "next" => match more {
                true => {
                    json!({"value": shown, "@odata.nextLink": format!("?offset={end}&limit={limit}")})
                }
                false => json!({"value": shown}),
            },
            "members" => json!({"members": shown}),
            _ => Value::Array(shown),
        };
        if shape == "bare" && more {
            headers = format!("Link: </bare?page={}&limit={limit}>; rel=\"next\"\r\n", page + 1);
        }
        if self.quirks.totals {
            headers.push_str(&format!("X-Total-Count: {total}\r\n"));
            if let Value::Object(map) = &mut body {
                map.insert("meta".into(), json!({"pagination": {"total": total, "page": page}}));
            }
        }
        (200, headers, body)
    }

    fn graphql(&mut self, sent: &Value) -> (u16, String, Value) {
        let variables = &sent["variables"];
        let query = sent["query"].as_str().unwrap_or_default();
        let data = |value: Value| (200, String::new(), json!({"data": value}));
        let failed = |message: String| {
            (200, String::new(), json!({"data": null, "errors": [{"message": message}]}))
        };
        let input = &variables["input"];
        let place = |people: &[Map<String, Value>], id: &Value| {
            people
                .iter()
                .position(|person| person["id"] == *id || json!(person["id"].to_string()) == *id)
        };
        if query.contains("createPerson") {
            let mut person = Map::new();
            return match self.put(&mut person, input) {
                Err(message) => failed(message),
                Ok(()) => {
                    let made = self.add(person, now());
                    data(json!({"createPerson": self.shown(&made)}))
                }
            };
        }
        if query.contains("updatePerson") {
            let Some(at) = place(&self.people, &input["id"]) else {
                return failed("no such person".into());
            };
            let mut person = self.people[at].clone();
            if let Err(message) = self.put(&mut person, input) {
                return failed(message);
            }
            person.insert("ms".into(), json!(now()));
            self.people[at] = person;
            return data(json!({"updatePerson": self.shown(&self.people[at])}));
        }
        if query.contains("deletePerson") {
            let Some(at) = place(&self.people, &variables["id"]) else {
                return failed("no such person".into());
            };
            self.people.remove(at);
            return data(json!({"deletePerson": true}));
        }
        if query.contains("person(") {
            let one = place(&self.people, &variables["id"]).map(|at| self.shown(&self.people[at]));
            return data(json!({"person": one}));
        }
        let filter: Map<String, Value> =
            variables["filter"].as_object().cloned().unwrap_or_default();
        let filter = filter.into_iter().filter(|(_, value)| !value.is_null()).collect();
        let all = self.filtered(&filter);
        let (skip, take) = (
            variables["skip"].as_u64().unwrap_or(0) as usize,
            variables["take"].as_u64().unwrap_or(5) as usize,
        );
        let shown: Vec<&Value> = all.iter().skip(skip).take(take).collect();
        data(json!({"people": {"items": shown, "totalItems": all.len()}}))
    }
}

fn unwrapped(shape: &str, sent: &Value) -> Value {
    match shape {
        // A body without the wrapper is as if it had no properties but a name.
        "pages" => sent.get("person").cloned().unwrap_or(json!({"name": "New person"})),
        "members" => sent["members"].get(0).cloned().unwrap_or(json!({"name": "New person"})),
        _ => {
            let mut sent = sent.clone();
            if sent.get("person").is_some() {
                sent = json!({"name": "New person"});
            }
            sent
        }
    }
}

fn wrapped(shape: &str, person: Value) -> Value {
    match shape {
        "pages" => json!({"person": person}),
        "members" => json!({"members": [person]}),
        _ => person,
    }
}

const PROPERTIES: &str = "    properties:
      name: { required: true, type: string, max-chars: 60 }
      email: {}
      phone: {}
      age: { type: integer }
      score: { type: float }
      vip: { type: boolean }
      born: { type: date }
      joined: { type: datetime }
      tags: { list: true }
      company: { reference: Companies, type: integer }
";

pub const OFFSET: &str = "    list: { request: { path: /offset, query: { offset: '{{ offset }}', limit: '{{ limit }}' } }, items: items, paging: { offset: { limit: 100 } } }
    changes: { request: { path: /offset, query: { offset: '{{ offset }}', limit: '{{ limit }}', since: '{{ since }}' } }, items: items, paging: { offset: { limit: 100 } } }
    get: { request: { path: '/offset/{{ id | url }}' } }
    find: { email: { request: { path: /offset, query: { email: '{{ value }}' } }, item: items } }
    create: { request: { method: POST, path: /offset } }
    update: { request: { method: PATCH, path: '/offset/{{ id | url }}' }, read-before: true }
    delete: { method: DELETE, path: '/offset/{{ id | url }}' }
";

pub fn manifest(ty: &str, errors: &str) -> String {
    format!(
        "title: Fjord
settings: {{ address: {{ what: address }}, key: {{ what: key, secret: true }} }}
base: '{{{{ address }}}}'
auth: {{ bearer: '{{{{ key }}}}' }}
rate: {{ per-second: 1000 }}
test: /me
errors:
{errors}  - {{ status: 422, means: rejected, property: [message], message: [message] }}
types:
  Companies:
    id: id
    properties: {{ title: {{}} }}
    list: {{ request: {{ path: /companies }}, paging: none }}
    get: {{ request: {{ path: '/companies/{{{{ id | url }}}}' }} }}
  People:
    id: id
    modified: changed
    version: rev
{PROPERTIES}{ty}"
    )
}

fn server(quirks: Quirks) -> Server {
    let fjord = Mutex::new(Fjord::new(quirks));
    serve(move |asked| fjord.lock().unwrap().answer(asked))
}

pub fn tried(quirks: Quirks, manifest: &str, writes: bool) -> Sheet {
    let server = server(quirks);
    let rest = server.connect(manifest);
    let ty = rest.types().iter().find(|ty| ty.kind == "People").unwrap();
    let mut sheet = try_type(&rest, ty, writes);
    let settings =
        Map::from_iter([("address".into(), json!(server.address)), ("key".into(), json!("wrong"))]);
    let wrong = Rest::open(parse("test", manifest).unwrap(), &settings).unwrap();
    try_wrong_key(&wrong, ty, &mut sheet);
    sheet
}

/// The ids that the server has after the same.
pub fn ids_after(quirks: Quirks, manifest: &str) -> Vec<u64> {
    let fjord = std::sync::Arc::new(Mutex::new(Fjord::new(quirks)));
    let answering = std::sync::Arc::clone(&fjord);
    let server = serve(move |asked| answering.lock().unwrap().answer(asked));
    let rest = server.connect(manifest);
    let ty = rest.types().iter().find(|ty| ty.kind == "People").unwrap();
    try_type(&rest, ty, true);
    let fjord = fjord.lock().unwrap();
    fjord.people.iter().map(|person| person["id"].as_u64().unwrap()).collect()
}

pub fn told(sheet: &Sheet) -> String {
    let mut told = String::new();
    for trial in &sheet.trials {
        told.push_str(&format!("{} {:?}: {:?}\n", trial.what, trial.place, trial.verdict));
    }
    told
}

/// The manifest with a mistake is caught by this trial, which leads to this word and says this.
pub fn caught(quirks: Quirks, manifest: &str, what: &str, word: &str, says: &str) -> Sheet {
    let sheet = tried(quirks, manifest, true);
    let fits = |trial: &&lockstep_connector::conformance::Trial| matches!(&trial.verdict, Verdict::Fails(why) if trial.what == what && why.contains(says) && trial.place.iter().any(|at| at == word));
    assert!(sheet.trials.iter().find(fits).is_some(), "{what}, {word}, {says}:\n{}", told(&sheet));
    sheet
}

pub fn passes(quirks: Quirks, manifest: &str) {
    for writes in [false, true] {
        let sheet = tried(quirks, manifest, writes);
        assert_eq!(sheet.failures().collect::<Vec<_>>(), vec![], "{}", told(&sheet));
        assert_eq!(sheet.left, Vec::<String>::new());
        if writes {
            let not_tried = sheet
                .trials
                .iter()
                .filter(|trial| matches!(trial.verdict, Verdict::NotTried(_)))
                .count();
            assert!(not_tried <= 3, "{}", told(&sheet));
        }
    }
}

/// The right manifest with one thing changed.
pub fn with(from: &str, to: &str) -> String {
    let text = manifest(OFFSET, "");
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

mod right {
    use super::*;

    #[test]
    fn by_offset() {
        passes(FINE, &manifest(OFFSET, ""));
        passes(Quirks { cap: 3, ..FINE }, &manifest(OFFSET, "").replace("limit: 100", "limit: 3"));
    }

    #[test]
    fn by_pages_in_a_wrapper_with_a_total() {
        let ty = "    list: { request: { path: /pages, query: { page: '{{ page }}', limit: '{{ limit }}' } }, items: data, paging: { page: { limit: 100, total: meta.pagination.total, first: 0 } } }
    changes: { request: { path: /pages, query: { page: '{{ page }}', limit: '{{ limit }}', since: '{{ since }}' } }, items: data, paging: { page: { limit: 100, first: 0 } } }
    get: { request: { path: '/pages/{{ id | url }}' }, item: person }
    find: { email: { request: { path: /pages, query: { email: '{{ value }}' } }, item: data } }
    create: { request: { method: POST, path: /pages }, wrap: person, item: person }
    update: { request: { method: PATCH, path: '/pages/{{ id | url }}', headers: { If-Match: '{{ version }}' } }, wrap: person, item: person }
    delete: { method: DELETE, path: '/pages/{{ id | url }}' }
";
        passes(Quirks { first: 0, totals: true, ..FINE }, &manifest(ty, ""));
    }

    #[test]
    fn bare_lists_with_a_link() {
        let ty = "    list: { request: { path: /bare, query: { limit: '{{ limit }}' } }, paging: { link: { limit: 100 } } }
    get: { request: { path: '/bare/{{ id | url }}' } }
    create: { request: { method: POST, path: /bare } }
    update: { request: { method: PATCH, path: '/bare/{{ id | url }}' }, read-before: true }
    delete: { method: DELETE, path: '/bare/{{ id | url }}' }
";
        passes(Quirks { totals: true, ..FINE }, &manifest(ty, ""));
    }

    #[test]
    fn by_cursor_with_times_in_seconds() {
        let ty = "    list: { request: { path: /cursor, query: { after: '{{ cursor }}', limit: '{{ limit }}' } }, items: people, paging: { cursor: { limit: 100, at: next_cursor, more: has_more } } }
    changes: { request: { path: /cursor, query: { after: '{{ cursor }}', limit: '{{ limit }}', since: '{{ since_unix }}' } }, items: people, paging: { cursor: { limit: 100, at: next_cursor, more: has_more } } }
    get: { request: { path: '/cursor/{{ id | url }}' } }
    find: { email: { request: { path: /cursor, query: { email: '{{ value }}' } }, item: people }, name: { request: { path: /cursor, query: { name: '{{ value }}' } }, item: people } }
    create: { request: { method: POST, path: /cursor } }
    update: { request: { method: PATCH, path: '/cursor/{{ id | url }}' }, read-before: true }
    delete: { method: DELETE, path: '/cursor/{{ id | url }}' }
";
        passes(Quirks { times: Times::Unix, ..FINE }, &manifest(ty, ""));
    }

    #[test]
    fn by_next_links_with_403_for_what_is_gone() {
        let ty = "    absent-is-empty: true
    list: { request: { path: /next, query: { limit: '{{ limit }}' } }, items: value, paging: { next: { limit: 100, at: '@odata.nextLink' } } }
    changes: { request: { path: /next, query: { limit: '{{ limit }}', since: '{{ since }}' } }, items: value, paging: { next: { limit: 100, at: '@odata.nextLink' } } }
    get: { request: { path: '/next/{{ id | url }}' } }
    create: { request: { method: POST, path: /next } }
    update: { request: { method: PATCH, path: '/next/{{ id | url }}' }, read-before: true }
    delete: { method: DELETE, path: '/next/{{ id | url }}' }
";
        let quirks = Quirks { gone: 403, leaves_out: true, ..FINE };
        passes(
            quirks,
            &manifest(
                ty,
                "  - { status: 403, at: message, is: [nothing for you here], means: gone }\n",
            ),
        );
    }

    #[test]
    fn graphql() {
        let ask = "query: 'query($skip: Int, $take: Int, $filter: Filter) { people(skip: $skip, take: $take, filter: $filter) { items totalItems } }'";
        let ty = format!("    list: {{ request: {{ method: POST, path: /graphql, body: {{ {ask}, variables: {{ skip: '{{{{ offset }}}}', take: '{{{{ limit }}}}' }} }} }}, items: data.people.items, paging: {{ offset: {{ limit: 100, total: data.people.totalItems }} }} }}
    changes: {{ request: {{ method: POST, path: /graphql, body: {{ {ask}, variables: {{ skip: '{{{{ offset }}}}', take: '{{{{ limit }}}}', filter: {{ since: '{{{{ since }}}}' }} }} }} }}, items: data.people.items, paging: {{ offset: {{ limit: 100 }} }} }}
    get: {{ request: {{ method: POST, path: /graphql, body: {{ query: 'query($id: ID!) {{ person(id: $id) {{ id }} }}', variables: {{ id: '{{{{ id }}}}' }} }} }}, item: data.person }}
    find: {{ email: {{ request: {{ method: POST, path: /graphql, body: {{ {ask}, variables: {{ take: 100, filter: {{ email: '{{{{ value }}}}' }} }} }} }}, item: data.people.items }} }}
    create: {{ request: {{ method: POST, path: /graphql }}, wrap: variables.input, beside: {{ query: 'mutation($input: Input!) {{ createPerson(input: $input) {{ id }} }}' }}, item: data.createPerson }}
    update: {{ request: {{ method: POST, path: /graphql }}, wrap: variables.input, beside: {{ query: 'mutation($input: Input!) {{ updatePerson(input: $input) {{ id }} }}', variables: {{ input: {{ id: '{{{{ id }}}}' }} }} }}, item: data.updatePerson, read-before: true }}
    delete: {{ method: POST, path: /graphql, body: {{ query: 'mutation($id: ID!) {{ deletePerson(id: $id) }}', variables: {{ id: '{{{{ id }}}}' }} }} }}
");
        let errors = "  - { status: 200, at: errors.0.message, is: [no such person], means: gone }\n  - { status: 200, at: errors.0.message, means: rejected, property: [errors.0.message], message: [errors.0.message] }\n";
        passes(FINE, &manifest(&ty, errors));
    }

    #[test]
    fn lists_in_the_body() {
        let ty = "    list: { request: { path: /members, query: { page: '{{ page }}', limit: '{{ limit }}' } }, items: members, paging: { page: { limit: 100, first: 1, total: meta.pagination.total } } }
    changes: { request: { path: /members, query: { page: '{{ page }}', limit: '{{ limit }}', since: \"{{ since_plain | replace('T', ' ') }}\" } }, items: members, paging: { page: { limit: 100, first: 1 } } }
    get: { request: { path: '/members/{{ id | url }}' }, item: members.0 }
    create: { request: { method: POST, path: /members }, wrap: members.0, item: members.0 }
    update: { request: { method: PATCH, path: '/members/{{ id | url }}' }, wrap: members.0, item: members.0, read-before: true }
    delete: { method: DELETE, path: '/members/{{ id | url }}' }
";
        passes(Quirks { totals: true, times: Times::Sql, ..FINE }, &manifest(ty, ""));
    }
}

mod broken {
    use super::*;

    #[test]
    fn r1_a_filter_that_compares_texts() {
        // `2026-11-29 10:00` is before `2026-11-29T09:00`, as a text.
        let quirks = Quirks { times: Times::Sql, ..FINE };
        caught(quirks, &manifest(OFFSET, ""), "changes", "changes:", "times as texts");
        let sheet = tried(quirks, &manifest(OFFSET, ""), false);
        assert!(
            sheet.failures().any(|(what, _)| what == "changes"),
            "also without writing: {}",
            told(&sheet)
        );
    }

    #[test]
    fn r1_a_filter_in_the_wrong_unit() {
        let quirks = Quirks { times: Times::Unix, ..FINE };
        caught(quirks, &manifest(OFFSET, ""), "changes", "changes:", "{{ since_unix }}");
    }

    #[test]
    fn r1_a_filter_that_the_system_does_not_know() {
        caught(
            FINE,
            &with("since: '{{ since }}'", "updated_after: '{{ since }}'"),
            "changes",
            "changes:",
            "does not know the filter",
        );
    }

    #[test]
    fn r1_a_filter_by_the_time_of_creation() {
        let text = with("since: '{{ since }}'", "made_since: '{{ since }}'");
        caught(
            FINE,
            &text,
            "what is changed is among the changes",
            "changes:",
            "another time (of creation?)",
        );
    }

    #[test]
    fn r1_the_time_of_creation_for_that_of_change() {
        caught(
            FINE,
            &with("modified: changed", "modified: created"),
            "the time of change moves",
            "modified:",
            "time of its creation",
        );
    }

    #[test]
    fn r1_the_first_page_is_lost() {
        let by_page = "{ page: { limit: 100, first: 1 } }";
        let text = manifest(OFFSET, "")
            .replace("/offset", "/bare")
            .replace("offset: '{{ offset }}'", "page: '{{ page }}'")
            .replace("{ offset: { limit: 100 } }", by_page)
            .replace(", items: items", "")
            .replace(", item: items", "");
        passes(FINE, &text);
        caught(Quirks { first: 0, ..FINE }, &text, "paging", "first:", "say `first: 0`");
    }

    #[test]
    fn r1_records_are_lost_between_pages() {
        caught(
            FINE,
            &with(
                "offset: '{{ offset }}', limit: '{{ limit }}' }",
                "offset: '{{ offset + 1 }}', limit: '{{ limit }}' }",
            ),
            "paging",
            "first:",
            "before the first page",
        );
        let by_page = with("{ offset: { limit: 100 } }", "{ page: { limit: 5 } }")
            .replace("{{ offset }}", "{{ page | int * 5 }}");
        caught(FINE, &by_page, "paging", "first:", "before the first page");
    }

    #[test]
    fn r1_one_page_of_many() {
        let text = with("paging: { offset: { limit: 100 } }", "paging: none")
            .replace("offset: '{{ offset }}', limit: '{{ limit }}'", "x: y");
        caught(
            Quirks { totals: true, ..FINE },
            &text,
            "paging",
            "paging:",
            "`meta.pagination.total`",
        );
        // Where nothing tells, the new record is not listed.
        caught(FINE, &text, "what is created is listed", "list:", "is not in the list");
        let bare = text
            .replace("/offset", "/bare")
            .replace(", items: items", "")
            .replace(", item: items", "");
        caught(FINE, &bare, "paging", "paging:", "the header `Link`");
    }

    #[test]
    fn r1_a_page_that_the_system_cuts() {
        caught(
            Quirks { cap: 3, ..FINE },
            &manifest(OFFSET, ""),
            "paging",
            "limit:",
            "say `limit: 3`",
        );
        caught(
            FINE,
            &with("limit: '{{ limit }}'", "per_page: '{{ limit }}'"),
            "paging",
            "limit:",
            "say `limit: 5`",
        );
    }

    #[test]
    fn r1_a_cursor_where_there_is_none() {
        let cursor = "    list: { request: { path: /cursor, query: { after: '{{ cursor }}', limit: '{{ limit }}' } }, items: people, paging: { cursor: { limit: 100, at: AT } } }
    get: { request: { path: '/cursor/{{ id | url }}' } }
";
        let quirks = Quirks { cap: 3, ..FINE };
        let right = cursor.replace("AT", "next_cursor, more: has_more").replace("100", "3");
        passes(quirks, &manifest(&right, ""));
        for wrong in ["meta.next", "next_cursor, more: meta.more"] {
            caught(
                quirks,
                &manifest(&cursor.replace("AT", wrong), ""),
                "paging",
                "paging:",
                "`has_more` that there are more",
            );
        }
    }

    #[test]
    fn c2_a_look_up_that_ignores_its_value() {
        let sheet = caught(
            FINE,
            &with("email: '{{ value }}'", "mail: '{{ value }}'"),
            "find",
            "find:",
            "`email`",
        );
        assert!(
            told(&sheet).contains("ignores its value") || told(&sheet).contains("is not found by"),
            "{}",
            told(&sheet)
        );
        // Where one page has them all, it finds whoever is there.
        let text =
            with("query: { email: '{{ value }}' }", "query: { mail: '{{ value }}', limit: '100' }");
        caught(FINE, &text, "find", "email:", "the look-up ignores its value");
    }

    #[test]
    fn c2_a_look_up_by_another_property() {
        caught(
            FINE,
            &with("query: { email: '{{ value }}' }", "query: { name: '{{ value }}' }"),
            "find",
            "email:",
            "is not found by its `email`",
        );
    }

    #[test]
    fn r5_a_property_at_a_wrong_place() {
        caught(
            FINE,
            &with("      email: {}", "      email: { at: e_mail }"),
            "properties",
            "email:",
            "Is it at `email`?",
        );
        caught(
            FINE,
            &with("      phone: {}", "      telephone: {}").replace("nothing", ""),
            "properties",
            "telephone:",
            "`phone`",
        );
        let left_out = Quirks { leaves_out: true, ..FINE };
        let text = with("      phone: {}", "      fax: {}")
            .replace("    get:", "    absent-is-empty: true\n    get:");
        caught(left_out, &text, "create", "fax:", "was written and is not shown");
    }

    #[test]
    fn r5_an_element_without_its_value() {
        let text = with("      phone: {}", "      addresses: { list: true, value: city }");
        caught(FINE, &text, "properties", "addresses:", "`addresses[].city`");
    }

    #[test]
    fn r7_a_wrong_type() {
        caught(
            FINE,
            &with("age: { type: integer }", "age: { type: boolean }"),
            "properties",
            "age:",
            "of type boolean",
        );
        caught(
            FINE,
            &with("tags: { list: true }", "tags: { type: string }"),
            "properties",
            "tags:",
            "of type string",
        );
    }

    #[test]
    fn p8_a_reference_to_another_record_type() {
        let text = with(
            "company: { reference: Companies, type: integer }",
            "age2: { at: age, reference: Companies, type: integer }",
        );
        caught(FINE, &text, "properties", "age2:", "no id of it");
    }

    #[test]
    fn r3_a_403_that_means_gone() {
        caught(
            Quirks { gone: 403, ..FINE },
            &manifest(OFFSET, ""),
            "delete",
            "errors:",
            "means: gone",
        );
    }

    #[test]
    fn r3_a_rule_that_takes_a_refused_key_for_a_deletion() {
        let text = manifest(OFFSET, "  - { status: 403, means: gone }\n");
        caught(
            Quirks { refused: 403, gone: 403, ..FINE },
            &text,
            "a refused key is no deletion",
            "errors:",
            "passes for deleted",
        );
    }

    #[test]
    fn c1_a_wrapper_that_drops_the_record() {
        let text = with(
            "create: { request: { method: POST, path: /offset }",
            "create: { request: { method: POST, path: /offset }, wrap: person",
        );
        caught(FINE, &text, "create", "create:", "`wrap`");
        let text = with(
            "'/offset/{{ id | url }}' }, read-before",
            "'/offset/{{ id | url }}' }, wrap: person, read-before",
        );
        caught(FINE, &text, "update", "update:", "`wrap`");
    }

    #[test]
    fn p4_an_update_that_replaces_the_record() {
        caught(
            FINE,
            &with("method: PATCH", "method: PUT"),
            "update",
            "update:",
            "replaces the whole record",
        );
    }

    #[test]
    fn c2_a_creation_of_which_the_id_is_not_found() {
        let text = with(
            "create: { request: { method: POST, path: /offset }",
            "create: { request: { method: POST, path: /offset }, item: data",
        );
        let sheet = caught(FINE, &text, "create", "create:", "it was created as 9");
        assert!(
            sheet.left[0].contains("People 9") && sheet.left[0].contains("mark"),
            "{:?}",
            sheet.left
        );
    }

    #[test]
    fn r3_a_mark_of_deletion_the_wrong_way_round() {
        let text = with(
            "    version: rev\n",
            "    version: rev\n    deleted: { at: born, is-not: ['1900-01-01'] }\n",
        );
        caught(FINE, &text, "list", "deleted:", "the wrong way round");
    }

    #[test]
    fn r5_what_can_t_be_emptied_so() {
        let quirks = Quirks { null_is_nothing: true, ..FINE };
        caught(
            quirks,
            &manifest(OFFSET, ""),
            "what is emptied is empty",
            "phone:",
            "`none: [\"\"]`",
        );
    }

    #[test]
    fn p3_a_text_that_is_cut() {
        caught(
            Quirks { cut: 40, ..FINE },
            &manifest(OFFSET, ""),
            "every property is kept",
            "name:",
            "say `max-chars: 40`",
        );
    }

    #[test]
    fn p5a_a_list_that_lags_behind() {
        caught(
            Quirks { lags_ms: 1_500, ..FINE },
            &manifest(OFFSET, ""),
            "what is created is listed",
            "settles-ms:",
            "say `settles-ms:",
        );
        let said = with("    version: rev\n", "    version: rev\n    settles-ms: 3000\n");
        passes(Quirks { lags_ms: 1_500, ..FINE }, &said);
    }

    #[test]
    fn p6_a_version_that_does_not_move() {
        caught(
            FINE,
            &with("version: rev", "version: created"),
            "the version moves",
            "version:",
            "nothing is locked by it",
        );
    }

    #[test]
    fn r1_a_total_that_is_not_there() {
        let text =
            with("{ offset: { limit: 100 } }", "{ offset: { limit: 100, total: meta.total } }");
        caught(
            Quirks { totals: true, ..FINE },
            &text,
            "paging",
            "total:",
            "it is at `meta.pagination.total`",
        );
    }

    #[test]
    fn r6_an_answer_that_repeats_what_was_sent() {
        let text = with(
            "create: { request: { method: POST, path: /offset }",
            "create: { request: { method: POST, path: /offset }, read-after: false",
        );
        passes(FINE, &text);
        let quirks = Quirks { echoes: true, cut: 20, ..FINE };
        let sheet = caught(quirks, &text, "create", "name:", "was written and is not shown");
        let what = "the answer to a write is as it is stored";
        assert!(
            sheet
                .failures()
                .any(|(trial, why)| trial == what && why.contains("leave out `read-after: false`")),
            "{}",
            told(&sheet)
        );
    }

    #[test]
    fn r9_a_time_of_creation_that_moves() {
        let text = with(
            "      phone: {}",
            "      phone: {}\n      made: { at: changed, read-only: true }",
        )
        .replace("    version: rev\n", "    version: rev\n    created: made\n");
        caught(FINE, &text, "the time of creation stays", "created:", "another property says");
    }

    #[test]
    fn c2_a_look_up_that_does_not_double_quotation_marks() {
        let text = with(
            "path: /offset, query: { email: '{{ value }}' }",
            "path: /search, query: { filter: \"email = '{{ value | quoted }}'\" }",
        );
        passes(FINE, &text);
        let sheet = tried(FINE, &text.replace(" | quoted", ""), false);
        assert!(
            told(&sheet).contains("find by a text with a quotation mark")
                && told(&sheet).contains("{{ value | quoted }}"),
            "{}",
            told(&sheet)
        );
    }

    #[test]
    fn r3_deletions_that_are_not_told() {
        let gone = "    gone: { request: { path: /deleted, query: { since: '{{ since }}' } }, items: IDS, paging: none }\n";
        let text = manifest(&format!("{OFFSET}{}", gone.replace("IDS", "ids")), "");
        passes(FINE, &text);
        let text = text
            .replace("path: /deleted", "path: /companies")
            .replace("items: ids, paging: none", "paging: none, id: id");
        caught(FINE, &text, "deletions are told", "gone:", "neither `changes`");
    }

    #[test]
    fn a_record_that_can_t_be_deleted_is_named() {
        let text = manifest(OFFSET, "")
            .replace("    delete: { method: DELETE, path: '/offset/{{ id | url }}' }\n", "");
        let sheet = tried(FINE, &text, true);
        assert_eq!(sheet.failures().collect::<Vec<_>>(), vec![]);
        assert_eq!(sheet.left.len(), 2, "{:?}", sheet.left);
    }
}

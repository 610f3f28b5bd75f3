//! What the API answers, against its own description; acts, and who they are told to be by.

use serde_json::{Value, json};

use super::schema::faults;
use super::{Came, Console, add_user, form, project, token};
use crate::service::{Service, wait_for, wait_until};
use crate::transcript::{command, lockstep, read, write};

/// A program that holds every answer against the description.
struct Program<'a> {
    console: &'a Console,
    token: String,
    description: Value,
}

impl<'a> Program<'a> {
    fn new(console: &'a Console, token: String) -> Self {
        let description = console.api(&token, "GET", "/openapi.json", "").is(200).json();
        assert_eq!(description["openapi"], "3.1.0");
        Program { console, token, description }
    }

    /// One call, of an operation that is described under `path`.
    #[track_caller]
    fn call(&self, method: &str, path: &str, address: &str, body: Value) -> Came {
        let sent = if body.is_null() { String::new() } else { body.to_string() };
        let came = self.console.api(&self.token, method, address, &sent);
        let operation = &self.description["paths"][path][method.to_lowercase()];
        assert!(operation.is_object(), "{method} {path} is not described");
        let (status, kind) = match came.status {
            200 => ("200", "application/json"),
            _ => ("default", "application/problem+json"),
        };
        assert_eq!(came.header("content-type"), kind, "{}", came.body);
        let schema = &operation["responses"][status]["content"][kind]["schema"];
        let found = faults(&self.description, schema, &came.json());
        assert_eq!(found, Vec::<String>::new(), "{method} {address}: {}", came.body);
        if came.status != 200 {
            assert_eq!(came.json()["status"], came.status);
            assert!(came.json()["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        }
        if came.status == 200 && !body.is_null() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let found = faults(&self.description, schema, &body);
            assert_eq!(found, Vec::<String>::new(), "{method} {address}: the body that was sent");
        }
        came
    }

    #[track_caller]
    fn get(&self, path: &str, address: &str) -> Value {
        self.call("GET", path, address, Value::Null).is(200).json()
    }

    #[track_caller]
    fn post(&self, path: &str, body: Value) -> Came {
        self.call("POST", path, path, body)
    }
}

/// The question about Åse, once it is asked; the customers are asked about, too.
fn review(program: &Program) -> Option<Value> {
    let page = program.get("/reviews", "/reviews");
    let mut all = page["reviews"].as_array().unwrap().iter();
    all.find(|review| review["record"] == "crm.People/1").cloned()
}

#[test]
fn an_answer_stands_in_the_journal_with_its_person_and_is_taken_back() {
    let dir = project();
    let dir = dir.path();
    add_user(dir, "Åse Berg", "reviewer");
    let console = Console::start(dir);
    let program = Program::new(&console, token(dir, "nightly", &["look", "review", "operate"]));
    wait_until("the first run asks", || review(&program).is_some());
    let asked = review(&program).unwrap();
    let number = asked["number"].as_i64().unwrap();

    // In the browser: the page, its records, its buttons.
    let cookie = console.cookie("Åse Berg");
    let page = console.get(&format!("/review/{number}"), &cookie).is(200);
    let page = page.says("Aase Berg").says("Link shop.Customers/b").says("Keep apart");
    let page = page.says("fits by email = mail");
    assert!(page.body.contains("tr class=\"differs\""), "{}", page.body);
    let link = format!("number={number}&answer=link&record={}", form("shop.Customers/b"));
    let done = console.post("/review", &cookie, &link).is(200).says("Take it back");
    // Who sends it twice changes nothing, and is told.
    console.post("/review", &cookie, &link).is(409).says("no open review");
    let runs = program.get("/runs", "/runs");
    let by = |run: &Value| run["summary"]["by"] == "Åse Berg";
    let run = runs["runs"].as_array().unwrap().iter().rfind(|run| by(run)).unwrap();
    let run = run["run"].as_i64().unwrap();
    assert!(done.body.contains(&format!("/runs/{run}/take-back")), "{}", done.body);
    let history = program.get("/history", &format!("/history?run={run}"));
    let line = history["lines"].as_array().unwrap().iter().find(|line| line["kind"] == "link");
    assert_eq!(line.unwrap()["text"], "Åse Berg linked them", "{history}");
    lockstep(dir, &["history", "--run", &run.to_string()]).exits(0).says("Åse Berg linked them");

    // The next run carries it on, and then it turns out to have been wrong.
    program.post("/sync", json!({})).is(200);
    let name = || {
        let customers = read(&dir.join("data/shop/Customers.jsonl"));
        customers.lines().find(|line| line.contains("\"b\"")).unwrap().to_string()
    };
    let entity = program.get("/entity", "/entity?record=crm.People%2F1");
    assert_eq!(entity["columns"].as_array().unwrap().len(), 2, "{entity}");
    let take_back = format!("/runs/{run}/take-back");
    let shown = console.get(&take_back, &cookie).is(200).says("they are taken apart");
    let mark =
        shown.body.split("name=\"shown\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    console.post(&take_back, &cookie, "shown=another").is(409).says("look at it again");
    console.post(&take_back, &cookie, &format!("shown={mark}")).is(303);
    program.post("/sync", json!({})).is(200);
    let entity = program.get("/entity", "/entity?record=crm.People%2F1");
    assert_eq!(entity["columns"].as_array().unwrap().len(), 1, "{entity}");
    let again = review(&program).expect("the question is asked again");
    assert_eq!(again["candidates"].as_array().unwrap().len(), 2);
    assert!(name().contains("Aase Berg"), "{}", name());

    // The other way: kept apart by a program, and that taken back.
    let number = again["number"].as_i64().unwrap();
    let answered =
        program.post("/reviews/answer", json!({"numbers": [number], "answer": "separate"}));
    assert_eq!(answered.is(200).json()[0]["done"], true);
    let runs = program.get("/runs", "/runs");
    let by = |run: &&Value| {
        run["summary"]["by"] == "token nightly"
            && run["summary"]["act"]["what"].as_str().is_some_and(|what| what.starts_with("review"))
    };
    let run = runs["runs"].as_array().unwrap().iter().find(by).unwrap()["run"].as_i64().unwrap();
    let path = format!("/runs/{run}/take-back");
    let plan = program.get("/runs/{run}/take-back", &path);
    assert_eq!(plan["pairs"].as_array().unwrap().len(), 2, "{plan}");
    let body = json!({"shown": plan["shown"]});
    program.call("POST", "/runs/{run}/take-back", &path, body).is(200);
    program.post("/sync", json!({})).is(200);
    assert!(review(&program).is_some(), "the question is asked again");
}

#[test]
fn every_view_and_act_answers_as_it_is_described() {
    let dir = project();
    let dir = dir.path();
    let scopes = ["look", "review", "operate", "admin"];
    let console = Console::start(dir);
    let program = Program::new(&console, token(dir, "nightly", &scopes));
    program.post("/sync", json!({"full": true})).is(200);
    let plan = program.post("/plan", json!({})).is(200).json();
    assert_eq!(plan["plan_only"], true);
    program.get("/status", "/status");
    let run = program.get("/runs", "/runs")["runs"][0]["run"].as_i64().unwrap();
    program.get("/runs", &format!("/runs?before={run}"));
    program.get("/history", "/history");
    program.get("/history", "/history?record=crm.People%2F2");
    program.get("/history", "/history?since=2020-01-01");
    let entities = program.get("/entities", "/entities");
    let pairs = entities["entities"].as_array().unwrap();
    assert!(pairs.iter().any(|one| one["records"][0]["record"] == "crm.People/2"), "{entities}");
    let last = pairs.last().unwrap()["entity"].as_i64().unwrap();
    let after = program.get("/entities", &format!("/entities?after={last}"));
    assert_eq!(after["entities"], json!([]));
    let found = program.get("/records", "/records?text=odd%40EXAMPLE");
    assert_eq!(found["records"].as_array().unwrap().len(), 2, "{found}");
    program.get("/explain", "/explain?record=crm.People%2F2&path=name");
    let accounts = program.get("/accounts", "/accounts");
    assert_eq!(accounts["tokens"][0]["name"], "nightly");
    assert!(!accounts.to_string().contains("hash"), "{accounts}");
    let number = review(&program).unwrap()["number"].as_i64().unwrap();
    let shown = program.get("/reviews/{number}", &format!("/reviews/{number}"));
    assert!(shown["rows"].as_array().unwrap().iter().any(|row| row["differs"] == true), "{shown}");
    program
        .get("/reviews", "/reviews?kind=ambiguous%20match&flow=crm.People%20to%20shop.Customers");
    assert_eq!(program.get("/reviews", "/reviews?kind=guard")["reviews"], json!([]));

    program.post("/unlink", json!({"a": "crm.People/2", "b": "shop.Customers/c"})).is(200);
    program.post("/link", json!({"a": "crm.People/2", "b": "shop.Customers/c"})).is(200);
    program.post("/approve", json!({})).is(200);
    program.post("/retry", json!({})).is(200);
    let by = program.get("/runs", "/runs");
    let acts: Vec<&str> = by["runs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|run| run["summary"]["by"] == "token nightly")
        .filter_map(|run| run["summary"]["act"]["what"].as_str())
        .collect();
    for act in ["approve the flows", "link crm.People/2", "unlink crm.People/2"] {
        assert!(acts.iter().any(|known| known.starts_with(act)), "{act}: {acts:?}");
    }

    // The numbers come by themselves.
    let side = || {
        let came = program.call("GET", "/flows", "/flows", Value::Null).json();
        came["sides"][0].clone()
    };
    wait_until("one waits as long as nobody answers", || {
        let side = side();
        side["flow"] == "crm.People to shop.Customers"
            && side["in-step"] == 2
            && side["waiting"] == 1
    });
    let flow = form("crm.People to shop.Customers");
    let waiting =
        program.get("/flows/records", &format!("/flows/records?flow={flow}&state=waiting"));
    assert_eq!(waiting["records"][0]["record"], "crm.People/1", "{waiting}");
}

#[test]
fn what_makes_no_sense_is_a_problem_that_says_what_to_do() {
    let dir = project();
    let dir = dir.path();
    let console = Console::start(dir);
    let program = Program::new(&console, token(dir, "nightly", &["look", "review", "operate"]));
    let before = program.get("/runs", "/runs")["runs"].as_array().unwrap().len();
    let wrong = |method, path: &str, address: &str, body, status, says: &str| {
        let came = program.call(method, path, address, body).is(status);
        assert!(came.json()["detail"].as_str().unwrap().contains(says), "{says}: {}", came.body);
    };
    let none = || Value::Null;
    wrong("GET", "/reviews/{number}", "/reviews/999", none(), 404, "no open review 999");
    wrong("GET", "/reviews/{number}", "/reviews/x", none(), 404, "`x` is not a number");
    wrong("GET", "/reviews", "/reviews?after=x", none(), 400, "`after=x` is not a number");
    wrong("GET", "/reviews", "/reviews?sort=name", none(), 400, "it takes: kind, flow, after");
    wrong("GET", "/entity", "/entity", none(), 400, "`record` is not given");
    wrong("GET", "/entity", "/entity?record=Berg", none(), 400, "is no record name");
    wrong("GET", "/entity", "/entity?record=crm.People%2F9", none(), 404, "is not known");
    wrong(
        "GET",
        "/entity",
        "/entity?record=erp.People%2F9",
        none(),
        404,
        "the flows name crm.People",
    );
    wrong(
        "GET",
        "/flows/records",
        "/flows/records?flow=x&state=odd",
        none(),
        400,
        "is none of: in-step",
    );
    wrong("GET", "/history", "/history?run=1&record=crm.People%2F1", none(), 400, "give one of");
    wrong("GET", "/history", "/history?since=yesterday", none(), 400, "yesterday");
    wrong("GET", "/runs/{run}/take-back", "/runs/999/take-back", none(), 404, "no run 999");
    let answer = |body, status, says| {
        wrong("POST", "/reviews/answer", "/reviews/answer", body, status, says)
    };
    answer(
        json!({"numbers": [1], "answer": "maybe"}),
        400,
        "there are: accept, reject, separate, link",
    );
    answer(json!({"numbers": [1], "answer": "link"}), 400, "names a record");
    answer(json!({"numbers": [1], "answer": "accept", "record": "x"}), 400, "leave `record` out");
    answer(json!({"numbers": [], "answer": "accept"}), 400, "`numbers` is empty");
    answer(json!({"numbers": [1], "answer": "accept", "and": 1}), 400, "unknown field `and`");
    answer(json!([]), 400, "the body is not what this takes");
    wrong(
        "POST",
        "/link",
        "/link",
        json!({"a": "crm.People/1", "b": "crm.People/9"}),
        400,
        "crm.People/9",
    );
    wrong(
        "POST",
        "/release",
        "/release",
        json!({"system": "crm", "guard": "x"}),
        400,
        "there is no guard `x`",
    );
    wrong("POST", "/sync", "/sync", json!({"flows": ["x"]}), 400, "there is no flow `x`");
    console.api(&program.token, "POST", "/sync", "{").is(400).says("the body is not JSON");
    assert!(said_to_a_long_body(&console, &program.token).starts_with("HTTP/1.1 413"));
    let page = console.api(&program.token, "GET", "/nowhere", "").is(404);
    assert_eq!(page.header("content-type"), "application/problem+json");
    assert_eq!(
        program.get("/runs", "/runs")["runs"].as_array().unwrap().len(),
        before,
        "nothing ran"
    );
}

/// What is said to who announces ten million bytes: before they come.
fn said_to_a_long_body(console: &Console, token: &str) -> String {
    use std::io::{Read, Write};
    let at = console.url.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(at).unwrap();
    let head = format!(
        "POST /api/v1/link HTTP/1.1\r\nhost: {at}\r\nauthorization: Bearer {token}\r\nconnection: close\r\ncontent-length: 10000000\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut said = [0; 200];
    let read = stream.read(&mut said).unwrap();
    String::from_utf8_lossy(&said[..read]).into_owned()
}

/// The emulated systems, with all that the demo's data has of reviews and failures.
#[test]
fn every_view_of_the_demo_answers_as_it_is_described() {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("kept");
    let place = kept.display().to_string();
    let mut command = command(dir.path(), &["demo", "--port", "0", "--keep", &place]);
    let (service, lines) = Service::of(&mut command);
    let line = wait_for(&lines, "The console is at ");
    let link = line.trim_start_matches("The console is at ").split(": ").next().unwrap();
    let (url, key) = link.split_once("/sign-in?key=").unwrap();
    let console = Console::at(url, lines, service);
    console.get("/sign-in?key=0000", "").is(200);
    let came = console.get(&format!("/sign-in?key={key}"), "").is(303);
    let cookie = came.header("set-cookie").split(';').next().unwrap().to_string();
    assert!(!kept.join("lockstep.db.users").exists(), "the guest is of this process alone");
    let program = Program::new(&console, token(&kept, "looker", &["look", "review", "operate"]));
    wait_until("the numbers are found", || {
        console.api(&program.token, "GET", "/flows", "").status == 200
    });
    program.get("/status", "/status");
    program.get("/history", "/history");
    program.get("/entities", "/entities");
    let mut seen = 0;
    for side in program.get("/flows", "/flows")["sides"].as_array().unwrap() {
        let flow = side["flow"].as_str().unwrap();
        for state in ["in-step", "waiting", "excluded", "failing"] {
            let (mut after, mut records) = (String::new(), 0);
            loop {
                let address = format!("/flows/records?flow={}&state={state}{after}", form(flow));
                let page = program.get("/flows/records", &address);
                records += page["records"].as_array().unwrap().len() as u64;
                match page["next"].as_i64() {
                    Some(next) => after = format!("&after={next}"),
                    None => break,
                }
            }
            assert_eq!(Some(records), side[state].as_u64(), "{flow} {state}");
            seen += records;
            let address = format!("/flow?flow={}&state={state}", form(flow));
            console.get(&address, &cookie).is(200);
        }
    }
    assert!(seen > 400, "{seen}");
    let mut after = String::new();
    let mut reviews = 0;
    loop {
        let page = program.get("/reviews", &format!("/reviews{after}"));
        for review in page["reviews"].as_array().unwrap() {
            let number = review["number"].as_i64().unwrap();
            program.get("/reviews/{number}", &format!("/reviews/{number}"));
            let page = console.get(&format!("/review/{number}"), &cookie).is(200);
            assert!(page.body.len() < 200_000, "{} bytes", page.body.len());
            let record = form(review["record"].as_str().unwrap());
            program.get("/entity", &format!("/entity?record={record}"));
            console.get(&format!("/entity?record={record}"), &cookie).is(200);
            reviews += 1;
        }
        match page["next"].as_i64() {
            Some(next) => after = format!("?after={next}"),
            None => break,
        }
    }
    assert!(reviews > 10, "{reviews}");
}

/// What was read is looked at while the systems say something new.
#[test]
fn an_edit_is_told_to_who_looks() {
    let dir = project();
    let dir = dir.path();
    let file = dir.join("lockstep.yaml");
    let text =
        read(&file).replace("connector: files", "connector: files\n    schedule: {every: 1s}");
    assert_ne!(text, read(&file));
    write(&file, &text);
    add_user(dir, "Liv", "viewer");
    let console = Console::start(dir);
    let cookie = console.cookie("Liv");
    let url = format!("{}/events", console.url);
    let config = ureq::Agent::config_builder().proxy(None);
    let agent = ureq::Agent::new_with_config(config.build());
    let stream = agent.get(&url).header("cookie", cookie.as_str()).call().unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let (told, events) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        use std::io::{BufRead, BufReader};
        let lines = BufReader::new(stream.into_body().into_reader()).lines();
        lines.map_while(Result::ok).try_for_each(|line| told.send(line))
    });
    let people = dir.join("data/crm/People.jsonl");
    write(&people, &read(&people).replace("Odd Lie", "Odd Lien"));
    wait_until("the page has it", || {
        let page = console.get("/entity?record=crm.People%2F2", &cookie);
        page.status == 200 && page.body.contains("Odd Lien")
    });
    wait_for(&events, "event: changed");
}

//! Every exchange of a test held against the vendor's own OpenAPI description, by a validating
//! proxy that neither knows the connector nor the sandbox (Stoplight Prism,
//! <https://docs.stoplight.io/docs/prism>).
//!
//! `LOCKSTEP_PRISM` names where proxies listen and where each expects the system:
//! `superoffice=4010:4011`. `./test` starts them. A request goes from the connector to a gate here,
//! to the proxy, to a gate behind it, and so to the sandbox of that very test. What the proxy
//! remarks is in the answer's header `sl-violations`. What is not in the description goes to the
//! sandbox directly, and is noted.
//!
//! A test fails that leaves a remark which `exceptions.txt` does not explain. All exchanges are
//! noted in the file that `LOCKSTEP_EXCHANGES` names, a line each: system, operation, status,
//! remark.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{LazyLock, Mutex};

use lockstep_connector::{
    Checkpoint, Connector, Outcome, Page, Probe, Probed, ReadRequest, Trouble, Write as RecordWrite,
};
use lockstep_model::flow::PropertyRef;
use lockstep_model::{ReadRecord, Timestamp, TypeSchema, Value};

const EXCEPTIONS: &str = include_str!("exceptions.txt");

/// The proxies: system, the proxy's port.
static GATES: LazyLock<BTreeMap<String, Gate>> = LazyLock::new(|| {
    let named = std::env::var("LOCKSTEP_PRISM").unwrap_or_default();
    let gate = |word: &str| {
        let (system, ports) = word.split_once('=')?;
        let (proxy, behind) = ports.split_once(':')?;
        Some((system.to_string(), Gate::open(system, proxy.parse().ok()?, behind.parse().ok()?)))
    };
    named.split_whitespace().filter_map(gate).collect()
});

/// What was remarked, by the sandbox's port.
static REMARKS: Mutex<Vec<(u16, String)>> = Mutex::new(Vec::new());

struct Gate {
    front: u16,
}

/// Where a description's paths begin, in the paths that the connector asks for.
fn split(system: &str, path: &str) -> Option<usize> {
    match system {
        "superoffice" => path.find("/api/v1/"),
        // Version 1 is another interface, which has no description.
        "poweroffice-go" if path.contains("/v1/") || path.contains("/OAuth/") => None,
        "poweroffice-go" => path.find("/v2/").map(|at| at + 3),
        _ => None,
    }
}

/// Status, headers, body.
type Answer = (u16, Vec<(String, String)>, Vec<u8>);

struct Message {
    /// Of a request: method, path.
    first: Vec<String>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Message {
    fn read(stream: &TcpStream) -> Option<Message> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let first = line.split_whitespace().map(str::to_string).collect();
        let mut headers = Vec::new();
        loop {
            line.clear();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_string()));
        }
        let header = |wanted: &str| {
            headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
        };
        let mut body = Vec::new();
        if header("transfer-encoding") == Some("chunked") {
            loop {
                line.clear();
                reader.read_line(&mut line).ok()?;
                let size = usize::from_str_radix(line.trim(), 16).ok()?;
                let mut chunk = vec![0; size + 2];
                reader.read_exact(&mut chunk).ok()?;
                if size == 0 {
                    break;
                }
                body.extend(&chunk[..size]);
            }
        } else if let Some(length) = header("content-length") {
            body = vec![0; length.parse().ok()?];
            reader.read_exact(&mut body).ok()?;
        }
        Some(Message { first, headers, body })
    }

    fn header(&self, wanted: &str) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }
}

/// Sends the request on; `None` where nobody answers.
fn forward(message: &Message, url: &str, more: &[(&str, String)]) -> Option<Answer> {
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .allow_non_standard_methods(true);
    let agent: ureq::Agent = agent.build().into();
    let mut builder = ureq::http::Request::builder().method(message.first[0].as_str()).uri(url);
    let own = [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "accept-encoding",
        "keep-alive",
    ];
    for (name, value) in message.headers.iter().filter(|(name, _)| !own.contains(&name.as_str())) {
        builder = builder.header(name, value);
    }
    for (name, value) in more {
        builder = builder.header(*name, value);
    }
    let mut answer = agent.run(builder.body(message.body.as_slice()).ok()?).ok()?;
    let headers = answer.headers().iter();
    let headers = headers
        .map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let body = answer.body_mut().read_to_vec().ok()?;
    Some((answer.status().as_u16(), headers, body))
}

fn answer(mut stream: TcpStream, answer: Option<Answer>) {
    // Nobody answered: neither does the gate.
    let Some((status, headers, body)) = answer else { return };
    let mut head = format!("HTTP/1.1 {status} -\r\n");
    for (name, value) in headers {
        if !["content-length", "transfer-encoding", "connection", "content-encoding", "keep-alive"]
            .contains(&name.as_str())
        {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len()));
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

fn listen(
    listener: TcpListener,
    serve: impl Fn(Message) -> Option<Answer> + Clone + Send + 'static,
) {
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            std::thread::spawn(move || {
                if let Some(message) = Message::read(&stream) {
                    answer(stream, serve(message));
                }
            });
        }
    });
}

impl Gate {
    fn open(system: &str, proxy: u16, behind: u16) -> Gate {
        let back =
            TcpListener::bind(("127.0.0.1", behind)).expect("the port behind the proxy is free");
        listen(back, |message| {
            let to = message.header("x-sandbox")?.to_string();
            forward(&message, &format!("http://127.0.0.1:{to}{}", message.first[1]), &[])
        });
        let front = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = front.local_addr().unwrap().port();
        let system = system.to_string();
        listen(front, move |message| {
            // `/PORT/path`: the sandbox of the test that asks.
            let (sandbox, path) = message.first[1].trim_start_matches('/').split_once('/')?;
            let (number, path) = (sandbox.parse().ok()?, format!("/{path}"));
            let direct = || forward(&message, &format!("http://127.0.0.1:{sandbox}{path}"), &[]);
            let plain = path.split('?').next().unwrap_or(&path).to_string();
            let Some(at) = split(&system, &plain) else {
                let answered = direct();
                note(
                    &system,
                    number,
                    &message.first[0],
                    &plain,
                    answered.as_ref().map_or(0, |answer| answer.0),
                    Some("not described".into()),
                );
                return answered;
            };
            let behind = format!("{sandbox}{}", &path[..at]);
            let watched = forward(
                &message,
                &format!("http://127.0.0.1:{proxy}{}", &path[at..]),
                &[("x-sandbox", behind)],
            )?;
            let text = String::from_utf8_lossy(&watched.2);
            if text.contains("NO_PATH_MATCHED_ERROR") || text.contains("NO_METHOD_MATCHED_ERROR") {
                let answered = direct();
                note(
                    &system,
                    number,
                    &message.first[0],
                    &plain[at..],
                    answered.as_ref().map_or(0, |answer| answer.0),
                    Some("not described".into()),
                );
                return answered;
            }
            let remarks = watched
                .1
                .iter()
                .find(|(name, _)| name == "sl-violations")
                .map(|(_, remarks)| remarks.as_str());
            let remarks: Vec<Value> =
                remarks.and_then(|remarks| serde_json::from_str(remarks).ok()).unwrap_or_default();
            if remarks.is_empty() {
                note(&system, number, &message.first[0], &plain[at..], watched.0, None);
            }
            for remark in remarks {
                let remark = in_words(&remark, &message.body, &watched.2);
                note(&system, number, &message.first[0], &plain[at..], watched.0, Some(remark));
            }
            Some(watched)
        });
        Gate { front: port }
    }
}

/// A remark as a line: where, what. Which element of a list it was is of no interest; whether
/// nothing stands there, is.
fn in_words(remark: &Value, asked: &[u8], answered: &[u8]) -> String {
    let message = remark["message"].as_str().unwrap_or_default();
    if message.contains("route not found") {
        return "not described".into();
    }
    let place: Vec<&str> =
        remark["location"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let body = if place.first() == Some(&"request") { asked } else { answered };
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    // Names such as `odata.nextLink` hold the point that parts the steps.
    let steps = place.get(2..).unwrap_or_default();
    let step = |at: &Value, step: &str| {
        step.parse::<usize>().map_or_else(|_| at[step].clone(), |index| at[index].clone())
    };
    let held = steps.iter().fold(body.clone(), |at, name| step(&at, name));
    let held =
        if held.is_null() { body.get(steps.join(".")).cloned().unwrap_or_default() } else { held };
    let general = place
        .iter()
        .map(|step| if step.parse::<usize>().is_ok() { "N" } else { step })
        .collect::<Vec<_>>()
        .join(".");
    let place_of_one = steps.join(".");
    let message = message.replace(
        &place_of_one,
        &steps
            .iter()
            .map(|step| if step.parse::<usize>().is_ok() { "N" } else { step })
            .collect::<Vec<_>>()
            .join("."),
    );
    // Numbers and truth values are never null in either system.
    let may_be_null =
        ["object", "string", "array"].iter().any(|ty| message.ends_with(&format!("must be {ty}")));
    let nothing =
        if may_be_null && place.get(1) == Some(&"body") && held.is_null() { "null: " } else { "" };
    format!("{general}: {nothing}{message}")
}

/// Ids are of no interest.
fn operation(method: &str, path: &str) -> String {
    let uuid = |step: &str| step.len() == 36 && step.matches('-').count() == 4;
    let step = |step: &str| {
        if step.starts_with(|c: char| c.is_ascii_digit()) || uuid(step) {
            "{id}".to_string()
        } else {
            step.to_string()
        }
    };
    format!("{method} {}", path.split('/').map(step).collect::<Vec<_>>().join("/"))
}

fn note(system: &str, sandbox: u16, method: &str, path: &str, status: u16, remark: Option<String>) {
    let operation = operation(method, path);
    if let Ok(file) = std::env::var("LOCKSTEP_EXCHANGES") {
        let line =
            format!("{system}\t{operation}\t{status}\t{}\n", remark.as_deref().unwrap_or("fits"));
        let mut file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(file)
            .expect("the list of exchanges can be written");
        file.write_all(line.as_bytes()).expect("the list of exchanges can be written");
    }
    if let Some(remark) = remark
        && !explained(system, &operation, &remark)
    {
        REMARKS.lock().unwrap().push((sandbox, format!("{system} {operation} {status}: {remark}")));
    }
}

/// `exceptions.txt`: system, operation, a part of the remark, the reason; parted by `|`.
fn explained(system: &str, operation: &str, remark: &str) -> bool {
    EXCEPTIONS.lines().filter(|line| !line.starts_with('#')).any(|line| {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [of, which, part, reason] = parts.as_slice() else { return false };
        *of == system
            && (*which == "*" || *which == operation)
            && remark.contains(part)
            && !reason.is_empty()
    })
}

/// The address to give to the connector: the sandbox's own, or a gate before it.
pub fn door(system: &str, base: String) -> String {
    let Some(gate) = GATES.get(system) else { return base };
    let rest = base.trim_start_matches("http://127.0.0.1:");
    format!("http://127.0.0.1:{}/{rest}", gate.front)
}

/// The connector, which looks at what was remarked when it is given up.
pub fn watched(system: &str, base: &str, connector: Box<dyn Connector>) -> Box<dyn Connector> {
    let port = base
        .trim_start_matches("http://127.0.0.1:")
        .split('/')
        .next()
        .and_then(|port| port.parse().ok());
    match (GATES.get(system), port) {
        (Some(_), Some(sandbox)) => Box::new(Watched { connector, sandbox }),
        _ => connector,
    }
}

struct Watched {
    connector: Box<dyn Connector>,
    sandbox: u16,
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut all = REMARKS.lock().unwrap();
        let mine: Vec<String> = all
            .extract_if(.., |(sandbox, _)| *sandbox == self.sandbox)
            .map(|(_, remark)| remark)
            .collect();
        drop(all);
        if !std::thread::panicking() {
            assert!(mine.is_empty(), "against the vendor's description:\n{}", mine.join("\n"));
        }
    }
}

impl Connector for Watched {
    fn types(&self) -> &[TypeSchema] {
        self.connector.types()
    }
    fn test(&self) -> Result<String, Trouble> {
        self.connector.test()
    }
    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        self.connector.read(request)
    }
    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        self.connector.get(kind, watch, id)
    }
    fn find(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        self.connector.find(kind, watch, prop, value)
    }
    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[RecordWrite]) -> Vec<Outcome> {
        self.connector.write(kind, watch, writes)
    }
    fn knows_own_writes(&self) -> bool {
        self.connector.knows_own_writes()
    }
    fn probe(&self, kind: &str, probe: Probe<'_>) -> Result<Option<Probed>, Trouble> {
        self.connector.probe(kind, probe)
    }
    fn changes_since(&self, kind: &str, since: Timestamp) -> Option<Checkpoint> {
        self.connector.changes_since(kind, since)
    }
    fn batch(&self, kind: &str) -> usize {
        self.connector.batch(kind)
    }
}

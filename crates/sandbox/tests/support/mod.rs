//! A plain HTTP caller for the tests: every status is an answer, and JSON bodies are parsed where
//! they parse.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod described;

use lockstep_sandbox::{Options, Running, Sandbox};
use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
    /// Null when the body is no JSON.
    pub json: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The JSON body, after a check of the status that shows the body when it is another one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json
    }
}

/// A system of a running sandbox, with the headers that open it.
pub struct Caller {
    pub base: String,
    pub headers: Vec<(String, String)>,
    agent: Agent,
}

impl Caller {
    pub fn new(base: String, headers: &[(&str, &str)]) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(std::time::Duration::from_secs(20)))
            .build()
            .into();
        Self {
            base,
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            agent,
        }
    }

    /// `Err` when the connection ended without an answer.
    pub fn raw(
        &self,
        method: &str,
        path: &str,
        extra: &[(&str, &str)],
        body: Option<&str>,
    ) -> Result<Answer, ureq::Error> {
        let address =
            if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let mut request = Request::builder().method(method).uri(address);
        for (name, value) in &self.headers {
            if !extra.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                request = request.header(name, value);
            }
        }
        for (name, value) in extra.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            Some(body) => self.agent.run(request.body(body.to_owned()).unwrap())?,
            None => self.agent.run(request.body(()).unwrap())?,
        };
        let text = response.body_mut().read_to_string()?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            json: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        })
    }

    #[track_caller]
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.with(method, path, &[], body)
    }

    /// Extra headers replace those of the caller; an empty one takes it away.
    #[track_caller]
    pub fn with(
        &self,
        method: &str,
        path: &str,
        extra: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let mut extra = extra.to_vec();
        let text = body.map(Value::to_string);
        if text.is_some() && !extra.iter().any(|(name, _)| *name == "content-type") {
            extra.push(("content-type", "application/json"));
        }
        self.raw(method, path, &extra, text.as_deref()).unwrap()
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None)
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(body))
    }

    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, Some(body))
    }

    #[track_caller]
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call("PATCH", path, Some(body))
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None)
    }
}

pub fn empty() -> Running {
    Sandbox::start(Options::empty()).unwrap()
}

pub fn credential(system: &str, name: &str) -> String {
    lockstep_sandbox::credentials(system)
        .into_iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
        .unwrap()
}

pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let mut out: String = bits
        .as_bytes()
        .chunks(6)
        .map(|chunk| {
            let six = format!("{:0<6}", std::str::from_utf8(chunk).unwrap());
            char::from(LETTERS[usize::from_str_radix(&six, 2).unwrap()])
        })
        .collect();
    while !out.len().is_multiple_of(4) {
        out.push('=');
    }
    out
}

pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
}

pub fn superoffice(sandbox: &Running) -> Caller {
    let base = format!(
        "{}/{}/api/v1",
        sandbox.url("superoffice").unwrap(),
        credential("superoffice", "SUPEROFFICE_CONTEXT")
    );
    let ticket = format!("SOTicket {}", credential("superoffice", "SUPEROFFICE_TICKET"));
    let secret = credential("superoffice", "SUPEROFFICE_CLIENT_SECRET");
    Caller::new(
        base,
        &[("authorization", &ticket), ("so-apptoken", &secret), ("accept", "application/json")],
    )
}

pub fn wix(sandbox: &Running) -> Caller {
    let (key, site) = (credential("wix", "WIX_API_KEY"), credential("wix", "WIX_SITE_ID"));
    Caller::new(sandbox.url("wix").unwrap(), &[("authorization", &key), ("wix-site-id", &site)])
}

pub fn poweroffice(sandbox: &Running) -> Caller {
    let base = sandbox.url("poweroffice-go").unwrap();
    let of = |name| credential("poweroffice-go", name);
    let login = Caller::new(base.clone(), &[]);
    let answer = login
        .raw(
            "POST",
            "/OAuth/Token",
            &[
                (
                    "authorization",
                    &basic(&of("POWEROFFICE_APPLICATION_KEY"), &of("POWEROFFICE_CLIENT_KEY")),
                ),
                ("ocp-apim-subscription-key", &of("POWEROFFICE_SUBSCRIPTION_KEY")),
                ("content-type", "application/x-www-form-urlencoded"),
            ],
            Some("grant_type=client_credentials"),
        )
        .unwrap()
        .expect(200);
    let token = format!("Bearer {}", answer["access_token"].as_str().unwrap());
    Caller::new(
        base,
        &[
            ("authorization", &token),
            ("ocp-apim-subscription-key", &of("POWEROFFICE_SUBSCRIPTION_KEY")),
        ],
    )
}

pub fn crmoffice(sandbox: &Running) -> Caller {
    let base = sandbox.url("crmoffice").unwrap();
    let of = |name| credential("crmoffice", name);
    let form = format!(
        "grant_type=refresh_token&client_id={}&client_secret={}&refresh_token={}",
        of("CRMOFFICE_CLIENT_ID"),
        of("CRMOFFICE_CLIENT_SECRET"),
        of("CRMOFFICE_REFRESH_TOKEN")
    );
    let answer = Caller::new(base.clone(), &[])
        .raw("POST", "/connect/token", &[], Some(&form))
        .unwrap()
        .expect(200);
    let token = format!("Bearer {}", answer["access_token"].as_str().unwrap());
    Caller::new(base, &[("authorization", &token)])
}

pub fn zendesk(sandbox: &Running) -> Caller {
    let user = format!("{}/token", credential("zendesk", "ZENDESK_EMAIL"));
    let authorization = basic(&user, &credential("zendesk", "ZENDESK_API_TOKEN"));
    let base = format!("{}/api/v2", sandbox.url("zendesk").unwrap());
    Caller::new(base, &[("authorization", &authorization), ("accept", "application/json")])
}

pub fn youtrack(sandbox: &Running) -> Caller {
    let token = format!("Bearer {}", credential("youtrack", "YOUTRACK_TOKEN"));
    Caller::new(
        sandbox.url("youtrack").unwrap(),
        &[("authorization", &token), ("accept", "application/json")],
    )
}

/// A sandbox with one of the further systems, empty.
pub fn only(system: &str) -> Running {
    Sandbox::start(Options { systems: vec![system.to_owned()], ..Options::empty() }).unwrap()
}

/// The same with the sample data.
pub fn filled(system: &str) -> Running {
    Sandbox::start(Options { systems: vec![system.to_owned()], ..Options::default() }).unwrap()
}

/// Sends a form and gives the answer.
pub fn form(caller: &Caller, path: &str, fields: &[(&str, &str)]) -> Answer {
    let body: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let kind = ("content-type", "application/x-www-form-urlencoded");
    caller.raw("POST", path, &[kind], Some(&body.join("&"))).unwrap()
}

/// A value as it stands in a query or a form.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// Somebody who is called: notes what came and answers each call as asked.
pub struct Called {
    pub url: String,
    calls: std::sync::Arc<std::sync::Mutex<Vec<Heard>>>,
}

/// One call that came.
#[derive(Debug, Clone)]
pub struct Heard {
    pub head: String,
    pub body: String,
}

impl Heard {
    /// A header of the call.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

impl Called {
    /// `answer` makes the body from what was heard; the status is 200.
    pub fn new(answer: fn(&Heard) -> String) -> Self {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let calls = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let noted = std::sync::Arc::clone(&calls);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut bytes = Vec::new();
                let mut buffer = [0; 4096];
                let heard = loop {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    if let Some((head, body)) = text.split_once("\r\n\r\n") {
                        let heard = Heard { head: head.to_owned(), body: body.to_owned() };
                        let length = heard
                            .header("content-length")
                            .and_then(|text| text.parse().ok())
                            .unwrap_or(0);
                        if body.len() >= length {
                            break heard;
                        }
                    }
                    match stream.read(&mut buffer) {
                        Ok(0) | Err(_) => break Heard { head: text, body: String::new() },
                        Ok(read) => bytes.extend_from_slice(&buffer[..read]),
                    }
                };
                let body = answer(&heard);
                noted.lock().unwrap().push(heard);
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
            }
        });
        Self { url, calls }
    }

    /// Waits until so many calls have come, and gives all of them.
    #[track_caller]
    pub fn heard(&self, calls: usize) -> Vec<Heard> {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
        loop {
            let heard = self.calls.lock().unwrap().clone();
            if heard.len() >= calls {
                return heard;
            }
            assert!(
                std::time::Instant::now() < end,
                "{} calls of {calls} came: {heard:?}",
                heard.len()
            );
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

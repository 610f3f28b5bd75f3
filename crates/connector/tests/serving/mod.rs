//! A small server that says what a test tells it to say, and remembers what it was asked.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use lockstep_connector::rest::{Rest, parse};
use serde_json::{Map, json};

/// One request as it came: method, path with query, headers in lower case, body.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: String,
    pub body: String,
}

pub struct Server {
    pub address: String,
    pub asked: Arc<Mutex<Vec<Asked>>>,
}

/// Serves what `answer` makes of each request: status, further header lines, body.
pub fn serve(answer: impl Fn(&Asked) -> (u16, String, String) + Send + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let remembered = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let Some(request) = request(&mut reader) else { continue };
            remembered.lock().unwrap().push(request.clone());
            let (status, headers, body) = answer(&request);
            let length = body.len();
            let date = if headers.contains("Date: ") {
                ""
            } else {
                "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {status} X\r\n{date}Content-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
            );
        }
    });
    Server { address, asked }
}

/// The same with a thread for each connection, so that requests are answered side by side.
pub fn serve_side_by_side(
    answer: impl Fn(&Asked) -> (u16, String, String) + Send + Sync + 'static,
) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (remembered, answer) = (Arc::clone(&asked), Arc::new(answer));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let (remembered, answer) = (Arc::clone(&remembered), Arc::clone(&answer));
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let Some(request) = request(&mut reader) else { return };
                remembered.lock().unwrap().push(request.clone());
                let (status, headers, body) = answer(&request);
                let length = body.len();
                let text = format!(
                    "HTTP/1.1 {status} X\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
                );
                let _ = stream.write_all(text.as_bytes());
            });
        }
    });
    Server { address, asked }
}

fn request(reader: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_string(), words.next()?.to_string());
    let (mut headers, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        let (name, value) = line.split_once(':')?;
        headers.push_str(&format!("{}:{}\n", name.to_ascii_lowercase(), value.trim()));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, path, headers, body: String::from_utf8(body).ok()? })
}

impl Server {
    pub fn connect(&self, manifest: &str) -> Rest {
        let settings = Map::from_iter([
            ("address".into(), json!(self.address)),
            ("key".into(), json!("s3cret")),
        ]);
        Rest::open(parse("test", manifest).unwrap_or_else(|t| panic!("{t}")), &settings)
            .unwrap_or_else(|t| panic!("{t}"))
    }

    pub fn paths(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .map(|asked| format!("{} {}", asked.method, asked.path))
            .collect()
    }
}

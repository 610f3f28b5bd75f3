//! Webhooks in `lockstep run`: systems call `/hooks/SYSTEM`, are answered at once, and what they
//! hint at is read soon after (R4). Any number of hints for one record is one reading of it; a call
//! that is lost is made good by the next reading on schedule.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lockstep_connector::{Call, Heard, Named};
use lockstep_hub::clock::Clock;
use lockstep_hub::{System, SystemClock};

use crate::exit::{Failure, Result};

const MOST_BODY: usize = 1 << 20;
const MOST_HEAD: u64 = 32 << 10;
/// So many callers are answered at one time. Who comes beyond that takes the place of the one who
/// has been at it for longest: a caller that sends its call byte by byte keeps nobody out.
const MOST_AT_ONCE: usize = 64;
/// A call comes in whole within this, and its answer leaves within this.
const PATIENCE: Duration = Duration::from_secs(5);
/// A system that could not be told where to call is told again after so long.
const RETRY_S: u64 = 60;

/// What has been hinted at: a system, its record type (none for all of them), the record where one
/// is named.
pub type Hint = (String, Option<String>, Option<String>);

/// What has been hinted at and not read yet.
#[derive(Default)]
pub struct Hints {
    waiting: Mutex<BTreeSet<Hint>>,
    came: Condvar,
}

impl Hints {
    fn add(&self, system: &str, named: Vec<Named>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if named.is_empty() {
            waiting.insert((system.to_string(), None, None));
        }
        waiting.extend(
            named.into_iter().map(|named| (system.to_string(), Some(named.kind), named.id)),
        );
        self.came.notify_all();
    }

    /// Waits for hints, at most so long; takes all there are.
    pub fn wait(&self, most: Duration) -> BTreeSet<Hint> {
        let until = Instant::now() + most;
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            waiting =
                self.came.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        std::mem::take(&mut *waiting)
    }
}

/// Who is being answered, by number, the earliest first.
#[derive(Default)]
struct Callers(Mutex<(u64, BTreeMap<u64, TcpStream>)>);

impl Callers {
    /// Admits a caller; where there are too many, the connection of the earliest one is closed.
    /// Nothing where the system is out of handles.
    fn admit(&self, stream: &TcpStream) -> Option<u64> {
        let handle = stream.try_clone().ok()?;
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while callers.1.len() >= MOST_AT_ONCE
            && let Some((_, earliest)) = callers.1.pop_first()
        {
            // Its thread ends at its next look.
            let _ = earliest.shutdown(Shutdown::Both);
        }
        callers.0 += 1;
        let number = callers.0;
        callers.1.insert(number, handle);
        Some(number)
    }

    fn leave(&self, caller: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&caller);
    }
}

/// A connection from which everything is read until one moment, and not each byte within a time of
/// its own.
struct Deadline {
    stream: TcpStream,
    until: Instant,
}

impl Read for Deadline {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(into)
    }
}

/// Listens from now on, in threads of its own. Says where.
pub fn listen(address: SocketAddr, systems: &[System], hints: Arc<Hints>) -> Result<SocketAddr> {
    let listener = TcpListener::bind(address).map_err(|error| {
        Failure::usage(format!(
            "{address} can't be listened on ({error}): give another one with --webhooks"
        ))
    })?;
    let at = listener.local_addr().unwrap_or(address);
    let systems: Arc<Vec<System>> = Arc::new(systems.to_vec());
    let callers = Arc::new(Callers::default());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            let Some(caller) = callers.admit(&stream) else { continue };
            let (systems, hints, callers) =
                (Arc::clone(&systems), Arc::clone(&hints), Arc::clone(&callers));
            std::thread::spawn(move || {
                let mut stream = Deadline { stream, until: Instant::now() + PATIENCE };
                let (status, body) = answer(&mut stream, &systems, &hints);
                reply(&mut stream.stream, status, &body);
                callers.leave(caller);
            });
        }
    });
    Ok(at)
}

/// Tells the systems where to call; again before a registration ends. It is left when the program
/// ends: whoever calls then calls again, and the next start finds it.
pub fn register(public: &str, systems: &[System]) {
    for system in systems {
        let (system, url) =
            (system.clone(), format!("{}/hooks/{}", public.trim_end_matches('/'), system.name));
        std::thread::spawn(move || {
            let mut told = false;
            loop {
                let wait = match system.connector.listen_at(&url) {
                    Ok(again) => {
                        if !std::mem::replace(&mut told, true)
                            && system.connector.wants_an_address()
                        {
                            eprintln!("{} has been told to call {url}", system.name);
                        }
                        let Some(seconds) = again else { return };
                        seconds.max(1)
                    }
                    Err(trouble) => {
                        eprintln!(
                            "! {}: it could not be told where to call: {trouble}",
                            system.name
                        );
                        RETRY_S
                    }
                };
                std::thread::sleep(Duration::from_secs(wait));
            }
        });
    }
}

fn answer(stream: &mut Deadline, systems: &[System], hints: &Hints) -> (u16, String) {
    let Some((method, target, call)) = read(stream) else { return (400, String::new()) };
    let path = target.split('?').next().unwrap_or_default();
    let Some(system) = path
        .strip_prefix("/hooks/")
        .and_then(|name| systems.iter().find(|system| system.name == name))
    else {
        return (404, String::new());
    };
    if method != "POST" && method != "GET" {
        return (405, String::new());
    }
    match system.connector.hear(&call) {
        Heard::Hint(named) => {
            hints.add(&system.name, named);
            (200, String::new())
        }
        Heard::Again => (200, String::new()),
        Heard::Challenge(text) => (200, text),
        Heard::Refused(why) => {
            eprintln!("! {}: a call was refused: {why}", system.name);
            (401, String::new())
        }
        Heard::NotOffered => (404, String::new()),
    }
}

/// A request: method, target, and what a connector looks at.
fn read(stream: &mut Deadline) -> Option<(String, String, Call)> {
    stream.stream.set_write_timeout(Some(PATIENCE)).ok()?;
    let mut reader = BufReader::new(stream);
    let mut head = (&mut reader).take(MOST_HEAD);
    let mut first = String::new();
    head.read_line(&mut first).ok()?;
    let mut words = first.split_whitespace();
    let (method, target) = (words.next()?.to_string(), words.next()?.to_string());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if head.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.trim().to_lowercase(), value.trim().to_string()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(Some(0), |(_, value)| value.parse().ok())?;
    if length > MOST_BODY {
        return None;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let pair =
        |pair: &str| pair.split_once('=').map(|(key, value)| (key.to_string(), value.to_string()));
    let query = query.split('&').filter_map(pair).collect();
    Some((method, target, Call { query, headers, body, at: SystemClock.now() }))
}

fn reply(stream: &mut TcpStream, status: u16, body: &str) {
    // Who has gone calls again.
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_callers_keep_nobody_out() {
        let at = listen("127.0.0.1:0".parse().unwrap(), &[], Arc::new(Hints::default())).unwrap();
        let mut slow: Vec<TcpStream> = Vec::new();
        for _ in 0..3 * MOST_AT_ONCE {
            let mut caller = TcpStream::connect(at).unwrap();
            let _ = caller.write_all(b"POST /hooks/crm HTTP/1.1\r\nX-Slow: ");
            slow.push(caller);
        }
        // Ten who know what they want: each is answered at once.
        for _ in 0..10 {
            let began = Instant::now();
            let mut caller = TcpStream::connect(at).unwrap();
            caller.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            caller
                .write_all(b"POST /hooks/nobody HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
                .unwrap();
            let mut told = String::new();
            caller.read_to_string(&mut told).unwrap();
            assert!(told.starts_with("HTTP/1.1 404"), "{told}");
            assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
        }
    }

    #[test]
    fn a_call_that_comes_byte_by_byte_is_given_up_in_time() {
        let at = listen("127.0.0.1:0".parse().unwrap(), &[], Arc::new(Hints::default())).unwrap();
        let mut caller = TcpStream::connect(at).unwrap();
        let began = Instant::now();
        // Each byte well within the time for all of them.
        while caller.write_all(b"x").is_ok() && began.elapsed() < 4 * PATIENCE {
            std::thread::sleep(PATIENCE / 10);
        }
        assert!(began.elapsed() < 2 * PATIENCE, "{:?}", began.elapsed());
    }
}

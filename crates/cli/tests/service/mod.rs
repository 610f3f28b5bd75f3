//! `lockstep run` as a service: its lines as they come, and its end with the test.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::transcript::command;

/// Ends the service with the test.
pub struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Service {
    pub fn child(&self) -> &Child {
        &self.0
    }

    pub fn child_mut(&mut self) -> &mut Child {
        &mut self.0
    }

    /// What this command starts. Gives its lines.
    pub fn of(command: &mut std::process::Command) -> (Service, mpsc::Receiver<String>) {
        begun(command)
    }
}

/// Starts the service with these arguments. Gives its lines.
pub fn run(dir: &Path, args: &[&str]) -> (Service, mpsc::Receiver<String>) {
    Service::of(&mut command(dir, &[&["run", "--approve"], args].concat()))
}

fn begun(command: &mut std::process::Command) -> (Service, mpsc::Receiver<String>) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (told, lines) = mpsc::channel();
    let err = BufReader::new(child.stderr.take().unwrap());
    let out = BufReader::new(child.stdout.take().unwrap());
    let also = told.clone();
    std::thread::spawn(move || {
        err.lines().map_while(Result::ok).try_for_each(|line| told.send(line))
    });
    std::thread::spawn(move || {
        out.lines().map_while(Result::ok).try_for_each(|line| also.send(line))
    });
    (Service(child), lines)
}

/// The same, listening for calls at any port. Gives where it is called, too.
pub fn start(dir: &Path) -> (Service, String, mpsc::Receiver<String>) {
    let (service, lines) = run(dir, &["--webhooks", "127.0.0.1:0"]);
    let line = wait_for(&lines, "Systems call ");
    let url = line.trim_start_matches("Systems call ").replace("/hooks/SYSTEM", "");
    (service, url, lines)
}

/// The line that holds this; it comes soon, or the test fails.
#[track_caller]
pub fn wait_for(lines: &mpsc::Receiver<String>, text: &str) -> String {
    let until = Instant::now() + Duration::from_secs(60);
    let mut seen = vec![];
    while let Ok(line) = lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
        if line.contains(text) {
            return line;
        }
        seen.push(line);
    }
    panic!("`{text}` was not said: {seen:#?}");
}

/// Waits until this holds; it does soon, or the test fails.
#[track_caller]
pub fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A port of this machine that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

//! `connect`: authorises and tests one connection. Where a person signs in, the browser comes back
//! to a page of this machine (RFC 8252), or, on a server without a browser, the person pastes the
//! address to which it came back somewhere else.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use lockstep_connector::rest::{Rest, SigningIn};
use lockstep_connector::{Connector, Trouble, catalogue};

use crate::args::Format;
use crate::exit::{Exit, Failure, Result};
use crate::project;

/// How long a person may take to sign in.
const PATIENCE: Duration = Duration::from_secs(600);
/// What a browser sends is not longer.
const MOST: u64 = 32 << 10;

/// How a sign-in comes back.
pub struct Way {
    pub paste: bool,
    pub port: u16,
    /// What the sign-in tells is shown.
    pub show_claims: bool,
    pub format: Format,
}

/// Authorises and tests one connection.
pub fn connect(dir: &Path, system: &str, way: &Way) -> Result<Exit> {
    let opened = project::open(dir)?;
    let Some(known) = opened.project.system(system) else {
        let names: Vec<&str> = opened.project.systems.iter().map(|s| s.name.as_str()).collect();
        return Err(Failure::usage(format!(
            "there is no system `{system}` in lockstep.yaml; there are {}",
            names.join(", ")
        )));
    };
    let keep = opened.keep(system)?;
    let failed = |trouble: Trouble| match trouble {
        Trouble::Unreachable(_) | Trouble::Busy { .. } => {
            Failure::unreachable(format!("{system}: {trouble}"))
        }
        trouble => Failure::usage(format!("{system}: {trouble}")),
    };
    let rest =
        catalogue::rest_kept(&known.connector, &known.with, &opened.project.dir, keep.clone())
            .map_err(failed)?;
    match rest {
        // Keys that are there and work need no sign-in.
        Some(rest) if rest.signs_in() => {
            let test = rest.test();
            match test {
                Err(
                    Trouble::Unauthorized(_) | Trouble::Misconfigured(_) | Trouble::SignedOut(_),
                ) => {
                    sign_in(&rest, system, way, failed)?;
                    show_claims(&rest, system, way);
                    told(&rest, system, way, failed)
                }
                Ok(_) if way.show_claims => {
                    sign_in(&rest, system, way, failed)?;
                    show_claims(&rest, system, way);
                    told(&rest, system, way, failed)
                }
                Err(trouble) => Err(failed(trouble)),
                Ok(line) => tell(system, &line, way),
            }
        }
        Some(rest) => told(&rest, system, way, failed),
        None => {
            let connector =
                catalogue::connect_kept(&known.connector, &known.with, &opened.project.dir, keep)
                    .map_err(failed)?;
            told(connector.as_ref(), system, way, failed)
        }
    }
}

fn told(
    connector: &dyn Connector,
    system: &str,
    way: &Way,
    failed: impl Fn(Trouble) -> Failure,
) -> Result<Exit> {
    tell(system, &connector.test().map_err(failed)?, way)
}

fn tell(system: &str, line: &str, way: &Way) -> Result<Exit> {
    match way.format {
        Format::Json => {
            crate::look::json(&crate::wire::Connected {
                system: system.into(),
                answer: line.into(),
            })?;
        }
        Format::Text => println!("{system}: {line}"),
    }
    Ok(Exit::Done)
}

/// The settings that a sign-in told. Their values may be secret, so they are shown to who asks for
/// them.
fn show_claims(rest: &Rest, system: &str, way: &Way) {
    let claims = rest.told_by_sign_in();
    if way.format == Format::Json {
        for (setting, value) in claims.iter().filter(|_| way.show_claims) {
            ::std::eprintln!("{}", crate::out::safe(format_args!("{setting}: {value}")));
        }
        return;
    }
    for (setting, value) in &claims {
        match way.show_claims {
            true => println!("{setting}: {value}"),
            false => println!(
                "The sign-in tells the setting `{setting}`: `lockstep connect {system} --show-claims` shows it."
            ),
        }
    }
    if way.show_claims && claims.is_empty() {
        println!("The sign-in tells no setting. Some are told to administrators only.");
    }
}

/// What a person is asked to do: also with `-q`; beside the document where JSON is asked for.
fn ask(way: &Way, text: &str) {
    match way.format {
        Format::Json => eprintln!("{text}"),
        Format::Text => emit!("{text}\n"),
    }
    let _ = std::io::stdout().flush();
}

fn sign_in(
    rest: &Rest,
    system: &str,
    way: &Way,
    failed: impl Fn(Trouble) -> Failure,
) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, way.port));
    let listener = match (listener, way.paste) {
        (Ok(listener), _) => Some(listener),
        (Err(_), true) => None,
        (Err(error), false) => {
            return Err(Failure::usage(format!(
                "port {} of this machine can't be listened on ({error}): give another one with --port, or use --paste",
                way.port
            )));
        }
    };
    let port = listener
        .as_ref()
        .and_then(|listener| listener.local_addr().ok())
        .map_or(way.port, |address| address.port());
    let signing_in =
        rest.begin_sign_in(&format!("http://127.0.0.1:{port}/callback")).map_err(&failed)?;
    ask(way, &format!("Sign in to {system} on this page:\n\n  {}\n", signing_in.url));
    match listener.filter(|_| !way.paste) {
        Some(listener) => {
            ask(way, "Waiting for the browser to come back …");
            wait_for_browser(&listener, rest, &signing_in, &failed)
        }
        None => {
            let address = format!("http://127.0.0.1:{port}/");
            ask(
                way,
                &format!(
                    "Then the browser goes to an address that begins with {address} and may show nothing there."
                ),
            );
            ask(way, "Paste that whole address here:");
            let mut line = String::new();
            let mut input = BufReader::new(std::io::stdin().take(MOST));
            input
                .read_line(&mut line)
                .map_err(|error| Failure::usage(format!("nothing could be read: {error}")))?;
            rest.finish_sign_in(&signing_in, line.trim()).map_err(failed)
        }
    }
}

/// Answers the browser until it brings what belongs to this sign-in. What else comes to the port
/// changes nothing.
fn wait_for_browser(
    listener: &TcpListener,
    rest: &Rest,
    signing_in: &SigningIn,
    failed: impl Fn(Trouble) -> Failure,
) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    let stopped = |error: std::io::Error| {
        Failure::usage(format!("the port can't be listened on any more: {error}"))
    };
    listener.set_nonblocking(true).map_err(stopped)?;
    while Instant::now() < until {
        let (mut stream, _) = match listener.accept() {
            Ok(came) => came,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(50));
                continue;
            }
            Err(error) => return Err(stopped(error)),
        };
        let Some(target) = asked(&mut stream) else { continue };
        if !target.starts_with("/callback?") {
            page(&mut stream, 404, "Nothing is here.");
            continue;
        }
        if !target.contains(&signing_in.mark()) {
            page(
                &mut stream,
                400,
                "This belongs to another sign-in. Use the page that was opened last.",
            );
            continue;
        }
        let result = rest.finish_sign_in(signing_in, &target);
        match &result {
            Ok(()) => page(&mut stream, 200, "You are signed in. This page can be closed."),
            Err(_) => {
                page(&mut stream, 400, "The sign-in did not work; the command line says why.")
            }
        }
        return result.map_err(failed);
    }
    Err(Failure::person("nobody signed in within ten minutes: run the command again"))
}

/// The path and query that a browser asks for.
fn asked(stream: &mut TcpStream) -> Option<String> {
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut reader = BufReader::new(stream.take(MOST));
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let target = first.strip_prefix("GET ")?.split(' ').next()?.to_string();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 || line.trim().is_empty() {
            return Some(target);
        }
    }
}

fn page(stream: &mut TcpStream, status: u16, text: &str) {
    let body =
        format!("<!doctype html><meta charset=\"utf-8\"><title>Lockstep</title><p>{text}</p>\n");
    // A browser that has gone is no reason to stop.
    let _ = write!(
        stream,
        "HTTP/1.1 {status} OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

//! Requests over HTTP, as every connector sends them: not faster than the account allows, their
//! answers taken in with bounds, and what went wrong in words that name the host.

mod rate_limiter;
mod retry_after;

use std::time::Duration;

use lockstep_model::Timestamp;
use ureq::http::{HeaderMap, HeaderValue, Request};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, AsSendBody};

pub(crate) use self::rate_limiter::Limits;
use self::rate_limiter::RateLimiter;
pub(crate) use self::retry_after::{LONGEST_WAIT_MS, leading_number, wait_ms};
use crate::addresses::Addresses;
use crate::{Traffic, Trouble, bounded};

/// A request waits no longer than this for its turn.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(crate) enum NoAnswer {
    /// The request did not reach the system.
    NotSent(Trouble),
    /// It may have, and the answer was lost or can't be understood.
    Lost(Trouble),
}

impl NoAnswer {
    /// As trouble with the connection.
    pub(crate) fn trouble(self) -> Trouble {
        match self {
            NoAnswer::NotSent(trouble) | NoAnswer::Lost(trouble) => trouble,
        }
    }
}

impl From<NoAnswer> for Trouble {
    fn from(no_answer: NoAnswer) -> Trouble {
        no_answer.trouble()
    }
}

/// An answer as it came.
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The server's clock, RFC 9110 `Date`.
    pub(crate) date: Option<Timestamp>,
    pub(crate) retry_after_ms: Option<u64>,
    pub(crate) text: Result<String, bounded::Unread>,
}

impl Received {
    /// The first header of this name, as text.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).map(text_of)
    }

    /// All headers of this name.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.headers.get_all(name).iter().map(text_of).collect()
    }
}

fn text_of(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// The way to one account: its connections, and its rate, which all requests share.
pub(crate) struct Http {
    agent: Agent,
    pace: RateLimiter,
}

impl Http {
    pub(crate) fn new(timeout: Duration, limits: &Limits) -> Http {
        let pace = RateLimiter::new(limits);
        // A connection for each request that may be under way: making one takes longer than most
        // answers.
        let idle = pace.at_once().max(3);
        let config = Agent::config_builder()
            .max_idle_connections(idle)
            .max_idle_connections_per_host(idle)
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(timeout))
            .timeout_connect(Some(timeout.min(Duration::from_secs(10))))
            .max_redirects(0)
            .user_agent(concat!("lockstep/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), Addresses::default());
        Http { agent, pace }
    }

    /// Sends a request when the rate limiter permits it, and reads its answer up to a byte limit.
    pub(crate) fn send(
        &self,
        named: &str,
        request: Request<impl AsSendBody>,
        most: u64,
    ) -> Result<Received, NoAnswer> {
        let host = host_of(&request);
        let _turn = self.pace.turn(PATIENCE).map_err(|wait| {
            NoAnswer::NotSent(Trouble::Busy {
                retry_after_ms: u64::try_from(wait.as_millis()).ok(),
                message: format!(
                    "{named} has to wait {} s: the system's rate allows no more requests now",
                    wait.as_secs() + 1
                ),
            })
        })?;
        let mut response =
            self.agent.run(request).map_err(|error| no_answer(named, &host, &error))?;
        let header = |name: &str| response.headers().get(name).map(text_of);
        let date = header("date").and_then(|date| retry_after::moment(&date));
        let milliseconds = || {
            header("retry-after-ms")?.trim().parse::<u64>().ok().map(|ms| ms.min(LONGEST_WAIT_MS))
        };
        let retry_after_ms =
            header("retry-after").and_then(|value| wait_ms(&value, date)).or_else(milliseconds);
        Ok(Received {
            status: response.status().as_u16(),
            date,
            retry_after_ms,
            headers: std::mem::take(response.headers_mut()),
            text: bounded::text(response.body_mut(), most),
        })
    }

    /// A request was refused as one too many: whoever else asks this system waits as well.
    pub(crate) fn heed(&self, answer: &Received) {
        if answer.status == 429 {
            self.pace.refused();
            self.pause(answer.retry_after_ms.unwrap_or(500));
        }
    }

    /// Nothing is sent for so long.
    pub(crate) fn pause(&self, ms: u64) {
        self.pace.pause(Duration::from_millis(ms));
    }

    /// What was asked so far.
    pub(crate) fn traffic(&self) -> Traffic {
        self.pace.traffic()
    }

    /// How many requests may be under way at one time.
    pub(crate) fn at_once(&self) -> usize {
        self.pace.at_once()
    }
}

/// What only reads can simply be asked for again: a connection that was closed while it lay idle is
/// no illness.
pub(crate) fn once_more<T>(mut send: impl FnMut() -> Result<T, NoAnswer>) -> Result<T, NoAnswer> {
    match send() {
        Err(NoAnswer::Lost(Trouble::Unreachable(_))) => send(),
        answered => answered,
    }
}

/// The scheme, host and port that a request goes to.
fn host_of<B>(request: &Request<B>) -> String {
    let uri = request.uri();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{}://{host}", uri.scheme_str().unwrap_or("http"))
}

/// Why there is no answer: surely nothing was sent, or the request may have arrived.
fn no_answer(named: &str, host: &str, error: &ureq::Error) -> NoAnswer {
    use ureq::Error as E;
    let unreachable =
        |what: &str| NoAnswer::NotSent(Trouble::Unreachable(format!("{host} {what}")));
    match error {
        E::HostNotFound => unreachable("is not found: is the address right, is there a network?"),
        E::ConnectionFailed => unreachable("does not answer: is it running, is the port right?"),
        E::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
            unreachable("refuses connections: is it running, is the port right?")
        }
        E::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            unreachable("does not answer in time")
        }
        E::Tls(_) | E::Rustls(_) => unreachable(&format!(
            "can't be trusted ({error}): is the address right, is its certificate valid?"
        )),
        E::BadUri(_) | E::Http(_) => {
            unreachable(&format!("can't be asked ({error}): is the address right?"))
        }
        _ => NoAnswer::Lost(Trouble::Unreachable(format!("{named}: no answer ({error})"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_on_the_way_is_asked_for_once_more_and_nothing_else() {
        let tried = |failures: Vec<NoAnswer>| {
            let (mut left, mut times) = (failures.into_iter(), 0);
            let answered = once_more(|| {
                times += 1;
                left.next().map_or(Ok(()), Err)
            });
            (times, answered.is_ok())
        };
        let lost = || NoAnswer::Lost(Trouble::Unreachable("closed".into()));
        assert_eq!(tried(vec![lost()]), (2, true));
        assert_eq!(tried(vec![lost(), lost()]), (2, false));
        assert_eq!(tried(vec![NoAnswer::NotSent(Trouble::Unreachable("down".into()))]), (1, false));
        assert_eq!(tried(vec![NoAnswer::Lost(Trouble::Malformed("html".into()))]), (1, false));
    }

    #[test]
    fn the_host_of_a_request_is_told_without_its_user() {
        let request = Request::builder().uri("http://anna:secret@a.example.com:81/x?y=1").body(());
        assert_eq!(host_of(&request.unwrap()), "http://a.example.com:81");
    }
}

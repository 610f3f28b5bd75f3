//! Who asks, and whether they may.

use std::net::SocketAddr;

use axum::http::{HeaderMap, Method, header};

use crate::accounts::{Role, Scope};
use crate::frame::Shared;
use crate::problem::Problem;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// As the journal names them.
    pub name: String,
    may: May,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum May {
    /// By a session.
    Role(Role),
    /// By a token.
    Scopes(Vec<Scope>),
}

impl Person {
    pub(crate) fn of_role(name: &str, role: Role) -> Person {
        Person { name: name.into(), may: May::Role(role) }
    }

    /// Whether they may do what this role may.
    pub fn may(&self, role: Role) -> bool {
        match &self.may {
            May::Role(has) => *has >= role,
            May::Scopes(scopes) => scopes.contains(&role.scope()),
        }
    }

    /// Why they may not.
    pub(crate) fn lacks(&self, role: Role) -> Problem {
        match &self.may {
            May::Role(has) => Problem::forbidden(format!(
                "{} has the role {}, and this needs {}: ask an admin",
                self.name,
                has.name(),
                role.name()
            )),
            May::Scopes(_) => Problem::forbidden(format!(
                "{} lacks the scope {}: make a token that has it",
                self.name,
                role.scope().name()
            )),
        }
    }
}

/// What proves who asks.
pub(crate) enum Proof {
    Token(String),
    Session(String),
    None,
}

/// What a call shows.
pub(crate) fn proof(headers: &HeaderMap, cookie: &str) -> Proof {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(shown) = text(header::AUTHORIZATION) {
        let scheme = shown.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
        return Proof::Token(scheme.map_or("", |_| shown[7..].trim()).into());
    }
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|one| one.split_once('='));
    match pairs.find(|(name, _)| name.trim() == cookie) {
        Some((_, value)) => Proof::Session(value.trim().into()),
        None => Proof::None,
    }
}

impl Shared {
    /// Who shows this.
    pub(crate) fn person(&self, proof: &Proof) -> Result<Option<Person>, Problem> {
        let accounts = self.accounts()?;
        Ok(match proof {
            Proof::None => None,
            Proof::Token(shown) => accounts.token(shown, self.now()).map(|token| Person {
                name: format!("token {}", token.name),
                may: May::Scopes(token.scopes.clone()),
            }),
            Proof::Session(shown) => {
                let mut sessions = self.sessions.lock().unwrap_or_else(|e| e.into_inner());
                sessions
                    .of(shown, &accounts, std::time::Instant::now())
                    .map(|user| Person::of_role(&user.name, user.role))
            }
        })
    }
}

/// The host that a call names, without its port, in small letters.
fn host_name(host: &str) -> String {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.to_ascii_lowercase()
}

/// Whether a host names this machine itself.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = host_name(host);
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The host that a call names.
pub(crate) fn host(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// A page of somebody else's whose name leads to this machine is not to reach a listener that only
/// this machine reaches (DNS rebinding).
pub(crate) fn check_host(
    headers: &HeaderMap,
    at: SocketAddr,
    public_url: Option<&str>,
) -> Result<(), Problem> {
    let host = host(headers);
    if !at.ip().is_loopback() || is_loopback(host) {
        return Ok(());
    }
    let public = public_url.and_then(|url| url.split_once("://")).map(|(_, rest)| rest);
    let public = public.map(|rest| host_name(rest.split('/').next().unwrap_or_default()));
    match public.is_some_and(|public| public == host_name(host)) {
        true => Ok(()),
        false => Err(Problem::new(
            axum::http::StatusCode::MISDIRECTED_REQUEST,
            "host",
            "This console is not reached by that name",
            "it listens on this machine alone: open it as 127.0.0.1 or localhost; behind a proxy, start it with `--public-url https://NAME`",
        )),
    }
}

/// Another site is not to act in the name of who is signed in: browsers tell where a call comes
/// from. Who shows a token sends it on purpose.
pub(crate) fn check_origin(
    method: &Method,
    headers: &HeaderMap,
    proof: &Proof,
) -> Result<(), Problem> {
    if method.is_safe() || matches!(proof, Proof::Token(_)) {
        return Ok(());
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let same = match text("sec-fetch-site") {
        Some(site) => site == "same-origin" || site == "none",
        None => text("origin")
            .and_then(|origin| origin.split_once("://"))
            .is_some_and(|(_, origin)| !origin.is_empty() && origin == host(headers)),
    };
    match same {
        true => Ok(()),
        false => Err(Problem::forbidden(
            "the form that was sent does not come from a page of this console: open the page here, and send it from there",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn what_another_site_sends_is_refused() {
        let refused = |all: &[(&'static str, &str)]| {
            check_origin(&Method::POST, &headers(all), &Proof::None).is_err()
        };
        assert!(refused(&[("host", "a:1")]), "a browser tells where it comes from");
        assert!(!refused(&[("host", "a:1"), ("origin", "http://a:1")]));
        assert!(refused(&[("host", "a:1"), ("origin", "http://a:2")]));
        assert!(refused(&[("host", "a:1"), ("origin", "null")]));
        assert!(refused(&[("origin", "http://")]));
        for (site, is) in
            [("same-origin", false), ("none", false), ("same-site", true), ("cross-site", true)]
        {
            let all = [("host", "a"), ("origin", "http://a"), ("sec-fetch-site", site)];
            assert_eq!(refused(&all), is, "{site}");
        }
        let token = Proof::Token(String::new());
        assert!(check_origin(&Method::POST, &headers(&[]), &token).is_ok());
        assert!(check_origin(&Method::GET, &headers(&[]), &Proof::None).is_ok());
    }

    #[test]
    fn another_name_does_not_lead_to_this_machine() {
        let here = SocketAddr::from(([127, 0, 0, 1], 80));
        let fits = |host: &str, public: Option<&str>| {
            check_host(&headers(&[("host", host)]), here, public).is_ok()
        };
        for host in ["localhost", "127.0.0.1:80", "[::1]:80", "LOCALHOST:9"] {
            assert!(fits(host, None), "{host}");
        }
        for host in ["", "evil.example.com", "127.0.0.1.example.com", "localhost.example.com:80"] {
            assert!(!fits(host, None), "{host}");
            assert!(!fits(host, Some("https://lockstep.example.com")), "{host}");
        }
        assert!(fits("lockstep.example.com", Some("https://Lockstep.example.com/x")));
        assert!(fits("lockstep.example.com:8443", Some("https://lockstep.example.com:8443")));
    }
}

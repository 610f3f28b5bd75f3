//! What answers without a sign-in: the sign-in itself, and whether the service is well.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Query, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::access::{self, Person, Proof};
use crate::accounts::{Role, User, sha256};
use crate::frame::{self, Answered, Does, Method, Route, Shared, caller, see};
use crate::pages;
use crate::problem::Problem;

const STYLE: &str = include_str!("../assets/console.css");
const SCRIPT: &str = include_str!("../assets/console.js");

pub(crate) fn routes() -> Vec<Route> {
    let open = |method, path: &str, whole| Route {
        method,
        path: path.into(),
        role: None,
        does: Does::Whole(whole),
    };
    let signed_in =
        |method, path: &str, whole| Route { role: Some(Role::Viewer), ..open(method, path, whole) };
    vec![
        open(Method::Get, "/healthz", |_, _, _| Box::pin(async { "well\n".into_response() })),
        open(Method::Get, "/readyz", |shared, _, _| Box::pin(ready(shared))),
        open(Method::Get, "/sign-in", |shared, person, request| {
            Box::pin(page(shared, person, request))
        }),
        open(Method::Get, "/sign-in/style.css", |_, _, _| file("text/css; charset=utf-8", STYLE)),
        open(Method::Post, "/sign-in", |shared, _, request| Box::pin(sign_in(shared, request))),
        signed_in(Method::Post, "/sign-out", |shared, _, request| {
            Box::pin(sign_out(shared, request))
        }),
        signed_in(Method::Get, "/console.js", |_, _, _| {
            file("text/javascript; charset=utf-8", SCRIPT)
        }),
        signed_in(Method::Get, "/events", |shared, person, request| {
            crate::pages::live::events(shared, person, request)
        }),
    ]
}

fn file(kind: &'static str, text: &'static str) -> Answered {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=300")];
    Box::pin(async move { (headers, text).into_response() })
}

/// Whether it can be worked with: the owner of the hub is there, and the store can be read.
async fn ready(shared: Arc<Shared>) -> Response {
    if !shared.queue.is_alive() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the owner of the hub has ended\n")
            .into_response();
    }
    let looked = tokio::task::spawn_blocking(move || {
        let mut hub = shared.project.look().map_err(|refusal| refusal.to_string())?;
        hub.ledger.store().marks().map_err(|error| error.to_string())
    });
    match looked.await {
        Ok(Ok(_)) => "ready\n".into_response(),
        // Where the store lies, and what is wrong with it, is for who signs in.
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the store can't be read\n").into_response(),
    }
}

/// Where to go on after a sign-in: a page of this console, and none of somebody else's.
fn next(given: Option<&str>) -> String {
    let is_here = |next: &&str| {
        next.starts_with('/')
            && !next.starts_with("//")
            && !next.contains('\\')
            && !next.chars().any(char::is_control)
    };
    given.filter(is_here).unwrap_or("/").into()
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

async fn page(shared: Arc<Shared>, person: Option<Person>, request: Request) -> Response {
    let query = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
    let query = query.map(|query| query.0).unwrap_or_default();
    let next = next(value(&query, "next"));
    if let (Some(shown), Some(guest)) = (value(&query, "key"), &shared.guest) {
        // A hash that is compared tells nothing of what it was made of.
        if sha256(shown) == sha256(&guest.key) {
            return begin(&shared, &request, &guest.user, &next);
        }
    }
    if person.is_some() {
        return see(&next);
    }
    let nobody = shared.accounts().is_ok_and(|accounts| accounts.users.is_empty());
    let said = nobody.then_some(
        "There are no users yet. In the project's folder, `lockstep user add NAME --role admin` adds one.",
    );
    pages::html(pages::sign_in(said, "", &next)).into_response()
}

async fn sign_in(shared: Arc<Shared>, request: Request) -> Response {
    let (address, host) = (caller(&request), access::host(request.headers()).to_string());
    let form = match frame::form(request).await {
        Ok(form) => form,
        Err(problem) => {
            return (problem.code(), pages::html(pages::bare_problem(&problem))).into_response();
        }
    };
    let name = value(&form, "name").unwrap_or_default().to_string();
    let password = value(&form, "password").unwrap_or_default().to_string();
    let next = next(value(&form, "next"));
    let again = |code: StatusCode, said: &str| {
        (code, pages::html(pages::sign_in(Some(said), &name, &next))).into_response()
    };
    let waits = {
        let slow = shared.slow.lock().unwrap_or_else(|e| e.into_inner());
        slow.waits(address, &name, Instant::now())
    };
    if let Some(waits) = waits {
        let seconds = waits.as_secs() + 1;
        let said = format!("Too many tries have failed. Try again in {seconds} s.");
        let mut response = again(StatusCode::TOO_MANY_REQUESTS, &said);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        return response;
    }
    let found = {
        let _turn = shared.hashing.acquire().await;
        let (shared, name) = (Arc::clone(&shared), name.clone());
        tokio::task::spawn_blocking(move || {
            let accounts = shared.accounts()?;
            Ok::<_, Problem>(accounts.sign_in(&name, &password).cloned())
        })
        .await
    };
    let mut slow = shared.slow.lock().unwrap_or_else(|e| e.into_inner());
    match found {
        Ok(Ok(Some(user))) => {
            slow.succeeded(&name);
            drop(slow);
            begin_at(&shared, &host, &user, &next)
        }
        Ok(Ok(None)) => {
            slow.failed(address, &name, Instant::now());
            drop(slow);
            let said =
                "There is no user with that name and that password. Look at both, and try again.";
            again(StatusCode::UNAUTHORIZED, said)
        }
        Ok(Err(problem)) => {
            drop(slow);
            again(problem.code(), &problem.detail)
        }
        Err(_) => {
            drop(slow);
            again(StatusCode::INTERNAL_SERVER_ERROR, "It could not be looked up. Try again.")
        }
    }
}

fn begin(shared: &Shared, request: &Request, user: &User, next: &str) -> Response {
    begin_at(shared, access::host(request.headers()), user, next)
}

fn begin_at(shared: &Shared, host: &str, user: &User, next: &str) -> Response {
    let mut sessions = shared.sessions.lock().unwrap_or_else(|e| e.into_inner());
    match sessions.begin(user, Instant::now()) {
        Ok(shown) => with_cookie(see(next), shared, host, &shown, ""),
        Err(error) => Problem::unavailable(error.to_string()).into_response(),
    }
}

fn with_cookie(
    mut response: Response,
    shared: &Shared,
    host: &str,
    value: &str,
    more: &str,
) -> Response {
    let name = shared.cookie(host);
    // Browsers differ in whether they keep a `Secure` cookie of http://localhost.
    let secure = if name.starts_with("__Host-") { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

async fn sign_out(shared: Arc<Shared>, request: Request) -> Response {
    let host = access::host(request.headers());
    if let Proof::Session(shown) = access::proof(request.headers(), &shared.cookie(host)) {
        shared.sessions.lock().unwrap_or_else(|e| e.into_inner()).end(&shown);
    }
    with_cookie(see("/sign-in"), &shared, host, "", "; Max-Age=0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_to_no_page_of_somebody_else() {
        for away in ["https://example.com", "//example.com", "/\\example.com", "x", "", "/a\r\nb"] {
            assert_eq!(next(Some(away)), "/", "{away}");
        }
        assert_eq!(next(Some("/review?kind=guard")), "/review?kind=guard");
    }
}

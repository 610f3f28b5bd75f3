//! Who may: every route by every role, and nothing without a sign-in but what is named.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Console, PASSWORD, ROLES, add_user, form, project, token, with_input};
use crate::transcript::{command, lockstep};

/// Every route of the pages, with the least role that it needs. `-` answers without a sign-in.
const PAGES: [(&str, &str, &str); 20] = [
    ("GET", "/", "viewer"),
    ("GET", "/console.js", "viewer"),
    ("GET", "/entity", "viewer"),
    ("GET", "/events", "viewer"),
    ("GET", "/flow", "viewer"),
    ("GET", "/healthz", "-"),
    ("GET", "/readyz", "-"),
    ("GET", "/records", "viewer"),
    ("GET", "/review", "viewer"),
    ("GET", "/review/{number}", "viewer"),
    ("GET", "/runs", "viewer"),
    ("GET", "/runs/{run}", "viewer"),
    ("GET", "/runs/{run}/take-back", "reviewer"),
    ("GET", "/sign-in", "-"),
    ("GET", "/sign-in/style.css", "-"),
    ("POST", "/review", "reviewer"),
    ("POST", "/runs/{run}/take-back", "reviewer"),
    ("POST", "/sign-in", "-"),
    ("POST", "/sign-out", "viewer"),
    ("POST", "/sync", "operator"),
];

/// The same of the API; its paths are below `/api/v1`.
const API: [(&str, &str, &str); 22] = [
    ("GET", "/accounts", "admin"),
    ("GET", "/entities", "viewer"),
    ("GET", "/entity", "viewer"),
    ("GET", "/explain", "viewer"),
    ("GET", "/flows", "viewer"),
    ("GET", "/flows/records", "viewer"),
    ("GET", "/history", "viewer"),
    ("GET", "/records", "viewer"),
    ("GET", "/reviews", "viewer"),
    ("GET", "/reviews/{number}", "viewer"),
    ("GET", "/runs", "viewer"),
    ("GET", "/runs/{run}/take-back", "reviewer"),
    ("GET", "/status", "viewer"),
    ("POST", "/approve", "operator"),
    ("POST", "/link", "operator"),
    ("POST", "/plan", "operator"),
    ("POST", "/release", "operator"),
    ("POST", "/retry", "operator"),
    ("POST", "/reviews/answer", "reviewer"),
    ("POST", "/runs/{run}/take-back", "reviewer"),
    ("POST", "/sync", "operator"),
    ("POST", "/unlink", "operator"),
];

/// A path with something in the place of its parameters that is not there.
fn filled(path: &str) -> String {
    path.replace("{number}", "999999").replace("{run}", "999999")
}

fn rank(role: &str) -> usize {
    ROLES.iter().position(|(name, _)| *name == role).unwrap()
}

/// The table is all that there is.
fn is_all(description: &Value) {
    let mut there: BTreeSet<(String, String, String)> = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let role = operation["x-role"].as_str().unwrap();
            there.insert((method.to_uppercase(), path.clone(), role.into()));
        }
    }
    let owned = |(method, path, role): &(&str, &str, &str)| {
        (method.to_string(), path.to_string(), role.to_string())
    };
    assert_eq!(there, API.iter().map(owned).collect(), "the routes of the API");
    let pages = lockstep_console::routes(vec![]);
    let pages = pages.iter().filter(|route| route.path != "/api/v1/openapi.json").map(|route| {
        let role = route.role.map_or("-", |role| role.name());
        (route.method.name().to_string(), route.path.clone(), role.to_string())
    });
    assert_eq!(pages.collect::<BTreeSet<_>>(), PAGES.iter().map(owned).collect(), "the pages");
}

#[test]
fn every_route_answers_whom_its_role_allows_and_nobody_else() {
    let dir = project();
    let dir = dir.path();
    let mut tokens = Vec::new();
    for (role, scopes) in ROLES {
        add_user(dir, role, role);
        tokens.push(token(dir, role, scopes));
    }
    let console = Console::start(dir);
    crate::service::wait_until("the numbers are found", || {
        console.api(&tokens[0], "GET", "/flows", "").status == 200
    });
    is_all(&console.api(&tokens[0], "GET", "/openapi.json", "").is(200).json());
    let mut tried = 0;
    for (at, (role, _)) in ROLES.iter().enumerate() {
        let cookie = console.cookie(role);
        let api = API.iter().map(|(method, path, least)| (method, format!("/api/v1{path}"), least));
        let pages = PAGES
            .iter()
            .filter(|(_, path, least)| *least != "-" && *path != "/events" && *path != "/sign-out")
            .map(|(method, path, least)| (method, path.to_string(), least));
        for (method, path, least) in api.chain(pages) {
            let may = at >= rank(least);
            let path = filled(&path);
            let by_session = match *method {
                "GET" => console.get(&path, &cookie),
                _ => console.post(&path, &cookie, ""),
            };
            tried += 1;
            assert_eq!(
                by_session.status == 403,
                !may,
                "{role}: {method} {path}: {}",
                by_session.body
            );
            assert_ne!(by_session.status, 401, "{role}: {method} {path}");
            assert!(by_session.status < 500, "{role}: {method} {path}: {}", by_session.body);
            if let Some(path) = path.strip_prefix("/api/v1") {
                let by_token = console.api(&tokens[at], method, path, "");
                assert_eq!(
                    by_token.status == 403,
                    !may,
                    "{role}: {method} {path}: {}",
                    by_token.body
                );
                assert_ne!(by_token.status, 401, "{role}: {method} {path}");
            }
        }
    }
    assert!(tried > 130, "{tried}");
}

#[test]
fn nothing_answers_without_a_sign_in_but_what_is_named() {
    let dir = project();
    add_user(dir.path(), "Liv", "admin");
    let console = Console::start(dir.path());
    let named = |path: &str| PAGES.iter().any(|(_, known, role)| known == &path && *role == "-");
    let unknown = ["/nowhere", "/api/v1/nowhere", "/api/v2/status", "/hooks", "/console.css", "//"];
    let api = API.iter().map(|(_, path, _)| format!("/api/v1{path}"));
    let pages = PAGES.iter().map(|(_, path, _)| path.to_string());
    let all =
        api.chain(pages).chain(unknown.map(String::from)).chain(["/api/v1/openapi.json".into()]);
    for path in all.filter(|path| !named(path)) {
        let path = filled(&path);
        for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS"] {
            for proof in [
                ("x-nothing", ""),
                ("authorization", "Bearer lockstep_0000"),
                ("authorization", "Basic bGl2OmEgbG9uZyBwYXNzd29yZA=="),
                ("cookie", "__Host-lockstep=0000"),
            ] {
                let headers = [proof, ("sec-fetch-site", "same-origin")];
                let came = console.call(method, &path, &headers, "");
                let is_refused = match came.status {
                    401 => true,
                    303 => came.header("location").starts_with("/sign-in"),
                    _ => false,
                };
                assert!(is_refused, "{method} {path} {proof:?}: {} {}", came.status, came.body);
                assert!(!came.body.contains("Åse"), "{}", came.body);
            }
        }
    }
    // What is named answers, and says nothing that is anybody's.
    console.get("/healthz", "").is(200);
    console.get("/readyz", "").is(200);
    console.get("/sign-in/style.css", "").is(200);
    console.call("POST", "/hooks/crm", &[], "{}").is(404);
    let page = console.get("/sign-in?next=%2Freview", "").is(200).says("value=\"/review\"");
    assert!(
        page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'")
    );
    assert!(!page.body.contains("<style") && !page.body.contains("<script"), "{}", page.body);
}

#[test]
fn a_sign_in_makes_a_session_and_many_failures_make_one_wait() {
    let dir = project();
    let dir = dir.path();
    let console = Console::start(dir);
    console.get("/sign-in", "").is(200).says("There are no users yet").says("lockstep user add");
    with_input(dir, &["user", "add", "Åse Berg", "--role", "reviewer"], "short\n")
        .exits(2)
        .says("the password has 5 characters");
    add_user(dir, "Åse Berg", "reviewer");
    lockstep(dir, &["user", "list"]).exits(0).says("reviewer  Åse Berg");
    // A running service knows a user that was added just now.
    let came = console.sign_in("Åse Berg", PASSWORD).is(303);
    let set = came.header("set-cookie").to_string();
    assert!(set.contains("; HttpOnly; SameSite=Lax") && set.contains("Path=/"), "{set}");
    assert!(!set.contains("Secure"), "plain HTTP on this machine: {set}");
    let cookie = set.split(';').next().unwrap().to_string();
    console.get("/", &cookie).is(200).says("Åse Berg");
    console.post("/sign-out", &cookie, "").is(303);
    console.get("/", &cookie).is(303);

    let cookie = console.cookie("Åse Berg");
    with_input(dir, &["user", "password", "Åse Berg"], "another password\n").exits(0);
    console.get("/", &cookie).is(303);
    console.sign_in("Åse Berg", PASSWORD).is(401).says("no user with that name and that password");
    let came = console.sign_in("Åse Berg", "another password").is(303);
    let cookie = came.header("set-cookie").split(';').next().unwrap().to_string();
    lockstep(dir, &["user", "remove", "Åse Berg"]).exits(0);
    console.get("/", &cookie).is(303);
    lockstep(dir, &["user", "remove", "Åse Berg"]).exits(2).says("there are: none");

    add_user(dir, "Odd", "viewer");
    let failed = (0..20).map(|_| console.sign_in("Odd", "not the password").status);
    let statuses: Vec<u16> = failed.collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    let waits = console.sign_in("Odd", PASSWORD).is(429).says("Try again in");
    assert!(waits.header("retry-after").parse::<u64>().unwrap() > 0);
}

#[test]
fn what_another_site_sends_does_nothing() {
    let dir = project();
    add_user(dir.path(), "Liv", "admin");
    let console = Console::start(dir.path());
    let cookie = console.cookie("Liv");
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let runs = || console.get("/api/v1/runs", &cookie).json()["runs"][0]["run"].clone();
    let own = console.url.trim_start_matches("http://").to_string();
    let (same, other) = (console.url.clone(), "https://evil.example.com".to_string());
    for (site, origin, status) in [
        (Some("cross-site"), Some(&other), 403),
        (Some("same-site"), Some(&same), 403),
        (None, Some(&other), 403),
        (None, None, 403),
        (None, Some(&same), 400),
        (Some("none"), None, 400),
    ] {
        let mut headers = vec![("cookie", cookie.as_str()), kind];
        headers.extend(site.map(|site| ("sec-fetch-site", site)));
        headers.extend(origin.map(|origin| ("origin", origin.as_str())));
        let before = runs();
        let path = "/review";
        let came = console.call("POST", path, &headers, "");
        assert_eq!(came.status, status, "{site:?} {origin:?}: {}", came.body);
        let sign_in = console.call("POST", "/sign-in", &headers[1..], "name=Liv&password=x");
        assert_eq!(sign_in.status == 403, status == 403, "{site:?} {origin:?}: a sign-in, too");
        assert_eq!(runs(), before);
    }
    // A name of somebody else's that leads to this machine.
    let host = ("host", "lockstep.evil.example.com");
    console.call("GET", "/sign-in", &[host], "").is(421).says("--public-url");
    console.call("GET", "/healthz", &[host], "").is(200);
    console.call("GET", "/sign-in", &[("host", own.as_str())], "").is(200);
}

#[test]
fn other_machines_reach_it_only_once_there_are_users() {
    let dir = project();
    let dir = dir.path();
    let open = ["run", "--listen", "0.0.0.0:0"];
    lockstep(dir, &open).exits(2).says("there are no users").says("lockstep user add");
    token(dir, "nightly", &["look"]);
    lockstep(dir, &open).exits(2).says("there are no users");
    add_user(dir, "Liv", "admin");
    let (_service, lines) = crate::service::run(dir, &["--listen", "0.0.0.0:0"]);
    let line = crate::service::wait_for(&lines, "The console is at ");
    let port = line.rsplit_once(':').unwrap().1.to_string();
    let at = format!("http://127.0.0.1:{port}/healthz");
    let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().proxy(None).build());
    assert_eq!(agent.get(&at).call().unwrap().status(), 200);
    // Reached by a name from elsewhere, the cookie goes over TLS only, and by no other name.
    let form = format!("name=Liv&password={}", form(PASSWORD));
    let config = ureq::Agent::config_builder().proxy(None).max_redirects(0);
    let agent = ureq::Agent::new_with_config(config.build());
    let signed_in = agent
        .post(format!("http://127.0.0.1:{port}/sign-in"))
        .header("host", "lockstep.example.com")
        .header("origin", "https://lockstep.example.com")
        .header("content-type", "application/x-www-form-urlencoded")
        .send(form)
        .unwrap();
    let set = signed_in.headers()["set-cookie"].to_str().unwrap();
    assert!(set.starts_with("__Host-lockstep=") && set.contains("; Secure"), "{set}");
}

#[test]
fn a_token_opens_its_scopes_until_it_ends() {
    let dir = project();
    let dir = dir.path();
    let look = token(dir, "dashboard", &["look"]);
    let operate = token(dir, "nightly", &["operate"]);
    let console = Console::start(dir);
    console.api(&look, "GET", "/status", "").is(200);
    console
        .api(&look, "POST", "/sync", "{}")
        .is(403)
        .says("token dashboard lacks the scope operate");
    console.api(&operate, "GET", "/status", "").is(403).says("look");
    console.api(&operate, "POST", "/sync", "{}").is(200);
    lockstep(dir, &["token", "list"]).exits(0).says("dashboard  look, ends ");
    lockstep(dir, &["token", "create", "dashboard", "--scope", "look"]).exits(2).says("already");
    lockstep(dir, &["token", "create", "x"]).exits(2).says("--scope");
    lockstep(dir, &["token", "create", "x", "--scope", "look", "--days", "0"]).exits(2);
    lockstep(dir, &["token", "remove", "dashboard"]).exits(0);
    let gone = console.api(&look, "GET", "/status", "").is(401);
    assert_eq!(gone.header("www-authenticate"), "Bearer");
    assert_eq!(gone.json()["type"], "urn:lockstep:problem:not-signed-in");
    // The end of a token is looked at with each call.
    let users = dir.join("lockstep.db.users");
    let text = std::fs::read_to_string(&users).unwrap();
    let mut accounts: Value = serde_json::from_str(&text).unwrap();
    accounts["tokens"][0]["ends"] = 1.into();
    std::fs::write(&users, accounts.to_string()).unwrap();
    console.api(&operate, "POST", "/sync", "{}").is(401);
    // A file that is damaged lets nobody in, and says so.
    std::fs::write(&users, "{").unwrap();
    console.api(&operate, "POST", "/sync", "{}").is(503).says("is damaged");
    let ran = command(dir, &["user", "list"]).output().unwrap();
    assert_eq!(ran.status.code(), Some(1));
}

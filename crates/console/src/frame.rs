//! The frame: one table of routes, one way in.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use axum::{Form, Router};
use lockstep_hub::standing::Standing;
use lockstep_hub::undo::TakingBack;
use lockstep_hub::{Clock, Hub, Report, SystemClock};
use lockstep_model::{Timestamp, Value};
use lockstep_service::{Flows, Queue, Reply, Request as Asked, TakeBack};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::access::{self, Person, Proof};
use crate::accounts::{self, Accounts, Role};
use crate::pages;
use crate::problem::Problem;
use crate::sessions::Sessions;
use crate::slow::Slow;
use crate::{Guest, Project, Settings};

/// What a browser may do with the pages: load what comes from here, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// In bytes.
const MOST_BODY: usize = 1 << 20;
/// A body comes in whole within this.
const PATIENCE: Duration = Duration::from_secs(30);
/// Maximum number of looks at one time; others wait.
const LOOKS: usize = 16;

/// A method of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    Get,
    Post,
}

impl Method {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }
}

/// What a route answers.
pub enum Answer {
    Json(Value),
    Html(maud::Markup),
    /// Go there.
    See(String),
}

/// A route.
#[derive(Clone)]
pub struct Route {
    pub method: Method,
    pub path: String,
    /// The role that it needs; none where it answers without a sign-in.
    pub role: Option<Role>,
    pub(crate) does: Does,
}

/// What is done in a thread that may wait.
pub(crate) type Work =
    Arc<dyn Fn(&mut View, &Given) -> Result<Answer, Problem> + Send + Sync + 'static>;
/// What needs the whole call.
pub(crate) type Whole = fn(Arc<Shared>, Option<Person>, Request) -> Answered;
pub(crate) type Answered = std::pin::Pin<Box<dyn Future<Output = Response> + Send>>;

#[derive(Clone)]
pub(crate) enum Does {
    Page(Work),
    Api(Work),
    Whole(Whole),
}

/// What all routes share.
pub(crate) struct Shared {
    pub project: Arc<dyn Project>,
    pub queue: Queue,
    pub at: SocketAddr,
    pub public_url: Option<String>,
    pub guest: Option<Guest>,
    store: PathBuf,
    pub sessions: Mutex<Sessions>,
    pub slow: Mutex<Slow>,
    /// How the project stood when it was last found.
    pub numbers: watch::Sender<Arc<Result<Standing, String>>>,
    looks: Arc<Semaphore>,
    /// Hashing a password takes memory.
    pub hashing: Semaphore,
}

impl Shared {
    pub fn new(
        settings: Settings,
        at: SocketAddr,
        project: Arc<dyn Project>,
        queue: Queue,
    ) -> Shared {
        let none = Err("it has not been found yet".to_string());
        Shared {
            project,
            queue,
            at,
            public_url: settings.public_url,
            guest: settings.guest,
            store: settings.store,
            sessions: Mutex::default(),
            slow: Mutex::default(),
            numbers: watch::Sender::new(Arc::new(none)),
            looks: Arc::new(Semaphore::new(LOOKS)),
            hashing: Semaphore::new(2),
        }
    }

    pub fn accounts(&self) -> Result<Accounts, Problem> {
        let accounts = accounts::read(&self.store);
        let mut accounts = accounts.map_err(|error| Problem::unavailable(error.to_string()))?;
        accounts.users.extend(self.guest.as_ref().map(|guest| guest.user.clone()));
        Ok(accounts)
    }

    pub fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// The cookie of a session: see docs/decisions/0017-who-may.md.
    pub fn cookie(&self, host: &str) -> String {
        match access::is_loopback(host) {
            true => format!("lockstep-{}", self.at.port()),
            false => "__Host-lockstep".into(),
        }
    }
}

/// What was given with a call.
#[derive(Clone, Debug, Default)]
pub struct Given {
    pub path: BTreeMap<String, String>,
    pub query: BTreeMap<String, String>,
    /// Of a form, in its order.
    pub form: Vec<(String, String)>,
    /// Of a program.
    pub body: Value,
    /// The path and the query, as they were asked for.
    pub address: String,
}

impl Given {
    /// A value of the query that is not empty.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The first value of a form's field that is not empty.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut all = self.form.iter().filter(|(field, _)| field == name);
        all.next().map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A number of the query.
    ///
    /// # Errors
    /// It is none.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Problem> {
        let parse = |text: &str| {
            text.parse().map_err(|_| Problem::wrong(format!("`{name}={text}` is not a number")))
        };
        self.query(name).map(parse).transpose()
    }

    /// A number of the path.
    ///
    /// # Errors
    /// It is none.
    pub fn number_in_path(&self, name: &str) -> Result<i64, Problem> {
        let text = self.path.get(name).map(String::as_str).unwrap_or_default();
        text.parse().map_err(|_| Problem::not_found(format!("`{text}` is not a number")))
    }
}

/// What a route works with.
pub struct View {
    pub(crate) shared: Arc<Shared>,
    pub person: Person,
    hub: Option<Hub>,
    /// Its turn among those that look.
    turn: Option<OwnedSemaphorePermit>,
}

impl View {
    /// A hub that only reads what is stored.
    ///
    /// # Errors
    /// There is no store yet, or it can't be read.
    pub fn hub(&mut self) -> Result<&mut Hub, Problem> {
        if self.hub.is_none() {
            self.hub = Some(self.shared.project.look()?);
        }
        self.hub.as_mut().ok_or_else(|| Problem::unavailable("the store can't be read"))
    }

    /// How the project stood when it was last found.
    ///
    /// # Errors
    /// It has not been found yet.
    pub fn standing(&self) -> Result<Arc<Result<Standing, String>>, Problem> {
        let numbers = self.shared.numbers.borrow().clone();
        match &*numbers {
            Ok(_) => Ok(numbers),
            Err(why) => Err(Problem::unavailable(format!("{why}; ask again in a moment"))),
        }
    }

    /// Has the owner of the hub do something, in the name of who asks.
    ///
    /// # Errors
    /// It is refused.
    pub fn act(&mut self, request: Asked) -> Result<Reply, Problem> {
        // It may take its time, and others are to look meanwhile.
        self.turn = None;
        let answer = self.shared.queue.ask(request, Some(self.person.name.clone()));
        match answer.blocking_recv() {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Problem::unavailable("the service is ending: ask again in a moment")),
        }
    }

    /// What a run would do.
    ///
    /// # Errors
    /// The store or the systems can't be had.
    pub fn plan(&self) -> Result<Report, Problem> {
        Ok(self.shared.project.plan()?)
    }

    /// What would be taken back.
    ///
    /// # Errors
    /// It makes no sense as it was asked, or the store can't be read.
    pub fn plan_back(&self, what: &TakeBack) -> Result<TakingBack, Problem> {
        Ok(self.shared.project.plan_back(what)?)
    }

    /// The flows by which the project decides.
    pub fn flows(&self) -> Flows {
        self.shared.project.flows()
    }

    /// Who has an account.
    ///
    /// # Errors
    /// The file of accounts can't be read.
    pub fn accounts(&self) -> Result<Accounts, Problem> {
        self.shared.accounts()
    }
}

/// The router of all routes. There is no other way to add one.
pub(crate) fn router(shared: &Arc<Shared>, routes: Vec<Route>, hooks: Router) -> Router {
    let mut router = Router::new();
    for route in routes {
        let filter = match route.method {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
        };
        let (shared, path) = (Arc::clone(shared), route.path.clone());
        let route = Arc::new(route);
        let handler = move |request: Request| {
            let (shared, route) = (Arc::clone(&shared), Arc::clone(&route));
            async move { answer(shared, route, request).await }
        };
        router = router.route(&path, on(filter, handler));
    }
    // Whoever is not signed in does not learn what there is.
    let unknown = |shared: &Arc<Shared>| {
        let shared = Arc::clone(shared);
        move |request: Request| nothing_there(Arc::clone(&shared), request)
    };
    let router = router.fallback(unknown(shared)).method_not_allowed_fallback(unknown(shared));
    router.merge(hooks).layer(axum::middleware::from_fn(headers))
}

async fn nothing_there(shared: Arc<Shared>, request: Request) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_string());
    let nothing = move |_: &mut View, _: &Given| {
        Err(Problem::not_found(format!("nothing here answers {method} {path}")))
    };
    let work: Work = Arc::new(nothing);
    let is_api = request.uri().path().starts_with("/api/");
    let does = if is_api { Does::Api(work) } else { Does::Page(work) };
    let path = String::new();
    let route = Route { method: Method::Get, path, role: Some(Role::Viewer), does };
    answer(shared, Arc::new(route), request).await
}

/// What every answer says.
async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn answer(shared: Arc<Shared>, route: Arc<Route>, request: Request) -> Response {
    let address = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let is_api = matches!(route.does, Does::Api(_)) || address.starts_with("/api/");
    match admit(&shared, &route, &request) {
        Ok(person) => match (&route.does, person) {
            (Does::Whole(whole), person) => whole(shared, person, request).await,
            (Does::Page(work) | Does::Api(work), Some(person)) => {
                let given = match given(request, is_api).await {
                    Ok(given) => given,
                    Err(problem) => return shown(problem, is_api, &person),
                };
                let teller = person.clone();
                carry_out(shared, Arc::clone(work), person, given)
                    .await
                    .unwrap_or_else(|problem| shown(problem, is_api, &teller))
            }
            (Does::Page(_) | Does::Api(_), None) => Problem::not_signed_in().into_response(),
        },
        Err(Refused::SignIn) if is_api => Problem::not_signed_in().into_response(),
        Err(Refused::SignIn) => {
            // A form that was sent is not sent once more by itself.
            let next = if route.method == Method::Get { address.as_str() } else { "/" };
            see(&format!("/sign-in?next={}", pages::encoded(next)))
        }
        Err(Refused::Problem(problem, person)) => match person {
            Some(person) => shown(*problem, is_api, &person),
            None if is_api => problem.into_response(),
            None => (problem.code(), pages::html(pages::bare_problem(&problem))).into_response(),
        },
    }
}

enum Refused {
    SignIn,
    Problem(Box<Problem>, Option<Person>),
}

/// Lets in who may.
fn admit(shared: &Shared, route: &Route, request: &Request) -> Result<Option<Person>, Refused> {
    let refused = |problem| Refused::Problem(Box::new(problem), None);
    let headers = request.headers();
    if route.is_health() {
        return Ok(None);
    }
    access::check_host(headers, shared.at, shared.public_url.as_deref()).map_err(refused)?;
    let proof = access::proof(headers, &shared.cookie(access::host(headers)));
    access::check_origin(request.method(), headers, &proof).map_err(refused)?;
    let person = shared.person(&proof).map_err(refused)?;
    let Some(role) = route.role else { return Ok(person) };
    match person {
        None if matches!(proof, Proof::Token(_)) => Err(refused(Problem::not_signed_in())),
        None => Err(Refused::SignIn),
        Some(person) if person.may(role) => Ok(Some(person)),
        Some(person) => {
            let problem = person.lacks(role);
            Err(Refused::Problem(Box::new(problem), Some(person)))
        }
    }
}

impl Route {
    /// It says nothing that is anybody's.
    fn is_health(&self) -> bool {
        self.path == "/healthz" || self.path == "/readyz"
    }
}

/// What was given with a call.
async fn given(request: Request, is_api: bool) -> Result<Given, Problem> {
    let (mut parts, body) = request.into_parts();
    let wrong = |error: &dyn std::fmt::Display| Problem::wrong(error.to_string());
    let path = Path::<BTreeMap<String, String>>::from_request_parts(&mut parts, &()).await;
    let path = path.map(|path| path.0).unwrap_or_default();
    let query = Query::<BTreeMap<String, String>>::try_from_uri(&parts.uri);
    let query = query.map_err(|error| wrong(&error))?.0;
    let address = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let mut given = Given { path, query, address, ..Given::default() };
    if parts.method.is_safe() {
        return Ok(given);
    }
    let request = Request::from_parts(parts, body);
    if is_api {
        let bytes = in_time(request, |request| Bytes::from_request(request, &())).await?;
        let bytes = bytes.map_err(|error| unread(error.status(), error.body_text()))?;
        if !bytes.is_empty() {
            let body = serde_json::from_slice(&bytes);
            given.body =
                body.map_err(|error| Problem::wrong(format!("the body is not JSON: {error}")))?;
        }
    } else {
        given.form = form(request).await?;
    }
    Ok(given)
}

/// The fields of a form that was sent.
pub(crate) async fn form(request: Request) -> Result<Vec<(String, String)>, Problem> {
    let read = |request| Form::<Vec<(String, String)>>::from_request(request, &());
    match in_time(request, read).await? {
        Ok(form) => Ok(form.0),
        Err(error) => Err(unread(error.status(), error.body_text())),
    }
}

/// Reads a body that is not too long, and that does not take for ever.
async fn in_time<T: Future>(
    mut request: Request,
    read: impl FnOnce(Request) -> T,
) -> Result<T::Output, Problem> {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > MOST_BODY) {
        return Err(unread(StatusCode::PAYLOAD_TOO_LARGE, String::new()));
    }
    axum::extract::DefaultBodyLimit::max(MOST_BODY).apply(&mut request);
    let read = tokio::time::timeout(PATIENCE, read(request)).await;
    read.map_err(|_| Problem::wrong("what was sent did not come whole in time: send it again"))
}

/// A body that can't be taken.
fn unread(status: StatusCode, why: String) -> Problem {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            status,
            "too-long",
            "What was sent is too long",
            format!("at most {MOST_BODY} bytes are taken: send less at a time"),
        ),
        _ => Problem::wrong(why),
    }
}

async fn carry_out(
    shared: Arc<Shared>,
    work: Work,
    person: Person,
    given: Given,
) -> Result<Response, Problem> {
    let turn = Arc::clone(&shared.looks).acquire_owned().await;
    let turn = turn.map_err(|_| Problem::unavailable("the service is ending"))?;
    let done = tokio::task::spawn_blocking(move || {
        let mut view = View { shared, person, hub: None, turn: Some(turn) };
        work(&mut view, &given)
    });
    match done.await {
        Ok(answer) => Ok(match answer? {
            Answer::Json(value) => axum::Json(value).into_response(),
            Answer::Html(markup) => pages::html(markup).into_response(),
            Answer::See(address) => see(&address),
        }),
        Err(_) => Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "broken",
            "Something broke in the service",
            "nothing was done half: what is stored is stored in whole steps. Please report it, with what the service printed",
        )),
    }
}

/// Sends a browser to another page, with a GET.
pub(crate) fn see(address: &str) -> Response {
    let address = HeaderValue::from_str(address).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response()
}

fn shown(problem: Problem, is_api: bool, person: &Person) -> Response {
    match is_api {
        true => problem.into_response(),
        false => (problem.code(), pages::html(pages::problem(&problem, person))).into_response(),
    }
}

/// From where a call comes.
pub(crate) fn caller(request: &Request) -> std::net::IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0.ip())
}

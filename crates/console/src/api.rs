//! The HTTP API: its table, and its description as OpenAPI, made from the types of what it answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::generate::{Contract, SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::accounts::Role;
use crate::frame::{Answer, Does, Given, Method, Route, View};
use crate::problem::Problem;

/// Where all of it is.
const ROOT: &str = "/api/v1";

/// What an endpoint takes in its address.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub says: &'static str,
    pub kind: ParameterKind,
    /// A call without it is refused. What is in the path always is.
    pub required: bool,
}

/// What a parameter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    Text,
    Number,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

type Describes = fn(&mut SchemaGenerator) -> Schema;
type Works = fn(&mut View, &Given) -> Result<Value, Problem>;

/// An endpoint.
#[derive(Clone)]
pub struct Endpoint {
    pub method: Method,
    /// Below `/api/v1`.
    pub path: &'static str,
    pub role: Role,
    /// What it is for.
    pub says: &'static str,
    pub takes: &'static [Parameter],
    pub body: Option<Describes>,
    pub gives: Describes,
    pub work: Works,
}

impl Endpoint {
    /// An endpoint that answers with this type.
    pub fn new<T: JsonSchema>(
        method: Method,
        path: &'static str,
        role: Role,
        says: &'static str,
        work: Works,
    ) -> Endpoint {
        let gives = |generator: &mut SchemaGenerator| generator.subschema_for::<T>();
        Endpoint { method, path, role, says, takes: &[], body: None, gives, work }
    }

    /// It takes these in its address.
    pub fn takes(mut self, takes: &'static [Parameter]) -> Endpoint {
        self.takes = takes;
        self
    }

    /// It takes this type as its body.
    pub fn body<T: JsonSchema>(mut self) -> Endpoint {
        self.body = Some(|generator: &mut SchemaGenerator| generator.subschema_for::<T>());
        self
    }
}

pub(crate) fn routes(endpoints: Vec<Endpoint>) -> Vec<Route> {
    let described = Arc::new(openapi(&endpoints));
    let mut all: Vec<Route> = endpoints.into_iter().map(route).collect();
    all.push(Route {
        method: Method::Get,
        path: format!("{ROOT}/openapi.json"),
        role: Some(Role::Viewer),
        does: Does::Api(Arc::new(move |_, _| Ok(Answer::Json((*described).clone())))),
    });
    all
}

fn route(endpoint: Endpoint) -> Route {
    let (method, role) = (endpoint.method, Some(endpoint.role));
    let path = format!("{ROOT}{}", endpoint.path);
    let work = move |view: &mut View, given: &Given| {
        check_query(&endpoint, given)?;
        (endpoint.work)(view, given).map(Answer::Json)
    };
    Route { method, path, role, does: Does::Api(Arc::new(work)) }
}

/// A parameter that is not known is a slip, and not nothing.
fn check_query(endpoint: &Endpoint, given: &Given) -> Result<(), Problem> {
    for (name, value) in &given.query {
        let Some(known) = endpoint.takes.iter().find(|one| one.name == name) else {
            let known: Vec<&str> = endpoint.takes.iter().map(|one| one.name).collect();
            let known = if known.is_empty() { "none".into() } else { known.join(", ") };
            let text = format!("`{name}` is no parameter of this; it takes: {known}");
            return Err(Problem::wrong(text));
        };
        if let ParameterKind::OneOf(words) = known.kind
            && !words.contains(&value.as_str())
        {
            let text = format!("`{name}={value}` is none of: {}", words.join(", "));
            return Err(Problem::wrong(text));
        }
    }
    let in_path = |one: &Parameter| endpoint.path.contains(&format!("{{{}}}", one.name));
    let lacks = endpoint
        .takes
        .iter()
        .find(|one| one.required && !in_path(one) && given.query(one.name).is_none());
    match lacks {
        Some(one) => Err(Problem::wrong(format!("`{}` is not given: {}", one.name, one.says))),
        None => Ok(()),
    }
}

/// A body of this type.
///
/// # Errors
/// It is none.
pub fn body<T: serde::de::DeserializeOwned>(given: &Given) -> Result<T, Problem> {
    let body = if given.body.is_null() { json!({}) } else { given.body.clone() };
    serde_json::from_value(body)
        .map_err(|error| Problem::wrong(format!("the body is not what this takes: {error}")))
}

/// An answer of this type.
///
/// # Errors
/// It can't be written as JSON.
pub fn answer<T: serde::Serialize>(of: &T) -> Result<Value, Problem> {
    serde_json::to_value(of).map_err(|error| Problem::unavailable(error.to_string()))
}

fn openapi(endpoints: &[Endpoint]) -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.contract = Contract::Serialize;
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.clone().into_generator();
    settings.contract = Contract::Deserialize;
    let mut of_bodies = settings.into_generator();
    let problem = generator.subschema_for::<Problem>();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for endpoint in endpoints {
        let gives = (endpoint.gives)(&mut generator);
        let mut operation = json!({
            "summary": endpoint.says,
            "x-role": endpoint.role.name(),
            "security": [{"token": [endpoint.role.scope().name()]}, {"session": []}],
            "parameters": endpoint.takes.iter().map(|one| parameter(endpoint, one)).collect::<Vec<_>>(),
            "responses": {
                "200": {
                    "description": "It is done, or found.",
                    "content": {"application/json": {"schema": gives}},
                },
                "default": {
                    "description": "It is not: why, and what to do.",
                    "content": {"application/problem+json": {"schema": problem.clone()}},
                },
            },
        });
        if let Some(body) = endpoint.body {
            let schema = body(&mut of_bodies);
            operation["requestBody"] =
                json!({"required": true, "content": {"application/json": {"schema": schema}}});
        }
        let method = endpoint.method.name().to_lowercase();
        paths.entry(endpoint.path.into()).or_default().insert(method, operation);
    }
    let mut schemas = generator.take_definitions(true);
    schemas.extend(of_bodies.take_definitions(true));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lockstep",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the service of a project knows and does.",
        },
        "servers": [{"url": ROOT}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of `lockstep token create`, with the scope named.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-lockstep",
                    "description": "The session of who is signed in to the console.",
                },
            },
        },
    })
}

fn parameter(endpoint: &Endpoint, one: &Parameter) -> Value {
    let in_path = endpoint.path.contains(&format!("{{{}}}", one.name));
    let schema = match one.kind {
        ParameterKind::Text => json!({"type": "string"}),
        ParameterKind::Number => json!({"type": "integer"}),
        ParameterKind::OneOf(words) => json!({"type": "string", "enum": words}),
    };
    json!({
        "name": one.name,
        "in": if in_path { "path" } else { "query" },
        "required": one.required || in_path,
        "description": one.says,
        "schema": schema,
    })
}

//! An OpenAPI description (3.x, or Swagger 2.0), as the draft reads it: references followed, parts
//! of schemas together, parameters and bodies of both versions alike.

use serde_json::{Map, Value};

/// How deep parts of parts are followed.
const DEPTH: usize = 5;

pub struct Description<'a> {
    pub api: &'a Value,
}

/// A property of a schema.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    pub name: &'a str,
    /// As it is written, perhaps with `$ref`.
    pub schema: &'a Value,
}

/// The properties of an object, those of its parts among them.
#[derive(Default)]
pub struct Fields<'a> {
    pub all: Vec<Field<'a>>,
    pub required: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.all.iter().find(|field| field.name == name).map(|field| field.schema)
    }
}

/// What values are, as far as a draft tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Object,
    Array,
    Text,
    Integer,
    Number,
    Boolean,
    Unknown,
}

/// A parameter of an operation.
#[derive(Clone)]
pub struct Parameter<'a> {
    pub name: String,
    pub place: &'a str,
    pub schema: &'a Value,
    pub required: bool,
    pub text: &'a str,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Json,
    Fields,
    JsonPatch,
}

/// What an operation takes.
pub struct Body<'a> {
    pub schema: &'a Value,
    pub form: Form,
    /// The description does not say that it takes any.
    pub untold: bool,
}

impl<'a> Description<'a> {
    pub fn paths(&self) -> Option<&'a Map<String, Value>> {
        self.api["paths"].as_object()
    }

    /// Follows `$ref` within the description.
    pub fn seen(&self, value: &'a Value) -> &'a Value {
        let mut value = value;
        for _ in 0..8 {
            match value["$ref"].as_str().and_then(|to| to.strip_prefix('#')) {
                Some(pointer) => value = self.api.pointer(pointer).unwrap_or(&Value::Null),
                None => break,
            }
        }
        value
    }

    /// The name of the schema that is meant, if it has one: that of its only part, too.
    pub fn name_of(&self, schema: &'a Value) -> Option<&'a str> {
        if let Some(to) = schema["$ref"].as_str() {
            return to.rsplit('/').next();
        }
        ["allOf", "oneOf", "anyOf"].iter().find_map(|word| {
            let mut named =
                schema[*word].as_array()?.iter().filter_map(|part| part["$ref"].as_str());
            match (named.next(), named.next()) {
                (Some(to), None) => to.rsplit('/').next(),
                _ => None,
            }
        })
    }

    pub fn shape(&self, schema: &'a Value) -> Shape {
        self.shape_within(schema, DEPTH)
    }

    fn shape_within(&self, schema: &'a Value, depth: usize) -> Shape {
        let schema = self.seen(schema);
        let word = match &schema["type"] {
            Value::Array(kinds) => {
                kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null")
            }
            kind => kind.as_str(),
        };
        match word {
            Some("object") => return Shape::Object,
            Some("array") => return Shape::Array,
            Some("string") => return Shape::Text,
            Some("integer") => return Shape::Integer,
            Some("number") => return Shape::Number,
            Some("boolean") => return Shape::Boolean,
            _ => {}
        }
        if schema["properties"].is_object() {
            return Shape::Object;
        }
        if schema["items"].is_object() {
            return Shape::Array;
        }
        let parts = ["allOf", "oneOf", "anyOf"].iter().filter_map(|word| schema[*word].as_array());
        let shapes = parts.flatten().filter(|_| depth > 0);
        let mut shapes = shapes.map(|part| self.shape_within(part, depth.saturating_sub(1)));
        shapes.find(|shape| *shape != Shape::Unknown).unwrap_or(Shape::Unknown)
    }

    /// The alternatives of a schema: itself where it has none.
    pub fn alternatives(&self, schema: &'a Value) -> Vec<&'a Value> {
        let seen = self.seen(schema);
        let named = ["oneOf", "anyOf"].iter().filter_map(|word| seen[*word].as_array()).flatten();
        let all: Vec<&Value> = named.collect();
        if all.is_empty() { vec![schema] } else { all }
    }

    pub fn fields(&self, schema: &'a Value) -> Fields<'a> {
        let mut fields = Fields::default();
        self.gather(schema, DEPTH, true, &mut fields);
        fields
    }

    fn gather(&self, schema: &'a Value, depth: usize, needed: bool, out: &mut Fields<'a>) {
        let schema = self.seen(schema);
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            if out.get(name).is_none() {
                out.all.push(Field { name, schema });
            }
        }
        if needed {
            let named = schema["required"].as_array().into_iter().flatten();
            out.required.extend(named.filter_map(Value::as_str));
        }
        if depth == 0 {
            return;
        }
        for word in ["allOf", "oneOf", "anyOf"] {
            let parts = schema[word].as_array().into_iter().flatten();
            // What one of several forms needs is not needed in all of them.
            parts.for_each(|part| self.gather(part, depth - 1, needed && word == "allOf", out));
        }
    }

    /// The JSON schema of an operation's good answer.
    pub fn answer(&self, operation: &'a Value) -> &'a Value {
        let responses = &operation["responses"];
        let good = ["200", "201", "202", "2XX", "default"]
            .iter()
            .map(|status| self.content(self.seen(&responses[*status])))
            .find(|schema| schema.is_object());
        good.unwrap_or(&Value::Null)
    }

    /// The JSON schema of an answer.
    pub fn content(&self, holder: &'a Value) -> &'a Value {
        let content = holder["content"].as_object();
        let json = content.and_then(|kinds| {
            let is_json = |(kind, _): &(&String, &Value)| kind.contains("json") || *kind == "*/*";
            kinds.iter().find(is_json).map(|(_, kind)| &kind["schema"])
        });
        json.unwrap_or(&holder["schema"])
    }

    /// What an operation takes as its body; nothing where it takes files only.
    pub fn body(&self, item: &'a Value, operation: &'a Value) -> Option<Body<'a>> {
        let holder = self.seen(&operation["requestBody"]);
        if let Some(kinds) = holder["content"].as_object() {
            let of = |wanted: &dyn Fn(&str) -> bool, form| {
                let (_, kind) = kinds.iter().find(|(kind, _)| wanted(kind))?;
                Some(Body { schema: &kind["schema"], form, untold: false })
            };
            let patch = |kind: &str| kind.contains("json-patch");
            return of(&|kind| kind.contains("json") && !patch(kind), Form::Json)
                .or_else(|| of(&patch, Form::JsonPatch))
                .or_else(|| of(&|kind| kind == "*/*", Form::Json))
                .or_else(|| of(&|kind| kind.contains("x-www-form-urlencoded"), Form::Fields));
        }
        // Swagger 2.0.
        let named = [&operation["parameters"], &item["parameters"]];
        let named = named.into_iter().filter_map(Value::as_array).flatten();
        let all: Vec<&Value> = named.map(|parameter| self.seen(parameter)).collect();
        if let Some(body) = all.iter().find(|p| p["in"] == "body") {
            return Some(Body { schema: &body["schema"], form: Form::Json, untold: false });
        }
        let fields = all.iter().any(|p| p["in"] == "formData");
        (!fields).then_some(Body { schema: &Value::Null, form: Form::Json, untold: true })
    }

    /// The parameters of an operation, its path's among them. An object in the query is sent as its
    /// properties.
    pub fn parameters(&self, item: &'a Value, operation: &'a Value) -> Vec<Parameter<'a>> {
        let named = [&operation["parameters"], &item["parameters"]];
        let mut all: Vec<Parameter<'a>> = Vec::new();
        for found in named.into_iter().filter_map(Value::as_array).flatten() {
            let found = self.seen(found);
            let name = found["name"].as_str().unwrap_or_default();
            let place = found["in"].as_str().unwrap_or_default();
            let schema =
                if found["schema"].is_object() { self.seen(&found["schema"]) } else { found };
            let parameter = Parameter {
                name: name.to_string(),
                place,
                schema,
                required: found["required"] == true,
                text: found["description"].as_str().unwrap_or_default(),
            };
            if place == "query" && self.shape(schema) == Shape::Object {
                let deep = found["style"] == "deepObject";
                all.extend(self.fields(schema).all.iter().map(|field| Parameter {
                    name: if deep { format!("{name}[{}]", field.name) } else { field.name.into() },
                    schema: self.seen(field.schema),
                    required: false,
                    ..parameter.clone()
                }));
            } else if !all.iter().any(|known| known.name == name && known.place == place) {
                all.push(parameter);
            }
        }
        all
    }
}

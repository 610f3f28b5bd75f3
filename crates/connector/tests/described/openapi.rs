//! OpenAPI 3.0 documents: paths, methods, parameters, properties of bodies and answers.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Description;
use crate::serving::Asked;

pub struct OpenApi {
    document: Value,
    /// What the addresses of the document begin with.
    base: &'static str,
}

impl OpenApi {
    pub fn read(text: &str, base: &'static str) -> OpenApi {
        OpenApi { document: serde_json::from_str(text).unwrap(), base }
    }

    fn resolved<'d>(&'d self, mut value: &'d Value) -> &'d Value {
        while let Some(to) = value.get("$ref").and_then(Value::as_str) {
            value = self.document.pointer(&to[1..]).unwrap_or_else(|| panic!("{to}"));
        }
        value
    }

    /// The description of what was asked, by method and path. A path without variables comes first.
    fn operation(&self, asked: &Asked) -> Option<&Value> {
        let path = percent_decode_str(asked.path.split('?').next()?).decode_utf8().ok()?;
        let steps: Vec<&str> = path.strip_prefix(self.base)?.split('/').collect();
        let fits = |template: &str| {
            let of: Vec<&str> = template.split('/').collect();
            let same = |(step, of): (&&str, &&str)| of.starts_with('{') || step == of;
            of.len() == steps.len() && steps.iter().zip(&of).all(same)
        };
        let paths = self.document["paths"].as_object()?;
        let method = asked.method.to_lowercase();
        let fitting =
            paths.iter().filter(|(template, of)| fits(template) && of.get(&method).is_some());
        let found = fitting.min_by_key(|(template, _)| template.matches('{').count())?;
        Some(&found.1[method])
    }

    fn parameters<'d>(&'d self, operation: &'d Value) -> impl Iterator<Item = &'d Value> {
        operation["parameters"].as_array().into_iter().flatten().map(|p| self.resolved(p))
    }

    /// Schemas that a value may have.
    fn alternatives<'d>(&'d self, schema: &'d Value) -> Vec<&'d Value> {
        let schema = self.resolved(schema);
        let of = ["oneOf", "anyOf", "allOf"].iter().find_map(|key| schema[*key].as_array());
        of.map_or(vec![schema], |all| all.iter().flat_map(|one| self.alternatives(one)).collect())
    }

    /// What is below a property, or in a list; `None` where there is no such property.
    fn below<'d>(&'d self, schema: &'d Value, step: &str) -> Option<&'d Value> {
        self.alternatives(schema).into_iter().find_map(|schema| match step.parse::<usize>() {
            Ok(_) => schema.get("items"),
            // Anything.
            Err(_) if *schema == true => Some(schema),
            // An object of anything.
            Err(_) if schema.get("properties").is_none() => (schema["type"] == "object"
                || schema["additionalProperties"] == true)
                .then_some(schema),
            Err(_) => schema["properties"].get(step).or_else(|| {
                schema.get("additionalProperties").filter(|more| **more != Value::Bool(false))
            }),
        })
    }

    fn compare(&self, place: &str, value: &Value, schema: &Value, remarks: &mut Vec<String>) {
        let alternatives = self.alternatives(schema);
        let Some(first) = alternatives.first() else { return };
        if first["readOnly"] == true {
            remarks.push(format!("{place} is read-only"));
        }
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    let here = format!("{place}.{name}");
                    match self.below(schema, name) {
                        None => remarks.push(format!("{here} is not described")),
                        // A property itself may be marked, beside its `$ref`.
                        Some(below) if below["readOnly"] == true => {
                            remarks.push(format!("{here} is read-only"));
                        }
                        Some(below) if below.is_object() => {
                            self.compare(&here, value, below, remarks);
                        }
                        Some(_) => {}
                    }
                }
            }
            Value::Array(list) => {
                for value in list {
                    match self.below(schema, "0") {
                        None => remarks.push(format!("{place} is no list")),
                        Some(below) => self.compare(&format!("{place}.N"), value, below, remarks),
                    }
                }
            }
            // What is emptied: OpenAPI 3.0 marks hardly anything as nullable.
            Value::Null => {}
            other => {
                let is = match other {
                    Value::Bool(_) => "boolean",
                    Value::Number(_) => "number",
                    _ => "string",
                };
                let fits = alternatives.iter().any(|schema| {
                    let ty = schema["type"].as_str().unwrap_or(is);
                    ty == is || (ty == "integer" && is == "number")
                });
                if !fits {
                    remarks.push(format!("{place} is {}, and not {other}", first["type"]));
                }
            }
        }
    }
}

impl Description for OpenApi {
    fn remarks(&self, asked: &Asked) -> Vec<String> {
        let Some(operation) = self.operation(asked) else {
            return vec!["not described".into()];
        };
        let mut remarks = Vec::new();
        let query = asked.path.split_once('?').map_or("", |(_, query)| query);
        let sent: Vec<String> = query
            .split('&')
            .filter_map(|pair| Some(pair.split_once('=')?.0))
            .map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned())
            .collect();
        let of = |place: &'static str| {
            self.parameters(operation).filter(move |parameter| parameter["in"] == place)
        };
        for name in &sent {
            if !of("query").any(|parameter| parameter["name"] == **name) {
                remarks.push(format!("there is no parameter {name}"));
            }
        }
        for parameter in of("query").filter(|parameter| parameter["required"] == true) {
            if !sent.iter().any(|name| parameter["name"] == **name) {
                remarks.push(format!("the parameter {} is missing", parameter["name"]));
            }
        }
        if !asked.body.is_empty() {
            let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
            let content = &self.resolved(&operation["requestBody"])["content"];
            match content.as_object().and_then(|all| all.values().next()) {
                Some(content) => self.compare("body", &body, &content["schema"], &mut remarks),
                None => remarks.push("no body is described".into()),
            }
        }
        remarks
    }

    fn missing(&self, asked: &Asked, records_at: &str, property: &str) -> Option<String> {
        let responses = self.operation(asked)?["responses"].as_object()?;
        let response =
            ["200", "201", "default"].iter().find_map(|status| responses.get(*status))?;
        let content = self.resolved(response)["content"].as_object()?.values().next()?;
        let mut schema = &content["schema"];
        for step in records_at.split('.').filter(|step| !step.is_empty()) {
            let Some(below) = self.below(schema, step) else {
                return Some(format!("{step} is not described in {records_at}"));
            };
            schema = below;
        }
        // Where one record is asked for, the answer may be a list of one.
        if let Some(of) = self.alternatives(schema).iter().find_map(|one| one.get("items")) {
            schema = of;
        }
        for step in property.split('.') {
            let Some(below) = self.below(schema, step) else {
                return Some(format!("{step} is not described at {records_at}"));
            };
            schema = below;
        }
        None
    }
}

//! What may be asked: fields and arguments against the schema, values against their types, and what
//! a request costs before it is carried out.

use super::parse::{Defined, Definition, Document, Field, Operation, Parser, Selection, Type};
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

const TEXT: &str = include_str!("schema.graphql");

/// The types that are served.
pub(super) fn all() -> &'static [Definition] {
    static ALL: OnceLock<Vec<Definition>> = OnceLock::new();
    ALL.get_or_init(|| {
        Parser::new(TEXT).and_then(Parser::definitions).unwrap_or_else(|wrong| {
            // The text is a part of the program; a test reads it.
            debug_assert!(false, "{wrong:?}");
            Vec::new()
        })
    })
}

pub(super) fn named(name: &str) -> Option<&'static Definition> {
    all().iter().find(|one| one.name == name)
}

/// An entry of `errors`.
pub(super) fn error(message: impl Into<String>, at: (usize, usize)) -> Value {
    json!({"message": message.into(), "locations": [{"line": at.0, "column": at.1}]})
}

/// An entry with a code.
pub(super) fn coded(mut error: Value, code: &str, more: Value) -> Value {
    error["extensions"] = more;
    error["extensions"]["code"] = json!(code);
    error
}

/// Collects what is wrong with an operation before anything is done.
pub(super) struct Check<'a> {
    pub document: &'a Document,
    pub operation: &'a Operation,
    pub errors: Vec<Value>,
}

impl Check<'_> {
    pub fn operation(mut self) -> Vec<Value> {
        let root = if self.operation.mutation { "Mutation" } else { "QueryRoot" };
        for variable in &self.operation.variables {
            let known = named(variable.of.name());
            if known.is_none_or(|one| !["scalar", "enum", "input"].contains(&one.kind.as_str())) {
                self.errors.push(coded(
                    error(
                        format!(
                            "{} isn't a defined input type (on ${})",
                            variable.of.name(),
                            variable.name
                        ),
                        variable.at,
                    ),
                    "variableRequiresValidType",
                    json!({"variableName": variable.name, "typeName": variable.of.name()}),
                ));
            }
        }
        if let Some(root) = named(root) {
            self.selections(root, &self.operation.below, 0);
        }
        self.errors
    }

    fn selections(&mut self, on: &'static Definition, below: &[Selection], depth: usize) {
        // A fragment that leads to itself.
        if depth > 30 {
            return self.errors.push(error("Fragment is infinite", (1, 1)));
        }
        for selection in below {
            match selection {
                Selection::Field(field) => self.field(on, field, depth),
                Selection::Inline(name, below) => match name.as_deref().map_or(Some(on), named) {
                    Some(on) => self.selections(on, below, depth + 1),
                    None => self.errors.push(error(
                        format!(
                            "No such type {}, so it can't be a fragment condition",
                            name.as_deref().unwrap_or_default()
                        ),
                        (1, 1),
                    )),
                },
                Selection::Spread(name) => {
                    let known = self.document.fragments.iter().find(|one| one.0 == *name);
                    match known.and_then(|(_, on, below)| Some((named(on)?, below))) {
                        Some((on, below)) => self.selections(on, below, depth + 1),
                        None => self.errors.push(error(
                            format!("Fragment {name} was used, but not defined"),
                            (1, 1),
                        )),
                    }
                }
            }
        }
    }

    fn field(&mut self, on: &'static Definition, field: &Field, depth: usize) {
        if field.name == "__typename" {
            return;
        }
        let Some(known) = on.field(&field.name) else {
            return self.errors.push(coded(
                error(
                    format!("Field '{}' doesn't exist on type '{}'", field.name, on.name),
                    field.at,
                ),
                "undefinedField",
                json!({"typeName": on.name, "fieldName": field.name}),
            ));
        };
        for (name, literal) in &field.args {
            match known.args.iter().find(|arg| arg.name == *name) {
                None => self.errors.push(coded(
                    error(
                        format!("Field '{}' doesn't accept argument '{name}'", field.name),
                        field.at,
                    ),
                    "argumentNotAccepted",
                    json!({"name": field.name, "typeName": "Field", "argumentName": name}),
                )),
                Some(arg) => self.variable(arg, literal, field),
            }
        }
        let missing: Vec<&str> = known
            .args
            .iter()
            .filter(|arg| arg.of.required() && arg.default.is_none())
            .filter(|arg| !field.args.iter().any(|(name, _)| *name == arg.name))
            .map(|arg| arg.name.as_str())
            .collect();
        if !missing.is_empty() {
            self.errors.push(coded(
                error(
                    format!(
                        "Field '{}' is missing required arguments: {}",
                        field.name,
                        missing.join(", ")
                    ),
                    field.at,
                ),
                "missingRequiredArguments",
                json!({"className": "Field", "name": field.name, "arguments": missing.join(", ")}),
            ));
        }
        let of = named(known.of.name()).filter(|of| !of.fields.is_empty());
        match of {
            Some(of) if field.below.is_empty() => self.errors.push(coded(
                error(format!("Field must have selections (field '{}' returns {} but has no selections. Did you mean '{} {{ ... }}'?)", field.name, of.name, field.name), field.at),
                "selectionMismatch",
                json!({"nodeName": format!("field '{}'", field.name), "typeName": of.name}),
            )),
            Some(of) => self.selections(of, &field.below, depth + 1),
            None if !field.below.is_empty() => self.errors.push(coded(
                error(format!("Selections can't be made on scalars (field '{}' returns {} but has selections)", field.name, known.of.name()), field.at),
                "selectionMismatch",
                json!({"nodeName": format!("field '{}'", field.name), "typeName": known.of.name()}),
            )),
            None => {}
        }
    }

    fn variable(&mut self, arg: &Defined, literal: &super::parse::Literal, field: &Field) {
        let super::parse::Literal::Variable(name) = literal else { return };
        match self.operation.variables.iter().find(|one| one.name == *name) {
            None => self.errors.push(coded(
                error(
                    format!(
                        "Variable ${name} is used by {} but not declared",
                        self.operation.name.as_deref().unwrap_or("anonymous query")
                    ),
                    field.at,
                ),
                "variableNotDefined",
                json!({"variableName": name}),
            )),
            Some(one) if !one.of.fits(&arg.of, one.default.is_some() || arg.default.is_some()) => {
                self.errors.push(coded(
                    error(format!("Type mismatch on variable ${name} and argument {} ({} / {})", arg.name, one.of, arg.of), field.at),
                    "variableMismatch",
                    json!({"variableName": name, "typeName": one.of.to_string(), "argumentName": arg.name, "errorMessage": "Type mismatch"}),
                ));
            }
            Some(_) => {}
        }
    }
}

/// What is wrong with a value, by its path.
pub(super) type Problem = (Vec<String>, String);

/// Why a value is not of a type, if it isn't.
pub(super) fn problem(value: &Value, of: &Type) -> Option<Problem> {
    let here = |text: String| Some((Vec::new(), text));
    match (of, value) {
        (_, Value::Null) if of.required() => here("Expected value to not be null".into()),
        (_, Value::Null) => None,
        (Type::List(inner, _), Value::Array(all)) => all.iter().enumerate().find_map(|(n, one)| {
            let (mut path, text) = problem(one, inner)?;
            path.insert(0, n.to_string());
            Some((path, text))
        }),
        (Type::List(inner, _), one) => problem(one, inner),
        (Type::Named(name, _), value) => match named(name) {
            Some(one) if one.kind == "enum" => {
                let known =
                    value.as_str().is_some_and(|text| one.values.iter().any(|one| one == text));
                if known {
                    None
                } else {
                    here(format!("Expected {value} to be one of: {}", one.values.join(", ")))
                }
            }
            Some(one) if one.kind == "input" => object(value, one),
            _ => here(scalar(value, name)?),
        },
    }
}

fn object(value: &Value, of: &'static Definition) -> Option<Problem> {
    let Some(fields) = value.as_object() else {
        return Some((Vec::new(), format!("Expected {value} to be a key-value object.")));
    };
    let unknown = fields.keys().find(|name| of.field(name).is_none());
    if let Some(name) = unknown {
        return Some((vec![name.clone()], format!("Field is not defined on {}", of.name)));
    }
    of.fields.iter().find_map(|field| {
        let given = fields.get(&field.name);
        if given.is_none() && !field.of.required() {
            return None;
        }
        let (mut path, text) = problem(given.unwrap_or(&Value::Null), &field.of)?;
        path.insert(0, field.name.clone());
        Some((path, text))
    })
}

fn scalar(value: &Value, name: &str) -> Option<String> {
    let fits = match (name, value) {
        ("ID", Value::String(text)) if !text.starts_with("gid://shopify/") => {
            return Some(format!("Invalid global id `{text}`"));
        }
        ("Decimal" | "Money", Value::String(text)) => text.parse::<f64>().is_ok(),
        ("Decimal" | "Money", value) => value.is_number(),
        ("Boolean", value) => value.is_boolean(),
        ("Int", value) => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        (_, value) => value.is_string(),
    };
    (!fits).then(|| format!("Could not coerce value {value} to {name}"))
}

/// The values of an operation's variables.
pub(super) fn variables(operation: &Operation, given: &Value) -> Result<Map<String, Value>, Value> {
    let mut all = Map::new();
    for variable in &operation.variables {
        let sent = given.get(&variable.name).cloned();
        let value =
            sent.or_else(|| variable.default.as_ref().and_then(|one| one.with(&Map::new())));
        if let Some((path, explanation)) =
            problem(value.as_ref().unwrap_or(&Value::Null), &variable.of)
        {
            let at = if path.is_empty() {
                String::new()
            } else {
                format!(" for {} ({explanation})", path.join("."))
            };
            let mut wrong = coded(
                error(
                    format!(
                        "Variable ${} of type {} was provided invalid value{at}",
                        variable.name, variable.of
                    ),
                    variable.at,
                ),
                "INVALID_VARIABLE",
                json!({"value": value, "problems": [{"path": path, "explanation": explanation}]}),
            );
            wrong["locations"][0]["line"] = json!(variable.at.0);
            return Err(wrong);
        }
        if let Some(value) = value {
            all.insert(variable.name.clone(), value);
        }
    }
    Ok(all)
}

/// The arguments of a field, with defaults; what is wrong with one.
pub(super) fn arguments(
    known: &Defined,
    field: &Field,
    variables: &Map<String, Value>,
) -> Result<Map<String, Value>, Value> {
    let mut all = Map::new();
    for arg in &known.args {
        let given = field.args.iter().find(|(name, _)| *name == arg.name);
        let value = given
            .and_then(|(_, literal)| literal.with(variables))
            .or_else(|| arg.default.as_ref().and_then(|one| one.with(variables)));
        let Some(value) = value else { continue };
        if let Some((path, explanation)) = problem(&value, &arg.of) {
            let at: String = path.iter().map(|step| format!(".{step}")).collect();
            return Err(coded(
                error(
                    format!(
                        "Argument '{}{at}' on Field '{}' has an invalid value ({value}). {explanation}",
                        arg.name, field.name
                    ),
                    field.at,
                ),
                "argumentLiteralsIncompatible",
                json!({"typeName": "Field", "argumentName": arg.name}),
            ));
        }
        all.insert(arg.name.clone(), value);
    }
    Ok(all)
}

/// What a request may cost at most: an object one point, a connection as many as it is asked for, a
/// mutation ten.
pub(super) fn cost(
    document: &Document,
    on: &'static Definition,
    below: &[Selection],
    variables: &Map<String, Value>,
) -> u64 {
    below
        .iter()
        .map(|selection| match selection {
            Selection::Inline(name, below) => {
                cost(document, name.as_deref().and_then(named).unwrap_or(on), below, variables)
            }
            Selection::Spread(name) => document
                .fragments
                .iter()
                .find(|one| one.0 == *name)
                .and_then(|(_, on, below)| Some(cost(document, named(on)?, below, variables)))
                .unwrap_or(0),
            Selection::Field(field) => {
                let Some(known) = on.field(&field.name) else { return 0 };
                let Some(of) = named(known.of.name()).filter(|of| !of.fields.is_empty()) else {
                    return 0;
                };
                let inner = cost(document, of, &field.below, variables);
                let size = |name: &str| {
                    let (_, literal) = field.args.iter().find(|(arg, _)| arg == name)?;
                    literal.with(variables)?.as_u64()
                };
                if on.name == "Mutation" {
                    10 + inner
                } else if of.name.ends_with("Connection") {
                    2 + size("first").or_else(|| size("last")).unwrap_or(1) * inner.max(1)
                } else if of.name.ends_with("Edge") || of.name == "PageInfo" {
                    inner
                } else {
                    1 + inner
                }
            }
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_reads_and_leads_nowhere_but_into_itself() {
        assert!(all().len() > 60);
        for one in all() {
            for field in &one.fields {
                assert!(
                    named(field.of.name()).is_some(),
                    "{}.{}: {}",
                    one.name,
                    field.name,
                    field.of
                );
                for arg in &field.args {
                    assert!(
                        named(arg.of.name()).is_some(),
                        "{}.{}({})",
                        one.name,
                        field.name,
                        arg.name
                    );
                }
            }
        }
    }

    /// The vendor's text without descriptions and directives.
    fn plain(text: &str) -> String {
        let mut out = String::new();
        for (n, part) in text.split("\"\"\"").enumerate() {
            if n % 2 == 0 {
                out.push_str(part);
            }
        }
        while let Some(start) = out.find("@deprecated(reason: \"") {
            let mut escaped = false;
            let rest = &out[start + 21..];
            let end = rest
                .char_indices()
                .find(|(_, c)| {
                    let ends = *c == '"' && !escaped;
                    escaped = *c == '\\' && !escaped;
                    ends
                })
                .map(|(at, _)| at)
                .unwrap();
            out.replace_range(start..start + 21 + end + 2, "");
        }
        out
    }

    #[test]
    fn names_and_types_are_the_vendors() {
        let found = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .map(|folder| folder.join("shared/apis/openapi/shopify-admin.graphql"))
            .find(|path| path.is_file());
        let Some(path) = found else {
            return eprintln!("not checked: there is no shared/apis/openapi above this folder");
        };
        let text = plain(&std::fs::read_to_string(path).unwrap());
        for own in all().iter().filter(|one| one.kind != "scalar" && one.name != "Node") {
            let start = text
                .find(&format!("\n{} {} ", own.kind, own.name))
                .unwrap_or_else(|| panic!("the vendor has no {} {}", own.kind, own.name));
            let text = &text[start..];
            let text = &text[text.find('{').unwrap()..text.find("\n}").unwrap() + 2];
            let text = format!("{} {} {text}", own.kind, own.name);
            let vendors = Parser::new(&text).and_then(Parser::definitions).unwrap().remove(0);
            for value in &own.values {
                assert!(vendors.values.contains(value), "{}.{value}", own.name);
            }
            for field in &own.fields {
                let theirs = vendors
                    .field(&field.name)
                    .unwrap_or_else(|| panic!("{}.{}", own.name, field.name));
                assert_eq!(field.of, theirs.of, "{}.{}", own.name, field.name);
                for arg in &field.args {
                    let theirs = theirs.args.iter().find(|one| one.name == arg.name);
                    let theirs = theirs
                        .unwrap_or_else(|| panic!("{}.{}({})", own.name, field.name, arg.name));
                    assert_eq!((&arg.of, &arg.default), (&theirs.of, &theirs.default));
                }
                let needed =
                    theirs.args.iter().filter(|arg| arg.of.required() && arg.default.is_none());
                for arg in needed {
                    assert!(
                        field.args.iter().any(|own| own.name == arg.name),
                        "{}.{} needs {}",
                        own.name,
                        field.name,
                        arg.name
                    );
                }
            }
            for field in
                vendors.fields.iter().filter(|field| own.kind == "input" && field.of.required())
            {
                assert!(own.field(&field.name).is_some(), "{} needs {}", own.name, field.name);
            }
        }
    }
}

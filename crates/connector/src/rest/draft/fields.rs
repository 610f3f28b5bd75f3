//! The properties of a record type: what they hold, which can be written, and to what they refer.

use std::collections::BTreeSet;

use serde_json::Value;

use super::describe::{Description, Shape};
use super::words;

/// How deep objects in objects are followed.
const DEPTH: usize = 2;

/// A property of a draft, as it is written: its words, and what of it is a guess.
pub struct Property {
    pub path: String,
    pub words: Vec<String>,
    pub guess: Vec<&'static str>,
    pub shape: Shape,
    /// It holds one of a few words.
    pub code: bool,
}

/// What is known of another record type by those that refer to it.
pub struct Target {
    pub name: String,
    /// The last step of its path, less case.
    pub noun: String,
    /// The name of its schema, less what says which form of it this is.
    pub schema: Option<String>,
    pub id: String,
}

/// Which places a body takes, if the description says it.
#[derive(Default)]
pub struct Taken {
    pub places: BTreeSet<String>,
    pub required: BTreeSet<String>,
}

impl Taken {
    /// What the body of a request takes of a record.
    pub fn by(api: &Description<'_>, schema: &Value) -> Taken {
        let mut taken = Taken::default();
        taken.required.extend(api.fields(schema).required.iter().map(|name| (*name).to_string()));
        places(api, schema, "", DEPTH, &mut taken.places);
        taken
    }

    /// It takes this place, or the whole of an object of which it says no more.
    fn takes(&self, path: &str) -> bool {
        let steps: Vec<usize> = path.match_indices('.').map(|(at, _)| at).collect();
        let open = |at: &usize| {
            let above = &path[..*at];
            let below = format!("{above}.");
            self.places.contains(above)
                && !self.places.iter().any(|place| place.starts_with(&below))
        };
        self.places.contains(path) || steps.iter().any(open)
    }
}

fn places(
    api: &Description<'_>,
    schema: &Value,
    before: &str,
    depth: usize,
    out: &mut BTreeSet<String>,
) {
    for field in api.fields(schema).all {
        let seen = api.seen(field.schema);
        if seen["readOnly"] == true {
            continue;
        }
        let place = format!("{before}{}", field.name);
        if depth > 0 && api.shape(seen) == Shape::Object {
            places(api, seen, &format!("{place}."), depth - 1, out);
        }
        out.insert(place);
    }
}

/// What is needed to write the properties of one record type.
pub struct Reading<'r, 'a> {
    pub api: &'r Description<'a>,
    pub targets: &'r [Target],
    /// What creations and updates take, where there are such requests that say it.
    pub create: Option<&'r Taken>,
    pub update: Option<&'r Taken>,
    pub id: &'r str,
    /// The step that says whose record this is.
    pub parent: Option<&'r str>,
}

impl<'a> Reading<'_, 'a> {
    pub fn properties(&self, record: &'a Value) -> Vec<Property> {
        let mut out = Vec::new();
        self.gather(record, "", DEPTH, &mut out);
        if let Some(parent) = self.parent {
            let words = vec![
                "at: $parent".to_string(),
                format!("reference: {}", words::quoted(parent)),
                "create-only: true".into(),
                "required: true".into(),
            ];
            if !out.iter().any(|property: &Property| property.path == "parent") {
                out.push(Property {
                    path: "parent".into(),
                    words,
                    guess: vec![],
                    shape: Shape::Text,
                    code: false,
                });
            }
        }
        out
    }

    fn gather(&self, record: &'a Value, before: &str, depth: usize, out: &mut Vec<Property>) {
        let fields = self.api.fields(record);
        for field in &fields.all {
            let path = format!("{before}{}", field.name);
            // A step with a dot in it, or one that looks into a list, is no path of a document.
            let odd = field.name.is_empty() || field.name.starts_with('$');
            if odd || path == self.id || out.iter().any(|known| known.path == path) {
                continue;
            }
            let seen = self.api.seen(field.schema);
            let mut property = Property {
                path: path.clone(),
                words: vec![],
                guess: vec![],
                shape: self.api.shape(field.schema),
                code: false,
            };
            let forms = self.api.alternatives(field.schema);
            if forms.into_iter().any(|form| self.api.shape(form) == Shape::Object) {
                if self.refers_by_object(field.name, field.schema, &path, out) {
                    continue;
                }
                let below = self.api.fields(field.schema);
                if property.shape == Shape::Object && !below.all.is_empty() {
                    if depth > 0 {
                        self.gather(field.schema, &format!("{path}."), depth - 1, out);
                    }
                    continue;
                }
            }
            self.kind(seen, field.name, &mut property);
            if !matches!(property.shape, Shape::Array | Shape::Boolean | Shape::Object) {
                self.refers_by_name(field.name, &mut property);
            }
            property.code = seen["enum"].is_array();
            if let Some(most) = seen["maxLength"].as_u64().filter(|most| *most > 0) {
                property.words.push(format!("max-chars: {most}"));
            }
            let own = if before.is_empty() { &fields.required[..] } else { &[] };
            self.written(&path, seen, own.contains(&field.name), &mut property);
            out.push(property);
        }
    }

    /// Whether it can be written, and must be.
    fn written(&self, path: &str, schema: &Value, required: bool, property: &mut Property) {
        let taken = |by: Option<&Taken>| by.is_none_or(|taken| taken.takes(path));
        let (creates, updates) = (taken(self.create), taken(self.update));
        let says = self.create.is_some() || self.update.is_some();
        if schema["readOnly"] == true || (says && !creates && (!updates || self.update.is_none())) {
            property.words.push("read-only: true".into());
            return;
        }
        if says && creates && !updates {
            property.words.push("create-only: true".into());
        }
        let required = self.create.map_or(required, |create| create.required.contains(path));
        if required {
            property.words.push("required: true".into());
        }
    }

    fn kind(&self, schema: &'a Value, name: &str, property: &mut Property) {
        let format = schema["format"].as_str().unwrap_or_default();
        let word = match (property.shape, format) {
            (Shape::Array, _) => return self.list(schema, name, property),
            (Shape::Integer, _) => "type: integer",
            (Shape::Number, "decimal") | (Shape::Text, "decimal") => "type: decimal",
            (Shape::Number, _) => "type: float",
            (Shape::Boolean, _) => "type: boolean",
            (Shape::Text, "date-time" | "timestamp" | "datetime") => "type: datetime",
            (Shape::Text, "date") => "type: date",
            (Shape::Text, "email") => "caseless: true",
            (Shape::Object | Shape::Unknown, _) => "type: any",
            (Shape::Text, _) => return,
        };
        property.words.push(word.into());
    }

    fn list(&self, schema: &'a Value, name: &str, property: &mut Property) {
        property.words.push("list: true".into());
        let element = &schema["items"];
        let inside = self.api.fields(element);
        if inside.all.is_empty() {
            match self.api.shape(element) {
                Shape::Integer => property.words.push("type: integer".into()),
                Shape::Number => property.words.push("type: float".into()),
                _ => {}
            }
            // `label_ids` refers as `label_id` does.
            let single = words::tokens(name).last().is_some_and(|last| last == "ids");
            if single {
                let name = name.trim_end_matches(['s', 'S']);
                self.refers_by_name(name, property);
            }
            return;
        }
        let of_target = self.api.name_of(element).and_then(|name| {
            let thing = words::thing(name);
            self.targets.iter().find(|target| target.schema.as_ref() == Some(&thing))
        });
        if let Some(target) = of_target.filter(|target| inside.get(&target.id).is_some()) {
            property.words.push(format!("value: {}", words::quoted(&target.id)));
            property.words.push(format!("reference: {}", words::quoted(&target.name)));
            property.guess.push("the reference is seen by the name of the schema");
            return;
        }
        let named = words::VALUES
            .iter()
            .find_map(|wanted| inside.all.iter().find(|field| words::plain(field.name) == *wanted));
        if let Some(value) = named {
            property.words.push(format!("value: {}", words::quoted(value.name)));
            let marks = |name: &str| {
                matches!(words::plain(name).as_str(), "primary" | "isprimary" | "main")
            };
            if let Some(primary) = inside.all.iter().find(|field| marks(field.name)) {
                property.words.push(format!("primary: {}", words::quoted(primary.name)));
            }
            property.guess.push("its elements are objects");
        } else {
            property.words.push("type: any".into());
        }
    }

    /// `company_id`, `billToCustomerId`: an id by its last word, of the record type that the words
    /// before it name.
    fn refers_by_name(&self, name: &str, property: &mut Property) {
        let words = words::tokens(name);
        let Some((last, before)) = words.split_last() else { return };
        let named = (0..before.len()).find_map(|from| {
            let noun = before[from..].concat();
            self.targets.iter().find(|target| words::same_noun(&target.noun, &noun))
        });
        if let Some(target) = named.filter(|_| matches!(last.as_str(), "id" | "gid" | "uuid")) {
            property.words.push(format!("reference: {}", words::quoted(&target.name)));
            property.guess.push("the reference is seen by its name");
        }
    }

    /// An object that stands for a record of another type: its id is the reference.
    fn refers_by_object(
        &self,
        name: &str,
        schema: &'a Value,
        path: &str,
        out: &mut Vec<Property>,
    ) -> bool {
        let forms = self.api.alternatives(schema);
        let named = forms.iter().find_map(|form| self.api.name_of(form));
        let thing = named.or_else(|| self.api.name_of(schema)).map(words::thing);
        let noun = words::plain(name);
        let target =
            self.targets.iter().find(|target| thing.is_some() && target.schema == thing).or_else(
                || self.targets.iter().find(|target| words::same_noun(&target.noun, &noun)),
            );
        let Some(target) = target else { return false };
        let fields = self.api.fields(schema);
        let place = format!("{path}.{}", target.id);
        if !fields.all.is_empty() && fields.get(&target.id).is_none() {
            return false;
        }
        let id = fields.get(&target.id).unwrap_or(&Value::Null);
        // An alternative that is no object: the value itself is the id.
        let alone = self
            .api
            .alternatives(schema)
            .into_iter()
            .find(|form| matches!(self.api.shape(form), Shape::Integer | Shape::Text));
        let (path, id) = match alone {
            Some(form) => (path.to_string(), form),
            None => (place, id),
        };
        let mut property = Property {
            path: path.clone(),
            words: vec![],
            guess: vec!["the reference is seen by its name"],
            shape: self.api.shape(id),
            code: false,
        };
        if alone.is_some() {
            property.guess.push("the answer may show the whole record here");
        }
        if property.shape == Shape::Integer {
            property.words.push("type: integer".into());
        }
        property.words.push(format!("reference: {}", words::quoted(&target.name)));
        self.written(&path, schema, false, &mut property);
        out.push(property);
        true
    }
}

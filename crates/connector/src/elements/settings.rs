//! Which lists of a system are record types: `elements: { Orders: { lines: { id: line_no } } }`.

use lockstep_model::flow::PropertyRef;
use lockstep_model::schema::{Capabilities, KnownFrom};
use lockstep_model::{Path, PlainType, PropertySchema, TypeSchema, Value};
use serde_json::Map;

use crate::Trouble;
use crate::key::Key;

/// The property by which an element refers to the record that it stands in.
pub const PARENT: &str = "$parent";

/// Under which name the project's settings of a system have it. No connector has a setting of this
/// name.
pub const ELEMENTS: &str = "$elements";

/// A record type of elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// `Orders[lines]`
    pub name: String,
    /// The record type that they stand in: `Orders`.
    pub parent: String,
    /// The list: `lines`.
    pub list: PropertyRef,
    /// What tells an element from the others of its list: `line_no`, or several that do so together.
    pub id: Vec<Path>,
}

impl Kind {
    /// What tells elements apart, as settings say it.
    pub fn key(&self) -> Key {
        match &self.id[..] {
            [one] => Key::One(one.to_string()),
            several => Key::Several(several.iter().map(Path::to_string).collect()),
        }
    }

    /// What tells elements apart, for messages: `line_no`, `order_no and line_no`.
    pub fn id_text(&self) -> String {
        self.id.iter().map(Path::as_str).collect::<Vec<_>>().join(" and ")
    }
}

/// A system's own settings, and which of its lists are record types.
pub(crate) fn split(settings: &Map<String, Value>) -> (Map<String, Value>, Option<Value>) {
    let mut own = settings.clone();
    let elements = own.remove(ELEMENTS);
    (own, elements)
}

/// The record types that the settings say, those first in which others stand.
pub(crate) fn kinds(elements: &Value) -> Result<Vec<Kind>, Trouble> {
    let wrong = |message: String| Trouble::Misconfigured(format!("elements: {message}"));
    let mut kinds = Vec::new();
    for (parent, lists) in elements.as_object().into_iter().flatten() {
        let example = "write `{ lines: { id: line_no } }`";
        let lists = lists.as_object().ok_or_else(|| wrong(format!("{parent}: {example}")))?;
        for (list, said) in lists {
            let id = said.get("id").cloned().unwrap_or_default();
            let id: Key = serde_json::from_value(id).map_err(|_| {
                wrong(format!(
                    "{parent}.{list} needs `id`, the property that tells an element from the others, or a list of several that do so together"
                ))
            })?;
            if let Some(fault) = id.fault() {
                return Err(wrong(format!("{parent}.{list}: {fault}")));
            }
            if let Some(other) =
                said.as_object().into_iter().flatten().map(|(key, _)| key).find(|key| *key != "id")
            {
                return Err(wrong(format!("{parent}.{list} has no setting `{other}`: {example}")));
            }
            kinds.push(Kind {
                name: format!("{parent}[{list}]"),
                parent: parent.clone(),
                list: PropertyRef::new(list.as_str()),
                id: id.columns().iter().map(Path::new).collect(),
            });
        }
    }
    kinds.sort_by_key(|kind| (kind.name.matches('[').count(), kind.name.clone()));
    Ok(kinds)
}

/// A system's record types with those of elements. `Err` where one stands in a record type that
/// there is not.
pub(crate) fn schemas(
    kinds: &[Kind],
    mut types: Vec<TypeSchema>,
) -> Result<Vec<TypeSchema>, Trouble> {
    for kind in kinds {
        let Some(parent) = types.iter().find(|ty| ty.kind == kind.parent) else {
            let names: Vec<&str> = types.iter().map(|ty| ty.kind.as_str()).collect();
            let message = format!(
                "elements: there is no record type `{}`; there are {}",
                kind.parent,
                names.join(", ")
            );
            return Err(Trouble::Misconfigured(message));
        };
        if !parent.open
            && parent.property(&kind.list.path).is_none()
            && below(parent, &kind.list.path).next().is_none()
        {
            let message = format!("elements: {} has no property `{}`", kind.parent, kind.list);
            return Err(Trouble::Misconfigured(message));
        }
        types.push(schema(kind, parent));
    }
    Ok(types)
}

/// The properties of a list's elements, each with its path in the element.
fn below<'s>(
    parent: &'s TypeSchema,
    list: &'s Path,
) -> impl Iterator<Item = (&'s str, &'s PropertySchema)> {
    parent.properties.iter().filter_map(move |property| {
        let path = property.path.as_str().strip_prefix(list.as_str())?.strip_prefix('.')?;
        Some((path, property))
    })
}

/// A path of the record as one of an element of this record type.
fn in_element(path: &Path, kind: &Kind) -> Option<Path> {
    let path = path.as_str().strip_prefix(kind.list.path.as_str())?.strip_prefix('.')?;
    Some(path.into())
}

fn schema(kind: &Kind, parent: &TypeSchema) -> TypeSchema {
    let known: Vec<(&str, &PropertySchema)> = below(parent, &kind.list.path).collect();
    let mut properties = vec![PropertySchema {
        reference: Some(parent.kind.clone()),
        create_only: true,
        required: true,
        ..PropertySchema::new(PARENT, PlainType::Any)
    }];
    for (path, property) in &known {
        // Whether a list stands within the element, or the element within a list, the way alone
        // does not tell.
        let is_list = known
            .iter()
            .any(|(other, _)| other.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')));
        properties.push(PropertySchema {
            path: Path::new(*path),
            list: is_list && property.list,
            ordered: false,
            assumed: property.assumed
                || parent.known_from == KnownFrom::Sample && property.ty == PlainType::Any,
            create_only: property.create_only || kind.id.iter().any(|id| id.as_str() == *path),
            derived_from: None,
            ..(*property).clone()
        });
    }
    for id in &kind.id {
        if !properties.iter().any(|property| property.path == *id) {
            properties.push(PropertySchema {
                create_only: true,
                ..PropertySchema::new(id.clone(), PlainType::Any)
            });
        }
    }
    let can = parent.can;
    TypeSchema {
        kind: kind.name.clone(),
        properties,
        // What a sample of records shows of lists is not all that their elements may have.
        open: parent.open || known.is_empty(),
        known_from: if known.is_empty() { KnownFrom::Declaration } else { parent.known_from },
        can: Capabilities {
            create: can.update,
            update: can.update,
            delete: can.update,
            restore: false,
            find: false,
            ..can
        },
        dotted: parent.dotted.iter().filter_map(|path| in_element(path, kind)).collect(),
        created: None,
        key: vec![],
        mark: None,
        numeric_ids: Some(false),
        note: None,
        ..parent.clone()
    }
}

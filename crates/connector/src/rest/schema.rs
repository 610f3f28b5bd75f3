//! The record types of a manifest, as flows see them.

use lockstep_model::schema::{KnownFrom, StoredAs};
use lockstep_model::{Capabilities, Kind, Path, PlainType, PropertySchema, TypeSchema};

use super::written::{KindWord, Manifest, TypeWord, TypeYaml};

/// The record types of a manifest, as the plan of flows needs them.
pub fn schemas(manifest: &Manifest) -> Vec<TypeSchema> {
    manifest.types.iter().map(|(kind, ty)| schema(kind, ty, manifest.complete)).collect()
}

/// How long a creation of unknown outcome may still be under way where the manifest states no delay
/// (C2).
const UNSTATED_MS: i64 = 60_000;

fn schema(kind: &str, ty: &TypeYaml, complete: bool) -> TypeSchema {
    let properties = ty
        .properties
        .iter()
        .map(|(path, p)| PropertySchema {
            path: Path::new(path),
            ty: p.ty.map_or(PlainType::String, plain),
            list: p.list,
            value: p.value.clone(),
            derived_from: p.derived_from.as_deref().map(Path::new),
            read_only: p.read_only,
            create_only: p.create_only,
            required: p.required,
            reference: p.reference.clone(),
            reference_system: None,
            kind: p.kind.map_or(Kind::Seen, kind_of),
            // The primary element is put first; where none is marked, lists of objects are sets
            // like any other.
            ordered: p.ordered || p.primary.is_some(),
            assumed: p.ty.is_none() && !complete,
            // A manifest that says no type promises no texts.
            holds: p.ty.is_none().then_some(PlainType::Any),
            stored_as: StoredAs {
                trimmed: p.trimmed,
                caseless: p.caseless,
                max_chars: p.max_chars,
                ..StoredAs::default()
            },
            modified: p.modified.as_deref().map(Path::new),
            note: p.note.clone(),
        })
        .collect();
    TypeSchema {
        kind: kind.into(),
        properties,
        known_from: KnownFrom::Declaration,
        open: false,
        can: Capabilities {
            create: ty.create.is_some(),
            update: ty.update.is_some(),
            delete: ty.delete.is_some(),
            restore: ty.restore.is_some(),
            since: ty.changes.is_some(),
            find: !ty.find.is_empty(),
            get: ty.get.is_some(),
            tells_deletions: ty.gone.is_some()
                || ty.deleted.as_ref().is_some_and(|mark| mark.told_by_changes),
        },
        absent_is_empty: ty.absent_is_empty,
        settles_ms: ty.settles_ms.unwrap_or(0),
        unknown_ms: ty.settles_ms.unwrap_or(UNSTATED_MS),
        created: ty.created.as_deref().map(Path::new),
        tells_times: ty.modified.is_some(),
        numeric_ids: ty
            .properties
            .get(&ty.id)
            .and_then(|id| id.ty)
            .map(|word| matches!(word, TypeWord::Integer)),
        note: ty.note.clone(),
        ..TypeSchema::open(kind)
    }
}

fn kind_of(word: KindWord) -> Kind {
    match word {
        KindWord::Text => Kind::Text,
        KindWord::Exact => Kind::Exact,
        KindWord::Email => Kind::Email,
        KindWord::Phone => Kind::Phone,
        KindWord::Url => Kind::Url,
        KindWord::Number => Kind::Number,
        KindWord::Boolean => Kind::Boolean,
        KindWord::Date => Kind::Date,
        KindWord::Instant => Kind::Instant,
    }
}

fn plain(word: TypeWord) -> PlainType {
    match word {
        TypeWord::String => PlainType::String,
        TypeWord::Integer => PlainType::Integer,
        TypeWord::Float => PlainType::Float,
        TypeWord::Decimal => PlainType::Decimal,
        TypeWord::Boolean => PlainType::Boolean,
        TypeWord::List => PlainType::List,
        TypeWord::Datetime => PlainType::Datetime,
        TypeWord::Date => PlainType::Date,
        TypeWord::Minutes => PlainType::Minutes,
        TypeWord::Any => PlainType::Any,
    }
}

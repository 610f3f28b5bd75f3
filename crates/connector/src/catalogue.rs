//! The single door to connectors: by name, built in or from the project's `connectors/` folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lockstep_model::TypeSchema;
use serde_json::{Map, Value};

use crate::carddav::{self, CardDav};
use crate::elements::{self, Elements};
use crate::files::{self, FilesConnector};
use crate::rest::written::Manifest;
use crate::rest::{self, Fault, Rest};
pub use crate::setting::Setting;
use crate::sql::{self, SqlConnector};
use crate::vault::VaultEntry;
use crate::{Connector, RecordFault, Trouble};

const MANIFESTS: [(&str, &str); 14] = [
    ("superoffice", include_str!("../systems/superoffice.yaml")),
    ("wix", include_str!("../systems/wix.yaml")),
    ("poweroffice-go", include_str!("../systems/poweroffice-go.yaml")),
    ("crmoffice", include_str!("../systems/crmoffice.yaml")),
    ("zendesk", include_str!("../systems/zendesk.yaml")),
    ("youtrack", include_str!("../systems/youtrack.yaml")),
    ("business-central", include_str!("../systems/business-central.yaml")),
    ("woocommerce", include_str!("../systems/woocommerce.yaml")),
    ("tripletex", include_str!("../systems/tripletex.yaml")),
    ("zoho-crm", include_str!("../systems/zoho-crm.yaml")),
    ("exact-online", include_str!("../systems/exact-online.yaml")),
    ("salesforce", include_str!("../systems/salesforce.yaml")),
    ("hubspot", include_str!("../systems/hubspot.yaml")),
    ("shopify", include_str!("../systems/shopify.yaml")),
];

/// The names of the built-in connectors.
pub fn names() -> Vec<String> {
    MANIFESTS
        .iter()
        .map(|(name, _)| (*name).to_string())
        .chain(["files".to_string(), "sql".to_string(), "carddav".to_string()])
        .collect()
}

/// The settings of a built-in connector; none for a name that is not built in.
pub fn settings(name: &str) -> Vec<Setting> {
    if name == "files" {
        let setting = |name: &str, default: Option<&str>, description: &str| Setting {
            name: name.into(),
            secret: false,
            default: default.map(str::to_string),
            description: description.into(),
        };
        return vec![
            setting("folder", None, "the folder of files, from the project's own"),
            setting("id", Some("id"), "the property that holds a record's id"),
            setting(
                "modified",
                Some(""),
                "the property that holds the time of a record's last change, if there is one",
            ),
            setting(
                "created",
                Some(""),
                "the property that holds the time of a record's creation, if there is one",
            ),
            setting(
                "encoding",
                Some("utf-8"),
                "what the files are written in where no byte order mark says it: utf-8, utf-16le, windows-1252, iso-8859-1; also by record type",
            ),
            setting(
                "tables",
                Some(""),
                "per file: id, modified, created, separator, encoding, decimal, deleted",
            ),
        ];
    }
    match name {
        "sql" => return sql::settings(),
        "carddav" => return carddav::settings(),
        _ => {}
    }
    let Some((_, text)) = MANIFESTS.iter().find(|(known, _)| *known == name) else { return vec![] };
    let Ok(manifest) = rest::parse(name, text) else { return vec![] };
    let setting = |(name, s): (&String, &rest::written::SettingYaml)| Setting {
        name: name.clone(),
        secret: s.secret,
        default: s.default.clone(),
        description: s.what.clone(),
    };
    manifest.settings.iter().map(setting).collect()
}

/// Settings that have no effect on the system as it is, in words (G10).
pub fn without_effect(
    name: &str,
    settings: &Map<String, Value>,
    project_dir: &Path,
) -> Vec<String> {
    match name {
        "files" => files::without_effect(&elements::split(settings).0, project_dir),
        "sql" => sql::without_effect(&elements::split(settings).0, project_dir),
        _ => vec![],
    }
}

/// Settings that name what the system does not have, in words (G10), where a run would leave the
/// record type alone because of it.
pub fn misnamed(name: &str, settings: &Map<String, Value>, project_dir: &Path) -> Vec<String> {
    if name == "files" {
        files::misnamed(&elements::split(settings).0, project_dir)
    } else {
        vec![]
    }
}

/// The settings that a connector needs and that are not given, each with what it is (G10).
pub fn missing(
    name: &str,
    settings: &Map<String, Value>,
    project_dir: &Path,
) -> Vec<(String, String)> {
    if matches!(name, "files" | "sql" | "carddav") {
        return vec![];
    }
    let Ok(manifest) = manifest(name, project_dir) else { return vec![] };
    let needed = manifest.settings.into_iter().filter(|(name, setting)| {
        let excused = setting.unless.as_ref().is_some_and(|other| rest::is_given(settings, other));
        setting.default.is_none() && !settings.contains_key(name) && !excused
    });
    needed.map(|(name, setting)| (name, setting.what)).collect()
}

/// What a person should know of a connector before it is used, given its settings: it is
/// experimental, a setting is outdated, its system makes no calls.
pub fn warnings(name: &str, settings: &Map<String, Value>, project_dir: &Path) -> Vec<String> {
    if matches!(name, "files" | "sql" | "carddav") {
        return vec![];
    }
    let Ok(manifest) = manifest(name, project_dir) else { return vec![] };
    let experimental =
        manifest.experimental.map(|why| format!("the connector {name} is experimental: {why}"));
    let outdated = manifest.settings.into_iter().filter(|(name, _)| rest::is_given(settings, name));
    let outdated = outdated.filter_map(|(name, setting)| {
        Some(format!("the setting `{name}` is outdated: {}", setting.outdated?))
    });
    let no_calls = manifest
        .no_webhook
        .map(|why| format!("{name} makes no calls (webhooks), and is read on schedule: {why}"));
    experimental.into_iter().chain(outdated).chain(no_calls).collect()
}

/// Connects. Nothing is asked of the system yet.
pub fn connect(
    name: &str,
    settings: &Map<String, Value>,
    project_dir: &Path,
) -> Result<Box<dyn Connector>, Trouble> {
    let (settings, elements) = elements::split(settings);
    let connector: Box<dyn Connector> = match name {
        "files" => Box::new(FilesConnector::open(&settings, project_dir)?),
        "sql" => Box::new(SqlConnector::open(&settings, project_dir)?),
        "carddav" => Box::new(CardDav::open(&settings)?),
        _ => Box::new(Rest::open(manifest(name, project_dir)?, &settings)?),
    };
    with_elements(connector, elements)
}

/// The connector with its lists as record types, where the project says which.
pub fn with_elements(
    connector: Box<dyn Connector>,
    elements: Option<Value>,
) -> Result<Box<dyn Connector>, Trouble> {
    match elements {
        Some(elements) => Ok(Box::new(Elements::over(connector, elements::kinds(&elements)?)?)),
        None => Ok(connector),
    }
}

/// The same, with a place to keep tokens in, where the connector has any.
pub fn connect_kept(
    name: &str,
    settings: &Map<String, Value>,
    project_dir: &Path,
    keep: VaultEntry,
) -> Result<Box<dyn Connector>, Trouble> {
    match rest_kept(name, settings, project_dir, keep)? {
        Some(rest) => with_elements(Box::new(rest), elements::split(settings).1),
        None => connect(name, settings, project_dir),
    }
}

/// A connector that a manifest describes; `None` for one of native code.
pub fn rest_kept(
    name: &str,
    settings: &Map<String, Value>,
    project_dir: &Path,
    keep: VaultEntry,
) -> Result<Option<Rest>, Trouble> {
    match name {
        "files" | "sql" | "carddav" => Ok(None),
        _ => {
            Rest::open_kept(manifest(name, project_dir)?, &elements::split(settings).0, Some(keep))
                .map(Some)
        }
    }
}

/// The record types of a connector, without a network and without secrets.
pub fn schemas(
    name: &str,
    settings: &Map<String, Value>,
    project_dir: &Path,
) -> Result<Vec<TypeSchema>, Trouble> {
    let (settings, elements) = elements::split(settings);
    let types = match name {
        "files" => files::schemas(&settings, project_dir)?,
        "sql" => sql::schemas(&settings, project_dir)?,
        "carddav" => carddav::schemas(),
        _ => {
            let manifest = manifest(name, project_dir)?;
            rest::settings(&manifest, &settings, false)?;
            rest::schemas(&manifest)
        }
    };
    match elements {
        Some(elements) => elements::schemas(&elements::kinds(&elements)?, types),
        None => Ok(types),
    }
}

/// What is damaged in the source of a connector's record types so that they can't be worked with
/// (R8), as far as that can be told without a network.
pub fn damages(
    name: &str,
    settings: &Map<String, Value>,
    project_dir: &Path,
) -> Vec<(String, Trouble)> {
    match name {
        "files" => files::damages(&elements::split(settings).0, project_dir),
        _ => vec![],
    }
}

/// Rows that can't be read, of record types that can (R8): the first few, and how many there are in
/// all, as far as that can be told without a network.
pub fn damaged_rows(
    name: &str,
    settings: &Map<String, Value>,
    project_dir: &Path,
) -> Vec<(String, Vec<RecordFault>, usize)> {
    match name {
        "files" => files::damaged_rows(&elements::split(settings).0, project_dir),
        _ => vec![],
    }
}

/// The names of a connector's secret settings.
pub fn secrets(name: &str, project_dir: &Path) -> Vec<String> {
    let Ok(manifest) = manifest(name, project_dir) else { return vec![] };
    manifest
        .settings
        .into_iter()
        .filter(|(_, setting)| setting.secret)
        .map(|(name, _)| name)
        .collect()
}

/// The record types of the built-in systems, by the connectors' names. What has no record types of
/// its own is not among them.
pub fn built_in() -> BTreeMap<String, Vec<TypeSchema>> {
    let types = |(name, text): &(&str, &str)| {
        // That every built-in manifest is sound is tested below.
        let manifest = Manifest { complete: true, ..rest::parse(name, text).ok()? };
        Some(((*name).to_string(), rest::schemas(&manifest)))
    };
    MANIFESTS.iter().filter_map(types).collect()
}

/// A built-in manifest, or one of the project's own.
fn manifest(name: &str, project_dir: &Path) -> Result<Manifest, Trouble> {
    if let Some((_, text)) = MANIFESTS.iter().find(|(known, _)| *known == name) {
        // What is said of these systems is complete: a property without a type is a text.
        return rest::parse(name, text).map(|manifest| Manifest { complete: true, ..manifest });
    }
    match own(name, project_dir) {
        Some(path) => {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| Trouble::Misconfigured(format!("{}: {error}", path.display())))?;
            rest::parse(&path.display().to_string(), &text)
        }
        None => Err(Trouble::Misconfigured(format!(
            "there is no connector `{name}`: built in are {}; one of your own is the file connectors/{name}.yaml",
            names().join(", ")
        ))),
    }
}

/// The file of a project's own manifest.
fn own(name: &str, project_dir: &Path) -> Option<PathBuf> {
    let own = ["yaml", "yml"]
        .map(|ending| project_dir.join("connectors").join(format!("{name}.{ending}")));
    own.into_iter().find(|path| path.is_file())
}

/// What is wrong in a project's own manifest, with its file and text; nothing where it is sound, or
/// where it is not the project's own.
pub fn faults(name: &str, project_dir: &Path) -> Option<(PathBuf, String, Vec<Fault>)> {
    let path = own(name, project_dir).filter(|_| !names().iter().any(|known| known == name))?;
    let text = std::fs::read_to_string(&path).ok()?;
    let faults = rest::examine(&text).err()?;
    Some((path, text, faults))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_manifest_is_sound() {
        for (name, text) in MANIFESTS {
            let manifest = rest::parse(name, text).unwrap_or_else(|trouble| panic!("{trouble}"));
            for schema in rest::schemas(&manifest) {
                for property in &schema.properties {
                    assert!(
                        schema.resolve(&property.path).is_some(),
                        "{name}.{} {}",
                        schema.kind,
                        property.path
                    );
                    if let Some(to) = &property.reference {
                        assert!(
                            manifest.types.contains_key(to),
                            "{name}.{} {} refers to {to}",
                            schema.kind,
                            property.path
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn an_unknown_setting_is_told_with_the_known_ones() {
        let settings = serde_json::json!({"api_kee": "x"});
        let trouble = schemas("wix", settings.as_object().unwrap(), Path::new(".")).unwrap_err();
        assert!(
            trouble.to_string().contains("api_kee") && trouble.to_string().contains("api_key"),
            "{trouble}"
        );
    }
}

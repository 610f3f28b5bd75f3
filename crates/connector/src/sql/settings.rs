//! What stands under `with:` for a `sql` system.

use std::collections::BTreeMap;

use lockstep_model::Value;
use serde::Deserialize;

use super::dialect::Dialect;
use crate::Trouble;
use crate::key::Key;
use crate::mark::Mark;
use crate::modified::Modified;
use crate::setting::Setting;

/// The settings, as written. No `Debug`: the address may hold a password.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) url: String,
    #[serde(default)]
    pub(super) schema: Option<String>,
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) modified: Option<String>,
    #[serde(default)]
    pub(super) created: Option<String>,
    #[serde(default)]
    pub(super) version: Option<String>,
    #[serde(default)]
    pub(super) zone: Option<String>,
    #[serde(default)]
    pub(super) changes: Option<Changes>,
    #[serde(default = "usual_overlap")]
    pub(super) overlap_seconds: i64,
    #[serde(default)]
    pub(super) rate_per_second: Option<f64>,
    #[serde(default)]
    pub(super) tables: BTreeMap<String, OfTable>,
}

/// What differs for one table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfTable {
    #[serde(default)]
    pub(super) id: Option<Key>,
    #[serde(default)]
    pub(super) modified: Option<Modified>,
    #[serde(default)]
    pub(super) created: Option<String>,
    #[serde(default)]
    pub(super) version: Option<String>,
    #[serde(default)]
    pub(super) deleted: Option<Mark>,
    #[serde(default)]
    pub(super) changes: Option<Changes>,
    #[serde(default)]
    pub(super) leave_out: bool,
}

/// What tells of changes where no column does.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Changes {
    /// The transactions that PostgreSQL notes in its rows.
    Xmin,
}

impl OfTable {
    /// A setting that is said besides `leave_out`.
    pub(super) fn first_word(&self) -> Option<&'static str> {
        [
            (self.id.is_some(), "id"),
            (self.modified.is_some(), "modified"),
            (self.created.is_some(), "created"),
            (self.version.is_some(), "version"),
            (self.deleted.is_some(), "deleted"),
            (self.changes.is_some(), "changes"),
        ]
        .into_iter()
        .find_map(|(said, word)| said.then_some(word))
    }
}

/// A transaction may be this long on its way between the moment that it notes as its time and the
/// one in which others see it.
pub(super) fn usual_overlap() -> i64 {
    60
}

/// The settings, for people.
pub fn describe() -> Vec<Setting> {
    let setting = |name: &str, secret: bool, default: Option<&str>, description: &str| Setting {
        name: name.into(),
        secret,
        default: default.map(str::to_string),
        description: description.into(),
    };
    vec![
        setting(
            "url",
            true,
            None,
            "sqlite:FILE, postgres://USER:PASSWORD@HOST/DATABASE or mysql://USER:PASSWORD@HOST/DATABASE",
        ),
        setting("schema", false, Some(""), "the schema, where it is not the connection's own"),
        setting(
            "id",
            false,
            Some(""),
            "the column that holds the id, in tables without a key of one column and in views",
        ),
        setting(
            "modified",
            false,
            Some(""),
            "the column with the time of a row's last change, in the tables that have it",
        ),
        setting(
            "created",
            false,
            Some(""),
            "the column with the time of a row's creation, in the tables that have it",
        ),
        setting(
            "version",
            false,
            Some(""),
            "the column with a row's version, in the tables that have it",
        ),
        setting(
            "changes",
            false,
            Some(""),
            "xmin: in PostgreSQL's tables without a time of change, what changed is told by the transactions noted in the rows",
        ),
        setting("zone", false, Some("UTC"), "the zone of times that tell none: Europe/Oslo"),
        setting(
            "overlap_seconds",
            false,
            Some("60"),
            "how much of the time already read is read again",
        ),
        setting(
            "tables",
            false,
            Some(""),
            "per table: id, modified, created, version, deleted, changes, leave_out",
        ),
    ]
}

impl Settings {
    pub(super) fn of(settings: &serde_json::Map<String, Value>) -> Result<Settings, Trouble> {
        if !settings.contains_key("url") {
            return Err(Trouble::Misconfigured(
                "a `sql` system needs `url`: sqlite:FILE, postgres://USER:PASSWORD@HOST/DATABASE or mysql://USER:PASSWORD@HOST/DATABASE"
                    .into(),
            ));
        }
        let mut settings = settings.clone();
        // What is left empty is not set.
        settings.retain(|_, value| !lockstep_model::value::is_empty(value));
        let settings: Settings =
            serde_json::from_value(Value::Object(settings)).map_err(|error| {
                let names: Vec<String> =
                    describe().into_iter().map(|setting| setting.name).collect();
                Trouble::Misconfigured(format!(
                    "{error}: the settings of a `sql` system are {}",
                    names.join(", ")
                ))
            })?;
        settings.fault().map_or(Ok(settings), |fault| Err(Trouble::Misconfigured(fault)))
    }

    /// What is wrong with the settings whatever the database holds (G10).
    fn fault(&self) -> Option<String> {
        if self.overlap_seconds < 0 {
            return Some(format!(
                "`overlap_seconds: {}` would leave out what changed: it is a number of seconds, 0 or more",
                self.overlap_seconds
            ));
        }
        if let Some(rate) = self.rate_per_second.filter(|rate| !(*rate > 0.0 && rate.is_finite())) {
            return Some(format!("`rate_per_second: {rate}` is no rate: it is more than 0"));
        }
        let by_xmin =
            self.changes.is_some() || self.tables.values().any(|own| own.changes.is_some());
        if by_xmin && !matches!(self.dialect(), Ok(Dialect::Postgres) | Err(_)) {
            return Some(
                "`changes: xmin` has no effect: only PostgreSQL notes in a row which transaction made it; name a column as `modified`, or leave it out"
                    .into(),
            );
        }
        let is_file = self.url.starts_with("sqlite:");
        self.schema.as_ref().filter(|_| is_file).map(|schema| {
            format!("`schema: {schema}` has no effect: a SQLite file has no schemas; leave it out")
        })
    }

    pub(super) fn dialect(&self) -> Result<Dialect, Trouble> {
        match self.url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(Dialect::Sqlite),
            Some("postgres" | "postgresql") => Ok(Dialect::Postgres),
            Some("mysql" | "mariadb") => Ok(Dialect::Mysql),
            _ => Err(Trouble::Misconfigured(
                "`url` begins with sqlite:, postgres:, mysql: or mariadb:, and says which database it is".into(),
            )),
        }
    }

    /// The file of a SQLite address: `sqlite:data/shop.db`, `sqlite:///var/shop.db`.
    pub(super) fn file(&self) -> &str {
        let path = self.url.split_once(':').map_or("", |(_, path)| path);
        path.strip_prefix("//").unwrap_or(path)
    }

    /// Which database, for messages: without user and password.
    pub(super) fn place(&self) -> String {
        let (scheme, rest) = self.url.split_once(':').unwrap_or(("", ""));
        if scheme == "sqlite" {
            return self.file().to_string();
        }
        let rest = rest.trim_start_matches('/');
        let rest = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        format!("{scheme}://{}", rest.split('?').next().unwrap_or(rest))
    }
}

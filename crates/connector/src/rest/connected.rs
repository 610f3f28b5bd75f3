//! A connected system: its manifest, its connection, and what is remembered of it while it is open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use lockstep_model::{TypeSchema, Value};
use serde_json::Map;

use super::client::Client;
use super::given::settings;
use super::schema::schemas;
use super::written::{Manifest, TypeYaml};
use super::{ahead, budget, hooks, refer, register, secrets};
use crate::vault::VaultEntry;
use crate::{Page, Trouble};

/// A connected system that a manifest describes.
pub struct Rest {
    pub(super) manifest: Manifest,
    pub(super) client: Client,
    pub(super) schemas: Vec<TypeSchema>,
    pub(super) calls: hooks::Calls,
    pub(super) registration: register::Registration,
    pub(super) secrets: secrets::Secrets,
    pub(super) restarts: Restarts,
    pub(super) seals: Seals,
    /// When a creation was sent last, by its path, where the manifest wants a pause between two.
    pub(super) created: Mutex<BTreeMap<String, std::time::Instant>>,
    /// Blank records that creations begin with, by their paths.
    pub(super) blanks: Mutex<BTreeMap<String, (std::time::Instant, Value)>>,
    /// Settings that the last sign-in told.
    pub(super) told: Mutex<Vec<(String, String)>>,
    /// Pages that were asked for before their turn.
    pub(super) ahead: ahead::Ahead,
    /// Paths of lists below other records that have been answered for one of these.
    pub(super) answered_below: Mutex<BTreeSet<String>>,
    /// The budgets of lists, by their names.
    pub(super) budgets: Mutex<BTreeMap<String, budget::Budget>>,
    /// Ids of what is referred to by name.
    pub(super) names: refer::Names,
}

/// Record types whose listing has begun anew and not ended since: it does so once.
#[derive(Default)]
pub(super) struct Restarts(Mutex<BTreeSet<String>>);

impl Restarts {
    /// Whether it may begin anew.
    pub(super) fn begin(&self, kind: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(kind.to_string())
    }

    pub(super) fn end(&self, kind: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(kind);
    }
}

/// Texts that hold a secret and that a checkpoint needs: they are known in this process only, by a
/// number.
#[derive(Default)]
pub(super) struct Seals(Mutex<BTreeMap<String, String>>);

const SEAL: &str = "sealed:";

impl Seals {
    pub(super) fn seal(&self, text: &str) -> String {
        let seal = format!("{SEAL}{:x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Of listings that go on, the last page of each is needed.
        if known.len() >= 1_000 {
            known.clear();
        }
        known.insert(seal.clone(), text.to_string());
        seal
    }

    /// The text again; as it is where it was not sealed, and nothing where another process did.
    pub(super) fn open(&self, text: &str) -> Option<String> {
        if !text.starts_with(SEAL) {
            return Some(text.to_string());
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned()
    }
}

impl Rest {
    /// Connects by a manifest. Nothing is asked of the system yet.
    pub fn open(manifest: Manifest, given: &Map<String, Value>) -> Result<Rest, Trouble> {
        Rest::open_kept(manifest, given, None)
    }

    /// The same with a place to keep tokens in.
    pub fn open_kept(
        manifest: Manifest,
        given: &Map<String, Value>,
        keep: Option<VaultEntry>,
    ) -> Result<Rest, Trouble> {
        let settings = settings(&manifest, given, true)?;
        let secrets = secrets::Secrets::of(&manifest, &settings);
        let client = Client::new(&manifest, settings, keep)
            .map_err(|trouble| secrets.in_trouble(trouble, &[]))?;
        Ok(Rest {
            secrets,
            schemas: schemas(&manifest),
            client,
            manifest,
            calls: hooks::Calls::default(),
            registration: register::Registration::default(),
            restarts: Restarts::default(),
            seals: Seals::default(),
            created: Mutex::default(),
            blanks: Mutex::default(),
            told: Mutex::default(),
            ahead: ahead::Ahead::default(),
            answered_below: Mutex::default(),
            budgets: Mutex::default(),
            names: refer::Names::default(),
        })
    }

    pub(super) fn ty(&self, kind: &str) -> Result<&TypeYaml, Trouble> {
        self.manifest.types.get(kind).ok_or_else(|| {
            let known = self.manifest.types.keys().cloned().collect::<Vec<_>>().join(", ");
            Trouble::Misconfigured(format!(
                "{} has no record type `{kind}`; it has {known}",
                self.manifest.title
            ))
        })
    }

    /// Secrets that the system itself has given.
    pub(super) fn given_secrets(&self) -> Vec<String> {
        self.client.tokens().into_iter().chain(self.registration.secrets()).collect()
    }

    /// Keeps secrets out of what is told of a page's records.
    pub(super) fn covered_page(&self, mut page: Page) -> Page {
        if page.faults.is_empty() {
            return page;
        }
        let given = self.given_secrets();
        for fault in &mut page.faults {
            for text in [&mut fault.place, &mut fault.message] {
                *text = self.secrets.cover(std::mem::take(text), &given);
            }
        }
        page
    }

    /// Keeps secrets out of what went wrong.
    pub(super) fn covered<T>(&self, result: Result<T, Trouble>) -> Result<T, Trouble> {
        result.map_err(|trouble| self.secrets.in_trouble(trouble, &self.given_secrets()))
    }
}

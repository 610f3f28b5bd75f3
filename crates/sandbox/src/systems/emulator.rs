//! What an emulated system is to the server: requests and a person's edits in, answers out.

use crate::calls::{Call, Changed};
use crate::http::{Reply, Request};
use crate::state::Table;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// What an emulator is built with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub seed: u64,
    pub list_lag: SignedDuration,
    pub zendesk_incremental_lag: SignedDuration,
    pub youtrack_pairing_delay: SignedDuration,
    pub crmoffice_stamps: bool,
    /// Multiplies budgets that are not counted in requests; 0 turns them off.
    pub rate_scale: f64,
}

/// A budget of requests per window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub requests: u32,
    pub window_seconds: u64,
    pub applies: fn(&Request) -> bool,
}

/// One system: a function of request and time over its own tables, and the ways in which a person
/// edits those.
pub(crate) trait Emulator: Send {
    /// The same system once more, to look at later or to try something on.
    fn copy(&self) -> Box<dyn Emulator>;

    /// All tables of records, for emptying a copy.
    fn tables(&mut self) -> Vec<&mut Table>;

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply;

    fn limits(&self) -> &'static [Limit];

    /// Whether a request that reads asks for lists and for nothing by its id: such a request can be
    /// answered as if there were no records. Where ids stand in paths, the answer's status tells.
    fn lists(&self, _request: &Request) -> bool {
        true
    }

    /// The vendor's answer to too many requests.
    fn throttled(&self, retry_after: u64) -> Reply;

    /// The vendor's answer to a missing or wrong credential.
    fn unauthorized(&self) -> Reply;

    /// Adds the vendor's headers about the first limit.
    fn rate_headers(&self, reply: Reply, _limit: u32, _remaining: u32, _resets_in: u64) -> Reply {
        reply
    }

    /// All access tokens handed out so far stop working.
    fn expire_tokens(&mut self);

    /// Its authorization server, if people sign in to it.
    fn oauth(&mut self) -> Option<&mut crate::oauth::Server> {
        None
    }

    fn collections(&self) -> &'static [&'static str];

    /// Collections that hold none of the account's records, but what else can be seen or set by
    /// hand: they go by their names only.
    fn aside(&self) -> &'static [&'static str] {
        &[]
    }

    /// All records in the vendor's shape, tombstones included where the vendor keeps them.
    fn records(&self, collection: &'static str) -> Vec<Value>;

    /// The id of a record as the vendor's shape has it.
    fn id_of(&self, collection: &'static str, record: &Value) -> String;

    /// A person adds a record in the system's own user interface: defaults are filled in, and what
    /// only the API refuses is allowed.
    fn put(
        &mut self,
        collection: &'static str,
        body: Value,
        now: Timestamp,
    ) -> Result<Value, String>;

    /// A person edits a record: `patch` is merged deeply, lists are replaced, null clears.
    fn edit(
        &mut self,
        collection: &'static str,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String>;

    /// The calls that follow from what a person did.
    fn calls(&mut self, _changed: &Changed<'_>, _now: Timestamp) -> Vec<Call> {
        Vec::new()
    }

    /// A person sets where it calls; false where that is not how it is set.
    fn call_at(&mut self, _url: &str) -> bool {
        false
    }

    /// A person deletes a record; false when there is none.
    fn remove(
        &mut self,
        collection: &'static str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, String>;
}

/// The value of one of a system's demo credentials.
pub(crate) fn credential(known: &[(&'static str, &'static str)], name: &str) -> &'static str {
    known.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
}

//! Any JSON-over-HTTP system, described in a manifest: which requests list, read and write its
//! records, where in the answers things are, and what answers mean. The built-in manifests are in
//! `systems/`; [`written`] is the language.

mod account;
mod address;
mod ahead;
mod answer;
mod budget;
mod bulk;
mod client;
mod connected;
pub mod draft;
mod effect;
mod errors;
mod form;
mod given;
mod hooks;
mod ids;
mod jwt;
mod link;
mod meaning;
mod names;
mod pacing;
mod paged;
mod place;
mod probe;
mod read;
mod record;
mod refer;
mod register;
mod requests;
mod rsa;
mod schema;
mod secrets;
mod sign_in;
mod sound;
mod template;
mod tokens;
mod value;
mod walk;
mod write;
pub mod written;

use lockstep_model::flow::PropertyRef;
use lockstep_model::{ReadRecord, Timestamp, TypeSchema, Value};

pub use self::connected::Rest;
pub use self::given::{is_given, settings};
pub use self::place::Fault;
pub use self::schema::schemas;
pub use self::sign_in::SigningIn;
use self::written::Manifest;
use crate::{
    Answers, Call, Checkpoint, Connector, Heard, Outcome, Page, Probe, Probed, ReadRequest,
    Settled, Traffic, Trouble, Write,
};

/// Reads a manifest.
pub fn parse(name: &str, text: &str) -> Result<Manifest, Trouble> {
    examine(text).map_err(|faults| {
        let told: Vec<String> = faults.iter().map(|fault| fault.told(text)).collect();
        Trouble::Misconfigured(format!("the manifest {name}: {}", told.join("\n")))
    })
}

/// The same.
///
/// # Errors
/// All that is wrong, each at its place in the text; one problem where it is no manifest at all.
pub fn examine(text: &str) -> Result<Manifest, Vec<Fault>> {
    let manifest = serde_saphyr::from_str(text).map_err(|error| {
        let span = error.location().and_then(|location| {
            let span = location.span();
            let start = usize::try_from(span.byte_offset()?)
                .ok()
                .filter(|start| text.is_char_boundary(*start))?;
            let end = start + usize::try_from(span.byte_len()?).ok()?;
            Some(start..if text.is_char_boundary(end) { end } else { start })
        });
        let told = error.without_snippet().to_string();
        vec![Fault { message: if span.is_some() { without_place(&told) } else { told }, span }]
    })?;
    sound::settle(manifest, text)
}

/// A message less the place at its end or beginning, which is told otherwise.
fn without_place(told: &str) -> String {
    let told = told.split(" at line ").next().unwrap_or(told);
    match told.strip_prefix("error: line ").and_then(|rest| rest.split_once(": ")) {
        Some((_, rest)) => rest.to_string(),
        None => told.to_string(),
    }
}

impl Connector for Rest {
    fn types(&self) -> &[TypeSchema] {
        &self.schemas
    }

    fn test(&self) -> Result<String, Trouble> {
        self.covered(self.tried())
    }

    fn gone_is_certain(&self) -> bool {
        false
    }

    fn to_settle(&self) -> Vec<Settled> {
        let secrets = self.given_secrets();
        let covered =
            |text: String| match self.secrets.in_trouble(Trouble::Malformed(text), &secrets) {
                Trouble::Malformed(text) => text,
                other => other.to_string(),
            };
        let settled = self.manifest.to_settle.iter().map(|question| self.asked_to_settle(question));
        settled.map(|settled| Settled { came: covered(settled.came), ..settled }).collect()
    }

    fn account(&self) -> Result<Option<String>, Trouble> {
        self.covered(self.account_id())
    }

    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        self.covered(self.next_page(request)).map(|page| self.covered_page(page))
    }

    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        self.covered(self.got(kind, watch, id))
    }

    fn find(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        self.covered(self.ty(kind).and_then(|ty| self.look_up(ty, watch, prop, value)))
    }

    fn hear(&self, call: &Call) -> Heard {
        match &self.manifest.webhook {
            Some(hook) => self.calls.heard(hook, &self.client, &self.registration, call),
            None => Heard::NotOffered,
        }
    }

    fn listen_at(&self, url: &str, kinds: &[String]) -> Result<Option<u64>, Trouble> {
        self.covered(self.registration.listen(&self.manifest, &self.client, url, kinds))
    }

    fn makes_no_calls(&self) -> Option<&str> {
        self.manifest.no_webhook.as_deref()
    }

    fn wants_an_address(&self) -> bool {
        self.manifest.webhook.as_ref().is_some_and(|hook| hook.register.is_some())
    }

    fn pace(&self) -> Option<String> {
        let rate = &self.manifest.rate;
        let own = given::number(&self.client.settings, "rate_per_second");
        let limits = [
            own.or(rate.per_second).map(|n| format!("{n} a second")),
            client::per_minute(&self.client.settings, rate).map(|n| format!("{n} a minute")),
            rate.per_day.map(|n| format!("{n} a day")),
            Some(format!("{} at once", self.client.at_once())),
        ];
        let limits: Vec<String> = limits.into_iter().flatten().collect();
        (!limits.is_empty()).then(|| limits.join(", "))
    }

    fn probe(&self, kind: &str, probe: Probe<'_>) -> Result<Option<Probed>, Trouble> {
        self.covered(self.probed(kind, probe))
    }

    fn changes_since(&self, kind: &str, since: Timestamp) -> Option<Checkpoint> {
        self.ty(kind).ok()?.changes.as_ref()?;
        Some(read::checkpoint_since(since))
    }

    fn traffic(&self) -> Traffic {
        self.client.traffic()
    }

    fn answers(&self, kind: &str, creates: bool) -> Answers {
        let Ok(ty) = self.ty(kind) else { return Answers::Believed };
        let how = if creates { &ty.create } else { &ty.update };
        match how.as_ref() {
            Some(how) if how.read_after == Some(true) && ty.get.is_some() => Answers::Stored,
            // A request for many would be followed by one for each of them.
            Some(how) if how.read_after.is_none() && how.bulk.is_none() => Answers::Unsure,
            _ => Answers::Believed,
        }
    }

    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        // P5a: no page that was asked for before is taken for what is there now.
        self.ahead.forget_all();
        let outcomes = self.written(kind, watch, writes);
        let tokens = self.given_secrets();
        outcomes.into_iter().map(|outcome| self.secrets.in_outcome(outcome, &tokens)).collect()
    }

    fn at_once(&self) -> usize {
        self.client.at_once()
    }

    fn batch(&self, kind: &str) -> usize {
        let most =
            |how: &Option<written::WriteYaml>| how.as_ref()?.bulk.as_ref().map(|bulk| bulk.most);
        self.ty(kind).ok().and_then(|ty| most(&ty.create).max(most(&ty.update))).unwrap_or(1)
    }
}

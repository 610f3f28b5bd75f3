//! The figures of a project in the text format of Prometheus (0.0.4). No label names a record: what
//! there is of each family grows with systems, record types and kinds alone. `docs/metrics.md` has
//! all families; a test holds it against this file.

use std::fmt::Write as _;
use std::path::Path;

use lockstep_hub::{Figures, HubError, Ledger, SystemTotals};
use lockstep_model::{IntentState, ReviewKind, Timestamp};
use lockstep_store::SqliteStore;
use lockstep_store::sqlite::Size;

/// What a service adds to what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtWork {
    pub since: Timestamp,
    /// When something is read next on schedule.
    pub next_run: Option<Timestamp>,
}

/// Everything that is told.
#[derive(Clone, Debug)]
pub struct Metrics {
    figures: Figures,
    size: Size,
    at_work: Option<AtWork>,
}

impl Metrics {
    /// The figures of what a ledger was opened on; it may be one that only looks.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn of(
        ledger: &mut Ledger,
        store: &Path,
        at_work: Option<AtWork>,
    ) -> Result<Metrics, HubError> {
        let size = SqliteStore::open_read_only(store)?.size()?;
        Ok(Metrics { figures: ledger.figures()?, size, at_work })
    }

    /// As text.
    pub fn render(&self) -> String {
        let mut text = Text::default();
        self.project(&mut text);
        self.runs(&mut text);
        self.systems(&mut text);
        if let Some(at_work) = self.at_work {
            text.gauge("service_start_timestamp_seconds", "When the service was started.");
            text.value(&[], seconds(at_work.since));
            if let Some(next) = at_work.next_run {
                text.gauge(
                    "next_run_timestamp_seconds",
                    "When something is read next on schedule; in the past while a run is at work.",
                );
                text.value(&[], seconds(next));
            }
        }
        text.0
    }

    fn project(&self, text: &mut Text) {
        let (figures, size) = (&self.figures, &self.size);
        text.gauge("build_info", "The version of Lockstep; always 1.");
        text.value(&[("version", env!("CARGO_PKG_VERSION"))], 1);
        text.gauge("records", "Records that are known, by record type.");
        for (ty, records) in &figures.records {
            text.value(&[("system", &ty.system), ("type", &ty.kind)], records);
        }
        text.gauge("links", "Links between records; n linked records have n-1.");
        text.value(&[], size.links);
        text.gauge("reviews_open", "Reviews that wait for a person, by kind.");
        for kind in ReviewKind::ALL.into_iter().filter(|kind| kind.needs_a_person()) {
            text.value(&[("kind", kind.name())], count_of(&figures.reviews, &kind));
        }
        text.gauge("outbox", "Writes that are decided and not confirmed, by state.");
        for state in
            [IntentState::Queued, IntentState::Sent, IntentState::Unknown, IntentState::Refused]
        {
            text.value(&[("state", state.name())], count_of(&figures.outbox, &state));
        }
        text.gauge("guards_tripped", "Guards that hold writes back until a person has looked.");
        for system in &figures.systems {
            let tripped = figures.guards.iter().filter(|guard| guard.system == *system);
            text.value(&[("system", system)], tripped.count());
        }
        text.gauge("journal_entries", "Entries of the journal that are kept.");
        text.value(&[], size.journal);
        text.gauge("store_bytes", "The size of the store with its log.");
        text.value(&[], size.bytes);
    }

    fn runs(&self, text: &mut Text) {
        let totals = &self.figures.totals;
        text.counter("runs_total", "Runs that came to their end, by how they ended.");
        let done = totals.runs.saturating_sub(totals.stopped + totals.unfinished);
        for (how, runs) in
            [("done", done), ("stopped", totals.stopped), ("unfinished", totals.unfinished)]
        {
            text.value(&[("result", how)], runs);
        }
        text.counter("run_seconds_total", "Time that runs took.");
        text.value(&[], totals.run_ms as f64 / 1000.0);
        if let Some((started, ended)) = self.figures.last_run {
            text.gauge("last_run_end_timestamp_seconds", "When the last run ended.");
            text.value(&[], seconds(ended));
            text.gauge("last_run_seconds", "Time that the last run took.");
            text.value(&[], (ended.0 - started.0).max(0) as f64 / 1000.0);
        }
    }

    fn systems(&self, text: &mut Text) {
        let none = SystemTotals::default();
        let names = &self.figures.systems;
        let totals = |system: &str| self.figures.totals.systems.get(system).unwrap_or(&none);
        text.gauge("system_paused", "1 where the last run could not work with the system.");
        for system in names {
            let paused = self.figures.troubles.iter().any(|trouble| trouble.system == *system);
            text.value(&[("system", system)], u8::from(paused));
        }
        text.counter("records_read_total", "Records that were read.");
        names.iter().for_each(|system| text.value(&[("system", system)], totals(system).read));
        text.counter("edits_total", "Edits that were read.");
        names.iter().for_each(|system| text.value(&[("system", system)], totals(system).edits));
        text.counter("writes_total", "Writes, by what became of them.");
        for system in names {
            let total = totals(system);
            for (outcome, writes) in [
                ("created", total.created),
                ("updated", total.updated),
                ("deleted", total.deleted),
                ("refused", total.refused),
            ] {
                text.value(&[("system", system), ("outcome", outcome)], writes);
            }
        }
        text.counter("requests_total", "Requests over a network, by what became of them.");
        for system in names {
            let total = totals(system);
            let answered = total.requests.saturating_sub(total.too_many);
            text.value(&[("system", system), ("outcome", "answered")], answered);
            text.value(&[("system", system), ("outcome", "too_many")], total.too_many);
        }
        text.counter(
            "request_wait_seconds_total",
            "Time for which requests were held back for a system's rate.",
        );
        for system in names {
            text.value(&[("system", system)], totals(system).waited_ms as f64 / 1000.0);
        }
    }
}

fn count_of<K: PartialEq>(counts: &[(K, u64)], of: &K) -> u64 {
    counts.iter().find(|(key, _)| key == of).map_or(0, |(_, count)| *count)
}

fn seconds(at: Timestamp) -> f64 {
    at.0 as f64 / 1000.0
}

/// Families as they are written, one below the other.
#[derive(Default)]
struct Text(String);

impl Text {
    fn gauge(&mut self, name: &str, help: &str) {
        self.family(name, "gauge", help);
    }

    fn counter(&mut self, name: &str, help: &str) {
        self.family(name, "counter", help);
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP lockstep_{name} {help}\n# TYPE lockstep_{name} {kind}");
    }

    /// A value of the family that was begun last.
    fn value(&mut self, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let family = self.0.rfind("# TYPE ").map_or("", |at| &self.0[at + 7..]);
        let name = family.split(' ').next().unwrap_or_default().to_string();
        self.0.push_str(&name);
        let label = |(name, value): &(&str, &str)| format!("{name}=\"{}\"", escaped(value));
        if !labels.is_empty() {
            let labels: Vec<String> = labels.iter().map(label).collect();
            let _ = write!(self.0, "{{{}}}", labels.join(","));
        }
        let _ = writeln!(self.0, " {value}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_written_so_that_it_ends_where_it_is_to_end() {
        let mut text = Text::default();
        text.gauge("records", "Records.");
        text.value(&[("type", "a \"b\" \\ c\nd")], 1);
        let line = text.0.lines().last().unwrap();
        assert_eq!(line, r#"lockstep_records{type="a \"b\" \\ c\nd"} 1"#);
    }
}

//! What people do in the six systems, drawn from a seed: they add records and edit some of those
//! that were there from the start.
//!
//! Every edit has a property of a record to itself, so that its outcome does not depend on when a
//! run saw it.

use lockstep_sandbox::Running;
use serde_json::{Value, json};

/// Random numbers (SplitMix64, Steele, Lea and Flood 2014).
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

/// One thing that a person does.
pub enum Act {
    Put { system: &'static str, collection: &'static str, body: Value },
    Edit { system: &'static str, collection: &'static str, id: String, patch: Value },
}

/// The ids that a batch may edit: each batch has its own third of them, so no record is edited
/// twice.
fn third(
    sandbox: &Running,
    system: &str,
    collection: &str,
    id: &str,
    batch: u64,
    fit: impl Fn(&Value) -> bool,
) -> Vec<String> {
    let records = sandbox.records(system, collection).unwrap();
    let fit = records.iter().filter(|record| fit(record));
    let ids =
        fit.map(|record| record[id].as_str().map_or_else(|| record[id].to_string(), str::to_owned));
    ids.filter(|id| id.bytes().map(u64::from).sum::<u64>() % 3 == batch % 3).collect()
}

/// What happens between two runs; `sandbox` is only looked at, for records that were there from the
/// start.
pub fn batch(draw: &mut Draw, sandbox: &Running, batch: u64) -> Vec<Act> {
    let mut acts = Vec::new();
    let mut put = |system, collection, body| acts.push(Act::Put { system, collection, body });
    for n in 0..6 + draw.below(8) {
        let tag = format!("{batch}x{n}x{}", draw.below(10_000));
        put("superoffice", "Contact", json!({"Name": format!("Verksted {tag}")}));
        put(
            "poweroffice-go",
            "Employees",
            json!({"FirstName":"Tuva","LastName":format!("Ansatt {tag}")}),
        );
        put(
            "wix",
            "contacts",
            json!({"info":{"name":{"first":"Ivar","last":format!("Kunde {tag}")}}}),
        );
        let email = format!("p{tag}@example.com");
        put(
            "superoffice",
            "Person",
            json!({"Firstname":"Pia","Lastname":format!("Person {tag}"),"Emails":[{"Value":email}]}),
        );
    }
    // Wix's own contacts of the sample data: those that flows made have no e-mail here, or are
    // newer.
    let of_sample = |record: &Value| {
        let last = record["info"]["name"]["last"].as_str().unwrap_or_default();
        !last.contains(|c: char| c.is_ascii_digit())
            && record["createdDate"].as_str().is_some_and(|date| date < "2026-01")
    };
    let mut edit =
        |system, collection, id, patch| acts.push(Act::Edit { system, collection, id, patch });
    for id in third(sandbox, "wix", "contacts", "id", batch, of_sample).into_iter().take(8) {
        edit(
            "wix",
            "contacts",
            id,
            json!({"info":{"name":{"last":format!("Giftet {batch} {}", draw.below(10_000))}}}),
        );
    }
    let named = |record: &Value| {
        record["Name"].as_str().is_some_and(|name| !name.contains(|c: char| c.is_ascii_digit()))
    };
    for id in
        third(sandbox, "superoffice", "Contact", "ContactId", batch, named).into_iter().take(6)
    {
        // Zendesk has no two organizations of one name: which of two would be refused is chance.
        let name = format!("Omdøpt {batch} {} {id}", draw.below(10_000));
        edit("superoffice", "Contact", id, json!({ "Name": name }));
    }
    acts
}

/// Does it. A moment passes before and after, so that by clocks that show milliseconds too an edit
/// is later than what was done before.
pub fn act(sandbox: &Running, acts: &[Act]) {
    std::thread::sleep(std::time::Duration::from_millis(3));
    for act in acts {
        match act {
            Act::Put { system, collection, body } => {
                drop(sandbox.put(system, collection, body.clone()).unwrap())
            }
            Act::Edit { system, collection, id, patch } => {
                drop(sandbox.edit(system, collection, id, patch).unwrap())
            }
        }
    }
    std::thread::sleep(std::time::Duration::from_millis(3));
}

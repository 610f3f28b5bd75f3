//! Kills at one chosen moment: the system has done what was asked, the answer is on its way, and
//! nobody is there any more to hear it.
//!
//! Each of these was first met by a random kill, and lost an edit or made a record twice.

use std::time::Duration;

use lockstep_sandbox::{Fault, FaultKind, Rate, Setting};
use serde_json::{Value, json};

use super::World;
use crate::transcript::{command, lockstep};

impl World {
    /// Starts a run in which this system answers such requests late, waits until one is done, and
    /// kills the run.
    fn killed_before_the_answer(
        &self,
        system: &str,
        method: &str,
        path: &str,
        done: impl Fn(&World) -> bool,
    ) {
        let mut rate = Rate::new(FaultKind::Slow, 1000);
        rate.what.delay_ms = Some(60_000);
        (rate.what.method, rate.what.path_contains) = (Some(method.into()), Some(path.into()));
        self.sandbox.set_faults(system, Setting { seed: 0, rates: vec![rate] }).unwrap();
        let mut run =
            command(self.dir(), &["sync"]).stdout(std::process::Stdio::null()).spawn().unwrap();
        while !done(self) {
            assert!(run.try_wait().unwrap().is_none(), "the run ended before it was killed");
            std::thread::sleep(Duration::from_millis(2));
        }
        run.kill().unwrap();
        run.wait().unwrap();
        self.sandbox.clear_faults(system).unwrap();
        super::store::sound(self.dir());
    }

    /// The contacts of CRMOffice with this family name.
    fn crm(&self, family_name: &str) -> Vec<Value> {
        let mut records = self.sandbox.records("crmoffice", "contacts").unwrap();
        records.retain(|record| record["familyName"] == family_name);
        records
    }

    fn wix(&self, last: &str) -> Value {
        // A moment on either side: the edit is later than what was done before, also by clocks of
        // milliseconds.
        std::thread::sleep(Duration::from_millis(3));
        let body = json!({"info":{"name":{"first":"Tuva","last":last}}});
        let made = self.sandbox.put("wix", "contacts", body).unwrap();
        std::thread::sleep(Duration::from_millis(3));
        made
    }

    fn rename(&self, contact: &Value, last: &str) {
        std::thread::sleep(Duration::from_millis(3));
        self.sandbox
            .edit(
                "wix",
                "contacts",
                contact["id"].as_str().unwrap(),
                &json!({"info":{"name":{"last":last}}}),
            )
            .unwrap();
        std::thread::sleep(Duration::from_millis(3));
    }

    /// This contact has this name in both systems, once.
    #[track_caller]
    fn is_called(&self, contact: &Value, last: &str) {
        let now = self.sandbox.record("wix", "contacts", contact["id"].as_str().unwrap()).unwrap();
        assert_eq!(now["info"]["name"]["last"], last, "in Wix");
        assert_eq!(self.crm(last).len(), 1, "in CRMOffice");
    }
}

#[test]
fn an_update_that_landed_is_no_edit_and_wins_over_none() {
    let world = World::new();
    let contact = world.wix("Forrige");
    world.until_quiet();
    world.rename(&contact, "Mellom");
    world.killed_before_the_answer("crmoffice", "PATCH", "/contacts", |world| {
        world.crm("Mellom").len() == 1
    });
    // What CRMOffice shows now was seen later than this edit was made, and is older all the same:
    // it is Lockstep's own (P5).
    world.rename(&contact, "Siste");
    world.until_quiet();
    world.is_called(&contact, "Siste");
    assert_eq!(world.crm("Mellom").len(), 0);
}

#[test]
fn a_creation_that_landed_is_found_again_and_what_it_holds_is_no_edit() {
    let world = World::new();
    world.until_quiet();
    let contact = world.wix("Første");
    world.killed_before_the_answer("crmoffice", "POST", "/contacts", |world| {
        world.crm("Første").len() == 1
    });
    world.rename(&contact, "Siste");
    world.until_quiet();
    world.is_called(&contact, "Siste");
    assert_eq!(world.crm("Første").len(), 0, "C2: created once");
}

#[test]
fn a_list_that_is_empty_by_mistake_does_not_say_that_a_creation_did_not_land() {
    let world = World::new();
    world.until_quiet();
    let contact = world.wix("Eneste");
    world.killed_before_the_answer("crmoffice", "POST", "/contacts", |world| {
        world.crm("Eneste").len() == 1
    });
    // Whatever the next run reads of CRMOffice's contacts is empty.
    world
        .sandbox
        .fault("crmoffice", Fault::new(FaultKind::EmptyList, 100).on_path("/contacts"))
        .unwrap();
    lockstep(world.dir(), &["sync"]);
    world.sandbox.clear_faults("crmoffice").unwrap();
    world.until_quiet();
    world.is_called(&contact, "Eneste");
}

#[test]
fn what_refers_to_a_creation_that_is_found_again_is_told() {
    let world = World::new();
    world.until_quiet();
    // A person who is linked with a user of Zendesk goes over to a company that Zendesk does not
    // have yet.
    let users = world.sandbox.records("zendesk", "users").unwrap();
    let persons = world.sandbox.records("superoffice", "Person").unwrap();
    let mail = |person: &Value| {
        person["Emails"][0]["Value"].as_str().map(|mail| mail.trim().to_lowercase())
    };
    let alone = |mail: &str| persons.iter().filter(|person| self::holds(person, mail)).count() == 1;
    let (person, user) = persons
        .iter()
        .filter(|person| mail(person).is_some_and(|mail| alone(&mail)))
        .find_map(|person| {
            Some((
                person,
                users.iter().find(|user| user["email"].as_str() == mail(person).as_deref())?,
            ))
        })
        .expect("the sample data has people that both systems know");
    let company =
        world.sandbox.put("superoffice", "Contact", json!({"Name":"Nystiftet AS"})).unwrap();
    let patch = json!({"Contact":{"ContactId":company["ContactId"]}});
    world.sandbox.edit("superoffice", "Person", &person["PersonId"].to_string(), &patch).unwrap();
    let organization = |world: &World| {
        let organizations = world.sandbox.records("zendesk", "organizations").unwrap();
        organizations
            .into_iter()
            .find(|one| one["name"] == "Nystiftet AS")
            .map(|one| one["id"].clone())
    };
    world.killed_before_the_answer("zendesk", "POST", "/organizations", |world| {
        organization(world).is_some()
    });
    world.until_quiet();
    let user = world.sandbox.record("zendesk", "users", &user["id"].to_string()).unwrap();
    assert_eq!(Some(&user["organization_id"]), organization(&world).as_ref(), "P8: {user}");
}

fn holds(person: &Value, mail: &str) -> bool {
    person["Emails"].to_string().to_lowercase().contains(mail)
}

//! The fault menu over HTTP: each kind at a rate, set and looked at while the sandbox runs.

use crate::support::{Caller, crmoffice, empty, wix, zendesk};
use lockstep_sandbox::{FaultKind, How, Options, PRESETS, Rate, Running, Sandbox, Setting};
use serde_json::{Value, json};

const CONTACTS: &str = "/contacts/v4/contacts";

fn admin(sandbox: &Running) -> Caller {
    Caller::new(sandbox.root(), &[])
}

/// Every matching request of Wix is struck by this.
fn always(sandbox: &Running, rate: Value) {
    let mut rate = rate;
    rate["per_mille"] = json!(1000);
    admin(sandbox).put("/_sandbox/wix/faults", &json!({"rates": [rate]})).expect(200);
}

fn struck(sandbox: &Running, kind: FaultKind) -> u64 {
    sandbox.struck("wix").unwrap().get(&kind).copied().unwrap_or_default()
}

fn contact(first: &str) -> Value {
    json!({"info":{"name":{"first": first}}})
}

fn firsts(list: &Value) -> Vec<&str> {
    list["contacts"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["info"]["name"]["first"].as_str())
        .collect()
}

#[test]
fn lost_answers_and_refused_connections() {
    let sandbox = empty();
    let api = wix(&sandbox);
    let send = || {
        api.raw(
            "POST",
            CONTACTS,
            &[("content-type", "application/json")],
            Some(&contact("Åse").to_string()),
        )
    };
    always(&sandbox, json!({"kind":"lost-answer","method":"POST"}));
    assert!(send().is_err() && send().is_err());
    assert_eq!(sandbox.records("wix", "contacts").unwrap().len(), 2, "done, and not told");
    assert_eq!(api.get(CONTACTS).status, 200);
    always(&sandbox, json!({"kind":"down","path_contains":"contacts"}));
    assert!(send().is_err());
    assert_eq!(sandbox.records("wix", "contacts").unwrap().len(), 2, "not done");
    assert_eq!(
        (struck(&sandbox, FaultKind::LostAnswer), struck(&sandbox, FaultKind::Down)),
        (2, 1)
    );
    assert_eq!(zendesk(&sandbox).get("/users").status, 200, "another system behaves");
}

#[test]
fn refusals_that_pass() {
    let sandbox = empty();
    let api = wix(&sandbox);
    for (status, retry_after) in [(429, Some(3)), (503, Some(2)), (500, None), (502, None)] {
        always(&sandbox, json!({"kind":"status","status":status,"retry_after":retry_after}));
        let answer = api.post(CONTACTS, &contact("Åse"));
        assert_eq!(answer.status, status);
        assert_eq!(
            answer.header("retry-after"),
            retry_after.map_or(String::new(), |seconds| seconds.to_string())
        );
    }
    assert_eq!(sandbox.records("wix", "contacts").unwrap().len(), 0);
    assert_eq!(struck(&sandbox, FaultKind::Status), 4);
}

#[test]
fn slow_answers_come_and_hold_nobody_else_up() {
    let sandbox = empty();
    always(&sandbox, json!({"kind":"slow","delay_ms":1500,"method":"POST"}));
    let api = wix(&sandbox);
    let slow = std::thread::spawn(move || api.post(CONTACTS, &contact("Åse")).status);
    while sandbox.total_writes() == 0 {
        std::thread::yield_now();
    }
    // Done, and not answered: a look in the meantime is not kept waiting by it.
    assert_eq!(firsts(&wix(&sandbox).get(CONTACTS).expect(200)), ["Åse"]);
    assert!(!slow.is_finished());
    assert_eq!(slow.join().unwrap(), 200);
    assert_eq!(struck(&sandbox, FaultKind::Slow), 1);
}

#[test]
fn stale_reads_show_what_was_before_for_a_while() {
    let sandbox = empty();
    let api = wix(&sandbox);
    let id = api.post(CONTACTS, &contact("Åse")).expect(200)["contact"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("{CONTACTS}/{id}");
    // It stays stale as long as the test can take.
    always(&sandbox, json!({"kind":"stale-read","for_ms":600_000}));
    assert_eq!(firsts(&api.get(CONTACTS).expect(200)), ["Åse"], "nothing was written since");
    assert_eq!(struck(&sandbox, FaultKind::StaleRead), 0);
    let body = json!({"revision":1,"info":{"name":{"first":"Åshild"}}});
    assert_eq!(api.patch(&path, &body).expect(200)["contact"]["info"]["name"]["first"], "Åshild");
    assert_eq!(firsts(&api.get(CONTACTS).expect(200)), ["Åse"], "a list lags");
    assert_eq!(
        api.get(&path).expect(200)["contact"]["info"]["name"]["first"],
        "Åse",
        "a look-up lags"
    );
    let query = api.post(&format!("{CONTACTS}/query"), &json!({"query":{}})).expect(200);
    assert_eq!(firsts(&query), ["Åse"], "a query that is a POST lags");
    // A write meets the state as it is.
    assert_eq!(api.patch(&path, &body).status, 409);
    assert_eq!(struck(&sandbox, FaultKind::StaleRead), 3);
    // A person's edit is seen late too.
    sandbox.remove("wix", "contacts", &id).unwrap();
    assert_eq!(api.get(&path).status, 200, "what is deleted is still shown");
    admin(&sandbox).put("/_sandbox/wix/faults", &json!("none")).expect(200);
    assert_eq!(api.get(&path).status, 404);
    assert_eq!(api.get(CONTACTS).expect(200)["contacts"], json!([]));
}

#[test]
fn lists_are_empty_in_each_vendors_own_form() {
    let sandbox = Sandbox::start(Options { rate_scale: 0.0, ..Options::default() }).unwrap();
    let setting = Setting { seed: 0, rates: vec![Rate::new(FaultKind::EmptyList, 1000)] };
    for system in ["wix", "crmoffice", "zendesk"] {
        sandbox.set_faults(system, setting.clone()).unwrap();
    }
    let answer = wix(&sandbox).get(CONTACTS).expect(200);
    assert_eq!((&answer["contacts"], &answer["pagingMetadata"]["total"]), (&json!([]), &json!(0)));
    assert_eq!(crmoffice(&sandbox).get("/contacts").expect(200), json!({"items":[]}));
    assert_eq!(zendesk(&sandbox).get("/users").expect(200)["users"], json!([]));
    // A look-up by id is no list, and nothing is gone.
    let id = sandbox.records("wix", "contacts").unwrap()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(wix(&sandbox).get(&format!("{CONTACTS}/{id}")).status, 200);
    assert_eq!(struck(&sandbox, FaultKind::EmptyList), 1);
}

#[test]
fn values_are_stored_otherwise_and_the_answer_shows_it() {
    let sandbox = empty();
    let api = wix(&sandbox);
    let stored = |how: Value, first: &str| {
        let mut rate = how;
        rate["kind"] = json!("rewrite");
        always(&sandbox, rate);
        let made = api.post(CONTACTS, &contact(first)).expect(200)["contact"].clone();
        assert_eq!(
            sandbox.record("wix", "contacts", made["id"].as_str().unwrap()).unwrap()["info"],
            made["info"]
        );
        made["info"]["name"]["first"].as_str().unwrap().to_owned()
    };
    assert_eq!(stored(json!({}), "  Åse   Marie "), "Åse Marie");
    assert_eq!(stored(json!({"how":"cut","characters":4}), "Ingeborg"), "Inge");
    assert_eq!(stored(json!({"how":"upper"}), "Åse"), "ÅSE");
    assert_eq!(stored(json!({"how":"round"}), "12.6"), "13");
    assert_eq!(stored(json!({"how":"reformat"}), "+4722000001"), "+47 22 00 00 01");
    assert_eq!(
        stored(json!({"how":"upper","properties":["last"]}), "Åse"),
        "Åse",
        "only what is named"
    );
    assert_eq!(struck(&sandbox, FaultKind::Rewrite), 5);
}

#[test]
fn rates_strike_about_as_often_as_they_say_and_the_same_requests_each_time() {
    let statuses = |seed: u64| -> Vec<u16> {
        let sandbox = empty();
        let body = json!({"seed":seed,"rates":[{"kind":"status","status":500,"per_mille":200}]});
        admin(&sandbox).put("/_sandbox/wix/faults", &body).expect(200);
        let api = wix(&sandbox);
        let seen: Vec<u16> = (0..300).map(|_| api.get(CONTACTS).status).collect();
        let struck = seen.iter().filter(|status| **status == 500).count() as u64;
        assert_eq!(sandbox.struck("wix").unwrap()[&FaultKind::Status], struck);
        seen
    };
    let seen = statuses(7);
    let struck = seen.iter().filter(|status| **status == 500).count();
    assert!((30..=90).contains(&struck), "{struck} of 300 at 200 per mille");
    assert_eq!(seen, statuses(7));
    assert_ne!(seen, statuses(8));
}

#[test]
fn the_setting_is_changed_and_looked_at_while_it_runs() {
    let rates = vec![Rate::new(FaultKind::Down, 1000)];
    let faults = vec![("wix".to_owned(), Setting { seed: 3, rates })];
    let sandbox = Sandbox::start(Options { faults, ..Options::empty() }).unwrap();
    assert!(wix(&sandbox).raw("GET", CONTACTS, &[], None).is_err(), "it stands from the start");
    let admin = admin(&sandbox);
    let seen = admin.get("/_sandbox/wix/faults").expect(200);
    assert_eq!(
        seen,
        json!({"seed":3,"rates":[{"per_mille":1000,"kind":"down"}],"struck":{"down":1},"faults":[]}),
        "the setting, what it did, what is armed"
    );
    let all = admin.put("/_sandbox/faults", &json!("some")).expect(200);
    assert_eq!(all.as_object().unwrap().len(), 6);
    assert!(all["zendesk"]["rates"].as_array().unwrap().len() > 10);
    assert_eq!(all["wix"]["struck"], json!({"down":1}), "counts stay");
    let all = admin.delete("/_sandbox/faults").expect(200);
    assert!(all.as_object().unwrap().values().all(|one| one["rates"] == json!([])));
    assert_eq!(wix(&sandbox).get(CONTACTS).status, 200);
    let wrong = admin
        .put("/_sandbox/wix/faults", &json!({"rates":[{"kind":"slow","per_mile":3}]}))
        .expect(400);
    assert!(wrong["error"].as_str().unwrap().contains("'per_mile'"), "{wrong}");
    assert_eq!(admin.put("/_sandbox/hubspot/faults", &json!("some")).status, 404);
    for preset in PRESETS {
        admin.put("/_sandbox/faults", &json!(preset)).expect(200);
    }
    // The names in JSON are those of the code.
    let mut rate = Rate::new(FaultKind::Rewrite, 5);
    rate.what.how = Some(How::Upper);
    assert_eq!(json!(rate), json!({"per_mille":5,"kind":"rewrite","how":"upper"}));
}

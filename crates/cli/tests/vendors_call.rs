//! Webhooks of the systems that were added later, from end to end: each emulated system is told
//! where to call, calls as its vendor does when somebody changes a record, and the record that it
//! names is read by itself. A forged call is refused, and makes nobody read.

use std::path::Path;
use std::sync::mpsc::Receiver;

use crate::service::{Service, free_port, run, wait_for, wait_until};
use crate::transcript::{lockstep, read, write};
use lockstep_sandbox::{Options, Running, Sandbox, credentials};
use serde_json::{Value, json};

/// A system, a record type of it and a property of that.
struct Vendor {
    system: &'static str,
    kind: &'static str,
    property: &'static str,
    /// Where the emulator keeps the records, and what one of them is.
    collection: &'static str,
    record: fn(&str) -> Value,
    /// Settings besides those that the emulator's credentials are.
    with: &'static str,
    /// How the record is read: the end of the path.
    read: fn(&str) -> String,
    /// A call that nobody has signed, or somebody else has.
    forged: fn(&str) -> Forged,
}

struct Forged {
    headers: Vec<(&'static str, String)>,
    body: String,
    why: &'static str,
}

struct Playing {
    vendor: Vendor,
    sandbox: Running,
    dir: tempfile::TempDir,
    public: String,
    id: String,
}

fn with(vendor: &Vendor, sandbox: &Running) -> String {
    let mut with = format!("base_url: \"{}\"", sandbox.url(vendor.system).unwrap());
    let prefix = format!("{}_", vendor.system.replace('-', "_").to_uppercase());
    for (name, value) in credentials(vendor.system) {
        let setting = name.strip_prefix(&prefix).unwrap().to_lowercase();
        let own = vendor.with.contains(&format!("{setting}:"));
        let by_token = vendor.system == "shopify" && setting == "client_id";
        if !own && !by_token {
            with.push_str(&format!(", {setting}: '{value}'"));
        }
    }
    format!("{with}, rate_per_second: 1000{}", vendor.with)
}

fn project(dir: &Path, vendor: &Vendor, with: &str) {
    let text = format!(
        "store: sqlite:lockstep.db\nsystems:\n  there:\n    connector: {}\n    schedule: {{ every: 1h }}\n    with: {{ {with} }}\n  \
         office:\n    connector: files\n    schedule: {{ every: 1h }}\n    with: {{ folder: data }}\n",
        vendor.system
    );
    write(&dir.join("lockstep.yaml"), &text);
    let flow = format!(
        "flows:\n  - from: there.{}\n    to: office.Records\n    create: always\n    properties: [\"{} -> name\"]\n",
        vendor.kind, vendor.property
    );
    write(&dir.join("flows/all.yaml"), &flow);
    write(&dir.join("data/Records.jsonl"), "{\"id\": 1, \"name\": \"Nobody\"}\n");
}

impl Playing {
    fn new(vendor: Vendor) -> Playing {
        let options = Options { systems: vec![vendor.system.into()], ..Options::empty() };
        let sandbox = Sandbox::start(options).unwrap();
        let first = (vendor.record)("Solveig");
        // Where nothing else is there, one deletion is all that there is.
        sandbox.put(vendor.system, vendor.collection, (vendor.record)("Ylva")).unwrap();
        let made = sandbox.put(vendor.system, vendor.collection, first).unwrap();
        let of = |name: &str| {
            made.get(name)
                .filter(|id| !id.is_null())
                .map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned))
        };
        let id = of("id").or_else(|| of("ID")).unwrap();
        let id = id.rsplit('/').next().unwrap().to_owned();
        let dir = tempfile::tempdir().unwrap();
        project(dir.path(), &vendor, &with(&vendor, &sandbox));
        let public = format!("http://127.0.0.1:{}", free_port());
        Playing { vendor, sandbox, dir, public, id }
    }

    fn start(&self) -> (Service, Receiver<String>) {
        let listen = self.public.trim_start_matches("http://");
        let args = ["--webhooks", listen, "--public-url", self.public.as_str()];
        run(self.dir.path(), &args)
    }

    fn edit(&self, name: &str) {
        let Vendor { system, collection, record, .. } = self.vendor;
        self.sandbox.edit(system, collection, &self.id, &record(name)).unwrap();
    }

    /// It has called once, and the call was taken.
    fn called(&self, before: usize) {
        wait_until("nobody was called", || self.sandbox.calls().len() > before);
        let calls = self.sandbox.calls();
        assert!(calls.iter().all(|call| call.status == 200), "{calls:?}");
        assert_eq!(calls.len(), before + 1, "it is told once where to call");
    }

    /// The edit comes by its call, and the record is read alone.
    fn edited(&self, lines: &Receiver<String>, name: &str) {
        let (since, calls) = (self.sandbox.last_request(), self.sandbox.calls().len());
        self.edit(name);
        wait_for(lines, &format!("→ “{name}”"));
        self.called(calls);
        let asked = self.sandbox.requests(since);
        let asked: Vec<&str> = asked
            .iter()
            .map(|asked| asked.path.split('?').next().unwrap())
            .filter(|path| !path.contains("token"))
            .collect();
        // At most one besides: whose account it is.
        let wanted = (self.vendor.read)(&self.id);
        let one = asked.last().is_some_and(|path| path.ends_with(&wanted)) && asked.len() <= 2;
        assert!(one, "{wanted}: {asked:?}");
    }

    fn refuses(&self, lines: &Receiver<String>) {
        let since = self.sandbox.last_request();
        let Forged { headers, body, why } = (self.vendor.forged)(&self.id);
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut request = agent.post(format!("{}/hooks/there", self.public));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        assert_eq!(request.send(&body).unwrap().status(), 401, "{body}");
        wait_for(lines, &format!("there: a call was refused: {why}"));
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!(self.sandbox.requests(since).len(), 0, "somebody read");
    }
}

const WRONG: &str = "the call's signature is wrong";

fn signed(header: &'static str, signature: &str, body: Value) -> Forged {
    let headers = vec![(header, signature.to_owned())];
    Forged { headers, body: body.to_string(), why: WRONG }
}

/// An edit comes through, also after a restart, which does not register once more; what is forged
/// is refused; what is deleted is noticed.
fn plays(vendor: Vendor) {
    let registers = vendor.system != "hubspot";
    let playing = Playing::new(vendor);
    let names = ["Solveig", "Ragnhild", "Torunn"];
    for (round, pair) in names.windows(2).enumerate() {
        let (before, name) = (pair[0], pair[1]);
        let (_service, lines) = playing.start();
        if registers {
            wait_for(
                &lines,
                &format!("there has been told to call {}/hooks/there", playing.public),
            );
        } else {
            let url = format!("{}/hooks/there", playing.public);
            playing.sandbox.call_at(playing.vendor.system, &url).unwrap();
        }
        let office = playing.dir.path().join("data/Records.jsonl");
        wait_until("nothing was read", || read(&office).contains(before));
        // The first reading of a start is over when nobody asks any more.
        let mut asked = 0;
        while std::mem::replace(&mut asked, playing.sandbox.last_request()) != asked {
            std::thread::sleep(std::time::Duration::from_millis(400));
        }
        playing.edited(&lines, name);
        if round == 1 {
            playing.refuses(&lines);
            let Vendor { system, collection, .. } = playing.vendor;
            playing.sandbox.remove(system, collection, &playing.id).unwrap();
            wait_for(&lines, &format!("gone     there.{}", playing.vendor.kind));
        }
    }
}

#[test]
fn r4_business_central_shakes_hands_and_repeats_the_client_state() {
    plays(Vendor {
        system: "business-central",
        kind: "Customers",
        property: "displayName",
        collection: "customers",
        record: |name| json!({"displayName": name}),
        with: ", webhook_secret: a-webhook-secret",
        read: |id| format!("/customers({id})"),
        forged: |id| {
            Forged {
            headers: vec![],
            body: json!({"value": [{"clientState": "another", "resource": format!("api/v2.0/companies(c)/customers({id})"), "changeType": "updated"}]}).to_string(),
            why: "the call does not repeat the secret",
        }
        },
    });
}

#[test]
fn r4_tripletex_signs_with_the_key_of_each_call() {
    plays(Vendor {
        system: "tripletex",
        kind: "Customer",
        property: "name",
        collection: "customer",
        record: |name| json!({"name": name}),
        with: ", webhook_secret: a-webhook-secret",
        read: |id| format!("/customer/{id}"),
        forged: |id| {
            let body = json!({"event": "customer.update", "id": id});
            let mut forged = signed("x-request-signature", "AAAA", body);
            forged.headers.push(("idempotency-key", "1".into()));
            forged
        },
    });
}

#[test]
fn r4_zoho_repeats_the_token_of_its_channel() {
    plays(Vendor {
        system: "zoho-crm",
        kind: "Accounts",
        property: "Account_Name",
        collection: "Accounts",
        record: |name| json!({"Account_Name": name}),
        with: ", webhook_secret: a-webhook-secret",
        read: |id| format!("/Accounts/{id}"),
        forged: |id| Forged {
            headers: vec![],
            body: json!({"module": "Accounts", "ids": [id], "token": "another"}).to_string(),
            why: "the call does not repeat the secret",
        },
    });
}

#[test]
fn r4_exact_online_signs_the_content_beside_it() {
    plays(Vendor {
        system: "exact-online",
        kind: "Accounts",
        property: "Name",
        collection: "Accounts",
        record: |name| json!({"Name": name}),
        with: "",
        read: |id| format!("/crm/Accounts(guid'{id}')"),
        forged: |id| {
            let content = json!({"Topic": "Accounts", "Action": "Update", "Key": id});
            let body = json!({"Content": content, "HashCode": "00".repeat(32)}).to_string();
            Forged { headers: vec![], body, why: WRONG }
        },
    });
}

#[test]
fn r4_shopify_signs_and_a_deleted_record_is_its_number() {
    plays(Vendor {
        system: "shopify",
        kind: "Customers",
        property: "firstName",
        collection: "customers",
        record: |name| json!({"firstName": name}),
        with: "",
        read: |_| "/graphql.json".into(),
        forged: |id| {
            let mut forged = signed("X-Shopify-Hmac-Sha256", "AAAA", json!({"id": id}));
            forged.headers.push(("X-Shopify-Topic", "customers/update".into()));
            forged
        },
    });
}

#[test]
fn r4_hubspot_signs_method_address_body_and_time() {
    plays(Vendor {
        system: "hubspot",
        kind: "Contacts",
        property: "firstname",
        collection: "contacts",
        record: |name| json!({"properties": {"firstname": name}}),
        with: "",
        read: |id| format!("/contacts/{id}"),
        forged: |id| {
            let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
            let body = json!([{"subscriptionType": "contact.propertyChange", "objectId": id}]);
            let mut forged = signed("X-HubSpot-Signature-v3", "AAAA", body);
            forged.headers.push(("X-HubSpot-Request-Timestamp", now.to_string()));
            forged
        },
    });
}

#[test]
fn r4_woocommerce_signs_with_the_webhooks_secret() {
    plays(Vendor {
        system: "woocommerce",
        kind: "Customers",
        property: "first_name",
        collection: "customers",
        record: |name| json!({"first_name": name, "email": format!("{name}@example.com")}),
        with: ", webhook_secret: a-webhook-secret",
        read: |id| format!("/customers/{id}"),
        forged: |id| {
            let mut forged = signed("X-WC-Webhook-Signature", "AAAA", json!({"id": id}));
            forged.headers.push(("X-WC-Webhook-Topic", "customer.updated".into()));
            forged
        },
    });
}

#[test]
fn a_system_without_webhooks_is_told_as_one() {
    let options = Options { systems: vec!["salesforce".into()], ..Options::empty() };
    let sandbox = Sandbox::start(options).unwrap();
    let vendor = Vendor {
        system: "salesforce",
        kind: "Account",
        property: "Name",
        collection: "Account",
        record: |name| json!({"Name": name}),
        with: "",
        read: |_| String::new(),
        forged: |_| signed("", "", Value::Null),
    };
    let dir = tempfile::tempdir().unwrap();
    project(dir.path(), &vendor, &with(&vendor, &sandbox));
    lockstep(dir.path(), &["check"]).exits(0).says("makes no calls (webhooks)");
    let (_service, lines) = run(dir.path(), &["--webhooks", "127.0.0.1:0"]);
    wait_for(&lines, "there makes no calls, and is read on schedule: Salesforce tells of changes");
}

#[test]
fn a_system_whose_calls_could_not_be_checked_is_not_told_where_to_call() {
    let options = Options { systems: vec!["woocommerce".into()], ..Options::empty() };
    let sandbox = Sandbox::start(options).unwrap();
    let vendor = Vendor {
        system: "woocommerce",
        kind: "Customers",
        property: "first_name",
        collection: "customers",
        record: |name| json!({"first_name": name}),
        with: "",
        read: |_| String::new(),
        forged: |_| signed("", "", Value::Null),
    };
    let dir = tempfile::tempdir().unwrap();
    project(dir.path(), &vendor, &with(&vendor, &sandbox));
    let args = ["--webhooks", "127.0.0.1:0", "--public-url", "http://127.0.0.1:1"];
    let (_service, lines) = run(dir.path(), &args);
    let told = wait_for(&lines, "there: it could not be told where to call");
    assert!(told.contains("Give `webhook_secret` (a secret of your own"), "{told}");
    assert!(sandbox.requests(0).iter().all(|asked| !asked.path.contains("webhooks")));
}

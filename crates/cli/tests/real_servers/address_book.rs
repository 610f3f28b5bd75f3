//! The cards of an address book on a Radicale server, kept in step with Wix's contacts.

use lockstep_connector::contract::{self, Subject};
use lockstep_connector::{Action, Connector, Outcome, Trouble, Write, WriteValue, catalogue};
use lockstep_model::flow::{Having, PropertyRef};
use lockstep_sandbox::Options;
use serde_json::{Value, json};

use crate::kit::{World, shown, text};
use crate::servers::{self, PASSWORD, Server};

const FLOWS: &str = "
flows:
  - from: book.Contacts
    to: wix.Contacts
    create: always
    match: [emails = info.emails]
    properties:
      - n.given <-> info.name.first
      - n.family <-> info.name.last
      - emails <-> info.emails
      - phones <-> info.phones
  - from: wix.Contacts
    to: book.Contacts
    create: always
    match: [info.emails = emails]
    properties:
      - info.name.first <-> n.given
      - info.name.last <-> n.family
      - info.emails <-> emails
      - info.phones <-> phones
";

/// What a person's telephone does with the cards, past Lockstep.
struct Phone(String);

impl Phone {
    fn send(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build();
        let agent: ureq::Agent = agent.into();
        // `ase:` and the password of the tests, RFC 7617.
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.0))
            .header("Authorization", "Basic YXNlOnNlY3JldC1vZi10aGUtdGVzdA==")
            .header("Depth", "1")
            .header(
                "Content-Type",
                if method == "PUT" { "text/vcard; charset=utf-8" } else { "application/xml" },
            )
            .body(body.to_string())
            .unwrap();
        let mut answer = agent.run(request).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    fn put(&self, name: &str, lines: &[&str]) {
        let card = format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{name}\r\n{}\r\nEND:VCARD\r\n",
            lines.join("\r\n")
        );
        let (status, said) = self.send("PUT", &format!("{name}.vcf"), &card);
        assert!((200..300).contains(&status), "{status}: {said}");
    }

    fn get(&self, name: &str) -> String {
        self.send("GET", &format!("{name}.vcf"), "").1
    }

    /// All cards as one text.
    fn all(&self) -> String {
        self.send("GET", "", "").1
    }
}

fn with(server: &Server) -> Value {
    json!({"url": format!("http://127.0.0.1:{}/ase/contacts/", server.port), "user": "ase", "password": PASSWORD})
}

fn connect(with: &Value) -> Box<dyn Connector> {
    catalogue::connect("carddav", with.as_object().unwrap(), std::path::Path::new(".")).unwrap()
}

fn the_contract_is_kept(server: &Server, phone: &Phone) {
    phone.put("first", &["FN:The First", "N:First;The;;;", "EMAIL;TYPE=home:first@example.no"]);
    phone.put("second", &["FN:The Second", "N:Second;The;;;"]);
    let book = connect(&with(server));
    let mut mobile = PropertyRef::new("phones.value");
    mobile.when = Some(Having { path: "phones.type".into(), value: "cell".into() });
    let mut watch =
        ["fn", "n.family", "n.given", "emails.value", "org.name", "adr.locality", "note"]
            .map(PropertyRef::new)
            .to_vec();
    watch.push(mobile);
    let subject = Subject {
        connector: book.as_ref(),
        kind: "Contacts",
        watch,
        creates: vec![
            vec![
                json!("Dagny \"D\" Øye"),
                json!("Øye; Li"),
                json!("Dagny"),
                json!("dagny@example.no"),
                json!("Fjord, Fjell & <Sønn> AS"),
                json!("Bodø"),
                json!("two\nlines \\ and more"),
                json!("+47 900 00 003"),
            ],
            vec![
                json!("Eivind"),
                json!("Li"),
                json!(null),
                json!(null),
                json!(null),
                json!(null),
                json!(null),
                json!(null),
            ],
        ],
        update: (3, json!("dagny@example.org")),
        unknown_id: "nobody.vcf",
        refuses_stale_versions: true,
    };
    contract::check(&subject);
    // C2: a second try of the same creation makes no second card.
    let values = vec![WriteValue { prop: 0, value: json!("Once"), displaced: Value::Null.into() }];
    let create = Write { action: Action::Create, values, token: "the same intent".into() };
    let outcomes = [0, 1]
        .map(|_| book.write("Contacts", &subject.watch, std::slice::from_ref(&create)).remove(0));
    let ids = outcomes.map(|outcome| match outcome {
        Outcome::Done(record) => record.id,
        other => panic!("{other:?}"),
    });
    assert_eq!(ids[0], ids[1]);
    assert_eq!(phone.all().matches("FN:Once").count(), 1);
    // A wrong password, and an address that is no address book, are told with the remedy, and
    // without the secret.
    let mut wrong = with(server);
    wrong["password"] = json!("another-secret");
    match connect(&wrong).test() {
        Err(Trouble::Unauthorized(message)) => {
            assert!(
                message.contains("`password`") && !message.contains("another-secret"),
                "{message}"
            )
        }
        other => panic!("{other:?}"),
    }
    let mut elsewhere = with(server);
    elsewhere["url"] = json!(format!("http://127.0.0.1:{}/ase/", server.port));
    assert!(matches!(connect(&elsewhere).test(), Err(Trouble::Misconfigured(_))));
    // A server that has forgotten a token begins anew, and says that it lists everything.
    let stale = lockstep_connector::Checkpoint {
        text: json!({"token": "http://radicale.org/ns/sync/forgotten"}).to_string(),
        bytes: vec![],
    };
    let reading =
        contract::read_all(book.as_ref(), "Contacts", &subject.watch, Some(stale), 2).unwrap();
    assert!(reading.everything && reading.records.len() == 3, "{reading:?}");
    for name in ["first.vcf", "second.vcf", &ids[0]] {
        assert!(phone.send("DELETE", name, "").0 < 300);
    }
}

fn kept_in_step(server: &Server, phone: &Phone) {
    phone.put(
        "ase",
        &[
            "FN:Åse Nes",
            "N:Nes;Åse;;;",
            "EMAIL;TYPE=home:home@example.org",
            "EMAIL;TYPE=work,pref:Ase@Example.no",
            "TEL;TYPE=CELL:+4790000001",
            "X-ANNIVERSARY;X-ODD=\"a:b\":a line of somebody's own",
        ],
    );
    phone.put("bjorn", &["FN:Bjørn", "N:;Bjørn;;;", "EMAIL:bjorn@example.no"]);
    let project = format!(
        "store: sqlite:lockstep.db\nsystems:\n  book:\n    connector: carddav\n    with: {}\n  wix:\n    connector: wix\n    \
         with: {{ base_url: \"${{WIX_URL}}\", api_key: \"${{WIX_API_KEY}}\", site_id: \"${{WIX_SITE_ID}}\", rate_per_second: 1000 }}\n\
         flows: [flows/*.yaml]\n",
        with(server)
    );
    let mut world = World::of_files(
        &[("lockstep.yaml", project), ("flows/book.yaml", FLOWS.to_string())],
        Options::empty(),
    );
    let contact = |first: &str, email: &str| json!({"info": {"name": {"first": first}, "emails": {"items": [{"email": email, "primary": true, "tag": "WORK"}]}}});
    let ase = world.put("wix", "contacts", contact("Åse", "ase@example.no"));
    world.put("wix", "contacts", contact("Cato", "cato@example.no"));

    // Linked by the address, in whatever case (L2); the others are created where they are not,
    // complete (C1).
    let report = world.run_smoothly();
    let everyone = phone.all();
    assert_eq!(everyone.matches("BEGIN:VCARD").count(), 3, "{everyone}\n{}", shown(&report));
    assert!(
        everyone.contains("EMAIL:cato@example.no")
            && everyone.contains("N:;Cato;;;")
            && everyone.contains("FN:Cato"),
        "{everyone}"
    );
    assert_eq!(world.records("wix", "contacts").len(), 3);
    assert_eq!(
        text(&world.record("wix", "contacts", &ase), "/info/name/last"),
        "Nes",
        "P2: a value beats an empty one"
    );
    world.idle();
    assert_eq!(phone.all(), everyone, "P4: an idle run changed a card");

    // Edits of both sides. P9: the address that stands for the property is replaced, its type and
    // the other lines stay.
    let pause = || std::thread::sleep(std::time::Duration::from_millis(1_050));
    pause();
    let items = json!([{"email": "ase.nes@example.no", "primary": true, "tag": "WORK"}]);
    world.edit("wix", "contacts", &ase, json!({"info": {"emails": {"items": items}}}));
    world.run_smoothly();
    let card = phone.get("ase");
    assert!(
        card.contains("EMAIL;TYPE=work,pref:ase.nes@example.no")
            || card.contains("EMAIL;TYPE=pref,work:ase.nes@example.no"),
        "{card}"
    );
    assert!(
        card.contains("EMAIL;TYPE=home:home@example.org")
            || card.contains("EMAIL;TYPE=HOME:home@example.org"),
        "{card}"
    );
    assert!(card.contains("a line of somebody's own"), "{card}");
    world.idle();
    pause();
    phone.put(
        "bjorn",
        &["FN:Bjørn B", "N:Berg;Bjørn;;;", "EMAIL:bjorn@example.no", "TEL:+4722000000"],
    );
    world.run_smoothly();
    let (_, bjorn) = world.one("wix", "contacts", "/info/name/first", "Bjørn");
    assert_eq!(text(&bjorn, "/info/name/last"), "Berg");
    assert_eq!(text(&bjorn, "/info/phones/items/0/phone"), "+4722000000");
    let everyone = phone.all();
    world.idle();
    assert_eq!(phone.all(), everyone, "P4");

    // D1: a card that is deleted, as the server tells, is not made anew; its contact stays.
    assert!(phone.send("DELETE", "bjorn.vcf", "").0 < 300);
    world.run_smoothly();
    assert_eq!(phone.all().matches("BEGIN:VCARD").count(), 2);
    world.one("wix", "contacts", "/info/name/first", "Bjørn");
    world.idle();
}

#[test]
fn cards_of_an_address_book() {
    let Some(server) = servers::radicale() else { return };
    let phone = Phone(format!("http://127.0.0.1:{}/ase/contacts/", server.port));
    let book = r#"<?xml version="1.0"?><mkcol xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><set><prop><resourcetype><collection/><C:addressbook/></resourcetype></prop></set></mkcol>"#;
    let (status, said) = phone.send("MKCOL", "", book);
    assert_eq!(status, 201, "{said}");
    the_contract_is_kept(&server, &phone);
    kept_in_step(&server, &phone);
}

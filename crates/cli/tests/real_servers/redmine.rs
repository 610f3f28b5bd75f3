//! Redmine's users and issues by the manifest of `examples/connectors/redmine.yaml`, kept in step
//! with Zendesk's users and tickets.

use std::path::Path;

use lockstep_connector::contract::{self, Subject};
use lockstep_connector::{Action, Connector, Outcome, Write, WriteValue, catalogue};
use lockstep_hub::report::Event;
use lockstep_model::flow::PropertyRef;
use lockstep_sandbox::Options;
use serde_json::{Value, json};

use crate::kit::{World, shown};
use crate::servers::{self, API_KEY, Server};

const FLOWS: &str = "
flows:
  - from: redmine.Users
    to: zendesk.Users
    create: always
    match: [mail = email]
    properties:
      - mail <-> email
      - lastname <-> name
  - from: zendesk.Users
    to: redmine.Users
    create: always
    match: [email = mail]
    properties:
      - email <-> mail
      - name <-> lastname
  - from: redmine.Issues
    to: zendesk.Tickets
    create: always
    match: [subject = subject]
    properties: [subject <-> subject]
  - from: zendesk.Tickets
    to: redmine.Issues
    create: always
    match: [subject = subject]
    properties: [subject <-> subject]
";

fn manifest() -> String {
    std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/connectors/redmine.yaml"
    ))
    .unwrap()
}

/// What people do in Redmine, past Lockstep.
struct Desk(String);

impl Desk {
    fn send(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.0))
            .header("X-Redmine-API-Key", API_KEY)
            .header("Content-Type", "application/json")
            .body(body.map(|body| body.to_string()).unwrap_or_default())
            .unwrap();
        let text = ureq::run(request)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
            .body_mut()
            .read_to_string()
            .unwrap();
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    fn issue(&self, subject: &str) -> String {
        self.send(
            "POST",
            "/issues.json",
            Some(json!({"issue": {"project_id": "support", "subject": subject}})),
        )["issue"]["id"]
            .to_string()
    }

    fn user(&self, mail: &str, first: &str, last: &str) -> String {
        let user = json!({"login": mail, "mail": mail, "firstname": first, "lastname": last, "generate_password": true});
        self.send("POST", "/users.json", Some(json!({ "user": user })))["user"]["id"].to_string()
    }

    fn all(&self) -> (Value, Value) {
        (
            self.send("GET", "/issues.json?status_id=*&sort=id", None),
            self.send("GET", "/users.json", None),
        )
    }

    fn subjects(&self) -> Vec<String> {
        let issues = self.all().0["issues"].as_array().cloned().unwrap_or_default();
        issues
            .iter()
            .map(|issue| issue["subject"].as_str().unwrap_or_default().to_string())
            .collect()
    }

    fn named(&self, mail: &str) -> Value {
        let users = self.all().1["users"].as_array().cloned().unwrap_or_default();
        users
            .iter()
            .find(|user| user["mail"] == mail)
            .cloned()
            .unwrap_or_else(|| panic!("{mail} among {users:#?}"))
    }
}

fn with(server: &Server) -> Value {
    json!({"base_url": format!("http://127.0.0.1:{}", server.port), "api_key": API_KEY, "project_id": "support", "rate_per_second": 1000})
}

fn connected(server: &Server, dir: &Path) -> Box<dyn Connector> {
    std::fs::create_dir(dir.join("connectors")).unwrap();
    std::fs::write(dir.join("connectors/redmine.yaml"), manifest()).unwrap();
    catalogue::connect("redmine", with(server).as_object().unwrap(), dir).unwrap()
}

fn the_contract_is_kept(server: &Server, desk: &Desk) {
    let dir = tempfile::tempdir().unwrap();
    let redmine = connected(server, dir.path());
    let first = desk.issue("The first");
    contract::check(&Subject {
        connector: redmine.as_ref(),
        kind: "Issues",
        watch: ["subject", "description", "due_date"].map(PropertyRef::new).to_vec(),
        creates: vec![
            vec![
                json!("Skriveren \"står\" & stille"),
                json!("Lyset blinker rødt"),
                json!("2031-01-31"),
            ],
            vec![json!("Ny skjerm"), json!(null), json!(null)],
        ],
        update: (2, json!("2031-02-01")),
        unknown_id: "999999",
        refuses_stale_versions: false,
    });
    let watch = ["mail", "firstname", "lastname"].map(PropertyRef::new).to_vec();
    contract::check(&Subject {
        connector: redmine.as_ref(),
        kind: "Users",
        watch: watch.clone(),
        creates: vec![
            vec![json!("dagny@example.no"), json!("Dagny"), json!("Øye")],
            vec![json!("eivind@example.no"), json!("Eivind"), json!("Li")],
        ],
        update: (2, json!("Øye-Li")),
        unknown_id: "999999",
        refuses_stale_versions: false,
    });
    // C2: a taken address is looked up; G4: a refused value names its property.
    let ase = desk.user("ase@example.no", "Åse", "Nes");
    let create = |values: [Value; 3]| {
        let values = values.into_iter().enumerate().map(|(prop, value)| WriteValue {
            prop,
            value,
            displaced: Value::Null.into(),
        });
        Write { action: Action::Create, values: values.collect(), token: "t".into() }
    };
    let outcome = redmine
        .write("Users", &watch, &[create([json!("ase@example.no"), json!("Aase"), json!("N")])])
        .remove(0);
    assert!(
        matches!(&outcome, Outcome::Duplicate { id: Some(id), .. } if *id == ase),
        "{outcome:?}"
    );
    let outcome = redmine
        .write("Users", &watch, &[create([json!("no address"), json!("A"), json!("B")])])
        .remove(0);
    assert!(matches!(&outcome, Outcome::Rejected { prop: Some(0), .. }), "{outcome:?}");
    desk.send("DELETE", &format!("/issues/{first}.json"), None);
}

fn kept_in_step(server: &Server, desk: &Desk) {
    let project = format!(
        "store: sqlite:lockstep.db\nsystems:\n  redmine:\n    connector: redmine\n    with: {}\n  zendesk:\n    connector: zendesk\n    \
         with: {{ base_url: \"${{ZENDESK_URL}}\", email: \"${{ZENDESK_EMAIL}}\", api_token: \"${{ZENDESK_API_TOKEN}}\", rate_per_second: 1000 }}\n\
         flows: [flows/*.yaml]\n",
        with(server)
    );
    let files = [
        ("lockstep.yaml", project),
        ("flows/desk.yaml", FLOWS.to_string()),
        ("connectors/redmine.yaml", manifest()),
    ];
    let mut world = World::of_files(&files, Options::empty());
    let printer = desk.issue("Skriveren står");
    let ase = world.put("zendesk", "users", json!({"name": "Nes", "email": "Ase@example.no"}));
    let customer = ase.parse::<u64>().unwrap();
    world.put("zendesk", "tickets", json!({"subject": "skriveren STÅR", "requester_id": customer}));
    world.put("zendesk", "tickets", json!({"subject": "Ny skjerm", "requester_id": customer}));

    let report = world.run_smoothly();
    // L2: linked in whatever case; which of the two spellings holds is the later one's (P1). The
    // other ticket got an issue.
    assert_eq!(desk.subjects().len(), 2, "{}", shown(&report));
    assert!(desk.subjects().contains(&"Ny skjerm".to_string()), "C1: {:?}", desk.subjects());
    assert_eq!(world.records("zendesk", "tickets").len(), 2, "{}", shown(&report));
    world.one("zendesk", "users", "/email", "admin@example.net");
    let quiet = desk.all();
    world.idle();
    assert_eq!(desk.all(), quiet, "P4: an idle run changed something in Redmine");

    // Edits on either side, each at a second of its own: both tell whole seconds.
    let pause = || std::thread::sleep(std::time::Duration::from_millis(1_050));
    pause();
    desk.send(
        "PUT",
        &format!("/issues/{printer}.json"),
        Some(json!({"issue": {"subject": "Skriveren er død"}})),
    );
    world.edit("zendesk", "users", &ase, json!({"name": "Ness"}));
    world.run_smoothly();
    world.one("zendesk", "tickets", "/subject", "Skriveren er død");
    assert_eq!(desk.named("ase@example.no")["lastname"], "Ness");
    let (ticket, _) = world.one("zendesk", "tickets", "/subject", "Ny skjerm");
    pause();
    world.edit("zendesk", "tickets", &ticket, json!({"subject": "Ny, stor skjerm"}));
    world.run_smoothly();
    assert!(desk.subjects().contains(&"Ny, stor skjerm".to_string()), "{:?}", desk.subjects());
    let quiet = desk.all();
    world.idle();
    assert_eq!(desk.all(), quiet, "P4");

    // G4: what Redmine refuses waits with its words.
    pause();
    world.edit("zendesk", "users", &ase, json!({"name": "N".repeat(300)}));
    let report = world.run();
    let refused = |event: &Event| matches!(event, Event::Refused { message, .. } if message.contains("too long"));
    assert!(report.events.iter().any(refused), "{}", shown(&report));
    assert_eq!(desk.named("ase@example.no")["lastname"], "Ness");
    world.idle();

    // D1: a deleted issue is not made anew, and its ticket stays.
    desk.send("DELETE", &format!("/issues/{printer}.json"), None);
    world.run_full();
    assert_eq!(desk.subjects(), ["Ny, stor skjerm"]);
    world.one("zendesk", "tickets", "/subject", "Skriveren er død");
    world.idle();
}

#[test]
fn users_and_issues_of_redmine() {
    let Some(server) = servers::redmine() else { return };
    let desk = Desk(format!("http://127.0.0.1:{}", server.port));
    let trackers = json!({"name": "Support", "identifier": "support", "tracker_ids": [1, 2, 3]});
    desk.send("POST", "/projects.json", Some(json!({ "project": trackers })));
    the_contract_is_kept(&server, &desk);
    kept_in_step(&server, &desk);
}

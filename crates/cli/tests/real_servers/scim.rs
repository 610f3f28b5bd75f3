//! A SCIM 2.0 server's users by the manifest of `examples/connectors/scim.yaml`, kept in step with
//! YouTrack's.

use lockstep_connector::contract::{self, Subject};
use lockstep_connector::{Connector, catalogue};
use lockstep_model::flow::PropertyRef;
use lockstep_sandbox::Options;
use serde_json::{Value, json};

use crate::kit::{World, flow, shown, situation};
use crate::servers::{self, PASSWORD, Server};

const FLOWS: &str = "
flows:
  - from: directory.Users
    to: youtrack.Users
    create: always
    match: [emails = profile.email.email]
    properties:
      - userName <-> login
      - displayName <-> name
      - emails <-> profile.email.email
  - from: youtrack.Users
    to: directory.Users
    create: always
    match: [profile.email.email = emails]
    properties:
      - login <-> userName
      - name <-> displayName
      - profile.email.email <-> emails
";

fn manifest() -> String {
    std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/connectors/scim.yaml"
    ))
    .unwrap()
}

/// What an administrator does in the server, past Lockstep.
struct Desk(String);

impl Desk {
    fn of(server: &Server) -> Desk {
        Desk(format!("http://127.0.0.1:{}/v2/Users", server.port))
    }

    fn send(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.0))
            .header("Authorization", format!("Bearer {PASSWORD}"))
            .header("Content-Type", "application/scim+json")
            .body(body.map(|body| body.to_string()).unwrap_or_default())
            .unwrap();
        let text = ureq::run(request).unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    fn add(&self, user: &Value) -> String {
        let mut user = user.clone();
        user["schemas"] = json!(["urn:ietf:params:scim:schemas:core:2.0:User"]);
        self.send("POST", "", Some(user))["id"].as_str().unwrap().to_string()
    }

    fn edit(&self, id: &str, what: Value) {
        let operations = json!([{"op": "replace", "value": what}]);
        let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:PatchOp"]);
        self.send(
            "PATCH",
            &format!("/{id}"),
            Some(json!({"schemas": schemas, "Operations": operations})),
        );
    }

    fn all(&self) -> Vec<Value> {
        self.send("GET", "?sortBy=id&count=1000", None)["Resources"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    fn one(&self, name: &str) -> Value {
        let mut found: Vec<Value> =
            self.all().into_iter().filter(|user| user["userName"] == name).collect();
        assert_eq!(found.len(), 1, "{name} among {:#?}", self.all());
        found.remove(0)
    }
}

fn with(server: &Server) -> Value {
    json!({"base_url": format!("http://127.0.0.1:{}/v2", server.port), "token": PASSWORD, "rate_per_second": 1000})
}

fn the_contract_is_kept(server: &Server) {
    Desk::of(server).add(&json!({"userName": "first", "displayName": "First"}));
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("connectors")).unwrap();
    std::fs::write(dir.path().join("connectors/scim.yaml"), manifest()).unwrap();
    let connector: Box<dyn Connector> =
        catalogue::connect("scim", with(server).as_object().unwrap(), dir.path()).unwrap();
    contract::check(&Subject {
        connector: connector.as_ref(),
        kind: "Users",
        watch: ["userName", "displayName", "emails.value", "name.familyName", "active"]
            .map(PropertyRef::new)
            .to_vec(),
        creates: vec![
            vec![
                json!("dagny"),
                json!("Dagny \"D\" Øye"),
                json!("dagny@example.no"),
                json!("Øye"),
                json!(true),
            ],
            vec![json!("eivind"), json!(null), json!(null), json!("Li"), json!(false)],
        ],
        update: (2, json!("dagny@example.org")),
        unknown_id: "nobody",
        refuses_stale_versions: true,
    });
    let first = Desk::of(server).one("first");
    Desk::of(server).send("DELETE", &format!("/{}", first["id"].as_str().unwrap()), None);
}

fn kept_in_step(server: &Server) {
    let desk = Desk::of(server);
    let ase = desk.add(&json!({
        "userName": "ase", "displayName": "Åse Nes", "title": "Engineer",
        "emails": [{"value": "home@example.org", "type": "home"}, {"value": "Ase@Example.no", "type": "work", "primary": true}]
    }));
    desk.add(&json!({"userName": "bjorn", "displayName": "Bjørn", "emails": [{"value": "bjorn@example.no"}]}));
    let project = format!(
        "store: sqlite:lockstep.db\nsystems:\n  directory:\n    connector: scim\n    with: {}\n  youtrack:\n    connector: youtrack\n    \
         with: {{ base_url: \"${{YOUTRACK_URL}}\", token: \"${{YOUTRACK_TOKEN}}\", rate_per_second: 1000 }}\nflows: [flows/*.yaml]\n",
        with(server)
    );
    let files = [
        ("lockstep.yaml", project),
        ("flows/users.yaml", FLOWS.to_string()),
        ("connectors/scim.yaml", manifest()),
    ];
    let mut world = World::of_files(&files, Options::empty());
    let address = |email: &str| json!({"email": {"email": email, "verified": true}});
    let there = world.put(
        "youtrack",
        "users",
        json!({"login": "ase", "name": "Åse", "profile": address("ase@example.no")}),
    );
    world.put(
        "youtrack",
        "users",
        json!({"login": "cato", "name": "Cato", "profile": address("cato@example.no")}),
    );
    let known = world.records("youtrack", "users").len();

    // L3: linked by the second of two addresses, in another case; the others are created on the
    // side where they are not.
    let report = world.run_smoothly();
    let linked = situation(flow(&report, "directory.Users", "youtrack.Users"), "found")
        + situation(flow(&report, "youtrack.Users", "directory.Users"), "found");
    assert!(linked >= 1, "{}", shown(&report));
    assert_eq!(
        world.records("youtrack", "users").len(),
        known + 1,
        "Bjørn alone is new in YouTrack: {}",
        shown(&report)
    );
    assert_eq!(desk.one("cato")["emails"][0]["value"], "cato@example.no", "C1");
    assert_eq!(
        world.one("youtrack", "users", "/login", "bjorn").1["profile"]["email"]["email"],
        "bjorn@example.no"
    );
    let quiet = desk.all();
    world.idle();
    assert_eq!(desk.all(), quiet, "P4: an idle run changed a user");

    // P9: the address that was matched is replaced in its place; everything else of the user stays.
    world.edit(
        "youtrack",
        "users",
        &there,
        json!({"profile": {"email": {"email": "ase.nes@example.no"}}}),
    );
    desk.edit(&ase, json!({"displayName": "Åse N."}));
    world.run_smoothly();
    let user = desk.one("ase");
    let addresses: Vec<&str> = user["emails"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|email| email["value"].as_str())
        .collect();
    assert_eq!(addresses, ["home@example.org", "ase.nes@example.no"]);
    assert_eq!(
        (user["title"].as_str(), user["emails"][1]["primary"].as_bool()),
        (Some("Engineer"), Some(true))
    );
    assert_eq!(world.record("youtrack", "users", &there)["name"], "Åse N.");
    let quiet = desk.all();
    world.idle();
    assert_eq!(desk.all(), quiet, "P4");

    // C2: the user name is taken by somebody without an address: that is a match the server makes,
    // and one user stays one.
    desk.add(&json!({"userName": "dagny", "displayName": "Dagny"}));
    world.put(
        "youtrack",
        "users",
        json!({"login": "dagny", "name": "Dagny D", "profile": address("dagny@example.no")}),
    );
    world.run_smoothly();
    assert_eq!(desk.one("dagny")["emails"][0]["value"], "dagny@example.no");
    world.idle();

    // D1: who is deleted is not created anew.
    let bjorn = desk.one("bjorn")["id"].as_str().unwrap().to_string();
    desk.send("DELETE", &format!("/{bjorn}"), None);
    world.run_full();
    assert!(!desk.all().iter().any(|user| user["userName"] == "bjorn"), "D1");
    world.idle();
}

#[test]
fn users_of_a_scim_server() {
    let Some(server) = servers::scim() else { return };
    the_contract_is_kept(&server);
    kept_in_step(&server);
}

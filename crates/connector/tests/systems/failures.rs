//! What goes wrong between here and a system: each failure is told apart, in words that say what to
//! do, and without secrets.

use std::path::Path;

use lockstep_connector::catalogue::{connect, names, schemas, settings};
use lockstep_connector::{Checkpoint, Outcome, ReadRequest, Trouble};
use lockstep_sandbox::{Fault, FaultKind, SYSTEMS, credentials};
use serde_json::{Map, json};

use super::{create, done, get, open, pick, read, sandbox, update, watch, with};

#[test]
fn a_wrong_key_is_told_with_the_remedy_and_without_the_key() {
    for system in SYSTEMS {
        let sandbox = sandbox(system);
        let mut with = with(system, &sandbox);
        for setting in settings(system).into_iter().filter(|setting| setting.secret) {
            with.insert(setting.name, json!("wrong-but-secret"));
        }
        let connector = connect(system, &with, Path::new(".")).unwrap();
        match connector.test() {
            Err(Trouble::Unauthorized(message)) => {
                assert!(!message.contains("wrong-but-secret"), "{system}: {message}");
                assert!(
                    message.contains("lockstep.yaml") || message.contains(".env"),
                    "{system}: where to look? {message}"
                );
            }
            other => panic!("{system}: {other:?}"),
        }
    }
}

#[test]
fn the_connection_of_each_system_is_tried() {
    for system in SYSTEMS {
        let sandbox = sandbox(system);
        assert!(!open(system, &sandbox).test().unwrap().is_empty());
        assert_eq!(sandbox.total_writes(), 0, "{system}");
    }
}

#[test]
fn a_system_that_is_not_there_is_unreachable() {
    let sandbox = sandbox("crmoffice");
    let connector = open("crmoffice", &sandbox);
    sandbox.shutdown();
    let troubles =
        [connector.test().unwrap_err(), connector.get("Contacts", &[], "1").unwrap_err()];
    assert!(
        troubles.iter().all(|trouble| matches!(trouble, Trouble::Unreachable(_))),
        "{troubles:?}"
    );
    let outcome = create(&*connector, "Contacts", &watch(&["givenName"]), &[(0, json!("Ada"))]);
    assert!(matches!(outcome, Outcome::Stopped(Trouble::Unreachable(_))), "{outcome:?}");
}

#[test]
fn c2_a_creation_whose_answer_is_lost_may_have_been_done() {
    for (kind, carried_out) in [(FaultKind::LostAnswer, 1), (FaultKind::BrokenJson, 1)] {
        let sandbox = sandbox("wix");
        let wix = open("wix", &sandbox);
        wix.test().unwrap();
        sandbox.fault("wix", Fault::new(kind, 1).on_method("POST")).unwrap();
        let outcome = create(&*wix, "Contacts", &watch(&["info.name.first"]), &[(0, json!("Ada"))]);
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{kind:?}: {outcome:?}");
        assert_eq!(
            sandbox.total_writes(),
            carried_out,
            "{kind:?}: it must not be tried again here"
        );
    }
}

#[test]
fn a_creation_that_the_system_puts_off_is_for_later() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    for status in [429, 503] {
        let mut fault = Fault::new(FaultKind::Status, 1).on_method("POST");
        (fault.what.status, fault.what.retry_after) = (Some(status), Some(7));
        sandbox.fault("wix", fault).unwrap();
        match create(&*wix, "Contacts", &watch(&["info.name.first"]), &[(0, json!("Ada"))]) {
            Outcome::Later { retry_after_ms, .. } => {
                assert_eq!(retry_after_ms, Some(7000), "{status}")
            }
            other => panic!("{status}: {other:?}"),
        }
    }
    let mut fault = Fault::new(FaultKind::Status, 1).on_method("POST");
    fault.what.status = Some(500);
    sandbox.fault("wix", fault).unwrap();
    // C2: who knows how far it came.
    let outcome = create(&*wix, "Contacts", &watch(&["info.name.first"]), &[(0, json!("Ada"))]);
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
}

#[test]
fn an_answer_that_is_cut_off_is_malformed_and_names_the_request() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    sandbox.fault("wix", Fault::new(FaultKind::BrokenJson, 9)).unwrap();
    let request = ReadRequest { kind: "Contacts", watch: &[], checkpoint: None, page_size: 100 };
    match wix.read(request) {
        Err(Trouble::Malformed(message)) => {
            assert!(message.contains("Wix") && message.contains("contacts"), "{message}")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reading_survives_a_short_illness_of_the_system() {
    let sandbox = sandbox("crmoffice");
    let crmoffice = open("crmoffice", &sandbox);
    sandbox.fault("crmoffice", Fault::new(FaultKind::Status, 2).on_method("GET")).unwrap();
    sandbox.fault("crmoffice", Fault::new(FaultKind::Down, 1).on_method("GET")).unwrap();
    assert!(!read(&*crmoffice, "Contacts", &[]).records.is_empty());
}

#[test]
fn a_token_that_is_refused_is_renewed_once() {
    for system in ["superoffice", "poweroffice-go", "crmoffice"] {
        let sandbox = sandbox(system);
        let connector = open(system, &sandbox);
        connector.test().unwrap();
        sandbox.expire_tokens(system).unwrap();
        connector.test().unwrap_or_else(|trouble| panic!("{system}: {trouble}"));
        sandbox.fault(system, Fault::new(FaultKind::Unauthorized, 9)).unwrap();
        assert!(matches!(connector.test(), Err(Trouble::Unauthorized(_))), "{system}");
    }
}

#[test]
fn a_writing_with_an_expired_token_is_done_after_all() {
    let sandbox = sandbox("crmoffice");
    let crmoffice = open("crmoffice", &sandbox);
    let watch = watch(&["givenName"]);
    let some = pick(&read(&*crmoffice, "Contacts", &watch), |_| true);
    sandbox.expire_tokens("crmoffice").unwrap();
    done(update(&*crmoffice, "Contacts", &watch, &some, 0, json!("Runa")));
    assert_eq!(get(&*crmoffice, "Contacts", &watch, &some.id).values[0], Some(json!("Runa")));
    assert_eq!(sandbox.total_writes(), 1);
}

#[test]
fn a_missing_and_an_unknown_setting_are_named_with_what_would_be_right() {
    let missing = connect("wix", &Map::new(), Path::new(".")).err().unwrap().to_string();
    assert!(missing.contains("api_key") || missing.contains("site_id"), "{missing}");
    let unknown = Map::from_iter([("api_kye".to_string(), json!("x"))]);
    let unknown = connect("wix", &unknown, Path::new(".")).err().unwrap().to_string();
    assert!(unknown.contains("api_kye") && unknown.contains("api_key"), "{unknown}");
}

#[test]
fn schemas_need_neither_network_nor_secrets() {
    for system in SYSTEMS {
        assert!(names().iter().any(|name| name == system));
        let types = schemas(system, &Map::new(), Path::new("."))
            .unwrap_or_else(|trouble| panic!("{system}: {trouble}"));
        assert!(!types.is_empty());
        for ty in &types {
            for property in &ty.properties {
                let resolved = ty.resolve(&property.path);
                assert!(resolved.is_some(), "{system}.{} {} leads nowhere", ty.kind, property.path);
                if let Some(to) = &property.reference {
                    assert!(
                        types.iter().any(|other| other.kind == *to),
                        "{system}.{} {} refers to {to}",
                        ty.kind,
                        property.path
                    );
                }
            }
        }
    }
}

#[test]
fn settings_that_are_secret_are_marked() {
    let public = ["url", "context", "id", "email", "webhook_key"];
    for system in SYSTEMS {
        let known = settings(system);
        for (name, _) in credentials(system) {
            let Some(setting) =
                known.iter().find(|s| name.ends_with(&format!("_{}", s.name.to_uppercase())))
            else {
                continue;
            };
            let harmless = public.iter().any(|end| setting.name.ends_with(end));
            assert!(setting.secret || harmless, "{system}: {}", setting.name);
            assert!(!setting.description.is_empty(), "{system}: {}", setting.name);
        }
    }
}

#[test]
fn a_checkpoint_of_another_make_begins_anew() {
    let sandbox = sandbox("wix");
    let wix = open("wix", &sandbox);
    let odd = Checkpoint { text: "not ours".into(), bytes: vec![1] };
    let page = wix
        .read(ReadRequest { kind: "Contacts", watch: &[], checkpoint: Some(&odd), page_size: 100 })
        .unwrap();
    assert!(page.everything);
}

#[test]
fn a_manifest_of_the_projects_own_is_found_by_its_file() {
    let sandbox = sandbox("crmoffice");
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("connectors")).unwrap();
    let manifest = include_str!("../../systems/crmoffice.yaml");
    std::fs::write(
        folder.path().join("connectors/own.yaml"),
        manifest.replace("title: CRMOffice", "title: Own"),
    )
    .unwrap();
    let own = connect("own", &with("crmoffice", &sandbox), folder.path()).unwrap();
    assert!(own.test().unwrap().contains("Own"));
    std::fs::write(folder.path().join("connectors/own.yaml"), manifest.replace("rate:", "rat:"))
        .unwrap();
    let broken =
        connect("own", &with("crmoffice", &sandbox), folder.path()).err().unwrap().to_string();
    assert!(broken.contains("own") && broken.contains("rat"), "{broken}");
    let nowhere = connect("nowhere", &Map::new(), folder.path()).err().unwrap().to_string();
    assert!(nowhere.contains("nowhere") && nowhere.contains("wix"), "{nowhere}");
}

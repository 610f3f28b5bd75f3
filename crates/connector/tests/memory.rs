//! A system in memory keeps the contract of every connector.

use lockstep_connector::contract::{Subject, check};
use lockstep_connector::memory::{Flat, MemoryConnector};
use lockstep_connector::{Action, Connector, Outcome, Write, WriteValue};
use lockstep_model::flow::PropertyRef;
use lockstep_model::{PlainType, PropertySchema, TypeSchema, Value};
use serde_json::json;

fn people() -> MemoryConnector {
    let mut emails = PropertySchema::new("emails", PlainType::String);
    emails.list = true;
    MemoryConnector::new(vec![TypeSchema {
        properties: vec![emails],
        ..TypeSchema::open("People")
    }])
}

fn flat(values: Value) -> Flat {
    values.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[test]
fn it_keeps_the_contract() {
    let system = people();
    for id in ["1", "2", "3"] {
        system.put("People", id, flat(json!({"name": id})));
    }
    check(&Subject {
        connector: &system,
        kind: "People",
        watch: vec![PropertyRef::new("name"), PropertyRef::new("phone")],
        creates: vec![vec![json!("Åse"), json!("1")], vec![json!("Bo"), Value::Null]],
        update: (1, json!("2")),
        unknown_id: "nobody",
        refuses_stale_versions: true,
    });
}

#[test]
fn a_value_takes_the_place_of_the_element_it_displaces() {
    // P9
    let system = people();
    let watch = [PropertyRef::new("emails")];
    system.put("People", "1", flat(json!({"emails": ["a@example.com", "b@example.com"]})));
    let values = vec![WriteValue {
        prop: 0,
        value: json!("c@example.com"),
        displaced: json!("b@example.com").into(),
    }];
    let write = Write {
        action: Action::Update { id: "1".into(), version: None },
        values,
        token: "t".into(),
    };
    assert!(matches!(system.write("People", &watch, &[write])[0], Outcome::Done(_)));
    assert_eq!(system.all("People")["1"]["emails"], json!(["a@example.com", "c@example.com"]));
}

#[test]
fn a_created_record_gets_the_id_of_the_nearest_that_is_expected() {
    let system = people();
    let watch = [PropertyRef::new("name"), PropertyRef::new("phone")];
    let expected = [
        ("ase", json!({"name": "Åse", "phone": "1"})),
        ("bo", json!({"name": "Bo", "phone": "1"})),
    ];
    system.reserve("People", expected.map(|(id, values)| (id.into(), flat(values))).into());
    let create = |name: &str| {
        let values = [name, "1"].into_iter().enumerate();
        let values = values
            .map(|(prop, value)| WriteValue {
                prop,
                value: json!(value),
                displaced: Value::Null.into(),
            })
            .collect();
        Write { action: Action::Create, values, token: name.into() }
    };
    system.write("People", &watch, &[create("Bo"), create("Åse"), create("Cai")]);
    let all = system.all("People");
    assert_eq!(
        (all["bo"]["name"].clone(), all["ase"]["name"].clone()),
        (json!("Bo"), json!("Åse"))
    );
    assert_eq!(all.len(), 3, "one that nobody expects is made all the same: {all:?}");
}

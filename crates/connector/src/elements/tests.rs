use std::collections::VecDeque;
use std::sync::Mutex;

use serde_json::json;

use super::*;

/// One order, which answers writes as it is told to.
struct Shop {
    types: Vec<TypeSchema>,
    lines: Mutex<(u32, Value)>,
    /// What comes of the next writes in place of carrying them out. A conflict means that somebody
    /// was faster.
    answers: Mutex<VecDeque<Outcome>>,
    /// How many calls it has heard: the first is a trial, a second one came before.
    heard: Mutex<u32>,
    /// What the next looks at the order show in place of what is there.
    shows: Mutex<VecDeque<ReadRecord>>,
}

impl Shop {
    fn with(lines: Value, answers: Vec<Outcome>) -> Elements {
        let shop = Shop {
            types: vec![TypeSchema::open("Orders")],
            lines: Mutex::new((1, lines)),
            answers: Mutex::new(answers.into()),
            heard: Mutex::new(0),
            shows: Mutex::default(),
        };
        Shop::over(shop)
    }

    fn over(shop: Shop) -> Elements {
        let said = json!({"Orders": {"lines": {"id": "no"}}});
        Elements::over(Box::new(shop), kinds(&said).unwrap()).unwrap()
    }

    fn shown(&self) -> ReadRecord {
        let (version, lines) = &*self.lines.lock().unwrap();
        let values = vec![(*lines != json!("left out")).then(|| lines.clone())];
        ReadRecord {
            id: "1".into(),
            version: Some(version.to_string()),
            modified: None,
            deleted: false,
            values,
        }
    }
}

impl Connector for Shop {
    fn types(&self) -> &[TypeSchema] {
        &self.types
    }

    fn test(&self) -> Result<String, Trouble> {
        Ok(String::new())
    }

    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        let everything = request.checkpoint.is_none();
        let checkpoint = Checkpoint::default();
        Ok(Page {
            records: vec![self.shown()],
            faults: vec![],
            gone: vec![],
            below: vec![],
            checkpoint,
            more: false,
            everything,
        })
    }

    fn get(&self, _: &str, _: &[PropertyRef], id: &str) -> Result<Option<ReadRecord>, Trouble> {
        if let Some(shown) = self.shows.lock().unwrap().pop_front() {
            return Ok(Some(shown));
        }
        match id {
            "1" => Ok(Some(self.shown())),
            "cut" => Err(Trouble::Malformed("order cut can't be read".into())),
            _ => Ok(None),
        }
    }

    fn find(
        &self,
        _: &str,
        _: &[PropertyRef],
        _: usize,
        _: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        Ok(None)
    }

    fn hear(&self, _: &Call) -> Heard {
        let mut heard = self.heard.lock().unwrap();
        *heard += 1;
        if *heard == 1 { Heard::Challenge("back".into()) } else { Heard::Again }
    }

    fn write(&self, _: &str, _: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        let [write] = writes else { panic!("one list, one write") };
        if let Some(answer) = self.answers.lock().unwrap().pop_front() {
            if let (Outcome::Conflict { .. }, (version, lines)) =
                (&answer, &mut *self.lines.lock().unwrap())
            {
                *version += 1;
                lines.as_array_mut().unwrap().push(json!({"no": 50 + *version, "by": "somebody"}));
            }
            return vec![answer];
        }
        {
            let (version, lines) = &mut *self.lines.lock().unwrap();
            let Action::Update { version: known, .. } = &write.action else {
                panic!("a list is updated")
            };
            assert!(
                known.as_deref().is_none_or(|known| known == version.to_string()),
                "the list is written over what was read"
            );
            *version += 1;
            *lines = write.values[0].value.clone();
        }
        vec![Outcome::Done(self.shown())]
    }
}

fn watch() -> Vec<PropertyRef> {
    [PARENT, "no", "qty"].map(PropertyRef::new).to_vec()
}

fn write(action: Action, values: &[(usize, Value)]) -> Write {
    let value = |(prop, value): &(usize, Value)| WriteValue {
        prop: *prop,
        value: value.clone(),
        displaced: Value::Null.into(),
    };
    Write { action, values: values.iter().map(value).collect(), token: "t".into() }
}

fn lines(shop: &Elements) -> Value {
    shop.inner
        .get("Orders", &[PropertyRef::new("lines")], "1")
        .unwrap()
        .unwrap()
        .values
        .remove(0)
        .unwrap()
}

fn version(shop: &Elements, id: &str) -> Option<String> {
    shop.get("Orders[lines]", &watch(), id).unwrap().unwrap().version
}

#[test]
fn writes_to_the_elements_of_one_list_are_one_write_of_the_list() {
    let shop = Shop::with(
        json!([{"no": 1, "qty": 1, "note": "x"}, {"no": 2, "qty": 2}, {"no": 4, "qty": 4}]),
        vec![],
    );
    let version_of = |id: &str| version(&shop, id);
    let writes = [
        write(Action::Update { id: "1/1".into(), version: version_of("1/1") }, &[(2, json!(10))]),
        write(Action::Delete { id: "1/2".into(), version: version_of("1/2") }, &[]),
        write(Action::Create, &[(0, json!("1")), (2, json!(5))]),
        write(Action::Create, &[(0, json!("1")), (1, json!(4)), (2, json!(9))]),
        write(Action::Create, &[(0, json!("2")), (2, json!(5))]),
        write(Action::Create, &[(2, json!(5))]),
        write(Action::Update { id: "1/7".into(), version: None }, &[(2, json!(10))]),
    ];
    let outcomes = shop.write("Orders[lines]", &watch(), &writes);
    assert_eq!(
        lines(&shop),
        json!([{"no": 1, "qty": 10, "note": "x"}, {"no": 4, "qty": 4}, {"no": 5, "qty": 5}])
    );
    let done = |outcome: &Outcome| match outcome {
        Outcome::Done(record) => record.id.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        [done(&outcomes[0]), done(&outcomes[1]), done(&outcomes[2])],
        ["1/1", "1/2", "1/5"],
        "the next number"
    );
    assert!(
        matches!(&outcomes[3], Outcome::Duplicate { id: Some(id), .. } if id == "1/4"),
        "{:?}",
        outcomes[3]
    );
    assert!(
        matches!(&outcomes[4], Outcome::Rejected { message, .. } if message.contains("no record 2")),
        "{:?}",
        outcomes[4]
    );
    assert!(matches!(&outcomes[5], Outcome::Rejected { prop: Some(0), .. }), "{:?}", outcomes[5]);
    assert!(matches!(&outcomes[6], Outcome::Gone { .. }), "{:?}", outcomes[6]);
}

#[test]
fn p6_an_edit_of_another_element_is_kept_and_one_of_the_same_is_a_conflict() {
    let busy = || Outcome::Conflict { message: "changed".into() };
    let shop = Shop::with(json!([{"no": 1, "qty": 1}]), vec![busy(), busy()]);
    let update = write(
        Action::Update { id: "1/1".into(), version: version(&shop, "1/1") },
        &[(2, json!(10))],
    );
    let outcomes = shop.write("Orders[lines]", &watch(), &[update]);
    assert!(matches!(&outcomes[..], [Outcome::Done(_)]), "{outcomes:?}");
    let both =
        json!([{"no": 1, "qty": 10}, {"no": 52, "by": "somebody"}, {"no": 53, "by": "somebody"}]);
    assert_eq!(lines(&shop), both, "what others added meanwhile is there");
    // Decided on another state of the element itself.
    let late = write(
        Action::Update { id: "1/1".into(), version: Some("another".into()) },
        &[(2, json!(11))],
    );
    assert!(matches!(
        &shop.write("Orders[lines]", &watch(), &[late])[..],
        [Outcome::Conflict { .. }]
    ));
    assert_eq!(lines(&shop), both);
    let always = Shop::with(json!([{"no": 1, "qty": 1}]), (0..20).map(|_| busy()).collect());
    let update = write(Action::Update { id: "1/1".into(), version: None }, &[(2, json!(10))]);
    assert!(
        matches!(&always.write("Orders[lines]", &watch(), &[update])[..], [Outcome::Later { .. }]),
        "it comes to an end"
    );
}

#[test]
fn c2_a_lost_answer_to_a_list_is_a_lost_answer_to_each_of_its_writes() {
    let shop =
        Shop::with(json!([{"no": 1, "qty": 1}]), vec![Outcome::Unknown { message: "lost".into() }]);
    let update = write(Action::Update { id: "1/1".into(), version: None }, &[(2, json!(10))]);
    let create = write(Action::Create, &[(0, json!("1"))]);
    let outcomes = shop.write("Orders[lines]", &watch(), &[update, create]);
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, Outcome::Unknown { .. })),
        "{outcomes:?}"
    );
}

#[test]
fn r3_a_reading_of_changes_says_of_which_records_it_shows_all_elements() {
    let shop = Shop::with(json!([{"no": 1, "qty": 1}, {"no": 2}]), vec![]);
    let (watch, checkpoint) = (watch(), Checkpoint::default());
    let read = |checkpoint| {
        let page = shop
            .read(ReadRequest { kind: "Orders[lines]", watch: &watch, checkpoint, page_size: 10 })
            .unwrap();
        let ids: Vec<String> = page.records.iter().map(|record| record.id.clone()).collect();
        (ids, page.below, page.everything)
    };
    let ids = || vec!["1/1".to_string(), "1/2".to_string()];
    assert_eq!(read(None), (ids(), vec![], true));
    assert_eq!(read(Some(&checkpoint)), (ids(), vec!["1/".to_string()], false));
}

#[test]
fn r8_a_record_that_can_not_be_read_holds_the_elements_of_no_other() {
    let shop = Shop::with(json!([{"no": 1, "qty": 1}]), vec![]);
    let writes = ["cut/1", "1/1"]
        .map(|id| write(Action::Update { id: id.into(), version: None }, &[(2, json!(10))]));
    let outcomes = shop.write("Orders[lines]", &watch(), &writes);
    assert!(
        matches!(&outcomes[0], Outcome::Later { message, .. } if message.contains("cut")),
        "{outcomes:?}"
    );
    assert!(matches!(&outcomes[1], Outcome::Done(_)), "{outcomes:?}");
    // Nor does one whose list was damaged and that can't be read any more.
    let (_, kind) = shop.kind("Orders[lines]").unwrap();
    let checkpoint = checkpoint::together(kind, Checkpoint::default(), vec!["cut".to_string()]);
    let watch = watch();
    let page = shop
        .read(ReadRequest {
            kind: "Orders[lines]",
            watch: &watch,
            checkpoint: Some(&checkpoint),
            page_size: 10,
        })
        .unwrap();
    assert_eq!(page.records.len(), 1);
    assert!(
        matches!(&page.faults[..], [fault] if fault.place == "Orders/cut"),
        "{:?}",
        page.faults
    );
    assert_eq!(checkpoint::resume(kind, &page.checkpoint).unwrap().1, ["cut"]);
}

#[test]
fn r1_elements_with_another_id_are_read_anew() {
    let shop = Shop::with(json!([{"no": 1, "qty": 1}]), vec![]);
    let watch = watch();
    let read = |shop: &Elements, checkpoint: Option<&Checkpoint>| {
        let request =
            ReadRequest { kind: "Orders[lines]", watch: &watch, checkpoint, page_size: 9 };
        shop.read(request).unwrap()
    };
    let first = read(&shop, None);
    assert!(!read(&shop, Some(&first.checkpoint)).everything);
    let said = json!({"Orders": {"lines": {"id": "qty"}}});
    let by_qty = Elements::over(shop.inner, kinds(&said).unwrap()).unwrap();
    assert!(read(&by_qty, Some(&first.checkpoint)).everything, "a listing of all elements");
}

#[test]
fn p6_a_write_to_a_list_is_no_edit_of_its_record() {
    let shop = Shop::with(json!([{"no": 1, "qty": 1}]), vec![]);
    let lines = [PropertyRef::new("lines")];
    let known = shop.get("Orders", &lines, "1").unwrap().unwrap().version;
    let update = write(Action::Update { id: "1/1".into(), version: None }, &[(2, json!(10))]);
    assert!(matches!(&shop.write("Orders[lines]", &watch(), &[update])[..], [Outcome::Done(_)]));
    // The order itself, by the version that it had before: the shop would not stand for another
    // one.
    let of_order = write(Action::Update { id: "1".into(), version: known }, &[(0, json!([]))]);
    assert!(matches!(&shop.write("Orders", &lines, &[of_order])[..], [Outcome::Done(_)]));
    let read = |shop: &Elements| shop.superseded.lock().unwrap().len();
    assert_eq!(read(&shop), 1);
    shop.read(ReadRequest { kind: "Orders", watch: &lines, checkpoint: None, page_size: 10 })
        .unwrap();
    assert_eq!(read(&shop), 0, "what is read is known by its version of now");
}

#[test]
fn a_call_is_heard_once() {
    let shop = Shop::with(json!([]), vec![]);
    let call = Call {
        method: "POST".into(),
        address: "/hooks/fjord".into(),
        query: vec![],
        headers: vec![],
        body: vec![],
        at: Timestamp(0),
    };
    assert_eq!(shop.hear(&call), Heard::Challenge("back".into()));
}

#[test]
fn r5_nothing_is_added_to_a_list_that_is_not_shown() {
    let shop = Shop::with(json!("left out"), vec![]);
    let outcomes = shop.write(
        "Orders[lines]",
        &watch(),
        &[write(Action::Create, &[(0, json!("1")), (2, json!(5))])],
    );
    let [Outcome::Later { message, .. }] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(message.contains("does not show lines"), "{message}");
}

#[test]
fn r9_a_record_that_is_shown_in_place_of_another_says_nothing_of_its_elements() {
    let other = ReadRecord {
        id: "2".into(),
        version: Some("1".into()),
        modified: None,
        deleted: false,
        values: vec![Some(json!([{"no": 7, "qty": 7}]))],
    };
    let shop = Shop {
        types: vec![TypeSchema::open("Orders")],
        lines: Mutex::new((1, json!([{"no": 1, "qty": 1}]))),
        answers: Mutex::default(),
        heard: Mutex::default(),
        shows: Mutex::new(VecDeque::from(vec![other; 2])),
    };
    let shop = Shop::over(shop);
    let read = shop.get("Orders[lines]", &watch(), "1/1");
    assert!(
        matches!(&read, Err(Trouble::Malformed(why)) if why.contains("in place of 1")),
        "{read:?}"
    );
    let create = write(Action::Create, &[(0, json!("1")), (2, json!(5))]);
    let outcomes = shop.write("Orders[lines]", &watch(), &[create]);
    assert!(
        matches!(&outcomes[..], [Outcome::Later { message, .. }] if message.contains("shows 2")),
        "nothing is put into the list of another: {outcomes:?}"
    );
    assert_eq!(lines(&shop), json!([{"no": 1, "qty": 1}]));
}

#[test]
fn p6_a_list_that_is_shown_as_it_was_is_written_with_what_it_was_given_since() {
    let stale = |lines: Value| ReadRecord {
        id: "1".into(),
        version: None,
        modified: None,
        deleted: false,
        values: vec![Some(lines)],
    };
    let first = json!([{"no": 1, "qty": 1}]);
    let second = json!([{"no": 1, "qty": 1}, {"no": 2, "qty": 5}]);
    let mut types = vec![TypeSchema::open("Orders")];
    types[0].settles_ms = 60_000;
    let shop = Shop {
        types,
        lines: Mutex::new((1, first.clone())),
        answers: Mutex::default(),
        heard: Mutex::default(),
        // Once as it is, then as it was before the last write, and before that one.
        shows: Mutex::new([&first, &first, &second, &first].map(|list| stale(list.clone())).into()),
    };
    let shop = Shop::over(shop);
    for qty in 5..9 {
        let create = write(Action::Create, &[(0, json!("1")), (2, json!(qty))]);
        let outcomes = shop.write("Orders[lines]", &watch(), &[create]);
        assert!(matches!(&outcomes[..], [Outcome::Done(_)]), "{outcomes:?}");
    }
    let all: Vec<Value> = [1, 5, 6, 7, 8]
        .iter()
        .enumerate()
        .map(|(at, qty)| json!({"no": at + 1, "qty": qty}))
        .collect();
    assert_eq!(lines(&shop), json!(all));
}

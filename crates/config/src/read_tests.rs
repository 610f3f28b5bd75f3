//! The `tests:` of a flow file, from YAML to what `lockstep test` plays.

use std::ops::Range;

use lockstep_model::TypeName;
use lockstep_model::change::ReviewKind;

use crate::codes;
use crate::flow_reader::FlowReader;
use crate::flow_tests::{Expected, FlowTest, TestKey, TestRecord, TestStep, TestValue};
use crate::source::Place;
use crate::written;
use crate::yaml::Node;

impl FlowReader<'_> {
    /// The tests of a file.
    pub(crate) fn tests(&mut self, node: &Node) -> Vec<FlowTest> {
        let items = self.reader.list(node, "`tests`").unwrap_or_default();
        items.iter().filter_map(|item| self.test(item)).collect()
    }

    fn test(&mut self, node: &Node) -> Option<FlowTest> {
        let fields = self.reader.fields::<written::TestYaml>(node, "a test")?;
        let name = self.reader.required(&fields, "name", "a test", "what it shows, in words");
        let name = name.and_then(|node| self.reader.text(node, "`name`")).map(String::from);
        let place = self.reader.place(&self.reader.first_line(&node.span));
        let first = TestStep {
            place: place.clone(),
            edits: fields
                .get("given")
                .map(|node| self.records(node, "`given`"))
                .unwrap_or_default(),
            deletes: Vec::new(),
            expect: fields.entry("expect").and_then(|(_, node)| self.expected(node)),
        };
        let mut steps = vec![first];
        for step in
            fields.get("then").and_then(|node| self.reader.list(node, "`then`")).unwrap_or_default()
        {
            steps.extend(self.step(step));
        }
        if steps.iter().all(|step| step.expect.is_none()) {
            let help = "add `expect:` with `creates`, `updates`, `links` or `reviews`; `expect: {}` expects nothing to happen";
            let span = self.reader.first_line(&node.span);
            self.reader
                .error(codes::MISSING_KEY, &span, "a test that expects nothing can't fail")
                .set_help(help);
        }
        Some(FlowTest { name: name?, place, steps })
    }

    fn step(&mut self, node: &Node) -> Option<TestStep> {
        let fields = self.reader.fields::<written::TestStepYaml>(node, "a step of a test")?;
        Some(TestStep {
            place: self.reader.place(&self.reader.first_line(&node.span)),
            edits: fields.get("edit").map(|node| self.records(node, "`edit`")).unwrap_or_default(),
            deletes: fields
                .get("delete")
                .map(|node| self.ids(node, "`delete`"))
                .unwrap_or_default(),
            expect: fields.entry("expect").and_then(|(_, node)| self.expected(node)),
        })
    }

    fn expected(&mut self, node: &Node) -> Option<Expected> {
        let place = self.reader.place(&self.reader.first_line(&node.span));
        let nothing = Expected {
            place: place.clone(),
            creates: Vec::new(),
            updates: Vec::new(),
            deletes: Vec::new(),
            links: Vec::new(),
            reviews: Vec::new(),
        };
        if node.is_null() {
            return Some(nothing);
        }
        let fields = self.reader.fields::<written::ExpectYaml>(node, "`expect`")?;
        let mut links = Vec::new();
        for link in fields
            .get("links")
            .and_then(|node| self.reader.list(node, "`links`"))
            .unwrap_or_default()
        {
            links.extend(self.link(link));
        }
        let mut reviews = Vec::new();
        if let Some(node) = fields.get("reviews") {
            for (ty, type_place, node) in self.by_type(node, "`reviews`") {
                for (key, why) in
                    self.reader.entries(node, "the reviews of a record type").unwrap_or_default()
                {
                    let word = self.reader.word::<written::ReviewWord>(why, "why a record waits");
                    let kind = word.and_then(ReviewKind::parse);
                    let key = self.key(&ty, &key.text, &key.span, &type_place);
                    reviews.extend(kind.map(|kind| (key, kind)));
                }
            }
        }
        Some(Expected {
            creates: fields
                .get("creates")
                .map(|node| self.records(node, "`creates`"))
                .unwrap_or_default(),
            updates: fields
                .get("updates")
                .map(|node| self.records(node, "`updates`"))
                .unwrap_or_default(),
            deletes: fields
                .get("deletes")
                .map(|node| self.ids(node, "`deletes`"))
                .unwrap_or_default(),
            links,
            reviews,
            ..nothing
        })
    }

    fn key(&self, ty: &TypeName, id: &str, span: &Range<usize>, type_place: &Place) -> TestKey {
        TestKey {
            ty: ty.clone(),
            id: id.into(),
            place: self.reader.place(span),
            type_place: type_place.clone(),
        }
    }

    /// A mapping by record type.
    fn by_type<'a>(&mut self, node: &'a Node, what: &str) -> Vec<(TypeName, Place, &'a Node)> {
        let mut found = Vec::new();
        for (key, node) in self.reader.entries(node, what).unwrap_or_default() {
            if let Some(ty) = self.type_name(&key.text, &key.span)
                && !node.is_null()
            {
                found.push((ty, self.reader.place(&key.span), node));
            }
        }
        found
    }

    fn records(&mut self, node: &Node, what: &str) -> Vec<TestRecord> {
        let mut found = Vec::new();
        for (ty, type_place, node) in self.by_type(node, what) {
            for (key, node) in self
                .reader
                .entries(node, "the records of a record type, by id,")
                .unwrap_or_default()
            {
                let key = self.key(&ty, &key.text, &key.span, &type_place);
                let entries = match node.is_null() {
                    true => &[],
                    false => self.reader.entries(node, "a record").unwrap_or_default(),
                };
                let values = entries.iter().map(|(name, value)| TestValue {
                    path: name.text.clone(),
                    value: value.to_json(),
                    place: self.reader.place(&name.span),
                });
                found.push(TestRecord { key, values: values.collect() });
            }
        }
        found
    }

    fn ids(&mut self, node: &Node, what: &str) -> Vec<TestKey> {
        let mut found = Vec::new();
        for (ty, type_place, node) in self.by_type(node, what) {
            for (id, span) in self.reader.texts(node, "ids") {
                found.push(self.key(&ty, id, &span, &type_place));
            }
        }
        found
    }

    /// `crm.People/1 = shop.Customers/c-1`
    fn link(&mut self, node: &Node) -> Option<(TestKey, TestKey)> {
        let text = self.reader.text(node, "a link")?;
        let sides = text
            .split_once(" = ")
            .and_then(|(a, b)| Some((a.trim().split_once('/')?, b.trim().split_once('/')?)));
        let Some((a, b)) = sides else {
            self.reader
                .error(codes::ROW, &node.span, format!("`{text}` is no link"))
                .set_help("a link is written `crm.People/1 = shop.Customers/c-1`");
            return None;
        };
        let place = self.reader.place(&node.span);
        let mut key = |(ty, id): (&str, &str)| {
            Some(self.type_name(ty, &node.span)?).map(|ty| self.key(&ty, id, &node.span, &place))
        };
        Some((key(a)?, key(b)?))
    }
}

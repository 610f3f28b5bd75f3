//! Rows on a condition: `remark (Dependant on having person in type)` is there only in records
//! whose `type` holds `person`.
//!
//! A record that is made up for a trial meets the condition of the row that is tried, and of the
//! others those that do not exclude it. In a record that a flow creates, a condition is met by a
//! row that gives the word, or by the connector; where neither can, nothing is owed.

use lockstep_model::flow::PropertyRef;
use lockstep_model::{Create, Flow, PropertyPair, TypeName, Value};
use serde_json::json;

use super::writer::{Sides, Writer, held};
use crate::trial::{Slot, Step, Val, Values};

/// The words that make conditions hold, by side (false: the source) and place.
#[derive(Default)]
pub(super) struct Markers(Vec<(bool, PropertyRef, String)>);

impl Markers {
    /// Whether a property is there in a record that holds these words.
    pub fn allow(&self, to_side: bool, path: &PropertyRef) -> bool {
        let Some(having) = &path.when else { return true };
        let other = |(side, marker, word): &(bool, PropertyRef, String)| {
            *side == to_side && marker.path == having.path && *word != having.value.trim()
        };
        !self.0.iter().any(other)
    }

    /// What is put where, so that they hold.
    pub fn words(&self) -> Vec<(bool, PropertyRef, Value)> {
        let word = |word: &str| if word.is_empty() { Value::Null } else { json!(word) };
        self.0.iter().map(|(side, path, text)| (*side, path.clone(), word(text))).collect()
    }
}

impl Writer<'_> {
    /// The property that holds the word on which this one depends, where that is one of the record
    /// and not of a list's element.
    pub(super) fn marker(
        &self,
        ty: &TypeName,
        path: &PropertyRef,
    ) -> Option<(PropertyRef, String)> {
        let having = path.when.as_ref()?;
        let schema = self.hands.schema(ty)?;
        let (marker, _) = self.hands.property(ty, &PropertyRef::new(having.path.clone()))?;
        schema.is_on_the_record(&having.path).then(|| (marker, having.value.trim().to_string()))
    }

    /// The words of a pair of records: that of the row that is tried first, then those that do not
    /// exclude it.
    pub(super) fn markers(&self, flow: &Flow, rows: &[PropertyPair]) -> Markers {
        let mut markers = Markers::default();
        for pair in self.about.iter().chain(rows) {
            let Ok(sides) = self.sides(flow, pair) else { continue };
            for (to_side, ty, path) in
                [(false, &flow.from, &sides.from), (true, &flow.to, &sides.to)]
            {
                let Some((marker, word)) = self.marker(ty, path) else { continue };
                if !markers.0.iter().any(|(side, known, _)| *side == to_side && *known == marker) {
                    markers.0.push((to_side, marker, word));
                }
            }
        }
        markers
    }

    /// What a person does to a record that was created, so that the condition of the row that is
    /// tried holds for it.
    pub(super) fn marked(&self, flow: &Flow, slot: Slot, values: &Values) -> Vec<Step> {
        let row = self.about.as_ref().and_then(|pair| self.sides(flow, pair).ok());
        let Some((marker, _)) = row.and_then(|sides| self.marker(&flow.to, &sides.to)) else {
            return vec![];
        };
        let word = held(values, &marker).cloned().unwrap_or(Value::Null);
        vec![Step::Edit { slot, values: vec![(marker, Val::Is(word))] }, Step::Run]
    }

    /// Why a record that the flow creates does not have the property of a row at once, though its
    /// source has a value for it.
    pub(super) fn not_owed(&self, flow: &Flow, sides: &Sides) -> Option<String> {
        let united = self.united(flow);
        if matches!(united.create, Create::Never) {
            return None;
        }
        let (marker, word) = self.marker(&flow.to, &sides.to)?;
        let rows: Vec<_> =
            united.properties.iter().filter_map(|pair| self.sides(flow, pair).ok()).collect();
        // A row that gives the word decides, with whatever its source holds.
        if rows.iter().any(|row| row.to == marker) {
            return None;
        }
        let first = rows.iter().find_map(|row| {
            let (known, word) = self.marker(&flow.to, &row.to)?;
            (known == marker).then_some(word)
        })?;
        let read_only =
            self.hands.property(&flow.to, &marker).is_some_and(|(_, property)| property.read_only);
        if read_only && !word.is_empty() {
            return Some(format!(
                "it is there only where {} holds “{word}”, which nothing gives a new record",
                marker.path
            ));
        }
        (first != word).then(|| {
            format!("it is there only where {} holds “{word}”, and a new record gets “{first}” there by another row", marker.path)
        })
    }
}

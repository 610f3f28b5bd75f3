//! What people do through Lockstep itself: they unlink and link again, and answer what waits for
//! them.
//!
//! They answer as who knows everybody: a record is linked with the candidate that is the same
//! person, and kept apart from all others. To unlink two records of one person is to say that they
//! are two, though nobody else can see that; so there may be one more of that person in every
//! system from then on. An act can be killed like a run: what it had recorded holds, and nothing
//! else.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_hub::answers::Answer;
use lockstep_hub::report::RecordName;
use lockstep_hub::{Hub, HubError};
use lockstep_model::{EntityId, RecordId, RecordState, Review, ReviewKind, TypeIx};

use crate::draw::{COMPARED, Kind, WHO};
use crate::forms::TAGS;
use crate::lines::{ELEMENTS, element};
use crate::mortal::Life;
use crate::random::Random;
use crate::truth::{At, text_of};
use crate::world::World;

impl World {
    /// Somebody sits down and does something.
    pub(crate) fn act(&mut self, random: &mut Random) {
        let life = Life::of(random.per_mille(self.drawn.killed / 2).then(|| random.between(4, 40)));
        let which = random.below(10);
        let done = self.hub(life.clone()).and_then(|mut hub| match which {
            0..3 => self.unlink(&mut hub, random),
            3..5 => self.link_again(&mut hub, random),
            _ => self.answer(&mut hub, random),
        });
        if life.ended() {
            self.truth.look().tell("", "the hub is killed while a person is at it".into());
            if let Ok(mut hub) = self.hub(Life::of(None)) {
                self.find_out_who_is_apart(&mut hub);
            }
        } else if let Err(error) = done {
            self.truth.look().broken("the hub fails", "", error.to_string());
        }
    }

    /// Somebody gets another address, in one of the systems: of those whose records are all linked,
    /// and for whom nothing is under way.
    pub(crate) fn change_address(&mut self) -> Result<(), HubError> {
        let mut random = self.more.split();
        let mut hub = self.hub(Life::of(None))?;
        let entities = hub.ledger.store().linked_entities(None, usize::MAX >> 1)?;
        let Some(&entity) = random.pick(&entities) else { return Ok(()) };
        let mut members = hub.ledger.store().members(&[entity])?;
        members.retain(RecordState::is_live);
        members.sort_by_key(|member| member.id);
        let who = self.people_of(&mut hub, entity)?;
        let places: BTreeSet<At> = members.iter().map(|member| self.place(&hub, member)).collect();
        let ids: Vec<RecordId> = members.iter().map(|member| member.id).collect();
        if who.len() != 1
            || !hub.ledger.store().open_intents(&[entity])?.is_empty()
            || !hub.ledger.store().open_reviews(&ids)?.is_empty()
        {
            return Ok(());
        }
        let name = who.first().cloned().unwrap_or_default();
        let mut all = BTreeSet::new();
        for system in &self.systems {
            let theirs = system.rows().into_iter().filter(|row| row.who_is() == name && !row.gone);
            all.extend(theirs.map(|row| (system.number, row.id)));
        }
        let told_apart = {
            let truth = self.truth.look();
            !truth.sharing.contains(&name)
                && !truth.joined.contains(&name)
                && !truth.divided.contains_key(&name)
        };
        if all != places || !told_apart {
            return Ok(());
        }
        let Some((system, id)) = random.pick(&places.into_iter().collect::<Vec<_>>()).cloned()
        else {
            return Ok(());
        };
        self.addresses += 1;
        self.systems[system].person_moves(
            &id,
            format!("{name}.moved{}@example.com", self.addresses),
            &mut random,
        );
        Ok(())
    }

    fn unlink(&self, hub: &mut Hub, random: &mut Random) -> Result<(), HubError> {
        let entities = hub.ledger.store().linked_entities(None, usize::MAX >> 1)?;
        let Some(entity) = random.pick(&entities) else { return Ok(()) };
        let mut members = hub.ledger.store().members(&[*entity])?;
        members.retain(RecordState::is_live);
        members.sort_by_key(|member| member.id);
        if members.len() < 2 || element(&members[0].key).is_some() {
            return Ok(());
        }
        if self.drawn.lines {
            // L7, known: their elements stay linked.
            return Ok(());
        }
        let first = members.remove(random.below(members.len()));
        let (a, b) =
            (self.place(hub, &first), self.place(hub, &members[random.below(members.len())]));
        let between = random.per_mille(700).then(|| self.name(&b));
        // Whatever comes of it: there may be one more of each of them from now on.
        let who = self.who(&a);
        for one in self.people_of(hub, *entity)? {
            let mut truth = self.truth.look();
            truth.reason_to_write(&one, None);
            *truth.divided.entry(one).or_default() += 1;
        }
        let halves = hub.unlink(&self.name(&a), between.as_deref());
        let mut truth = self.truth.look();
        truth.tell(
            &who,
            format!("somebody unlinks {} {}", self.name(&a), between.unwrap_or_default()),
        );
        if let Ok(halves) = halves {
            truth.acts += 1;
            truth.lost_a_record(&who);
            for one in self.places(&halves.one) {
                self.places(&halves.other)
                    .into_iter()
                    .for_each(|other| truth.keep_apart(one.clone(), other));
            }
        }
        Ok(())
    }

    fn link_again(&self, hub: &mut Hub, random: &mut Random) -> Result<(), HubError> {
        let pairs: Vec<(At, At)> = self.truth.look().apart.keys().cloned().collect();
        let Some((a, b)) = random.pick(&pairs) else { return Ok(()) };
        let who = self.who(a);
        for who in [&who, &self.who(b)] {
            self.truth.look().reason_to_write(who, None);
        }
        let both = [self.who(a), self.who(b)];
        self.truth.look().joined.extend(both);
        let (a, b) = (self.name(a), self.name(b));
        let came = hub.link(&a, &b);
        let mut truth = self.truth.look();
        truth.tell(
            &who,
            format!(
                "somebody links {a} with {b}: {}",
                came.as_ref().map_or_else(|e| e.to_string(), |_| "done".into())
            ),
        );
        if let Ok(joined) = came {
            truth.acts += 1;
            let members = self.places(&joined.members);
            truth.apart.retain(|(a, b), _| !members.contains(a) || !members.contains(b));
        }
        Ok(())
    }

    /// Whoever is asked what became of a creation answers in the end.
    pub(crate) fn answer_what_is_unknown(&self) -> Result<(), HubError> {
        let mut hub = self.hub(Life::of(None))?;
        let mut reviews = hub.ledger.store().numbered_reviews(usize::MAX >> 1)?;
        // G4: what was given up is tried once more, now that everything has healed.
        let given_up =
            |review: &Review| review.kind == ReviewKind::RejectedValue && review.prop.is_none();
        reviews.retain(|(_, review)| {
            matches!(review.kind, ReviewKind::UnknownOutcome | ReviewKind::AnotherRecord)
                || given_up(review)
        });
        reviews.iter().try_for_each(|one| self.answer_one(&mut hub, one, &mut Random::new(1)))
    }

    fn answer(&self, hub: &mut Hub, random: &mut Random) -> Result<(), HubError> {
        let reviews = hub.ledger.store().numbered_reviews(usize::MAX >> 1)?;
        let Some(one) = random.pick(&reviews) else { return Ok(()) };
        self.answer_one(hub, one, random)
    }

    fn answer_one(
        &self,
        hub: &mut Hub,
        (number, review): &(i64, Review),
        random: &mut Random,
    ) -> Result<(), HubError> {
        let Some((asked, candidates, answer)) = self.right_answer(hub, review, random)? else {
            return Ok(());
        };
        if review.kind == ReviewKind::FlipFlop {
            // Whatever comes of it: the sides may differ from now on, or an older value be the
            // right one.
            let name = review
                .prop
                .map(|prop| hub.ledger.plan_of_flows().prop(review.ty, prop).name.clone())
                .unwrap_or_default();
            let prop = COMPARED.into_iter().chain([TAGS]).find(|prop| *prop == name);
            let entity = hub
                .ledger
                .store()
                .records(review.about.record().as_slice())?
                .first()
                .map(|record| record.entity);
            for who in self.people_of(hub, entity.unwrap_or(EntityId(0)))? {
                let mut truth = self.truth.look();
                truth.reason_to_write(&who, None);
                truth.said.extend(prop.map(|prop| (who.clone(), prop)));
            }
        }
        // What a person knows not to be there may be sent again at once, and what they want tried
        // is.
        if matches!(review.kind, ReviewKind::UnknownOutcome | ReviewKind::RejectedValue) {
            let known = match review.about.record() {
                Some(record) => self.known_as(hub, record)?,
                None => None,
            };
            let (who, mut truth) = (self.who(&asked), self.truth.look());
            truth.sent.retain(|(_, of), _| *of != who);
            truth.failed.retain(|(_, of, _), _| *of != who && Some(of) != known.as_ref());
        }
        // Whom no record is found for, as somebody has deleted it, is created once more by a
        // person's word.
        if review.kind == ReviewKind::UnknownOutcome && answer == Answer::Reject {
            let (who, system) = (self.who(&asked), self.system_of(hub, review.ty));
            if system.rows().iter().any(|row| row.gone && row.who_is() == who) {
                self.truth.look().anew.insert((system.number, who));
            }
        }
        // Whatever comes of it: of who is on both sides, because two have one address, there may be
        // one more, or what was apart is one.
        let ids = [review.about.record().as_slice(), &review.candidates[..]].concat();
        let known = hub.ledger.store().records(&ids)?;
        let (mine, theirs): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|record| review.about.is(record.id));
        for (mine, theirs) in
            mine.iter().flat_map(|mine| theirs.iter().map(move |theirs| (mine, theirs)))
        {
            let (mine, theirs) =
                (self.people_of(hub, mine.entity)?, self.people_of(hub, theirs.entity)?);
            let mut truth = self.truth.look();
            match answer {
                Answer::Separate => (&mine & &theirs)
                    .into_iter()
                    .for_each(|one| *truth.divided.entry(one).or_default() += 1),
                Answer::Link(_) => truth.joined.extend(&mine | &theirs),
                _ => {}
            }
        }
        let came = hub.answer(&[*number], &answer).ok().and_then(|mut came| came.pop());
        let text = came.as_ref().map_or_else(String::new, |came| came.text.clone());
        let mut truth = self.truth.look();
        truth.tell(
            &self.who(&asked),
            format!("somebody answers {answer:?} to {:?} {:?}: {text}", review.kind, review.why),
        );
        if !came.is_some_and(|came| came.done) {
            return Ok(());
        }
        truth.acts += 1;
        match answer {
            _ if review.kind == ReviewKind::FlipFlop => {}
            Answer::Separate => {
                drop(truth);
                let parted: Vec<String> =
                    [&asked].into_iter().chain(&candidates).map(|at| self.who(at)).collect();
                let mut truth = self.truth.look();
                parted.iter().for_each(|who| truth.lost_a_record(who));
                candidates.iter().for_each(|other| truth.keep_apart(asked.clone(), other.clone()));
            }
            Answer::Link(_) => {
                drop(truth);
                self.find_out_who_is_apart(hub);
            }
            _ => {}
        }
        Ok(())
    }

    /// What somebody says who knows everybody: of which record, among which candidates; nothing
    /// where that can't be known.
    fn right_answer(
        &self,
        hub: &mut Hub,
        review: &Review,
        random: &mut Random,
    ) -> Result<Option<(At, Vec<At>, Answer)>, HubError> {
        let Some(record) = hub.ledger.store().records(review.about.record().as_slice())?.pop()
        else {
            return Ok(None);
        };
        let asked = self.place(hub, &record);
        let mut candidates = hub.ledger.store().records(&review.candidates)?;
        candidates.retain(|record| record.ty == review.ty);
        let candidates: Vec<At> = candidates.iter().map(|record| self.place(hub, record)).collect();
        // Who is gone, and whose key is another's by now, is known by what they were.
        let prop =
            hub.ledger.plan_of_flows().ty(record.ty).props.iter().position(|prop| prop.name == WHO);
        let was = || prop.map(|prop| text_of(record.slots[prop].value(false))).unwrap_or_default();
        let who = Some(self.who(&asked)).filter(|who| !who.is_empty()).unwrap_or_else(was);
        let ty = hub.ledger.plan_of_flows().ty(review.ty).name.clone();
        let name = |at: &At| format!("{ty}/{}", at.1);
        let answer = match review.kind {
            ReviewKind::AmbiguousMatch | ReviewKind::DisputedEntity => {
                let mut same = candidates.iter().filter(|at| self.who(at) == who);
                match (same.next(), same.next()) {
                    (Some(one), None) => Answer::Link(name(one)),
                    (None, _) => Answer::Separate,
                    _ => return Ok(None),
                }
            }
            ReviewKind::UnknownOutcome => match candidates.iter().find(|at| self.who(at) == who) {
                Some(one) => Answer::Link(name(one)),
                // Whoever is there under the key of another need not be created: whose that is, is
                // asked by itself (R9).
                None if self.is_known_as_another(hub, review.ty, &who)? => return Ok(None),
                None => Answer::Reject,
            },
            ReviewKind::FlipFlop => {
                [Answer::Accept, Answer::Reject, Answer::Separate, Answer::Link("1".into())]
                    [random.below(4)]
                .clone()
            }
            ReviewKind::PendingDelete if random.per_mille(500) => {
                // All that stood for the same are deleted: two who share an address may have come
                // to.
                let entity = hub
                    .ledger
                    .store()
                    .records(review.about.record().as_slice())?
                    .first()
                    .map(|record| record.entity);
                let all = self.people_of(hub, entity.unwrap_or(EntityId(0)))?;
                self.truth
                    .look()
                    .let_go
                    .extend(candidates.iter().map(|at| self.who(at)).chain([who]).chain(all));
                Answer::Accept
            }
            ReviewKind::PendingDelete => Answer::Reject,
            // R9: whether who was read is who was known.
            ReviewKind::AnotherRecord => {
                let known = hub.ledger.store().records(review.about.record().as_slice())?;
                let prop = hub
                    .ledger
                    .plan_of_flows()
                    .ty(review.ty)
                    .props
                    .iter()
                    .position(|prop| prop.name == WHO);
                let known = known
                    .first()
                    .zip(prop)
                    .map(|(known, prop)| text_of(known.slots[prop].value(false)));
                if known == review.value["values"].get(WHO).map(text_of) {
                    Answer::Accept
                } else {
                    Answer::Separate
                }
            }
            ReviewKind::RejectedValue if review.prop.is_none() => Answer::Accept,
            _ => return Ok(None),
        };
        Ok(Some((asked, candidates, answer)))
    }

    /// Whether somebody is in a system under a key that the hub knows as another's still.
    fn is_known_as_another(&self, hub: &mut Hub, ty: TypeIx, who: &str) -> Result<bool, HubError> {
        let rows = self.system_of(hub, ty).rows();
        let theirs = rows
            .iter()
            .filter(|row| !row.gone && row.hidden_until.is_none() && row.who_is() == who);
        let keys: Vec<&str> = theirs.map(|row| row.id.as_str()).collect();
        let prop = hub.ledger.plan_of_flows().ty(ty).props.iter().position(|prop| prop.name == WHO);
        let known = hub.ledger.store().by_key(ty, &keys)?;
        let is_another = |known: &RecordState| {
            prop.is_some_and(|prop| text_of(known.slots[prop].value(false)) != who)
        };
        Ok(known.iter().any(|known| known.is_live() && is_another(known)))
    }

    /// After an act that was killed, or joined what nobody lists: the store tells which pairs it
    /// still keeps apart, and which it has come to. Whether it stays with that is checked at the
    /// end.
    fn find_out_who_is_apart(&self, hub: &mut Hub) {
        let mut known: BTreeMap<RecordId, At> = BTreeMap::new();
        for ty in (0..hub.ledger.plan_of_flows().types.len() as u16).map(TypeIx) {
            let rows = self.system_of(hub, ty).rows();
            let kind = Kind::named(&hub.ledger.plan_of_flows().ty(ty).name.kind);
            let keys: Vec<&str> =
                rows.iter().filter(|row| row.kind == kind).map(|row| row.id.as_str()).collect();
            let found = hub.ledger.store().by_key(ty, &keys).unwrap_or_default();
            known.extend(found.iter().map(|record| (record.id, self.place(hub, record))));
        }
        let ids: Vec<RecordId> = known.keys().copied().collect();
        let stored = hub.ledger.store().apart(&ids).unwrap_or_default();
        let stored: Vec<(At, At)> = stored
            .iter()
            .filter_map(|(a, b)| Some((known.get(a)?.clone(), known.get(b)?.clone())))
            .collect();
        let mut truth = self.truth.look();
        truth
            .apart
            .retain(|(a, b), _| stored.iter().any(|(x, y)| (x, y) == (a, b) || (y, x) == (a, b)));
        for (a, b) in stored {
            if !truth.apart.contains_key(&(a.clone(), b.clone()))
                && !truth.apart.contains_key(&(b.clone(), a.clone()))
            {
                truth.keep_apart(a, b);
            }
        }
    }

    /// Whose records are in an entity.
    fn people_of(&self, hub: &mut Hub, entity: EntityId) -> Result<BTreeSet<String>, HubError> {
        Ok(hub
            .ledger
            .store()
            .members(&[entity])?
            .iter()
            .map(|member| self.who(&self.place(hub, member)))
            .collect())
    }

    /// Who a record was when the hub last looked at it: its key may be another's since.
    fn known_as(&self, hub: &mut Hub, record: RecordId) -> Result<Option<String>, HubError> {
        let Some(state) = hub.ledger.store().records(&[record])?.pop() else { return Ok(None) };
        let props = &hub.ledger.plan_of_flows().ty(state.ty).props;
        let who = props.iter().position(|prop| prop.name == "who");
        let value = who.and_then(|at| state.slots[at].shadow.as_ref());
        Ok(value.and_then(|value| value.as_str()).map(str::to_string))
    }

    fn system_of(&self, hub: &Hub, ty: TypeIx) -> &crate::system::SimulatedSystem {
        let name = &hub.ledger.plan_of_flows().ty(ty).name.system;
        self.systems
            .iter()
            .find(|system| system.drawn.name == *name)
            .expect("a system of the world")
    }

    fn place(&self, hub: &Hub, record: &RecordState) -> At {
        (self.system_of(hub, record.ty).number, record.key.clone())
    }

    fn name(&self, at: &At) -> String {
        let kind = match element(&at.1) {
            Some(_) => ELEMENTS,
            None => self.systems[at.0].row(&at.1).map_or(Kind::Person, |row| row.kind).name(),
        };
        format!("{}.{kind}/{}", self.drawn.systems[at.0].name, at.1)
    }

    fn places(&self, names: &[RecordName]) -> Vec<At> {
        let place = |name: &RecordName| {
            let (ty, id) = name.0.split_once('/')?;
            let (system, _) = ty.split_once('.')?;
            Some((self.drawn.systems.iter().position(|s| s.name == system)?, id.to_string()))
        };
        names.iter().filter_map(place).collect()
    }

    /// Who a record really is; of an element, whose it is and its key.
    fn who(&self, at: &At) -> String {
        if let Some((parent, no)) = element(&at.1) {
            let row = self.systems[at.0].row(parent);
            return row.map(|row| format!("{}/{no}", row.who_is())).unwrap_or_default();
        }
        self.systems[at.0].row(&at.1).map(|row| row.who_is().to_string()).unwrap_or_default()
    }
}

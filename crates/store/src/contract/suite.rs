//! The suite that every store is held to.

use super::samples::plan;
use super::{commits, copies, intents, looking_back, plans, records};
use crate::{Leased, Store};

/// Runs the suite; `make` gives a fresh store each time.
pub fn check(make: impl Fn() -> Box<dyn Store>) {
    let new = || Leased::new(make());
    let fresh = || {
        let mut store = new();
        store.bind(&plan()).unwrap();
        store
    };
    plans::binding_tells_how_far_each_type_was_read(new());
    commits::numbers_are_handed_out_once(fresh());
    records::a_record_comes_back_as_it_was(fresh());
    records::records_are_found_by_number_key_and_entity(fresh());
    records::keys_are_found_however_thinly_they_are_sown(fresh());
    records::a_relinked_record_changes_nothing_but_its_entity(fresh());
    records::hashes_lead_to_records(fresh());
    records::live_records_are_counted(fresh());
    records::live_keys_come_in_pages(fresh());
    records::a_key_is_given_on(fresh());
    commits::a_failed_commit_leaves_nothing(fresh());
    commits::a_commit_under_an_older_lease_is_refused(fresh());
    records::the_agenda_is_in_order_and_what_is_added_stays(fresh());
    records::pairs_are_kept_apart_both_ways(fresh());
    intents::an_intent_comes_back_as_it_was(fresh());
    intents::an_intent_from_the_lack_of_a_record_keeps_its_flow(fresh());
    intents::the_outbox_gives_what_is_due_in_order(fresh());
    intents::open_intents_are_found_and_counted(fresh());
    intents::history_of_a_record_holds_what_went_to_it_and_came_from_it(fresh());
    intents::a_creation_is_in_the_journal_by_its_intent(fresh());
    looking_back::at_most_one_review_of_a_key_is_open(fresh());
    looking_back::the_journal_is_in_order(fresh());
    looking_back::runs_are_remembered_newest_first(fresh());
    looking_back::what_runs_did_is_found_by_their_numbers(fresh());
    looking_back::a_review_keeps_its_number_while_it_is_open(fresh());
    records::linked_entities_come_in_pages(fresh());
    plans::what_the_plan_does_not_name_any_more_is_left_out_and_kept(fresh());
    plans::a_changed_plan_finds_properties_by_path(fresh());
    plans::what_is_renamed_is_found_under_its_new_name(fresh());
    copies::a_scratch_copy_is_independent(fresh());
    copies::bulk_changes_no_result(fresh());
    looking_back::marks_are_kept_by_name(fresh());
    intents::queued_intents_are_counted_by_type_and_kind(fresh());
    records::a_record_that_is_leaving_is_not_live(fresh());
}

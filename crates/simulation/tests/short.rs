//! A few worlds with every test run; `cargo run --release -p simulation -- --seeds 1000` plays
//! more.

use simulation::{Options, play};

#[test]
fn every_rule_holds_in_some_worlds() {
    for seed in 1..=40 {
        let outcome = play(seed, Options::default());
        assert!(
            outcome.violations.is_empty(),
            "seed {seed}: {:#?}\nsee `cargo run -p simulation -- --seed {seed}`",
            outcome.violations
        );
    }
}

#[test]
fn a_seed_replays_exactly() {
    let story = |seed| play(seed, Options { steps: 80, ..Options::default() }).story;
    for seed in [3, 8, 21] {
        assert_eq!(story(seed), story(seed));
    }
}

#[test]
fn c2_a_hub_that_forgets_what_it_sent_is_found_out() {
    let forgets = Options { forgets: true, ..Options::default() };
    let twice = |seed| {
        play(seed, forgets)
            .violations
            .into_iter()
            .find(|violation| violation.checker == "created twice")
    };
    let twice = (1..=60).find_map(twice).expect("some world in which something is created twice");
    assert!(twice.message.contains("is there already as"), "{}", twice.message);
}

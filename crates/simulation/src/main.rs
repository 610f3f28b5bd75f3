//! `simulation --seeds 200`: plays as many worlds and counts what happened in them. A seed in which
//! a rule is broken is told with what is known of the person concerned, and how to see it again;
//! the exit status is then 1.

use std::collections::BTreeMap;
use std::process::ExitCode;

use simulation::draw::Faults;
use simulation::{Options, Outcome, World, play};

const USAGE: &str = "simulation [--seeds N] [--from SEED] [--seed SEED] [--keep] [--steps N] [--without-acts]
           [--faults NAME,NAME] [--forget-intent]
  --seeds N         play N worlds (200)
  --from SEED       begin with this seed (1)
  --seed SEED       play one world and tell all of it
  --keep            with --seed: keeps the hub's store and says where it is, for a look with the sqlite3 shell
  --steps N         how many things happen in a world before it heals (60)
  --without-acts    nobody links, unlinks or answers what waits
  --faults NAMES    of the kinds of fault drawn by themselves only these (answers, accepts, loses, shuffles, clocks, fails,
                    reuses, lies, rotates, references, suspends, facets, stops), of the forms of rows only these (groups, maps, sets,
                    lines), or
                    none
  --forget-intent   worlds whose hub forgets on every restart what it had sent: they must fail";

struct Asked {
    seeds: u64,
    from: u64,
    one: Option<u64>,
    keep: bool,
    options: Options,
}

fn asked() -> Result<Asked, String> {
    let mut asked =
        Asked { seeds: 200, from: 1, one: None, keep: false, options: Options::default() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || {
            let value = words.next().ok_or_else(|| format!("{word} wants a number"))?;
            value.parse::<u64>().map_err(|_| format!("{word} wants a number, not `{value}`"))
        };
        match word.as_str() {
            "--seeds" => asked.seeds = number()?,
            "--from" => asked.from = number()?,
            "--seed" => asked.one = Some(number()?),
            "--keep" => asked.keep = true,
            "--steps" => asked.options.steps = number()? as usize,
            "--faults" => {
                let names = words.next().ok_or("--faults wants names")?;
                asked.options.faults = Faults::parse(&names)
                    .ok_or_else(|| format!("`{names}` are not kinds of fault\n{USAGE}"))?;
            }
            "--without-acts" => asked.options.acts = false,
            "--forget-intent" => asked.options.forgets = true,
            other => return Err(format!("`{other}` is not known\n{USAGE}")),
        }
    }
    Ok(asked)
}

fn tell_broken(seed: u64, outcome: &Outcome, options: Options) {
    println!("seed {seed}:\n{}", outcome.drawn);
    for violation in &outcome.violations {
        println!("  {}: {}", violation.checker, violation.message);
        if let Some(who) = &violation.who {
            println!("  what happened to {who}:");
            outcome
                .story
                .iter()
                .filter(|(of, _)| of == who || of.is_empty())
                .for_each(|(_, what)| println!("    {what}"));
        }
    }
    let forget = if options.forgets { " --forget-intent" } else { "" };
    let forget = if options.acts { forget.to_string() } else { format!(" --without-acts{forget}") };
    println!(
        "  again: cargo run --release -p simulation -- --seed {seed} --steps {}{forget}\n",
        options.steps
    );
}

fn main() -> ExitCode {
    let asked = match asked() {
        Ok(asked) => asked,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    if let Some(seed) = asked.one {
        let world = World::new(seed, asked.options);
        println!("seed {seed}\n{}", world.drawn);
        let world = if asked.keep { world.keep_store() } else { world };
        let outcome = world.play();
        outcome.story.iter().for_each(|(_, what)| println!("  {what}"));
        println!("{} broken", outcome.violations.len());
        return ExitCode::from(u8::from(!outcome.violations.is_empty()));
    }
    println!(
        "seeds {} to {}, {} steps each",
        asked.from,
        asked.from + asked.seeds - 1,
        asked.options.steps
    );
    let (mut sums, mut faults, mut failed): (BTreeMap<&str, u64>, BTreeMap<&str, u64>, Vec<u64>) =
        Default::default();
    for seed in asked.from..asked.from + asked.seeds {
        let outcome = play(seed, asked.options);
        let counted = [
            ("worlds", 1),
            ("steps", outcome.steps as u64),
            ("runs", outcome.runs as u64),
            ("runs killed", outcome.kills as u64),
            ("edits made", outcome.edits),
            ("links and answers", outcome.acts),
            ("writes", outcome.writes as u64),
            ("conflicts", outcome.conflicts),
            ("reviews", outcome.reviews as u64),
        ];
        counted.into_iter().for_each(|(name, n)| *sums.entry(name).or_default() += n);
        outcome.faults.iter().for_each(|(name, n)| *faults.entry(name).or_default() += n);
        if !outcome.violations.is_empty() {
            tell_broken(seed, &outcome, asked.options);
            failed.push(seed);
        }
    }
    for name in [
        "worlds",
        "steps",
        "runs",
        "runs killed",
        "edits made",
        "links and answers",
        "writes",
        "conflicts",
        "reviews",
    ] {
        println!("{name:<28}{:>12}", sums.get(name).copied().unwrap_or(0));
    }
    println!("faults");
    faults.iter().for_each(|(name, n)| println!("  {name:<26}{n:>12}"));
    if failed.is_empty() {
        println!("every rule held");
        return ExitCode::SUCCESS;
    }
    println!("rules were broken in {} worlds: {failed:?}", failed.len());
    ExitCode::from(1)
}

//! The `lockstep` command: arguments, wiring, messages. Everything it does, libraries do.

// Records are made in one thread and dropped in another, a million times: see docs/decisions/0004-allocator.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

// First: its macros take the place of the standard ones in everything below.
#[macro_use]
mod out;

mod acts;
mod advise;
mod args;
mod connect;
mod connectors;
mod demo;
mod documents;
mod exit;
mod flow_tests;
mod guards;
mod hooks;
mod init;
mod look;
mod manual;
mod print;
mod progress;
mod project;
mod rename;
mod review;
mod verify;
mod work;

use std::process::ExitCode;

use clap::Parser;
use lockstep_hub::undo::PutBackAs;

use args::{Cli, Command, ConnectorAct};

fn main() -> ExitCode {
    end_quietly_with_the_pipe();
    let cli = Cli::parse();
    let named = cli.dir.clone();
    let dir = cli.dir.as_deref().unwrap_or(std::path::Path::new("."));
    let result = match cli.command {
        // A setting without an effect is refused (G10).
        Command::Demo { .. }
        | Command::Import { .. }
        | Command::Sandbox { .. }
        | Command::Completions { .. }
        | Command::Man { .. }
            if named.is_some() =>
        {
            Err(exit::Failure::usage("`-C` names a project, and this command has to do with none"))
        }
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { of, out } => manual::man(of.as_deref(), out.as_deref()),
        Command::Demo { port, once } => demo::demo(port, once),
        Command::Init { dir: folder, from } => init::init(named.as_deref(), folder, from),
        Command::Import { documents, out } => documents::import(&documents, out.as_deref()),
        Command::Doc { format, out, files } => documents::doc(dir, format, out.as_deref(), &files),
        Command::Check { format } => work::check(dir, format),
        Command::Test { names, format } => flow_tests::test(dir, &names, format),
        Command::Advise { from, to, format } => advise::run(dir, &from, &to, format),
        Command::Connect { system, paste, port, show_claims } => {
            connect::connect(dir, &system, &connect::Way { paste, port, show_claims })
        }
        Command::Connector { act: ConnectorAct::New { name, openapi } } => connectors::new(dir, &name, openapi.as_deref()),
        Command::Connector { act: ConnectorAct::Test { manifest, system, record_type, write, format } } => {
            let trying = connectors::Trying { record_type: record_type.as_deref(), writes: write };
            connectors::test(dir, &manifest, system.as_deref(), trying, format)
        }
        Command::Plan { format } => work::plan(dir, format),
        Command::Sync { format, shares, full } => work::sync(dir, format, shares, full),
        Command::Run { approve, webhooks, public_url } => {
            work::run(dir, approve, &work::Calls { listen: webhooks, public: public_url })
        }
        Command::Approve => guards::approve(dir),
        Command::Release { system, guard, discard } => guards::release(dir, system.as_deref(), guard.as_deref(), discard),
        Command::Rename { old, new, format } => rename::rename(dir, format, &old, &new),
        Command::Status { format } => look::status(dir, format),
        Command::Entities { format, limit, after } => look::entities(dir, format, limit, after),
        Command::Review { format, act } => review::review(dir, format, act),
        Command::Link { a, b } => acts::link(dir, &a, &b),
        Command::Unlink { a, b, restore, yes } => acts::unlink(dir, &a, b.as_deref(), restore, yes),
        Command::Retry { record, all, format } => acts::retry(dir, record, all, format),
        Command::Undo { what, path, since, until, force, keep_apart, as_edit, yes, format } => {
            let put_back = match (keep_apart, as_edit) {
                (true, _) => PutBackAs::Apart,
                (_, true) => PutBackAs::Edit,
                _ => PutBackAs::AsFits,
            };
            acts::undo(dir, acts::Asked { what, path, since, until }, (force, put_back), yes, format)
        }
        Command::Redo { run, force, yes, format } => acts::redo(dir, run, force, yes, format),
        Command::Audit { sample, repair, format } => acts::audit(dir, sample, repair, format),
        Command::History { record, run, since, format } => look::history(dir, format, record, run, since),
        Command::Explain { rule: Some(name), format, .. } => manual::rule(&name, format),
        Command::Explain { code: Some(name), format, .. } => manual::code(&name, format),
        Command::Explain { record, path, format, .. } => look::explain(dir, format, &record.unwrap_or_default(), path.as_deref()),
        Command::Verify { sandbox, passive, i_know_this_writes: writes, faults, junit, out, documents } => {
            verify::verify(&verify::Asked { dir: named, sandbox, passive, writes, faults, junit, out, documents })
        }
        Command::Sandbox { systems, port, empty, faults } => demo::sandbox(systems, port, empty, faults.as_deref()),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("lockstep: {}", failure.message);
            ExitCode::from(failure.status)
        }
    }
}

/// `lockstep entities | head` ends when `head` does, without a word about it.
fn end_quietly_with_the_pipe() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let text = info.payload().downcast_ref::<String>().map(String::as_str);
        if text.is_some_and(|text| text.contains("Broken pipe")) {
            std::process::exit(0);
        }
        usual(info);
    }));
}

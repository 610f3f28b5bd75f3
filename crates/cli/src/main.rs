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
    let result = match cli.command {
        Command::Demo { port, once } => demo::demo(port, once),
        Command::Init { dir, from } => init::init(&dir, &from),
        Command::Import { documents, out } => documents::import(&documents, out.as_deref()),
        Command::Doc { project, format, out, files } => documents::doc(&project.dir, format, out.as_deref(), &files),
        Command::Check { project, format } => work::check(&project.dir, format),
        Command::Test { names, project, format } => flow_tests::test(&project.dir, &names, format),
        Command::Advise { from, to, project, format } => advise::run(&project.dir, &from, &to, format),
        Command::Connect { system, paste, port, project } => {
            connect::connect(&project.dir, &system, &connect::Way { paste, port })
        }
        Command::Connector { act: ConnectorAct::New { name, openapi, project } } => {
            connectors::new(&project.dir, &name, openapi.as_deref())
        }
        Command::Connector { act: ConnectorAct::Test { manifest, system, write, project, format } } => {
            connectors::test(&project.dir, &manifest, system.as_deref(), write, format)
        }
        Command::Plan { project, format } => work::plan(&project.dir, format),
        Command::Sync { project, format, shares, full } => work::sync(&project.dir, format, shares, full),
        Command::Run { project, approve, webhooks, public_url } => {
            work::run(&project.dir, approve, &work::Calls { listen: webhooks, public: public_url })
        }
        Command::Approve { project } => guards::approve(&project.dir),
        Command::Release { project, system, guard, discard } => {
            guards::release(&project.dir, system.as_deref(), guard.as_deref(), discard)
        }
        Command::Rename { project, old, new, format } => rename::rename(&project.dir, format, &old, &new),
        Command::Status { project, format } => look::status(&project.dir, format),
        Command::Entities { project, format, limit, after } => look::entities(&project.dir, format, limit, after),
        Command::Review { project, format, act } => review::review(&project.dir, format, act),
        Command::Link { a, b, project } => acts::link(&project.dir, &a, &b),
        Command::Unlink { a, b, restore, yes, project } => acts::unlink(&project.dir, &a, b.as_deref(), restore, yes),
        Command::Retry { record, all, project, format } => acts::retry(&project.dir, record, all, format),
        Command::Undo { what, path, since, until, force, keep_apart, as_edit, yes, project, format } => {
            let put_back = match (keep_apart, as_edit) {
                (true, _) => PutBackAs::Apart,
                (_, true) => PutBackAs::Edit,
                _ => PutBackAs::AsFits,
            };
            acts::undo(&project.dir, acts::Asked { what, path, since, until }, (force, put_back), yes, format)
        }
        Command::Redo { run, force, yes, project, format } => acts::redo(&project.dir, run, force, yes, format),
        Command::Audit { sample, repair, project, format } => acts::audit(&project.dir, sample, repair, format),
        Command::History { record, run, since, project, format } => look::history(&project.dir, format, record, run, since),
        Command::Explain { rule: Some(name), format, .. } => manual::rule(&name, format),
        Command::Explain { code: Some(name), format, .. } => manual::code(&name, format),
        Command::Explain { record, path, project, format, .. } => {
            look::explain(&project.dir, format, &record.unwrap_or_default(), path.as_deref())
        }
        Command::Verify { dir, sandbox, passive, i_know_this_writes: writes, faults, junit, out, documents } => {
            verify::verify(&verify::Asked { dir, sandbox, passive, writes, faults, junit, out, documents })
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

//! The `lockstep` command: arguments, wiring, messages. Everything it does, libraries do.

// Records are made in one thread and dropped in another, a million times: see
// docs/decisions/0004-allocator.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

// First: its macros take the place of the standard ones in everything below.
#[macro_use]
mod out;

mod accounts;
mod acts;
mod advise;
mod api;
mod args;
mod backup;
mod connect;
mod connectors;
#[cfg(feature = "sandbox")]
mod demo;
mod documents;
mod exit;
mod flow_tests;
mod guards;
mod init;
mod interrupt;
mod look;
mod manual;
mod metrics;
mod part;
mod print;
mod progress;
mod project;
mod rename;
mod review;
mod rows;
mod screen;
mod serve;
mod signals;
mod times;
mod verify;
#[cfg_attr(
    not(feature = "sandbox"),
    allow(dead_code, unused_imports, reason = "the forms that only emulated systems print")
)]
mod wire;
#[cfg(not(feature = "sandbox"))]
mod without_sandbox;
mod wording;
mod work;

#[cfg(not(feature = "sandbox"))]
use without_sandbox as demo;

use std::process::ExitCode;

use clap::FromArgMatches;
use lockstep_hub::undo::PutBackAs;

use args::{Cli, Command, ConnectorAct};

fn main() -> ExitCode {
    end_quietly_with_the_pipe();
    let cli = parsed();
    screen::set(cli.color, cli.quiet, cli.verbose);
    let began = std::time::Instant::now();
    if screen::verbose() {
        let dir = cli.dir.as_deref().unwrap_or(std::path::Path::new("."));
        let dir = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_path_buf());
        note!(
            "lockstep {}, JSON version {}, in {}",
            env!("CARGO_PKG_VERSION"),
            wire::VERSION,
            dir.display()
        );
    }
    let result = carry_out(cli);
    let status = match &result {
        Ok(exit) => exit.status(),
        Err(failure) => failure.status,
    };
    if let Err(failure) = result {
        eprintln!("lockstep: {}", failure.message);
    }
    if screen::verbose() {
        note!("took {:.1} s, exit status {status}", began.elapsed().as_secs_f64());
    }
    ExitCode::from(status)
}

/// The command line. What is said of colours holds for the help and for messages about the command
/// line, too.
fn parsed() -> Cli {
    let args: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let texts: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let said = texts
        .iter()
        .position(|arg| arg == "--color")
        .and_then(|at| texts.get(at + 1))
        .map(AsRef::as_ref);
    let colour = match said.or_else(|| texts.iter().find_map(|arg| arg.strip_prefix("--color="))) {
        Some("always") => clap::ColorChoice::Always,
        Some("never") => clap::ColorChoice::Never,
        _ => clap::ColorChoice::Auto,
    };
    let matches = args::command().color(colour).get_matches_from(args);
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

fn carry_out(cli: Cli) -> exit::Result<exit::Exit> {
    let named = cli.dir.clone();
    let dir = cli.dir.as_deref().unwrap_or(std::path::Path::new("."));
    match cli.command {
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
        Command::Man { of, out } => manual::man(&of, out.as_deref()),
        Command::Demo { port, once, keep, format } => {
            demo::demo(port, once, keep.as_deref(), format)
        }
        Command::Init { dir: folder, from, format } => {
            init::init(named.as_deref(), folder, from, format)
        }
        Command::Import { documents, out } => documents::import(&documents, out.as_deref()),
        Command::Doc { format, out, files } => documents::doc(dir, format, out.as_deref(), &files),
        Command::Check { format } => work::check(dir, format),
        Command::Test { names, format } => flow_tests::test(dir, &names, format),
        Command::Advise { from, to, format } => advise::run(dir, &from, &to, format),
        Command::Connect { system, paste, port, show_claims, format } => {
            connect::connect(dir, &system, &connect::Way { paste, port, show_claims, format })
        }
        Command::Connector { act: ConnectorAct::New { name, openapi, format } } => {
            connectors::new(dir, &name, openapi.as_deref(), format)
        }
        Command::Connector {
            act: ConnectorAct::Test { manifest, system, record_type, write, format },
        } => {
            let trying = connectors::Trying { record_type: record_type.as_deref(), writes: write };
            connectors::test(dir, &manifest, system.as_deref(), trying, format)
        }
        Command::Plan { format, out, only } => work::plan(dir, format, out.as_deref(), &only),
        Command::Sync { format, shares, full, only } => {
            work::sync(dir, format, shares, full, &only)
        }
        Command::Run { approve, listen, webhooks, public_url, format } => {
            let at = serve::Listening { listen, webhooks, public_url, guest: None };
            serve::run(dir, approve, at, format)
        }
        Command::User { act } => accounts::user(dir, act),
        Command::Token { act } => accounts::token(dir, act),
        Command::Approve { format } => guards::approve(dir, format),
        Command::Release { system, guard, discard, format } => {
            guards::release(dir, system.as_deref(), guard.as_deref(), discard, format)
        }
        Command::Rename { old, new, format } => rename::rename(dir, format, &old, &new),
        Command::Backup { file, force, format } => backup::backup(dir, &file, force, format),
        Command::Restore { file, force, format } => backup::restore(dir, &file, force, format),
        Command::Metrics { out } => metrics::metrics(dir, out.as_deref()),
        Command::Status { format } => look::status(dir, format),
        Command::Entities { format, limit, after } => look::entities(dir, format, limit, after),
        Command::Review { format, act } => review::review(dir, format, act),
        Command::Link { a, b, format } => acts::link(dir, &a, &b, format),
        Command::Unlink { a, b, restore, yes, format } => {
            acts::unlink(dir, &a, b.as_deref(), (restore, yes), format)
        }
        Command::Retry { record, all, format } => acts::retry(dir, record, all, format),
        Command::Undo { what, path, since, until, force, keep_apart, as_edit, yes, format } => {
            let put_back = match (keep_apart, as_edit) {
                (true, _) => PutBackAs::Apart,
                (_, true) => PutBackAs::Edit,
                _ => PutBackAs::AsFits,
            };
            acts::undo(
                dir,
                acts::Asked { what, path, since, until },
                (force, put_back),
                yes,
                format,
            )
        }
        Command::Redo { run, force, yes, format } => acts::redo(dir, run, force, yes, format),
        Command::Audit { sample, repair, stored, format } => {
            acts::audit(dir, sample, repair, stored, format)
        }
        Command::History { record, run, since, format } => {
            look::history(dir, format, record, run, since)
        }
        Command::Explain { rule: Some(name), format, .. } => manual::rule(&name, format),
        Command::Explain { code: Some(name), format, .. } => manual::code(&name, format),
        Command::Explain { record, path, format, .. } => {
            look::explain(dir, format, &record.unwrap_or_default(), path.as_deref())
        }
        Command::Verify {
            sandbox,
            passive,
            i_know_this_writes: writes,
            faults,
            junit,
            out,
            documents,
            format,
        } => verify::verify(&verify::Asked {
            dir: named,
            sandbox,
            passive,
            writes,
            faults,
            junit,
            out,
            documents,
            format,
        }),
        Command::Sandbox { systems, port, empty, faults, format } => {
            demo::sandbox(systems, port, empty, faults.as_deref(), format)
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

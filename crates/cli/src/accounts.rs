//! `user` and `token`: who may sign in to the console, and what programs show to the HTTP API.

use std::io::{BufRead, IsTerminal};
use std::path::Path;

use lockstep_console::accounts::{self, AccountError, Role, Scope};
use lockstep_hub::{Clock, SystemClock};

use crate::args::{Format, TokenAct, TokenScope, UserAct, UserRole};
use crate::exit::{Exit, Failure, Result};
use crate::{print, project, times, wire};

/// In milliseconds.
const DAY: i64 = 86_400_000;

fn failure(error: AccountError) -> Failure {
    match error {
        AccountError::File { .. } | AccountError::Damaged { .. } => {
            Failure::person(error.to_string())
        }
        other => Failure::usage(other.to_string()),
    }
}

fn role(of: UserRole) -> Role {
    match of {
        UserRole::Viewer => Role::Viewer,
        UserRole::Reviewer => Role::Reviewer,
        UserRole::Operator => Role::Operator,
        UserRole::Admin => Role::Admin,
    }
}

fn scope(of: &TokenScope) -> Scope {
    match of {
        TokenScope::Look => Scope::Look,
        TokenScope::Review => Scope::Review,
        TokenScope::Operate => Scope::Operate,
        TokenScope::Admin => Scope::Admin,
    }
}

/// A password: asked for twice at a terminal, else the first line of standard input. It is never an
/// argument, which others on the machine could see.
fn password() -> Result<String> {
    let lost = |error: std::io::Error| Failure::usage(format!("no password came: {error}"));
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(lost)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_string());
    }
    let terminal = console::Term::stderr();
    let ask = |what: &str| {
        eprint!("{what}: ");
        terminal.read_secure_line().map_err(lost)
    };
    let first = ask("Password")?;
    match ask("Once more")? == first {
        true => Ok(first),
        false => Err(Failure::usage("the two passwords differ: nothing was done")),
    }
}

/// Users of the console.
pub fn user(dir: &Path, act: UserAct) -> Result<Exit> {
    let store = project::open_for_looking(dir)?.store_path()?;
    match act {
        UserAct::Add { name, role: of } => {
            // A name that will not do is told before a password is asked for.
            let known = accounts::read(&store).map_err(failure)?;
            if known.user(&name).is_some() {
                return Err(failure(AccountError::UserExists(name)));
            }
            let password = password()?;
            accounts::change(&store, |all| all.add_user(&name, role(of), &password))
                .map_err(failure)?;
            println!("{name} may sign in, as {}.", role(of).name());
        }
        UserAct::List { format } => {
            let all = accounts::read(&store).map_err(failure)?.users;
            if format == Format::Json {
                emit!("{}", wire::line(&wire::Users::new(&all))?);
                return Ok(Exit::Done);
            }
            for user in &all {
                println!("{:<8}  {}", user.role.name(), user.name);
            }
            if all.is_empty() {
                println!("There are no users: `lockstep user add NAME --role admin` adds one.");
            }
        }
        UserAct::Remove { name } => {
            accounts::change(&store, |all| all.remove_user(&name)).map_err(failure)?;
            println!("{name} may not sign in any more.");
        }
        UserAct::Password { name } => {
            let known = accounts::read(&store).map_err(failure)?;
            if known.user(&name).is_none() {
                let names: Vec<&str> = known.users.iter().map(|user| &*user.name).collect();
                return Err(failure(AccountError::NoUser(name, names.join(", "))));
            }
            let password = password()?;
            accounts::change(&store, |all| all.set_password(&name, &password)).map_err(failure)?;
            println!("{name} has another password, and is signed out.");
        }
    }
    Ok(Exit::Done)
}

/// Tokens for programs.
pub fn token(dir: &Path, act: TokenAct) -> Result<Exit> {
    let store = project::open_for_looking(dir)?.store_path()?;
    match act {
        TokenAct::Create { name, scope: scopes, days } => {
            let scopes: Vec<Scope> = scopes.iter().map(scope).collect();
            let ends = SystemClock.now().plus_ms(i64::from(days) * DAY);
            let shown = accounts::change(&store, |all| all.add_token(&name, &scopes, ends));
            // Alone on standard output: a script takes it from there.
            println!("{}", shown.map_err(failure)?);
            eprintln!(
                "It ends in {}, and is not shown again. Programs send it as `Authorization: Bearer …`.",
                print::count(u64::from(days), "day")
            );
        }
        TokenAct::List { format } => {
            let all = accounts::read(&store).map_err(failure)?.tokens;
            let now = SystemClock.now();
            if format == Format::Json {
                emit!("{}", wire::line(&wire::Tokens::new(&all, now))?);
                return Ok(Exit::Done);
            }
            for token in &all {
                let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.name()).collect();
                let ends = if token.ends <= now { "ended" } else { "ends" };
                println!(
                    "{}  {}, {ends} {}",
                    token.name,
                    scopes.join(" "),
                    times::local(token.ends)
                );
            }
            if all.is_empty() {
                println!(
                    "There are no tokens: `lockstep token create NAME --scope look` makes one."
                );
            }
        }
        TokenAct::Remove { name } => {
            accounts::change(&store, |all| all.remove_token(&name)).map_err(failure)?;
            println!("The token {name} opens nothing any more.");
        }
    }
    Ok(Exit::Done)
}

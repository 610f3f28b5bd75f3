//! What reaches the terminal, and how: colours, `-q` and `-v`, the pager.
//!
//! Colours are put onto whole lines as they are printed, by how a line begins: what a system said
//! can't bring any along, since its control characters are made visible before (G9).

use std::borrow::Cow;
use std::io::{IsTerminal, Write as _};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use clap::ValueEnum;

/// When colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless NO_COLOR is set or TERM is dumb
    Auto,
    Always,
    Never,
}

struct Screen {
    quiet: bool,
    verbose: bool,
    out: bool,
    err: bool,
}

static SCREEN: OnceLock<Screen> = OnceLock::new();

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const CYAN: &str = "\u{1b}[36m";
const RESET: &str = "\u{1b}[0m";

/// How a line begins, with its colour: the beginning alone is coloured, as far as the text goes.
const BEGINNINGS: [(&str, &str); 24] = [
    ("! ", RED),
    ("lockstep: ", RED),
    ("error", RED),
    ("warning", YELLOW),
    ("note", CYAN),
    ("FAILED ", RED),
    ("ok ", GREEN),
    ("✗", RED),
    ("✓", GREEN),
    ("≠", YELLOW),
    ("stopped", RED),
    ("fails", RED),
    ("refused", RED),
    ("paused", RED),
    ("waiting for a person", YELLOW),
    ("Waiting for a person", YELLOW),
    ("review ", YELLOW),
    ("wait ", YELLOW),
    ("keep ", YELLOW),
    ("link ", GREEN),
    ("create ", GREEN),
    ("update ", CYAN),
    ("delete ", RED),
    ("wrote ", GREEN),
];

/// Settles it for this run of the command.
pub fn set(when: When, quiet: bool, verbose: bool) {
    let wanted = |terminal: bool| match when {
        When::Always => true,
        When::Never => false,
        When::Auto => {
            let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            terminal && !no_colour && !is_dumb()
        }
    };
    let (out, err) =
        (wanted(std::io::stdout().is_terminal()), wanted(std::io::stderr().is_terminal()));
    let _ = SCREEN.set(Screen { quiet, verbose, out, err });
}

/// The terminal shows text and nothing else.
pub fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// `-q`: nothing is printed in words but errors and what needs a person.
pub fn quiet() -> bool {
    SCREEN.get().is_some_and(|screen| screen.quiet)
}

/// `-v`: all there is to tell.
pub fn verbose() -> bool {
    SCREEN.get().is_some_and(|screen| screen.verbose)
}

/// Text for standard output, coloured where that is wanted.
pub fn out(text: &str) -> Cow<'_, str> {
    painted(text, SCREEN.get().is_some_and(|screen| screen.out))
}

/// Text for standard error, coloured where that is wanted.
pub fn err(text: &str) -> Cow<'_, str> {
    painted(text, SCREEN.get().is_some_and(|screen| screen.err))
}

fn painted(text: &str, paints: bool) -> Cow<'_, str> {
    if !paints {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 64);
    for line in text.split_inclusive('\n') {
        out.push_str(&painted_line(line));
    }
    Cow::Owned(out)
}

fn painted_line(line: &str) -> Cow<'_, str> {
    let indent = line.len() - line.trim_start().len();
    let begins = |(beginning, _): &&(&str, &str)| line[indent..].starts_with(beginning);
    let Some((beginning, colour)) = BEGINNINGS.iter().find(begins) else {
        return Cow::Borrowed(line);
    };
    let mut end = indent + beginning.len();
    match *beginning {
        // The whole line.
        "! " => end = line.trim_end().len(),
        // With its code: `error[config::row]`.
        "error" | "warning" | "note" => {
            match line[end..].strip_prefix('[').and_then(|rest| rest.find(']')) {
                Some(at) => end += at + 2,
                None if line[end..].starts_with(':') => {}
                None => return Cow::Borrowed(line),
            }
        }
        _ => {}
    }
    Cow::Owned(format!("{}{colour}{}{RESET}{}", &line[..indent], &line[indent..end], &line[end..]))
}

/// A long text: page by page on a terminal, by what `LOCKSTEP_PAGER` or `PAGER` says, else by
/// `less`; at once elsewhere.
pub fn page(text: &str) {
    if quiet() {
        return;
    }
    let shown = crate::out::safe(format_args!("{text}"));
    let shown = out(&shown);
    let named = ["LOCKSTEP_PAGER", "PAGER"].iter().find_map(std::env::var_os);
    let usual = if is_dumb() { "" } else { "less" };
    let pager = named.map_or_else(|| usual.into(), |name| name.to_string_lossy().into_owned());
    if std::io::stdout().is_terminal() && !pager.trim().is_empty() && through(&pager, &shown) {
        return;
    }
    ::std::print!("{shown}");
}

fn through(pager: &str, text: &str) -> bool {
    let mut words = pager.split_whitespace();
    let Some(program) = words.next() else { return false };
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        // Colours are shown as such, and what fits one screen is simply printed.
        command.env("LESS", "FRX");
    }
    let Ok(mut child) = command.spawn() else { return false };
    if let Some(mut input) = child.stdin.take() {
        // Who leaves the pager early has seen enough.
        let _ = input.write_all(text.as_bytes());
    }
    let _ = child.wait();
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_coloured_by_its_beginning_and_not_by_what_stands_in_it() {
        assert_eq!(
            painted("  update a: error[x]\n", true),
            "  \u{1b}[36mupdate \u{1b}[0ma: error[x]\n"
        );
        assert_eq!(
            painted("error[config::row]: no\n", true),
            "\u{1b}[31merror[config::row]\u{1b}[0m: no\n"
        );
        assert_eq!(
            painted("! shop was left alone\n", true),
            "\u{1b}[31m! shop was left alone\u{1b}[0m\n"
        );
        for plain in ["errors are told\n", "crm.People to shop.Customers\n", "\n"] {
            assert_eq!(painted(plain, true), plain);
        }
        assert_eq!(painted("! shop\n", false), "! shop\n");
    }
}

//! The one way to the terminal: whatever is printed passes by here, so that nothing a system said
//! can write on it (G9).
//!
//! The macros have the names of the standard ones on purpose: nobody can forget to use them. Line
//! ends and tabs are layout and stay; what is put into a line from outside has its own made visible
//! where the line is composed (`lockstep_model::visible`). `-q` silences `print!` and `println!`,
//! which are for people; `emit!` is for what was asked for as a document: JSON, CSV, scripts.
//! `note!` is for standard error: what is worth knowing and is no error.

/// `text` as it may reach a terminal.
pub fn safe(text: std::fmt::Arguments<'_>) -> String {
    let text = text.to_string();
    match lockstep_model::visible::visible_lines(&text) {
        std::borrow::Cow::Borrowed(_) => text,
        std::borrow::Cow::Owned(escaped) => escaped,
    }
}

macro_rules! print {
    ($($arg:tt)*) => {
        if !$crate::screen::quiet() {
            ::std::print!("{}", $crate::screen::out(&$crate::out::safe(::std::format_args!($($arg)*))));
        }
    };
}
macro_rules! println {
    () => { if !$crate::screen::quiet() { ::std::println!() } };
    ($($arg:tt)*) => {
        if !$crate::screen::quiet() {
            ::std::println!("{}", $crate::screen::out(&$crate::out::safe(::std::format_args!($($arg)*))));
        }
    };
}
macro_rules! emit {
    ($($arg:tt)*) => { ::std::print!("{}", $crate::out::safe(::std::format_args!($($arg)*))) };
}
macro_rules! eprintln {
    () => { ::std::eprintln!() };
    ($($arg:tt)*) => { ::std::eprintln!("{}", $crate::screen::err(&$crate::out::safe(::std::format_args!($($arg)*)))) };
}
macro_rules! note {
    ($($arg:tt)*) => {
        if !$crate::screen::quiet() {
            ::std::eprintln!("{}", $crate::out::safe(::std::format_args!($($arg)*)));
        }
    };
}

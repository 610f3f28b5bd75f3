//! The one way to the terminal: whatever is printed passes by here, so that nothing a system said can write on it (G9).
//!
//! The macros have the names of the standard ones on purpose: nobody can forget to use them. Line ends and tabs are layout and stay; what
//! is put into a line from outside has its own made visible where the line is composed (`lockstep_model::visible`).

/// `text` as it may reach a terminal.
pub fn safe(text: std::fmt::Arguments<'_>) -> String {
    let text = text.to_string();
    match lockstep_model::visible::visible_lines(&text) {
        std::borrow::Cow::Borrowed(_) => text,
        std::borrow::Cow::Owned(escaped) => escaped,
    }
}

macro_rules! print {
    ($($arg:tt)*) => { ::std::print!("{}", $crate::out::safe(::std::format_args!($($arg)*))) };
}
macro_rules! println {
    () => { ::std::println!() };
    ($($arg:tt)*) => { ::std::println!("{}", $crate::out::safe(::std::format_args!($($arg)*))) };
}
macro_rules! eprintln {
    () => { ::std::eprintln!() };
    ($($arg:tt)*) => { ::std::eprintln!("{}", $crate::out::safe(::std::format_args!($($arg)*))) };
}

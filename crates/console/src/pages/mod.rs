//! The pages. They work without a script; what a script adds is that they keep up by themselves.

mod entity;
pub(crate) mod live;
mod overview;
mod records;
mod review;
mod runs;
mod take_back;

use std::sync::Arc;

use axum::http::header;
use axum::response::IntoResponse;
use maud::{DOCTYPE, Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::access::Person;
use crate::accounts::Role;
use crate::frame::{Answer, Does, Given, Method, Route, View};
use crate::problem::Problem;

/// Lines of a list.
pub(crate) const PAGE: usize = 50;

type Page = fn(&mut View, &Given) -> Result<Answer, Problem>;

pub(crate) fn routes() -> Vec<Route> {
    let all: [(Method, &str, Role, Page); 12] = [
        (Method::Get, "/", Role::Viewer, overview::page),
        (Method::Get, "/flow", Role::Viewer, overview::list),
        (Method::Get, "/review", Role::Viewer, review::list),
        (Method::Get, "/review/{number}", Role::Viewer, review::one),
        (Method::Post, "/review", Role::Reviewer, review::answer),
        (Method::Get, "/records", Role::Viewer, records::page),
        (Method::Get, "/entity", Role::Viewer, entity::page),
        (Method::Get, "/runs", Role::Viewer, runs::list),
        (Method::Get, "/runs/{run}", Role::Viewer, runs::one),
        (Method::Post, "/sync", Role::Operator, runs::sync),
        (Method::Get, "/runs/{run}/take-back", Role::Reviewer, take_back::page),
        (Method::Post, "/runs/{run}/take-back", Role::Reviewer, take_back::carry_out),
    ];
    let route = |(method, path, role, page): (Method, &str, Role, Page)| Route {
        method,
        path: path.into(),
        role: Some(role),
        does: Does::Page(Arc::new(page)),
    };
    all.into_iter().map(route).collect()
}

/// A text as a part of an address.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// An address with these parameters; those that are empty are left out.
pub(crate) fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let given = parameters.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> =
        given.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if pairs.is_empty() { path.into() } else { format!("{path}?{}", pairs.join("&")) }
}

pub(crate) fn html(markup: Markup) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], markup.into_string())
}

fn head(title: &str, script: bool) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " – Lockstep" }
            link rel="stylesheet" href="/sign-in/style.css";
            @if script {
                script src="/console.js" defer {}
            }
        }
    }
}

/// Where one is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Overview,
    Review,
    Records,
    Runs,
    Elsewhere,
}

/// A page for who is signed in.
pub(crate) fn page(title: &str, at: At, person: &Person, main: Markup) -> Markup {
    let places = [
        ("/", "Overview", At::Overview),
        ("/review", "Review", At::Review),
        ("/records", "Records", At::Records),
        ("/runs", "Runs", At::Runs),
    ];
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title, true))
            body {
                a.skip href="#main" { "To the content" }
                header {
                    span.product { "Lockstep" }
                    nav aria-label="Pages" {
                        ul {
                            @for (href, name, place) in places {
                                li { a href=(href) aria-current=[(place == at).then_some("page")] { (name) } }
                            }
                        }
                    }
                    form.person method="post" action="/sign-out" {
                        span { (person.name) }
                        button.quiet { "Sign out" }
                    }
                }
                main #main tabindex="-1" {
                    h1 { (title) }
                    (main)
                }
                p #status role="status" {}
            }
        }
    }
}

/// A page for who is not.
fn bare(title: &str, main: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title, false))
            body.bare {
                main #main {
                    h1 { (title) }
                    (main)
                }
            }
        }
    }
}

/// The page on which one signs in.
pub(crate) fn sign_in(said: Option<&str>, name: &str, next: &str) -> Markup {
    bare(
        "Sign in to Lockstep",
        html! {
            @if let Some(said) = said {
                p.said role="alert" { (said) }
            }
            form method="post" action="/sign-in" {
                input type="hidden" name="next" value=(next);
                label for="name" { "Name" }
                input #name name="name" value=(name) autocomplete="username" required autofocus[name.is_empty()];
                label for="password" { "Password" }
                input #password name="password" type="password" autocomplete="current-password" required autofocus[!name.is_empty()];
                button { "Sign in" }
            }
        },
    )
}

fn problem_text(problem: &Problem) -> Markup {
    html! {
        p.said role="alert" { (problem.detail) }
    }
}

/// What went wrong, for who is signed in.
pub(crate) fn problem(problem: &Problem, person: &Person) -> Markup {
    let main = html! {
        (problem_text(problem))
        p { a href="/" { "To the overview" } }
    };
    page(&problem.title, At::Elsewhere, person, main)
}

/// What went wrong, for who is not.
pub(crate) fn bare_problem(problem: &Problem) -> Markup {
    bare(&problem.title, problem_text(problem))
}

/// A link to the next lines of a list.
pub(crate) fn more(href: Option<String>) -> Markup {
    html! {
        @if let Some(href) = href {
            p.more { a href=(href) rel="next" { "More" } }
        }
    }
}

/// A link to the entity of a record.
pub(crate) fn record(name: &str, label: &str) -> Markup {
    let label = lockstep_model::visible::visible(label);
    let shown = lockstep_model::visible::visible(name);
    html! {
        a href=(address("/entity", &[("record", name)])) {
            @if label.is_empty() { (shown) } @else { (label) }
        }
        @if !label.is_empty() {
            " " span.of { (shown) }
        }
    }
}

//! The HTTP API: what it offers, in the forms that the commands print. Frame, access and description
//! are the console's (`lockstep_console::api`).

mod acts;
mod forms;
mod looks;

use lockstep_console::Method::{Get, Post};
use lockstep_console::accounts::Role::{Admin, Operator, Reviewer, Viewer};
use lockstep_console::api::{Endpoint, Parameter, ParameterKind};

use crate::wire;

const fn text(name: &'static str, says: &'static str) -> Parameter {
    Parameter { name, says, kind: ParameterKind::Text, required: false }
}

const fn number(name: &'static str, says: &'static str) -> Parameter {
    Parameter { name, says, kind: ParameterKind::Number, required: false }
}

const fn required(parameter: Parameter) -> Parameter {
    Parameter { required: true, ..parameter }
}

const AFTER: Parameter = number("after", "The `next` of the page before");
const RECORD: Parameter = required(text("record", "A record: system.RecordType/ID"));
const RUN: Parameter = required(number("run", "The number of a run"));
const STATES: &[&str] = &["in-step", "waiting", "excluded", "failing"];

/// All of it.
pub fn endpoints() -> Vec<Endpoint> {
    [flows(), reviews(), records(), what_happened(), runs(), links()].concat()
}

fn flows() -> Vec<Endpoint> {
    vec![
        Endpoint::new::<wire::Status>(
            Get,
            "/status",
            Viewer,
            "Where the project stands",
            looks::status,
        ),
        Endpoint::new::<forms::Flows>(
            Get,
            "/flows",
            Viewer,
            "The flows with their numbers",
            looks::flows,
        ),
        Endpoint::new::<forms::FlowRecords>(
            Get,
            "/flows/records",
            Viewer,
            "The records behind a number of a flow, and why each is there",
            looks::flow_records,
        )
        .takes(
            const {
                &[
                    required(text("flow", "A flow, as `/flows` names it")),
                    Parameter {
                        name: "state",
                        says: "How they stand",
                        kind: ParameterKind::OneOf(STATES),
                        required: true,
                    },
                    AFTER,
                ]
            },
        ),
    ]
}

fn reviews() -> Vec<Endpoint> {
    vec![
        Endpoint::new::<forms::ReviewPage>(
            Get,
            "/reviews",
            Viewer,
            "What waits for a person, oldest first",
            looks::reviews,
        )
        .takes(const { &[text("kind", "Only this kind"), text("flow", "Only this flow"), AFTER] }),
        Endpoint::new::<wire::ReviewShown>(
            Get,
            "/reviews/{number}",
            Viewer,
            "A review with its records side by side",
            looks::review,
        )
        .takes(const { &[required(number("number", "The number of a review"))] }),
        Endpoint::new::<wire::Answers>(
            Post,
            "/reviews/answer",
            Reviewer,
            "Answers reviews",
            acts::answer,
        )
        .body::<forms::GivenAnswer>(),
    ]
}

fn records() -> Vec<Endpoint> {
    vec![
        Endpoint::new::<forms::EntityPage>(
            Get,
            "/entities",
            Viewer,
            "Records that are linked",
            looks::entities,
        )
        .takes(const { &[AFTER] }),
        Endpoint::new::<forms::Found>(
            Get,
            "/records",
            Viewer,
            "Records that hold a text, or have it as their id",
            looks::search,
        )
        .takes(
            const {
                &[
                    required(text("text", "What they hold")),
                    text("after", "The `next` of the page before"),
                ]
            },
        ),
        Endpoint::new::<forms::Entity>(
            Get,
            "/entity",
            Viewer,
            "The records of all systems that are one, side by side, and why each value is so",
            looks::entity,
        )
        .takes(const { &[RECORD] }),
        Endpoint::new::<wire::Explanation>(
            Get,
            "/explain",
            Viewer,
            "Why a record, or one of its properties, is as it is",
            looks::explain,
        )
        .takes(const { &[RECORD, text("path", "One property")] }),
    ]
}

fn what_happened() -> Vec<Endpoint> {
    vec![
        Endpoint::new::<forms::RunPage>(Get, "/runs", Viewer, "The runs, newest first", looks::runs)
            .takes(const { &[number("before", "The `next` of the page before")] }),
        Endpoint::new::<forms::HistoryPage>(
            Get,
            "/history",
            Viewer,
            "What happened: to a record, in a run, since a time; in the latest runs where none is given",
            looks::history,
        )
        .takes(
            const {
                &[
                    text("record", "A record: system.RecordType/ID"),
                    number("run", "The number of a run"),
                    text("since", "A time: 2026-11-30T08:00:00Z"),
                ]
            },
        ),
        Endpoint::new::<forms::AccountList>(
            Get,
            "/accounts",
            Admin,
            "Who may sign in, and which tokens there are",
            looks::accounts,
        ),
    ]
}

fn runs() -> Vec<Endpoint> {
    vec![
        Endpoint::new::<forms::TakingBack>(
            Get,
            "/runs/{run}/take-back",
            Reviewer,
            "What taking back a run would do; of an answer to reviews for reviewers, else for operators",
            acts::taking_back,
        )
        .takes(const { &[RUN] }),
        Endpoint::new::<forms::Done>(
            Post,
            "/runs/{run}/take-back",
            Reviewer,
            "Takes back what was shown",
            acts::take_back,
        )
        .takes(const { &[RUN] })
        .body::<forms::GivenShown>(),
        Endpoint::new::<wire::Report>(
            Post,
            "/plan",
            Operator,
            "What a run would do; asks the systems, and writes nothing",
            acts::plan,
        )
        .body::<forms::Nothing>(),
        Endpoint::new::<wire::Report>(Post, "/sync", Operator, "One run", acts::sync)
            .body::<forms::GivenRun>(),
        Endpoint::new::<wire::Approved>(
            Post,
            "/approve",
            Operator,
            "Lets the flows run as they are now",
            acts::approve,
        )
        .body::<forms::Nothing>(),
        Endpoint::new::<forms::Done>(
            Post,
            "/release",
            Operator,
            "Lets through what a guard holds back, or gives it up",
            acts::release,
        )
        .body::<forms::GivenGuard>(),
    ]
}

fn links() -> Vec<Endpoint> {
    vec![
        Endpoint::new::<wire::Linked>(Post, "/link", Operator, "Links two records", acts::link)
            .body::<forms::GivenPair>(),
        Endpoint::new::<wire::Halves>(
            Post,
            "/unlink",
            Operator,
            "Takes linked records apart, for good",
            acts::unlink,
        )
        .body::<forms::GivenUnlink>(),
        Endpoint::new::<wire::Report>(
            Post,
            "/retry",
            Operator,
            "Tries again what was refused",
            acts::retry,
        )
        .body::<forms::GivenRetry>(),
    ]
}

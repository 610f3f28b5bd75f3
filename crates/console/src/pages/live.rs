//! What keeps pages up to date: a stream of events that says that something has changed. The page
//! asks for itself again then.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};

use crate::access::Person;
use crate::frame::{Answered, Shared};

/// A proxy and a browser learn that the other end is there still.
const ALIVE: Duration = Duration::from_secs(15);

/// A stream ends after this, so that a session that has ended is noticed: browsers ask again.
const LONGEST: Duration = Duration::from_secs(300);

/// One event for each time that the numbers have been found anew.
pub(crate) fn events(shared: Arc<Shared>, _: Option<Person>, _: Request) -> Answered {
    Box::pin(async move {
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let mut numbers = shared.numbers.subscribe();
        tokio::spawn(async move {
            let ends = tokio::time::Instant::now() + LONGEST;
            let mut count = 0_u64;
            loop {
                tokio::select! {
                    changed = numbers.changed() => if changed.is_err() { return },
                    () = sender.closed() => return,
                    () = tokio::time::sleep_until(ends) => return,
                }
                numbers.borrow_and_update();
                count += 1;
                if sender.send(count).await.is_err() {
                    return;
                }
            }
        });
        let stream = Sse::new(Changes(receiver)).keep_alive(KeepAlive::new().interval(ALIVE));
        stream.into_response()
    })
}

struct Changes(tokio::sync::mpsc::Receiver<u64>);

impl futures_core::Stream for Changes {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.0.poll_recv(cx);
        next.map(|count| {
            count.map(|count| Ok(Event::default().event("changed").data(count.to_string())))
        })
    }
}

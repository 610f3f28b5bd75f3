//! A listener that slow callers can't keep others out of: each call comes in whole and is answered
//! within one time, and of too many at once the one that has been at it for longest is dropped.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::task::AbortHandle;

/// How much a listener bears.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub at_once: usize,
    /// A connection is good for one call after another.
    pub keep_alive: bool,
    /// For a whole call and its answer; none where answers take their time.
    pub patience: Option<Duration>,
}

/// The head of a call comes in within this.
const HEAD: Duration = Duration::from_secs(10);

/// Answers calls in a thread of its own, as long as the process lives. Handlers learn who calls by
/// `ConnectInfo<SocketAddr>`.
///
/// # Errors
/// The listener or the thread can't be set up.
pub fn serve(listener: TcpListener, router: Router, bounds: Bounds) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async move {
            if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
                accept(listener, router, bounds).await;
            }
        });
    });
    Ok(())
}

async fn accept(listener: tokio::net::TcpListener, router: Router, bounds: Bounds) {
    let mut callers: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of handles: some are given back soon.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        callers.retain(|caller| !caller.is_finished());
        while callers.len() >= bounds.at_once
            && let Some(earliest) = callers.pop_front()
        {
            earliest.abort();
        }
        let router = router.clone().layer(axum::Extension(ConnectInfo(peer)));
        let answered = tokio::spawn(async move {
            let service = TowerToHyperService::new(router);
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .keep_alive(bounds.keep_alive)
                .serve_connection(TokioIo::new(stream), service);
            // Who has gone calls again.
            match bounds.patience {
                Some(patience) => drop(tokio::time::timeout(patience, connection).await),
                None => drop(connection.await),
            }
        });
        callers.push_back(answered.abort_handle());
    }
}

//! Tells the service manager how the service fares, as systemd's `sd_notify` does: a line in a
//! datagram to the socket that `NOTIFY_SOCKET` names. Without that variable nothing is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A service that has made no step for this long has stopped working: the service manager is not
/// told that it lives, and starts it anew. Waiting for a slow system is shorter.
const LONGEST_STEP: Duration = Duration::from_secs(15 * 60);

/// Tells the service manager something: `READY=1`, `STOPPING=1`, `STATUS=…`. Gives whether it was
/// told.
pub fn notify(state: &str) -> bool {
    match std::env::var_os("NOTIFY_SOCKET") {
        Some(name) if !name.is_empty() => send(&name, state).is_ok(),
        _ => false,
    }
}

#[cfg(unix)]
fn send(name: &std::ffi::OsStr, state: &str) -> std::io::Result<()> {
    use std::os::unix::net::UnixDatagram;
    let socket = UnixDatagram::unbound()?;
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt as _;
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::net::SocketAddr;
        // A name without a file begins with a NUL byte, which stands there as `@`.
        if let Some(name) = name.as_bytes().strip_prefix(b"@") {
            let address = SocketAddr::from_abstract_name(name)?;
            return socket.send_to_addr(state.as_bytes(), &address).map(drop);
        }
    }
    socket.send_to(state.as_bytes(), name).map(drop)
}

#[cfg(not(unix))]
fn send(_: &std::ffi::OsStr, _: &str) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// When the service last made a step.
#[derive(Clone)]
pub struct Heartbeat {
    began: Instant,
    /// In milliseconds after the beginning.
    last: Arc<AtomicU64>,
}

impl Heartbeat {
    /// A heart that beats. Where the service manager watches the process, it is told from now on.
    pub fn start() -> Self {
        let heart = Heartbeat { began: Instant::now(), last: Arc::default() };
        if let Some(every) = watchdog() {
            let beating = heart.clone();
            std::thread::spawn(move || {
                loop {
                    if beating.since_last() < LONGEST_STEP {
                        notify("WATCHDOG=1");
                    }
                    std::thread::sleep(every / 2);
                }
            });
        }
        heart
    }

    /// A step is made.
    pub fn beat(&self) {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(ms, Ordering::Relaxed);
    }

    fn since_last(&self) -> Duration {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(last)
    }
}

/// How long the service manager waits for a sign of life, if it does.
fn watchdog() -> Option<Duration> {
    let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    let meant = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    let usec = number("WATCHDOG_USEC").filter(|usec| *usec > 0 && meant)?;
    Some(Duration::from_micros(usec).max(Duration::from_millis(2)))
}

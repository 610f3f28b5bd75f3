//! How the project stands, found in the background: what was found last stands until it is found
//! anew.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lockstep_hub::standing::Standing;

use crate::frame::Shared;

/// The shortest time between two times that it is found.
const SHORTEST: Duration = Duration::from_millis(300);
/// At most this part of the time goes into finding it.
const PART: u32 = 4;
/// What could not be found is looked for again.
const AGAIN: Duration = Duration::from_millis(500);

/// Keeps the numbers up to date: with every change, and never so often that it is all that is done.
pub(crate) fn keep(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        let mut changes = shared.queue.changes();
        loop {
            changes.borrow_and_update();
            let began = Instant::now();
            let found = find(&shared);
            let is_found = found.is_ok();
            shared.numbers.send_replace(Arc::new(found));
            std::thread::sleep(SHORTEST.max(began.elapsed() * PART));
            // The owner tells of changes from its own thread; a look now and then costs nothing.
            let until = Instant::now() + AGAIN;
            loop {
                match changes.has_changed() {
                    Err(_) => return,
                    Ok(true) => break,
                    Ok(false) if !is_found && Instant::now() >= until => break,
                    Ok(false) => std::thread::sleep(SHORTEST / 3),
                }
            }
        }
    });
}

fn find(shared: &Shared) -> Result<Standing, String> {
    let mut hub = shared.project.look().map_err(|refusal| refusal.to_string())?;
    hub.standing().map_err(|error| error.to_string())
}

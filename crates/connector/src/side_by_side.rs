//! Requests side by side, for who asks one thing about many records.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Asks something about each of these, in as many threads, and gives the answers in the order of
/// the questions. Once an answer says that it is no use to go on, nothing more is asked: what was
/// not asked about has no answer.
pub fn side_by_side<T: Sync, R: Send>(
    at_once: usize,
    items: &[T],
    ask: impl Fn(&T) -> R + Sync,
    stops: impl Fn(&R) -> bool + Sync,
) -> Vec<Option<R>> {
    let threads = at_once.min(items.len());
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let answers = Mutex::new(items.iter().map(|_| None).collect::<Vec<Option<R>>>());
    let work = || {
        while !stopped.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return };
            let answer = ask(item);
            if stops(&answer) {
                stopped.store(true, Ordering::Relaxed);
            }
            answers.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(answer);
        }
    };
    match threads {
        0 | 1 => work(),
        _ => std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work)))),
    }
    answers.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_side_by_side_is_answered_in_order_and_ends_when_it_is_no_use() {
        let items: Vec<usize> = (0..40).collect();
        let most = Mutex::new((0, 0));
        let ask = |item: &usize| {
            {
                let mut most = most.lock().unwrap();
                most.0 += 1;
                most.1 = most.1.max(most.0);
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
            most.lock().unwrap().0 -= 1;
            item * 2
        };
        let all = side_by_side(4, &items, ask, |_| false);
        assert_eq!(all, (0..40).map(|item| Some(item * 2)).collect::<Vec<_>>());
        assert!((2..=4).contains(&most.lock().unwrap().1));
        let some = side_by_side(4, &items, ask, |answer| *answer >= 20);
        assert!(some.iter().flatten().count() < 20, "{some:?}");
        assert_eq!(
            side_by_side(1, &items, |item| *item, |item| *item == 3).iter().flatten().count(),
            4
        );
    }
}

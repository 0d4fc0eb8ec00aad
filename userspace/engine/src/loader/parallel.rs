//! Work on many things at once, with results in the order of the things.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread::{available_parallelism, scope};

/// Things for which a thread of their own is worth starting, at the least.
const FEWEST: usize = 2;

/// Splits `things` into as many parts as there are processors, works on all at once, and returns what each part gave, in
/// order.
pub(super) fn in_parts<T: Send, R: Send>(mut things: Vec<T>, work: impl Fn(Vec<T>) -> R + Sync) -> Vec<R> {
    let processors = available_parallelism().map_or(1, NonZero::get);
    let each = things.len().div_ceil(processors).max(FEWEST);
    let mut parts = Vec::new();
    while things.len() > each {
        let rest = things.split_off(each);
        parts.push(std::mem::replace(&mut things, rest));
    }
    scope(|scope| {
        let others: Vec<_> = parts.into_iter().map(|part| scope.spawn(|| work(part))).collect();
        // The last part is this thread's own.
        let own = work(things);
        let others = others.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        others.chain([own]).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_the_order_stays() {
        for count in [0, 1, 2, 3, 100, 101] {
            let parts = in_parts((0..count).collect(), |part: Vec<u32>| part);
            assert_eq!(parts.concat(), (0..count).collect::<Vec<_>>());
        }
    }
}

//! Shared things, by number: a slab whose entries count their users and know their weight.
//!
//! Keys carry a generation, so a key that outlived its entry finds nothing instead of a stranger.

use std::marker::PhantomData;

/// Bytes of heap memory a value holds, without its own size.
pub(crate) trait Weigh {
    fn heap_bytes(&self) -> usize;
}

/// Number of an entry in one of the state tables.
pub struct Key<T> {
    index: u32,
    generation: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl<T> PartialEq for Key<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.index, self.generation) == (other.index, other.generation)
    }
}

impl<T> Eq for Key<T> {}

impl<T> std::fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}.{}", self.index, self.generation)
    }
}

impl<T> Key<T> {
    /// Returns a number that tells this entry from every other one of its pool.
    #[must_use]
    pub fn id(self) -> u64 {
        u64::from(self.index) << 32 | u64::from(self.generation)
    }
}

struct Slot<T> {
    generation: u32,
    users: u32,
    value: Option<T>,
}

pub(crate) struct Pool<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    heap_bytes: usize,
    len: usize,
    hand: usize,
}

impl<T: Weigh> Pool<T> {
    pub(crate) fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), heap_bytes: 0, len: 0, hand: 0 }
    }

    /// Adds a value with one user.
    pub(crate) fn insert(&mut self, value: T) -> Key<T> {
        self.heap_bytes += value.heap_bytes();
        self.len += 1;
        if let Some(index) = self.free.pop()
            && let Some(slot) = self.slots.get_mut(index as usize)
        {
            slot.users = 1;
            slot.value = Some(value);
            return Key { index, generation: slot.generation, of: PhantomData };
        }
        // Budgets keep every pool far below this many entries; past it the last slot is simply not addressable.
        let index = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push(Slot { generation: 0, users: 1, value: Some(value) });
        Key { index, generation: 0, of: PhantomData }
    }

    fn slot(&self, key: Key<T>) -> Option<&Slot<T>> {
        self.slots.get(key.index as usize).filter(|slot| slot.generation == key.generation)
    }

    pub(crate) fn get(&self, key: Key<T>) -> Option<&T> {
        self.slot(key)?.value.as_ref()
    }

    /// Changes a value without touching what it holds on the heap.
    pub(crate) fn get_mut(&mut self, key: Key<T>) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.index as usize).filter(|slot| slot.generation == key.generation)?;
        slot.value.as_mut()
    }

    /// Changes a value and weighs it again.
    pub(crate) fn update<R>(&mut self, key: Key<T>, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let value = self.get_mut(key)?;
        let before = value.heap_bytes();
        let out = change(value);
        let after = value.heap_bytes();
        self.heap_bytes = self.heap_bytes.saturating_sub(before) + after;
        Some(out)
    }

    /// Adds a user.
    pub(crate) fn share(&mut self, key: Key<T>) -> Key<T> {
        let index = key.index as usize;
        if let Some(slot) = self.slots.get_mut(index).filter(|slot| slot.generation == key.generation) {
            slot.users = slot.users.saturating_add(1);
        }
        key
    }

    pub(crate) fn users(&self, key: Key<T>) -> u32 {
        self.slot(key).map_or(0, |slot| slot.users)
    }

    /// Takes a user away; gives the value back when that was the last one.
    pub(crate) fn release(&mut self, key: Key<T>) -> Option<T> {
        let slot = self.slots.get_mut(key.index as usize).filter(|slot| slot.generation == key.generation)?;
        slot.users = slot.users.saturating_sub(1);
        if slot.users > 0 {
            return None;
        }
        let value = slot.value.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(key.index);
        self.heap_bytes = self.heap_bytes.saturating_sub(value.heap_bytes());
        self.len -= 1;
        Some(value)
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of the live entries.
    pub(crate) fn live_bytes(&self) -> usize {
        self.heap_bytes + self.len * size_of::<Slot<T>>()
    }

    /// Bytes held, free slots included.
    pub(crate) fn held_bytes(&self) -> usize {
        self.heap_bytes + self.slots.capacity() * size_of::<Slot<T>>() + self.free.capacity() * size_of::<u32>()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key<T>, &T)> {
        self.slots.iter().zip(0u32..).filter_map(|(slot, index)| {
            Some((Key { index, generation: slot.generation, of: PhantomData }, slot.value.as_ref()?))
        })
    }

    /// Looks at up to `many` entries, going on where the last call stopped, and returns the one with the lowest score.
    /// The same sequence of calls always chooses the same entries, which keeps replay equal to the live run.
    pub(crate) fn sweep<S: Ord>(&mut self, many: usize, score: impl Fn(Key<T>, &T) -> Option<S>) -> Option<Key<T>> {
        let mut best: Option<(S, Key<T>)> = None;
        let mut seen = 0;
        for _ in 0..self.slots.len() {
            let at = self.hand % self.slots.len();
            self.hand = at + 1;
            let Some(slot) = self.slots.get(at) else { break };
            let Some(value) = &slot.value else { continue };
            let key =
                Key { index: u32::try_from(at).unwrap_or(u32::MAX), generation: slot.generation, of: PhantomData };
            if let Some(score) = score(key, value) {
                seen += 1;
                if best.as_ref().is_none_or(|(low, _)| score < *low) {
                    best = Some((score, key));
                }
            }
            if seen >= many {
                break;
            }
        }
        best.map(|(_, key)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weigh for String {
        fn heap_bytes(&self) -> usize {
            self.len()
        }
    }

    #[test]
    fn an_old_key_finds_nothing() {
        let mut pool = Pool::new();
        let old = pool.insert("a".to_owned());
        assert_eq!(pool.release(old), Some("a".to_owned()));
        let new = pool.insert("bb".to_owned());
        assert_eq!((pool.get(old), pool.get(new).map(String::as_str)), (None, Some("bb")));
        assert_eq!((pool.release(old), pool.len()), (None, 1));
    }

    #[test]
    fn the_last_user_frees_and_weights_add_up() {
        let mut pool = Pool::new();
        let key = pool.insert("abc".to_owned());
        pool.share(key);
        pool.update(key, |text| text.push('d'));
        let live = pool.live_bytes();
        assert!(pool.release(key).is_none());
        assert_eq!(pool.live_bytes(), live);
        assert!(pool.release(key).is_some());
        assert_eq!(pool.live_bytes(), 0);
    }

    #[test]
    fn a_sweep_goes_round_and_takes_the_lowest() {
        let mut pool = Pool::new();
        for text in ["c", "a", "b", "d"] {
            pool.insert(text.to_owned());
        }
        let mut next = || {
            let key = pool.sweep(2, |_, text| (text != "a").then(|| text.clone()));
            key.and_then(|key| pool.get(key).cloned())
        };
        assert_eq!([next(), next(), next()], [Some("b".into()), Some("c".into()), Some("b".into())]);
    }
}

//! A map that knows which of its entries is oldest.

use foldhash::{HashMap, HashMapExt};
use std::hash::Hash;

use crate::time::Timestamp;

/// A map whose entries are in an order of age: an entry is youngest when it is inserted or touched.
///
/// Every operation takes constant time. The order is a list threaded through `nodes`, so that what is evicted never depends
/// on the order of a hash map.
#[derive(Debug)]
pub(crate) struct AgedMap<K, V> {
    /// Where in `nodes` the entry of a key is.
    slots: HashMap<K, usize>,
    /// `None` where a slot is free.
    nodes: Vec<Option<Node<K, V>>>,
    /// The slots that are free.
    free: Vec<usize>,
    oldest: Option<usize>,
    youngest: Option<usize>,
}

#[derive(Debug)]
struct Node<K, V> {
    key: K,
    value: V,
    /// When the entry was inserted or last touched.
    since: Timestamp,
    older: Option<usize>,
    younger: Option<usize>,
}

impl<K: Copy + Eq + Hash, V> AgedMap<K, V> {
    pub(crate) fn new() -> Self {
        Self { slots: HashMap::new(), nodes: Vec::new(), free: Vec::new(), oldest: None, youngest: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The value of a key, whose age stays as it is.
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let slot = *self.slots.get(key)?;
        self.node(slot).map(|node| &mut node.value)
    }

    /// The value of a key, which is youngest now.
    pub(crate) fn touch(&mut self, key: &K, now: Timestamp) -> Option<&mut V> {
        let slot = *self.slots.get(key)?;
        if self.youngest != Some(slot) {
            self.unlink(slot);
            self.link_youngest(slot);
        }
        let node = self.node(slot)?;
        node.since = now;
        Some(&mut node.value)
    }

    /// Puts a value in the place of any that the key had; it is youngest now.
    pub(crate) fn insert(&mut self, key: K, value: V, now: Timestamp) {
        self.remove(&key);
        let node = Some(Node { key, value, since: now, older: None, younger: None });
        let slot = match self.free.pop() {
            Some(slot) => {
                if let Some(place) = self.nodes.get_mut(slot) {
                    *place = node;
                }
                slot
            }
            None => {
                self.nodes.push(node);
                self.nodes.len() - 1
            }
        };
        self.slots.insert(key, slot);
        self.link_youngest(slot);
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let slot = self.slots.remove(key)?;
        self.unlink(slot);
        self.free.push(slot);
        self.nodes.get_mut(slot)?.take().map(|node| node.value)
    }

    /// All values, in an order that the operations so far give.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.nodes.iter().flatten().map(|node| &node.value)
    }

    /// Takes the oldest entry.
    pub(crate) fn pop_oldest(&mut self) -> Option<V> {
        let slot = self.oldest?;
        let key = self.node(slot)?.key;
        self.remove(&key)
    }

    /// When the oldest entry was inserted or last touched.
    pub(crate) fn oldest_since(&self) -> Option<Timestamp> {
        self.nodes.get(self.oldest?)?.as_ref().map(|node| node.since)
    }

    /// Takes the oldest entry if it was inserted or touched more than `nanos` before `now`.
    pub(crate) fn pop_idle(&mut self, now: Timestamp, nanos: i64) -> Option<V> {
        let slot = self.oldest?;
        if now.since(self.node(slot)?.since) > nanos { self.pop_oldest() } else { None }
    }

    fn node(&mut self, slot: usize) -> Option<&mut Node<K, V>> {
        self.nodes.get_mut(slot)?.as_mut()
    }

    fn link_youngest(&mut self, slot: usize) {
        let before = self.youngest.replace(slot);
        match before.and_then(|before| self.node(before)) {
            Some(node) => node.younger = Some(slot),
            None => self.oldest = Some(slot),
        }
        if let Some(node) = self.node(slot) {
            node.older = before;
            node.younger = None;
        }
    }

    fn unlink(&mut self, slot: usize) {
        let Some(node) = self.node(slot) else { return };
        let (older, younger) = (node.older.take(), node.younger.take());
        match older.and_then(|older| self.node(older)) {
            Some(node) => node.younger = younger,
            None => self.oldest = younger,
        }
        match younger.and_then(|younger| self.node(younger)) {
            Some(node) => node.older = older,
            None => self.youngest = older,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    #[test]
    fn idle_entries_go_oldest_first() {
        let mut map = AgedMap::new();
        for (key, time) in [(1, 10), (2, 20), (3, 30)] {
            map.insert(key, key, at(time));
        }
        assert_eq!(map.touch(&1, at(40)), Some(&mut 1));
        assert_eq!(map.pop_idle(at(30), 10), None);
        assert_eq!(map.pop_idle(at(41), 10), Some(2));
        assert_eq!(map.pop_idle(at(41), 10), Some(3));
        assert_eq!(map.pop_idle(at(41), 10), None);
        assert_eq!(map.len(), 1);
    }

    proptest! {
        #[test]
        fn agrees_with_a_list(operations in prop::collection::vec((0_u8..4, 0_u8..6), 0..200)) {
            let mut map = AgedMap::new();
            let mut list: Vec<(u8, usize)> = Vec::new();
            for (value, (operation, key)) in operations.into_iter().enumerate() {
                let position = list.iter().position(|entry| entry.0 == key);
                match operation {
                    0 => {
                        list.retain(|entry| entry.0 != key);
                        list.push((key, value));
                        map.insert(key, value, at(0));
                    }
                    1 => {
                        prop_assert_eq!(map.remove(&key), position.map(|position| list.remove(position).1));
                    }
                    2 => {
                        let entry = position.map(|position| list.remove(position));
                        list.extend(entry);
                        prop_assert_eq!(map.touch(&key, at(0)).copied(), entry.map(|entry| entry.1));
                    }
                    _ => {
                        let oldest = (!list.is_empty()).then(|| list.remove(0).1);
                        prop_assert_eq!(map.pop_oldest(), oldest);
                    }
                }
                prop_assert_eq!(map.len(), list.len());
                for (key, value) in &mut list {
                    prop_assert_eq!(map.get_mut(key), Some(value));
                }
            }
        }
    }
}

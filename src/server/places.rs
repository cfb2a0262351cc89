//! Who has a place among the connections, and who must go when none is left.
//!
//! A connection is a *stranger* until one of its requests was let in, and *known* from then on.
//! Strangers compete with each other for their places and never with those who are known: whoever
//! opens thousands of connections cuts off his own. There is always room for one more stranger, so
//! that probes are answered whatever goes on.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// As long as this a stranger keeps his place whatever happens: a thousand who come at once are
/// each heard first. Short, as those who come next, probes among them, wait so long in the kernel's
/// queue.
const GRACE: Duration = Duration::from_millis(250);

/// How many connections there may be at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub strangers: usize,
    pub known: usize,
}

/// All connections of one listener.
#[derive(Debug)]
pub(super) struct Places {
    room: Room,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// Counts arrivals and changes: what is smaller was earlier.
    now: u64,
    held: HashMap<u64, Held>,
}

#[derive(Debug, Clone)]
struct Held {
    peer: IpAddr,
    is_known: bool,
    /// A request is being worked on.
    is_busy: bool,
    since: u64,
    /// On the monotonic clock.
    came_at: Duration,
    cut: CancellationToken,
}

/// The place of one connection, given back on drop.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    id: u64,
    /// Where the connection comes from: of IPv6 the network, as one machine has all addresses of
    /// its own.
    pub peer: IpAddr,
    /// Its place is needed by another.
    pub cut: CancellationToken,
}

impl Places {
    pub fn new(room: Room) -> Arc<Self> {
        let room = Room { strangers: room.strangers.max(1), known: room.known.max(1) };
        Arc::new(Self { room, table: Mutex::default() })
    }

    /// A place for one more stranger, and whether another has lost his for it. `Err`: the next
    /// place is free after this time, or when somebody leaves. `now` is monotonic.
    pub fn admit(self: &Arc<Self>, peer: IpAddr, now: Duration) -> Result<(Place, bool), Duration> {
        let peer = network(peer);
        self.with(|table| {
            let mut has_cut = false;
            if table.strangers().count() >= self.room.strangers {
                let victim = decide_stranger_to_cut(table.strangers());
                let came_at = victim.and_then(|id| table.held.get(&id)).map_or(Duration::ZERO, |held| held.came_at);
                let grace = GRACE.saturating_sub(now.saturating_sub(came_at));
                if !grace.is_zero() {
                    return Err(grace);
                }
                has_cut = table.cut(victim);
            }
            let (id, cut) = (table.tick(), CancellationToken::new());
            let held = Held { peer, is_known: false, is_busy: false, since: id, came_at: now, cut: cut.clone() };
            table.held.insert(id, held);
            Ok((Place { places: self.clone(), id, peer, cut }, has_cut))
        })
    }

    /// Cuts one stranger off, when the process has no file left for another connection.
    pub fn relieve(&self) -> bool {
        self.with(|table| {
            let victim = decide_stranger_to_cut(table.strangers());
            table.cut(victim)
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Table) -> T) -> T {
        work(&mut self.table.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Place {
    /// A request has come.
    pub fn begins(&self) {
        self.changes(|held| held.is_busy = true);
    }

    /// It waits for a request, or for an answer that is put off: it may go when others need its
    /// place.
    pub fn waits(&self) {
        self.changes(|held| held.is_busy = false);
    }

    /// A request of it was let in. `false`: all places of those who are known are at work.
    pub fn is_let_in(&self) -> bool {
        let most = self.places.room.known;
        self.places.with(|table| {
            let known = table.held.values().filter(|held| held.is_known).count();
            match table.held.get(&self.id) {
                // It was cut off meanwhile: it does not matter any more.
                None => return true,
                Some(held) if held.is_known => return true,
                Some(_) => {}
            }
            if known >= most && !table.cut_idle_known() {
                return false;
            }
            if let Some(held) = table.held.get_mut(&self.id) {
                held.is_known = true;
            }
            true
        })
    }

    fn changes(&self, change: impl FnOnce(&mut Held)) {
        self.places.with(|table| {
            let now = table.tick();
            if let Some(held) = table.held.get_mut(&self.id) {
                change(held);
                held.since = now;
            }
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.with(|table| table.held.remove(&self.id));
    }
}

impl Table {
    fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    fn strangers(&self) -> impl Iterator<Item = (&u64, &Held)> {
        self.held.iter().filter(|(_, held)| !held.is_known)
    }

    fn cut_idle_known(&mut self) -> bool {
        let idle = self.held.iter().filter(|(_, held)| held.is_known && !held.is_busy);
        let victim = idle.min_by_key(|(_, held)| held.since).map(|(id, _)| *id);
        self.cut(victim)
    }

    fn cut(&mut self, victim: Option<u64>) -> bool {
        let Some(held) = victim.and_then(|id| self.held.remove(&id)) else { return false };
        held.cut.cancel();
        true
    }
}

/// Of the peer that has the most connections, the one that has waited longest; one that is at work
/// only if none waits.
fn decide_stranger_to_cut<'a>(strangers: impl Iterator<Item = (&'a u64, &'a Held)>) -> Option<u64> {
    let strangers: Vec<(&u64, &Held)> = strangers.collect();
    let mut of_peer: HashMap<IpAddr, usize> = HashMap::new();
    for (_, held) in &strangers {
        *of_peer.entry(held.peer).or_default() += 1;
    }
    let share = |held: &Held| of_peer.get(&held.peer).copied().unwrap_or_default();
    let victim = strangers.iter().min_by_key(|(_, held)| (std::cmp::Reverse(share(held)), held.is_busy, held.since));
    victim.map(|(id, _)| **id)
}

/// One machine has all addresses of its IPv6 network, a /64, and IPv4 may come in the clothes of
/// IPv6.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            if address.is_loopback() { peer } else { IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)) }
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(strangers: usize, known: usize) -> Arc<Places> {
        Places::new(Room { strangers, known })
    }

    /// Comes long after all before it.
    fn comes(places: &Arc<Places>, peer: IpAddr) -> (Place, bool) {
        let now = Duration::from_secs(places.with(|table| table.tick()));
        places.admit(peer, now).unwrap()
    }

    fn at(n: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, n])
    }

    fn is_cut(place: &Place) -> bool {
        place.cut.is_cancelled()
    }

    #[test]
    fn the_one_who_has_waited_longest_goes_first() {
        let places = places(2, 1);
        let (first, second) = (comes(&places, at(1)).0, comes(&places, at(1)).0);
        let (_third, has_cut) = comes(&places, at(1));
        assert!(has_cut && is_cut(&first) && !is_cut(&second));
        second.begins();
        let (_fourth, _) = comes(&places, at(1));
        assert!(!is_cut(&second), "it is at work, and the third one waits");
    }

    #[test]
    fn who_floods_cuts_off_his_own() {
        let places = places(10, 1);
        let (probe, webhook) = (comes(&places, at(1)).0, comes(&places, at(2)).0);
        let flood: Vec<Place> = (0..1_000).map(|_| comes(&places, at(3)).0).collect();
        assert!(!is_cut(&probe) && !is_cut(&webhook));
        assert_eq!(flood.iter().filter(|place| !is_cut(place)).count(), 8);
    }

    #[test]
    fn who_is_known_loses_nothing_to_strangers_of_the_same_address() {
        let places = places(3, 1);
        let known = comes(&places, at(1)).0;
        assert!(known.is_let_in());
        let _flood: Vec<Place> = (0..100).map(|_| comes(&places, at(1)).0).collect();
        assert!(!is_cut(&known));
        // The next one who is known takes the place of the first only while that one is idle.
        known.begins();
        let other = comes(&places, at(1)).0;
        assert!(!other.is_let_in() && !is_cut(&known));
        known.waits();
        assert!(other.is_let_in() && is_cut(&known) && other.is_let_in());
    }

    #[test]
    fn a_thousand_who_come_at_once_are_heard_first() {
        let places = places(2, 1);
        let at_once = |n| places.admit(at(n), Duration::from_secs(1));
        let (first, _second) = (at_once(1).unwrap().0, at_once(2).unwrap().0);
        assert_eq!(at_once(3).err(), Some(GRACE));
        let later = places.admit(at(3), Duration::from_secs(1) + GRACE);
        assert!(later.unwrap().1 && is_cut(&first));
    }

    #[test]
    fn a_place_is_given_back() {
        let places = places(1, 1);
        let first = comes(&places, at(1)).0;
        drop(first);
        let (_second, has_cut) = comes(&places, at(1));
        assert!(!has_cut && places.relieve() && !places.relieve());
    }

    #[test]
    fn a_network_of_ipv6_is_one_peer() {
        let same = |a: &str, b: &str| network(a.parse().unwrap()) == network(b.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:1") && !same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:10.0.0.1", "10.0.0.1") && !same("10.0.0.1", "10.0.0.2"));
    }
}

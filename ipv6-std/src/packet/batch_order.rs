//! The order in which `send_batch_all` sends: messages with the same destination one after another, so that they coalesce.

use std::net::{Ipv6Addr, SocketAddrV6};

use ipv6_sys::batch::{MAX, Outgoing};

use crate::address;

/// The most destinations that are known at a time.
const DESTINATIONS: usize = 128;

/// What the latest `send_batch_all` has sent, and the order of the messages that it sends next.
///
/// It orders one window of messages after the other: as many as one system call can send. `u16` holds each index of a
/// window.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// The index of the first message of the window. All before were sent.
    start: usize,
    /// The messages of the window, by their index in it, in the order of sending.
    window: Vec<u16>,
    /// Of a window that was sent partly: whether each message was sent. Otherwise empty.
    done: Vec<bool>,
    /// For each message of the window, the next one in its group.
    next: Vec<u16>,
    known: Known,
    /// Whether a destination became known in this window.
    is_first: bool,
    /// The socket that knows them.
    socket: usize,
}

impl Order {
    /// Makes room for windows of this many messages.
    pub(crate) fn grow(&mut self, capacity: usize) {
        let capacity = capacity.min(MAX);
        self.window.reserve_exact(capacity.saturating_sub(self.window.len()));
        self.done.reserve_exact(capacity.saturating_sub(self.done.len()));
        self.next.resize(capacity, 0);
        self.known.grow(capacity.min(DESTINATIONS));
    }

    /// Starts a new call: nothing was sent. Forgets the destinations of another socket.
    pub(crate) fn restart(&mut self, socket: usize) {
        self.start = 0;
        self.done.clear();
        if self.socket != socket {
            self.socket = socket;
            self.known.forget();
        }
    }

    /// The number of messages before the first that was not sent.
    pub(crate) fn sent(&self) -> usize {
        self.start + self.done.iter().take_while(|done| **done).count()
    }

    pub(crate) fn is_sent(&self, index: usize) -> bool {
        match index.checked_sub(self.start) {
            Some(in_window) => self.done.get(in_window).copied().unwrap_or(false),
            None => true,
        }
    }

    /// Whether a message after the first that was not sent was sent.
    pub(crate) fn has_gaps(&self) -> bool {
        !self.done.is_empty()
    }

    /// Notes that the next messages were sent in the given order.
    pub(crate) fn advance(&mut self, sent: usize) {
        self.start += sent;
    }

    /// The index of the first message of the window.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// The messages of the window, in the order of sending. `messages` are those from `start` on.
    pub(crate) fn sequence<'m>(
        &self,
        messages: &'m [Outgoing<'m>],
    ) -> impl Iterator<Item = &'m Outgoing<'m>> + Clone {
        self.window.iter().filter_map(|index| messages.get(usize::from(*index)))
    }

    /// Orders the messages that were not sent.
    ///
    /// A message keeps its place (all before are sent before it, all after are sent after it) if it `stays`, if its
    /// destination cannot be compared, or if nothing was sent to its destination before. Otherwise it joins those to the
    /// same destination, after the latest that kept its place. So if a destination cannot be reached, this does not change
    /// which messages were sent.
    pub(crate) fn plan(&mut self, messages: &[Outgoing<'_>], stays: impl Fn(&Outgoing<'_>) -> bool) {
        self.window.clear();
        self.is_first = false;
        // The message before, if it is in a group, and the number of its destination.
        let mut latest: Option<(&Outgoing<'_>, usize)> = None;
        for (index, message) in messages.iter().enumerate().take(self.next.len()) {
            let Ok(at) = u16::try_from(index) else { break };
            if self.done.get(index) == Some(&true) {
                continue;
            }
            let number = match latest {
                Some((before, number)) if before.to == message.to => Some(number),
                _ => match message.to.as_ref().and_then(Destination::of) {
                    Some(destination) => self.find(destination),
                    None => None,
                },
            };
            match number.filter(|_| !stays(message)) {
                Some(number) => {
                    if let Some(before) = self.known.join(number, at) {
                        if let Some(next) = self.next.get_mut(usize::from(before)) {
                            *next = at;
                        }
                    }
                    latest = Some((message, number));
                }
                None => {
                    self.known.flush(&self.next, &mut self.window);
                    self.window.push(at);
                    latest = None;
                }
            }
        }
        self.known.flush(&self.next, &mut self.window);
    }

    /// The number of a destination. `None`: nothing was sent to it, and it becomes known.
    fn find(&mut self, destination: Destination) -> Option<usize> {
        let found = self.known.find(&destination);
        if found.is_none() {
            // Before the others may be forgotten.
            self.known.flush(&self.next, &mut self.window);
            self.known.insert(destination);
            self.is_first = true;
        }
        found
    }

    /// Notes that all of the window were sent: so many of `messages`.
    pub(crate) fn finish(&mut self, messages: usize) {
        self.start += messages.min(self.next.len());
        self.done.clear();
    }

    /// Notes that the first `sent` of the window were sent, and no more. Returns the index in the window of the message
    /// that failed.
    pub(crate) fn stop(&mut self, sent: usize) -> usize {
        self.done.resize(self.next.len(), false);
        for index in self.window.iter().take(sent) {
            if let Some(done) = self.done.get_mut(usize::from(*index)) {
                *done = true;
            }
        }
        self.window.get(sent).copied().unwrap_or_default().into()
    }

    /// Makes a window of those before this one that were not sent. Returns whether there are any.
    pub(crate) fn plan_before(&mut self, failed: usize) -> bool {
        self.window.clear();
        for (index, done) in (0_u16..).zip(&self.done).take(failed) {
            if !done {
                self.window.push(index);
            }
        }
        !self.window.is_empty()
    }

    /// Forgets that something was sent to each destination. `is_full`: after an error that is not about a destination,
    /// which matters only if the window had the first message to one.
    pub(crate) fn forget(&mut self, is_full: bool) {
        if self.is_first || !is_full {
            self.known.forget();
        }
    }
}

/// What the system sends to one host and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Destination {
    address: Ipv6Addr,
    port: u16,
    scope: u32,
}

impl Destination {
    /// `None`: other addresses may be the same destination. `::` is an address of this host, and an address of one link
    /// is on an interface that other settings choose if it has no scope.
    fn of(to: &SocketAddrV6) -> Option<Self> {
        let address = *to.ip();
        let is_of_link = match address.octets() {
            [0xfe, second, ..] => second & 0xc0 == 0x80,
            // RFC 4291 section 2.7: scopes of an interface and of a link.
            [0xff, second, ..] => matches!(second & 0x0f, 1 | 2),
            _ => false,
        };
        let scope = if is_of_link { to.scope_id() } else { 0 };
        let is_any =
            address.is_unspecified() || address.to_ipv4_mapped().is_some_and(|v4| v4.is_unspecified());
        (!is_any && (!is_of_link || scope != 0)).then_some(Self { address, port: to.port(), scope })
    }

    fn hash(&self) -> usize {
        let rest = u64::from(self.scope) << 16 | u64::from(self.port);
        (address::hash(&self.address, rest) >> 40) as usize
    }
}

/// Destinations that something was sent to, and the group of messages to each since the latest message that kept its
/// place.
#[derive(Debug, Default)]
struct Known {
    all: Vec<(Destination, Group)>,
    /// A hash table: 0, or the number of a destination plus 1. Twice as many slots as destinations, a power of two.
    slots: Vec<u8>,
    /// The destinations with a group, by number, in the order of their first messages.
    open: Vec<u8>,
}

/// The first and the latest message of a group. `None`: the destination has no group.
type Group = Option<(u16, u16)>;

impl Known {
    fn grow(&mut self, destinations: usize) {
        self.all.reserve_exact(destinations.saturating_sub(self.all.len()));
        self.open.reserve_exact(destinations.saturating_sub(self.open.len()));
        // Those that are known have other slots now.
        self.forget();
        self.slots.resize(2 * destinations.next_power_of_two(), 0);
    }

    fn forget(&mut self) {
        self.all.clear();
        self.open.clear();
        self.slots.fill(0);
    }

    /// The slots in which this destination may be, up to the first free one.
    fn slots(&self, destination: &Destination) -> impl Iterator<Item = usize> + use<> {
        let (hash, mask) = (destination.hash(), self.slots.len().wrapping_sub(1));
        (0..self.slots.len()).map(move |step| hash.wrapping_add(step) & mask)
    }

    fn find(&self, destination: &Destination) -> Option<usize> {
        for slot in self.slots(destination) {
            let number = usize::from(*self.slots.get(slot)?).checked_sub(1)?;
            if self.all.get(number)?.0 == *destination {
                return Some(number);
            }
        }
        None
    }

    /// Adds a destination that is not known. When there is no room, all others are forgotten. They have no groups then.
    fn insert(&mut self, destination: Destination) {
        if 2 * self.all.len() >= self.slots.len() || self.all.len() >= DESTINATIONS {
            self.forget();
        }
        let free = self.slots(&destination).find(|slot| self.slots.get(*slot) == Some(&0));
        self.all.push((destination, None));
        if let (Some(slot), Ok(number)) =
            (free.and_then(|free| self.slots.get_mut(free)), self.all.len().try_into())
        {
            *slot = number;
        }
    }

    /// Adds a message to the group of a destination. Returns the message before it there.
    fn join(&mut self, number: usize, at: u16) -> Option<u16> {
        let (_, group) = self.all.get_mut(number)?;
        let before = *group;
        *group = Some((before.map_or(at, |(first, _)| first), at));
        if before.is_none() {
            self.open.extend(u8::try_from(number));
        }
        before.map(|(_, last)| last)
    }

    /// Adds the messages of all groups to `window`, and ends the groups.
    fn flush(&mut self, next: &[u16], window: &mut Vec<u16>) {
        for number in self.open.drain(..) {
            let Some((_, group)) = self.all.get_mut(usize::from(number)) else { continue };
            let Some((mut at, last)) = group.take() else { continue };
            window.push(at);
            while at != last {
                let Some(after) = next.get(usize::from(at)) else { break };
                at = *after;
                window.push(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ipv6_core::SendControl;

    use super::*;

    /// Messages to these destinations: letters are addresses, `-` is the peer, `!` stays.
    fn planned(order: &mut Order, text: &str) -> Vec<u16> {
        let messages: Vec<_> = text
            .chars()
            .map(|name| {
                let to = format!("[2001:db8::{:x}]:9", u32::from(name)).parse().unwrap();
                Outgoing::new(b"x", SendControl::new(), Some(to).filter(|_| name != '-'))
            })
            .collect();
        let stays = |message: &Outgoing<'_>| {
            message.to.is_some_and(|to| to.ip().segments()[7] == u16::try_from(u32::from('!')).unwrap())
        };
        order.plan(&messages, stays);
        order.window.clone()
    }

    fn order() -> Order {
        let mut order = Order::default();
        order.grow(16);
        order
    }

    #[test]
    fn the_first_message_to_a_destination_keeps_its_place() {
        let mut order = order();
        assert_eq!(planned(&mut order, "abab"), [0, 1, 2, 3]);
        assert_eq!(planned(&mut order, "ababab"), [0, 2, 4, 1, 3, 5]);
        assert_eq!(planned(&mut order, "ababcabab"), [0, 2, 1, 3, 4, 5, 7, 6, 8]);
        order.forget(false);
        assert_eq!(planned(&mut order, "abab"), [0, 1, 2, 3]);
    }

    #[test]
    fn a_message_that_stays_separates_groups() {
        let mut order = order();
        planned(&mut order, "ab!");
        for separator in ["!", "-"] {
            let text = format!("abab{separator}baba");
            assert_eq!(planned(&mut order, &text), [0, 2, 1, 3, 4, 5, 7, 6, 8]);
        }
    }

    #[test]
    fn messages_that_were_sent_are_left_out() {
        let mut order = order();
        planned(&mut order, "ab");
        planned(&mut order, "ababab");
        assert_eq!(order.stop(4), 3);
        assert_eq!(
            (order.sent(), order.is_sent(2), order.is_sent(3), order.is_sent(4)),
            (3, true, false, true)
        );
        assert!(!order.plan_before(3));
        assert_eq!(planned(&mut order, "ababab"), [3, 5]);
        assert_eq!(order.stop(0), 3);
        assert!(order.plan_before(4));
        assert_eq!(order.window, [3]);
    }

    #[test]
    fn more_destinations_than_are_known_at_a_time_keep_their_place() {
        let mut order = Order::default();
        order.grow(MAX);
        let addresses: Vec<SocketAddrV6> =
            (0..400).map(|n| format!("[2001:db8::{n:x}]:9").parse().unwrap()).collect();
        let to = |to: &SocketAddrV6| Outgoing::new(b"x", SendControl::new(), Some(*to));
        let messages: Vec<_> = addresses.iter().chain(&addresses).map(to).collect();
        for _ in 0..2 {
            order.plan(&messages, |_| false);
            assert_eq!(order.window, (0..800).collect::<Vec<_>>());
        }
        // The same number as are known.
        let messages: Vec<_> =
            addresses[..DESTINATIONS].iter().cycle().take(3 * DESTINATIONS).map(to).collect();
        order.plan(&messages, |_| false);
        order.plan(&messages, |_| false);
        assert_eq!(order.window[..6], [0, 128, 256, 1, 129, 257]);
    }

    #[test]
    fn addresses_that_may_be_the_same_destination_are_not_compared() {
        let of = |text: &str| Destination::of(&text.parse().unwrap());
        for text in ["[::]:9", "[::ffff:0.0.0.0]:9", "[fe80::1]:9", "[ff02::1]:9"] {
            assert_eq!(of(text), None, "{text}");
        }
        assert_eq!(of("[2001:db8::1%3]:9"), of("[2001:db8::1]:9"));
        assert_ne!(of("[fe80::1%3]:9"), of("[fe80::1%4]:9"));
        assert_ne!(of("[::1]:9"), of("[::1]:8"));
        assert!(of("[::ffff:192.0.2.1]:9").is_some() && of("[ff0e::1]:9").is_some());
    }
}

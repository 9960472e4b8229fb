//! What grows with what: each point by this library and by hand-written libc, in alternating rounds.

use std::fmt;
use std::io;
use std::net::{Ipv6Addr, SocketAddrV6};
use std::thread;

use ipv6_std::{ControlFlags, InterfaceIndex, Outgoing, PacketConn, RecvBatch, SendBatch, SendControl};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use crate::peers::by_hand::{Bare, Batch};
use crate::work::{median, time};

/// What is varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    Messages,
    Batch,
    Payload,
    Threads,
    Groups,
    Cores,
}

impl Axis {
    pub const ALL: [Self; 6] =
        [Self::Messages, Self::Batch, Self::Payload, Self::Threads, Self::Groups, Self::Cores];

    fn values(self) -> &'static [usize] {
        match self {
            Self::Messages => &[0, 1, 2, 3, 4, 5],
            Self::Batch => &[1, 2, 4, 8, 16, 32, 64, 128, 256],
            Self::Payload => &[0, 15, 64, 256, 1_024, 4_096, 16_384, 65_000],
            Self::Threads => &[1, 2, 4],
            Self::Groups => &[1, 10, 100, 300, 1_000],
            Self::Cores => &[1, 2],
        }
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Messages => "control messages received",
            Self::Batch => "datagrams in a batch",
            Self::Payload => "bytes of payload",
            Self::Threads => "threads on one socket",
            Self::Groups => "groups joined",
            Self::Cores => "cores that sender and receiver have",
        })
    }
}

/// Nanoseconds for a datagram.
pub struct Point {
    pub value: usize,
    pub ours: f64,
    pub by_hand: f64,
}

/// All points of an axis.
pub fn along(axis: Axis, rounds: usize, datagrams: usize) -> io::Result<Vec<Point>> {
    axis.values().iter().map(|value| point(axis, *value, rounds, datagrams)).collect()
}

fn point(axis: Axis, value: usize, rounds: usize, datagrams: usize) -> io::Result<Point> {
    let pair = Pair::new()?;
    let (mut ours, mut by_hand) = (Vec::new(), Vec::new());
    // The programs of one round, first ours.
    let mut measure: Box<dyn FnMut(bool) -> f64> = match axis {
        Axis::Messages => {
            for flag in ControlFlags::all().iter().take(value) {
                pair.ours.set_control_flags(flag, true)?;
                PacketConn::new(&pair.by_hand.socket)?.set_control_flags(flag, true)?;
            }
            Box::new(|is_ours| {
                let mut room = [0; 64];
                time(datagrams, || pair.exchange(is_ours, &[7; 15], &mut room))
            })
        }
        Axis::Payload => {
            let payload = vec![7; value];
            let mut room = vec![0; 65_535];
            let count = datagrams / (1 + value / 4_096);
            let pair = &pair;
            Box::new(move |is_ours| time(count, || pair.exchange(is_ours, &payload, &mut room)))
        }
        Axis::Batch => {
            let mut ours = OurBatch::new(value)?;
            let mut by_hand = Batch::new(value)?;
            let count = (datagrams / value).max(1);
            Box::new(move |is_ours| {
                let whole = if is_ours {
                    time(count, || ours.exchange())
                } else {
                    time(count, || by_hand.exchange())
                };
                whole / value as f64
            })
        }
        Axis::Threads => Box::new(|is_ours| {
            let each = datagrams / value;
            time(1, || {
                thread::scope(|scope| {
                    for _ in 0..value {
                        scope.spawn(|| {
                            let mut room = [0; 64];
                            (0..each).for_each(|_| pair.exchange(is_ours, &[7; 15], &mut room));
                        });
                    }
                });
            }) / (each * value) as f64
        }),
        Axis::Groups => {
            let loopback = InterfaceIndex::new(1);
            for number in 0..value {
                let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, (number >> 16) as u16, number as u16);
                pair.ours.join_group(group, loopback)?;
                PacketConn::new(&pair.by_hand.socket)?.join_group(group, loopback)?;
            }
            Box::new(|is_ours| {
                let mut room = [0; 64];
                time(datagrams, || pair.exchange(is_ours, &[7; 15], &mut room))
            })
        }
        // A datagram that goes from one thread to another, and back.
        Axis::Cores => Box::new(|is_ours| {
            let count = datagrams / 2;
            let other = Pair::new().expect("sockets");
            thread::scope(|scope| {
                let (there, back) = (pair.address(is_ours), other.address(is_ours));
                let (pair, other) = (&pair, &other);
                scope.spawn(move || {
                    pin(value - 1);
                    let mut room = [0; 64];
                    for _ in 0..count {
                        other.receive(is_ours, &mut room);
                        other.send(is_ours, &[7; 15], there);
                    }
                });
                scope
                    .spawn(move || {
                        pin(0);
                        let mut room = [0; 64];
                        let round_trip = time(count, || {
                            pair.send(is_ours, &[7; 15], back);
                            pair.receive(is_ours, &mut room);
                        });
                        round_trip / 2.0
                    })
                    .join()
                    .expect("the other thread")
            })
        }),
    };
    for round in 0..=rounds {
        let times = (measure(true), measure(false));
        if round > 0 {
            ours.push(times.0);
            by_hand.push(times.1);
        }
    }
    drop(measure);
    let found = |times| median(times).expect("at least one round");
    Ok(Point { value, ours: found(ours), by_hand: found(by_hand) })
}

/// Keeps this thread on one core.
fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core).expect("a core");
    sched_setaffinity(Pid::from_raw(0), &set).expect("a core of ours");
}

/// A socket of each program's, which sends to itself.
struct Pair {
    ours: PacketConn,
    ours_at: SocketAddrV6,
    by_hand: Bare,
}

impl Pair {
    fn new() -> io::Result<Self> {
        let ours = PacketConn::bind("[::1]:0")?;
        Ok(Self { ours_at: ours.local_addr()?, ours, by_hand: Bare::new()? })
    }

    fn address(&self, is_ours: bool) -> SocketAddrV6 {
        if is_ours { self.ours_at } else { self.by_hand.at }
    }

    fn send(&self, is_ours: bool, payload: &[u8], to: SocketAddrV6) {
        if is_ours {
            self.ours.send_to(payload, &SendControl::new().with_hop_limit(9), to).unwrap();
        } else {
            self.by_hand.send(payload, to);
        }
    }

    fn receive(&self, is_ours: bool, room: &mut [u8]) -> usize {
        if is_ours { self.ours.recv_from(room).unwrap().len } else { self.by_hand.receive(room) }
    }

    fn exchange(&self, is_ours: bool, payload: &[u8], room: &mut [u8]) {
        self.send(is_ours, payload, self.address(is_ours));
        assert_eq!(self.receive(is_ours, room), payload.len());
    }
}

struct OurBatch {
    conn: PacketConn,
    messages: Vec<Outgoing<'static>>,
    send: SendBatch,
    receive: RecvBatch,
    room: Vec<[u8; 64]>,
}

impl OurBatch {
    fn new(count: usize) -> io::Result<Self> {
        let conn = PacketConn::bind("[::1]:0")?;
        conn.set_send_coalescing(false);
        let to = Some(conn.local_addr()?);
        let message = Outgoing::new(b"HELLO-R-U-THERE", SendControl::new().with_hop_limit(9), to);
        let (send, receive) = (SendBatch::new(count), RecvBatch::new(count));
        Ok(Self { conn, messages: vec![message; count], send, receive, room: vec![[0; 64]; count] })
    }

    fn exchange(&mut self) {
        let count = self.messages.len();
        assert_eq!(self.conn.send_batch(&mut self.send, &self.messages).unwrap(), count);
        let mut seen = 0;
        while seen < count {
            seen += self.conn.recv_batch(&mut self.receive, &mut self.room).unwrap();
            assert!(self.receive.iter().all(|got| got.unwrap().len == 15));
        }
    }
}

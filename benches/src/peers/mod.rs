//! The programs, which all do the same checked work.

use std::io;

use crate::ends::Ends;
use crate::work::{Way, Work};

/// Evaluates an expression with a set of control flags as the constant `FLAGS`. So the hand-written program, and the checks
/// of all programs, are compiled for their control messages, like a program with one purpose.
macro_rules! for_flags {
    ($control:expr, $flags:ident => $value:expr) => {
        for_flags!(@ $control, $flags, $value, 0 1 2 3 4 5)
    };
    (@ $control:expr, $flags:ident, $value:expr, $($index:literal)*) => {
        match $control {
            Work::INFO => {
                const $flags: u32 = Work::INFO.bits();
                $value
            }
            $(control if control == Work::MORE[$index] => {
                const $flags: u32 = Work::MORE[$index].bits();
                $value
            })*
            control => panic!("`for_flags` lacks the control flags {control:?}"),
        }
    };
}

pub mod by_hand;
mod by_nix;
mod by_quinn;
mod by_socket2;
mod by_std;
pub mod go;
mod on_tokio;
mod ours;

/// A program that is prepared for one piece of work.
pub trait Peer {
    /// Sends the datagrams.
    fn send(&mut self);

    /// Receives the datagrams and checks them.
    fn receive(&mut self);

    /// Sends and receives.
    #[inline]
    fn work(&mut self) {
        self.send();
        self.receive();
    }

    /// Sends and receives this many times.
    fn repeat(&mut self, times: usize) {
        (0..times).for_each(|_| self.work());
    }
}

/// A program that does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// libc's functions and structures. The other programs are measured against it.
    ByHand,
    /// The same program again. The difference between two equal programs is the precision of the results.
    Again,
    /// The system calls of the hand-written program, and nothing else: no checks, no values.
    Bare,
    /// This library without send coalescing: each datagram of a batch is sent by itself.
    EachByItself,
    /// This library with its defaults.
    Ours,
    /// This library on IPv6-only sockets that are bound to the wildcard address.
    Wildcard,
    /// This library on dual-stack sockets, which are bound to it too, with IPv6 datagrams.
    DualStack,
    /// This library with receive coalescing.
    Coalescing,
    /// This library with receive coalescing, without splitting what the system combined.
    Together,
    Nix,
    Quinn,
    Socket2,
    Std,
    /// tokio's socket.
    Tokio,
    /// A program in Go, which runs as a separate process.
    Go,
}

/// How much of a piece of work a program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// All of it.
    All,
    /// Less, or something else. The text is the note in the tables.
    But(&'static str),
    /// Nothing: it lacks the feature, or would do the same as another program.
    Nothing,
}

impl Program {
    pub const ALL: [Self; 15] = [
        Self::ByHand,
        Self::Again,
        Self::Bare,
        Self::EachByItself,
        Self::Ours,
        Self::Wildcard,
        Self::DualStack,
        Self::Coalescing,
        Self::Together,
        Self::Nix,
        Self::Quinn,
        Self::Socket2,
        Self::Std,
        Self::Tokio,
        Self::Go,
    ];

    /// Returns the program's name in the tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ByHand => "hand-written",
            Self::Again => "hand-written, again",
            Self::Bare => "system calls alone",
            Self::EachByItself => "ipv6-std, each by itself",
            Self::Ours => "ipv6-std",
            Self::Wildcard => "ipv6-std, bound to [::]",
            Self::DualStack => "ipv6-std, dual-stack sockets",
            Self::Coalescing => "ipv6-std, coalescing receiver",
            Self::Together => "ipv6-std, kept together",
            Self::Nix => "nix",
            Self::Quinn => "quinn-udp",
            Self::Socket2 => "socket2",
            Self::Std => "std",
            Self::Tokio => "tokio",
            Self::Go => "Go x/net/ipv6",
        }
    }

    /// Returns how much of the work the program does.
    pub fn does(self, work: Work) -> Does {
        let usual = [Work::NONE, Work::INFO, Work::THREE].contains(&work.control);
        if work.on_tokio {
            return match (self, work.way) {
                (Self::ByHand | Self::Again | Self::Ours, _) => Does::All,
                (Self::EachByItself | Self::Coalescing, Way::Batch) => Does::All,
                (Self::Tokio, Way::Single) => by_std::does(work.control),
                _ => Does::Nothing,
            };
        }
        match (self, work.way) {
            (Self::ByHand | Self::Again, _) => Does::All,
            (Self::Bare, Way::Single | Way::Connected | Way::Batch) => Does::But("checks nothing"),
            (Self::Bare, _) => Does::Nothing,
            (Self::EachByItself, Way::Built) => Does::All,
            (Self::Ours, Way::Built | Way::Mixed(_)) => Does::All,
            (_, Way::Built | Way::Mixed(_)) => Does::Nothing,
            (Self::Together | Self::Coalescing, Way::Together) => Does::All,
            (Self::Ours, Way::Together) => Does::Nothing,
            (Self::Ours, _) => Does::All,
            (Self::Wildcard | Self::DualStack, Way::Single | Way::Connected | Way::Batch) => Does::All,
            (Self::EachByItself | Self::Coalescing, Way::Batch) => Does::All,
            (Self::EachByItself | Self::Coalescing | Self::Together, _) => Does::Nothing,
            (Self::Wildcard | Self::DualStack, _) => Does::Nothing,
            (Self::Nix, Way::Segments | Way::Together) => Does::Nothing,
            (Self::Nix, _) if usual => Does::All,
            (Self::Quinn, way) if usual => by_quinn::does(way, work.control),
            (Self::Socket2, Way::Single | Way::Connected) if usual => by_socket2::does(work.control),
            (Self::Std, Way::Single | Way::Connected) if usual => by_std::does(work.control),
            (Self::Go, Way::Single | Way::Batch) if usual => Does::All,
            (Self::Nix | Self::Quinn | Self::Socket2 | Self::Std | Self::Tokio | Self::Go, _) => {
                Does::Nothing
            }
        }
    }

    /// Prepares the program with its own sockets. `None` if it does nothing of the work, or is a separate process.
    pub fn peer(self, work: Work) -> io::Result<Option<Box<dyn Peer>>> {
        if self.does(work) == Does::Nothing || self == Self::Go {
            return Ok(None);
        }
        // std and tokio receive no control messages. quinn-udp enables its own, and its buffer has no space for others.
        let enables_none = matches!(self, Self::Std | Self::Tokio | Self::Quinn);
        let received = if enables_none { Work { control: Work::NONE, ..work } } else { work };
        let ends = match self {
            Self::Wildcard => Ends::wildcard(received, true),
            Self::DualStack => Ends::wildcard(received, false),
            _ => Ends::new(received),
        };
        self.between(work, ends?).map(Some)
    }

    /// Prepares the program with these sockets. Several programs can use the same sockets at the same time.
    ///
    /// # Panics
    ///
    /// If it does nothing of the work, or is a separate process.
    pub fn between(self, work: Work, ends: Ends) -> io::Result<Box<dyn Peer>> {
        if work.on_tokio {
            return on_tokio::peer(self, work, ends);
        }
        Ok(match self {
            Self::ByHand | Self::Again => by_hand::peer(work, ends),
            Self::Bare => by_hand::bare(work, ends),
            Self::EachByItself
            | Self::Ours
            | Self::Wildcard
            | Self::DualStack
            | Self::Coalescing
            | Self::Together => ours::peer(self, work, ends)?,
            Self::Nix => by_nix::peer(work, ends),
            Self::Quinn => by_quinn::peer(work, ends)?,
            Self::Socket2 => by_socket2::peer(work, ends),
            Self::Std => by_std::peer(work, ends),
            Self::Tokio => panic!("tokio's socket needs its event loop"),
            Self::Go => panic!("the Go program is a separate process with its own sockets"),
        })
    }
}

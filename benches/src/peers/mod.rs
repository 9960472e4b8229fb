//! Programs that do the same checked work.

use std::io;

use crate::ends::Ends;
use crate::work::{Way, Work};

/// A value for a set of control flags that is known when it is compiled, as `FLAGS`: what programs that are written
/// for one purpose have, and the checks of what came.
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
            control => panic!("no program was written for {control:?}"),
        }
    };
}

pub mod by_hand;
mod by_nix;
mod by_quinn;
mod by_socket2;
mod by_std;
pub mod go;
mod ours;

/// A program at one piece of work.
pub trait Peer {
    /// Sends what is to be sent.
    fn send(&mut self);

    /// Receives it, and checks all that came.
    fn receive(&mut self);

    /// Both.
    #[inline]
    fn work(&mut self) {
        self.send();
        self.receive();
    }
}

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// libc's functions and structures: what the others are measured by.
    ByHand,
    /// The same program again: how far two equal ones differ is how far the figures can be trusted.
    Again,
    /// This library, with batches of which each datagram goes by itself.
    EachByItself,
    /// This library, as it is from the start.
    Ours,
    /// This library, with a receiver that coalesces.
    Coalescing,
    Nix,
    Quinn,
    Socket2,
    Std,
    /// A program in another language, which runs as one of its own.
    Go,
}

/// How much of a piece of work a program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    All,
    /// Less, or otherwise, as it says.
    But(&'static str),
    /// Nothing: it has no such thing, or it would be the same as another program.
    Nothing,
}

impl Program {
    pub const ALL: [Self; 10] = [
        Self::ByHand,
        Self::Again,
        Self::EachByItself,
        Self::Ours,
        Self::Coalescing,
        Self::Nix,
        Self::Quinn,
        Self::Socket2,
        Self::Std,
        Self::Go,
    ];

    /// What the tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ByHand => "hand-written",
            Self::Again => "hand-written, again",
            Self::EachByItself => "ipv6-std, each by itself",
            Self::Ours => "ipv6-std",
            Self::Coalescing => "ipv6-std, coalescing receiver",
            Self::Nix => "nix",
            Self::Quinn => "quinn-udp",
            Self::Socket2 => "socket2",
            Self::Std => "std",
            Self::Go => "Go x/net/ipv6",
        }
    }

    pub fn does(self, work: Work) -> Does {
        let usual = [Work::NONE, Work::INFO, Work::THREE].contains(&work.control);
        match (self, work.way) {
            (Self::ByHand | Self::Again | Self::Ours, _) => Does::All,
            (Self::EachByItself | Self::Coalescing, Way::Batch) => Does::All,
            (Self::EachByItself | Self::Coalescing, _) => Does::Nothing,
            (Self::Nix, Way::Segments) => Does::Nothing,
            (Self::Nix, _) if usual => Does::All,
            (Self::Quinn, way) if usual => by_quinn::does(way, work.control),
            (Self::Socket2, Way::Single | Way::Connected) if usual => by_socket2::does(work.control),
            (Self::Std, Way::Single | Way::Connected) if usual => by_std::does(work.control),
            (Self::Go, Way::Single | Way::Batch) if usual => Does::All,
            (Self::Nix | Self::Quinn | Self::Socket2 | Self::Std | Self::Go, _) => Does::Nothing,
        }
    }

    /// The program, with sockets of its own. `None` when it does nothing of the work, or is a program of its own.
    pub fn peer(self, work: Work) -> io::Result<Option<Box<dyn Peer>>> {
        if self.does(work) == Does::Nothing || self == Self::Go {
            return Ok(None);
        }
        // What is told takes room: quinn-udp asks for what it wants, and has no room for more.
        let asks = matches!(self, Self::Std | Self::Quinn);
        let told = if asks { Work { control: Work::NONE, ..work } } else { work };
        self.between(work, Ends::new(told)?).map(Some)
    }

    /// The program between these sockets; of several, all may work at the same time.
    ///
    /// # Panics
    ///
    /// When it does nothing of the work, or is a program of its own.
    pub fn between(self, work: Work, ends: Ends) -> io::Result<Box<dyn Peer>> {
        Ok(match self {
            Self::ByHand | Self::Again => by_hand::peer(work, ends),
            Self::EachByItself | Self::Ours | Self::Coalescing => ours::peer(self, work, ends)?,
            Self::Nix => by_nix::peer(work, ends),
            Self::Quinn => by_quinn::peer(work, ends)?,
            Self::Socket2 => by_socket2::peer(work, ends),
            Self::Std => by_std::peer(work, ends),
            Self::Go => panic!("Go's program has sockets of its own"),
        })
    }
}

//! BPF filters, and the minimum hop limit of received packets (RFC 5082).
//!
//! Linux checks `IPV6_MINHOPCOUNT` for TCP only (net/ipv6/tcp_ipv6.c), and `IP_MINTTL` for TCP over IPv4
//! (net/ipv4/tcp_ipv4.c); on other sockets it stores the options and ignores them. There, this module checks the limit with
//! a classic BPF program of [`CHECK_LEN`] instructions. A socket has one program, so the check precedes the user's program
//! in it:
//!
//! ```text
//! check | user's program        a socket with both
//! check | ret #0xffffffff       a minimum hop limit only
//! user's program                a program only
//! ```
//!
//! The limit is read back from the program that the system returns (`SO_GET_FILTER`). So all values that wrap the socket
//! have the same limit.

use std::io::{self, ErrorKind};

use ipv6_core::BpfInstruction;
use ipv6_sys::option::MIN_HOP_LIMIT;
use ipv6_sys::socket::{self, Kind};
use ipv6_sys::{Errno, Error, filter, option};

use crate::conn::Conn;
use crate::error::{self, EACCES};
use crate::fd::AsFd;

/// The offset of the network header in load instructions (linux/filter.h: `SKF_NET_OFF`).
const NET: u32 = (-0x10_0000_i32).cast_unsigned();

const LOAD_BYTE: u16 = 0x30; // BPF_LD | BPF_B | BPF_ABS
const LOAD: u16 = 0x00; // BPF_LD | BPF_W | BPF_IMM
const SHIFT_RIGHT: u16 = 0x74; // BPF_ALU | BPF_RSH | BPF_K
const JUMP: u16 = 0x05; // BPF_JMP | BPF_JA
const JUMP_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_GREATER_EQUAL: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

/// The most instructions of a program (`BPF_MAXINSNS`).
const MOST: usize = 4096;

const CHECK_LEN: usize = 9;

/// Drops packets whose header has a hop limit below `least`. On a socket that carries IPv4 too, the header may
/// be one of IPv4, with its TTL.
const fn check(least: u8) -> [BpfInstruction; CHECK_LEN] {
    const fn op(code: u16, jt: u8, jf: u8, k: u32) -> BpfInstruction {
        BpfInstruction::new(code, jt, jf, k)
    }
    [
        op(LOAD_BYTE, 0, 0, NET), // version and the upper half of the traffic class, or the header's length
        op(SHIFT_RIGHT, 0, 0, 4),
        op(JUMP_EQUAL, 0, 2, 6),
        op(LOAD_BYTE, 0, 0, NET.wrapping_add(7)), // hop limit (RFC 8200 section 3)
        op(JUMP, 0, 0, 1),
        op(LOAD_BYTE, 0, 0, NET.wrapping_add(8)), // TTL (RFC 791 section 3.1)
        op(JUMP_GREATER_EQUAL, 1, 0, least as u32),
        op(RETURN, 0, 0, 0),
        op(LOAD, 0, 0, 0), // the accumulator is 0 at the start of a program
    ]
}

/// The minimum hop limit that `program` starts with, and the rest of the program.
fn split(program: &[BpfInstruction]) -> Option<(u8, &[BpfInstruction])> {
    let (first, rest) = program.split_at_checked(CHECK_LEN)?;
    let least = u8::try_from(first[6].k).ok()?;
    (first == check(least)).then_some((least, rest))
}

/// A program that passes every packet, whole.
const PASS: [BpfInstruction; 1] = [BpfInstruction::new(RETURN, 0, 0, u32::MAX)];

/// The classic BPF program of the socket; empty without one.
fn attached(socket: impl AsFd) -> Result<Vec<BpfInstruction>, Error> {
    let socket = socket.as_fd();
    let mut program = vec![BpfInstruction::new(0, 0, 0, 0); filter::attached(socket, &mut [])?];
    if !program.is_empty() {
        let len = filter::attached(socket, &mut program)?;
        program.truncate(len);
    }
    Ok(program)
}

impl<S: AsFd> Conn<S> {
    /// Attaches a classic BPF program, in place of an earlier one. Packets for which it returns 0 are dropped; packets
    /// longer than its result are truncated. Offset 0 of its loads is the start of the UDP, TCP or ICMPv6 header. A
    /// [minimum hop limit](Self::set_min_hop_limit) stays in force.
    ///
    /// Systems: Linux and Android; `Unsupported` elsewhere.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when the program is empty, longer than 4,096 instructions (4,087 with a minimum hop
    /// limit), or not valid.
    #[doc(alias = "SO_ATTACH_FILTER", alias = "sock_fprog", alias = "SetBPF")]
    pub fn set_bpf(&self, program: &[BpfInstruction]) -> io::Result<()> {
        if program.is_empty() {
            return Err(error::invalid("an empty BPF program: detach_bpf() removes the program"));
        }
        let _changing = self.change();
        match split(&self.replaceable()?) {
            Some((least, _)) => self.attach(&check(least), program),
            None => self.attach(&[], program),
        }
    }

    /// Detaches the BPF program. A [minimum hop limit](Self::set_min_hop_limit) stays in force.
    ///
    /// Systems: Linux and Android; `Unsupported` elsewhere.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none.
    #[doc(alias = "SO_DETACH_FILTER")]
    pub fn detach_bpf(&self) -> io::Result<()> {
        let _changing = self.change();
        match split(&self.replaceable()?) {
            Some((_, rest)) if rest == PASS => {
                Err(io::Error::new(ErrorKind::NotFound, "no BPF program is attached"))
            }
            Some((least, _)) => self.attach(&check(least), &PASS),
            None => Ok(option::DETACH_FILTER.set(self, ())?),
        }
    }

    /// Sets the minimum hop limit of received packets: the system drops packets with a smaller one. 0 removes the limit.
    ///
    /// This is the generalised TTL security mechanism (RFC 5082): peers send with hop limit 255, and a minimum of 255 drops
    /// all packets that a router has forwarded.
    ///
    /// Systems: Linux, Android and OpenBSD, depending on the socket.
    ///
    /// | | Linux | OpenBSD | elsewhere |
    /// |---|---|---|---|
    /// | TCP | `IPV6_MINHOPCOUNT`, `IP_MINTTL` | `IPV6_MINHOPCOUNT` | `Unsupported` |
    /// | UDP | a BPF filter, together with the one of [`set_bpf`](Self::set_bpf) | `IPV6_MINHOPCOUNT` | `Unsupported` |
    /// | raw, ICMPv6 | a BPF filter, as for UDP | `Unsupported` | `Unsupported` |
    ///
    /// On a socket that carries IPv4 too, the limit is also the smallest TTL. Connections that a listener accepts
    /// inherit its limit.
    ///
    /// Packets that were queued before the call stay in the queue. A reassembled packet has the hop limit of
    /// its first fragment. Queued errors and path MTU messages are not dropped.
    ///
    /// # Errors
    ///
    /// `Unsupported` in the cases of the table; `ResourceBusy` when an eBPF program is attached (`SO_ATTACH_BPF`), with
    /// which the filter cannot be combined; `InvalidInput` when the program of [`set_bpf`](Self::set_bpf) has more than 4,087
    /// instructions; `PermissionDenied` when the program is locked (`SO_LOCK_FILTER`).
    ///
    /// ```
    /// use ipv6_std::{PacketConn, SendControl};
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// # if cfg!(target_os = "linux") {
    /// conn.set_min_hop_limit(255)?;
    /// let to = conn.local_addr()?;
    /// conn.send_to(b"dropped", &SendControl::new().with_hop_limit(254), to)?;
    /// conn.send_to(b"received", &SendControl::new().with_hop_limit(255), to)?;
    /// let mut payload = [0; 16];
    /// let got = conn.recv_from(&mut payload)?;
    /// assert_eq!(&payload[..got.len], b"received");
    /// # }
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "IPV6_MINHOPCOUNT", alias = "IP_MINTTL", alias = "GTSM")]
    pub fn set_min_hop_limit(&self, least: u8) -> io::Result<()> {
        let _changing = self.change();
        if self.has_option()? {
            return self.set_both(&MIN_HOP_LIMIT, least);
        }
        let program = attached(self).map_err(cannot_combine)?;
        match (least, split(&program)) {
            (0, Some((_, rest))) if rest == PASS => Ok(option::DETACH_FILTER.set(self, ())?),
            (0, Some((_, rest))) => self.attach(&[], rest),
            (0, None) => Ok(()),
            (_, Some((_, rest))) => self.attach(&check(least), rest),
            (_, None) if program.is_empty() => self.attach(&check(least), &PASS),
            (_, None) => self.attach(&check(least), &program),
        }
    }

    /// Returns the minimum hop limit of received packets; 0: no [limit](Self::set_min_hop_limit).
    ///
    /// Systems: Linux, Android and OpenBSD, depending on the socket.
    ///
    /// # Errors
    ///
    /// Those of [`set_min_hop_limit`](Self::set_min_hop_limit).
    #[doc(alias = "IPV6_MINHOPCOUNT", alias = "IP_MINTTL")]
    pub fn min_hop_limit(&self) -> io::Result<u8> {
        if self.has_option()? {
            return Ok(MIN_HOP_LIMIT.get(self)?);
        }
        let program = attached(self).map_err(cannot_combine)?;
        Ok(split(&program).map_or(0, |(least, _)| least))
    }

    /// The program that is attached. Empty: none, or one without the check.
    fn replaceable(&self) -> io::Result<Vec<BpfInstruction>> {
        match attached(self) {
            // An eBPF program, or a system that does not return the program: `set_min_hop_limit` fails there.
            Err(Error::Os(errno)) if errno.raw() == EACCES => Ok(Vec::new()),
            // `EINVAL`: the program has become longer since its length was read.
            Err(error) if error != Error::Os(Errno::INVAL) && option::is_absent(error) => Ok(Vec::new()),
            program => Ok(program?),
        }
    }

    /// Attaches the two programs as one.
    fn attach(&self, check: &[BpfInstruction], program: &[BpfInstruction]) -> io::Result<()> {
        let (len, most) = (program.len(), MOST - check.len());
        if len > most {
            return Err(error::invalid(format!("a BPF program of {len} instructions is longer than {most}")));
        }
        Ok(option::attach_filter(self, &[check, program].concat())?)
    }

    /// Whether the limit of this kind of socket is [`MIN_HOP_LIMIT`]. Others have a filter.
    fn has_option(&self) -> io::Result<bool> {
        Ok(match socket::kind(self)? {
            Kind::Stream => true,
            // OpenBSD: sys/netinet/udp_usrreq.c checks the option, sys/netinet6/raw_ip6.c does not.
            Kind::Datagram => cfg!(target_os = "openbsd"),
            _ => false,
        })
    }
}

/// Why the check and the program of the socket do not become one program.
fn cannot_combine(error: Error) -> io::Error {
    match error {
        Error::Unsupported(_) => Error::Unsupported(MIN_HOP_LIMIT.name()).into(),
        Error::Os(errno) if errno.raw() == EACCES => error::explained(
            ErrorKind::ResourceBusy,
            errno.into(),
            "the socket has an eBPF program, with which a minimum hop limit cannot be combined",
        ),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_recognised_with_its_limit_and_what_follows() {
        let user = [BpfInstruction::new(LOAD_BYTE, 0, 0, 8), BpfInstruction::new(0x16, 0, 0, 0)];
        for least in [0, 1, 254, 255] {
            let both = [&check(least)[..], &user].concat();
            assert_eq!(split(&both), Some((least, &user[..])));
            for changed in 0..CHECK_LEN {
                let mut other = both.clone();
                other[changed].jt ^= 4;
                assert_eq!(split(&other), None);
            }
        }
        assert_eq!(split(&user), None);
        assert_eq!(split(&check(9)[1..]), None);
    }
}

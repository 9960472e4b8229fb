//! Socket options: one typed descriptor for each.
//!
//! A descriptor knows the option's numbers and the type of its value; [`get`](SocketOption::get) and
//! [`set`](SocketOption::set) exist where the option can be read and changed.
//!
//! ```
//! use ipv6_sys::{option, socket};
//! let socket = socket::datagram()?;
//! option::TRAFFIC_CLASS.set(&socket, 0x28)?;
//! assert_eq!(option::TRAFFIC_CLASS.get(&socket)?, 0x28);
//! assert_eq!(option::MULTICAST_INTERFACE.get(&socket)?, None);
//! # Ok::<(), ipv6_sys::Error>(())
//! ```
//!
//! To add an option, add its number to `ipv6_core::abi::OptionNumbers` and a line to the table below;
//! the compiler asks for both, and for the number on every platform.
//!
//! Manual pages: [ipv6(7)](https://man7.org/linux/man-pages/man7/ipv6.7.html),
//! [raw(7)](https://man7.org/linux/man-pages/man7/raw.7.html),
//! [setsockopt(2)](https://man7.org/linux/man-pages/man2/setsockopt.2.html).

use core::marker::PhantomData;
use core::mem::size_of;

use ipv6_core::abi::{OptionNumber, OptionNumbers, Platform};
use ipv6_core::{BpfInstruction, ControlFlags, Icmp6Filter, InterfaceIndex, RecvControl};

use crate::error::{Errno, Error};
use crate::fd::AsFd;
use crate::host::{Host, Kernel};
use crate::os;

mod value;

pub use value::{Group, Mtu, Readable, SourceGroup, Writable};

/// A socket option whose value is a `T`.
#[derive(Debug)]
pub struct SocketOption<T> {
    name: &'static str,
    number: Option<OptionNumber>,
    value: PhantomData<fn(T) -> T>,
}

impl<T> SocketOption<T> {
    const fn new(name: &'static str, number: Option<OptionNumber>) -> Self {
        Self { name, number, value: PhantomData }
    }

    /// The option's name in C.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether this system has the option. A socket of the wrong kind may still refuse it.
    pub const fn is_supported(&self) -> bool {
        self.number.is_some()
    }

    fn number(&self) -> Result<OptionNumber, Error> {
        self.number.ok_or(Error::Unsupported(self.name))
    }

    /// Reads the option.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where the system has no such option, [`Error::Os`] where the socket has
    /// not, [`Error::Value`] where the system answers what the option cannot have.
    pub fn get(&self, socket: impl AsFd) -> Result<T, Error>
    where
        T: Readable,
    {
        let mut bytes = T::Bytes::default();
        let bytes = bytes.as_mut();
        let len = os::get_option(socket.as_fd(), self.number()?, bytes)?;
        T::read(&bytes[..len]).ok_or(Error::Value { option: self.name, len })
    }

    /// Changes the option.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where the system has no such option, [`Error::Os`] where the socket has
    /// not or the value is none for it.
    pub fn set(&self, socket: impl AsFd, value: T) -> Result<(), Error>
    where
        T: Writable,
    {
        let mut bytes = T::Bytes::default();
        let len = value.write(bytes.as_mut()).ok_or(Error::Unsupported(self.name))?;
        let bytes = &bytes.as_ref()[..len];
        // SAFETY: there is no pointer in the bytes: the values are those of `Writable`, which is sealed.
        unsafe { os::set_option(socket.as_fd(), self.number()?, bytes) }?;
        Ok(())
    }
}

/// One line for each option: constant, type of the value, field of the platform's table, name in C.
macro_rules! options {
    ($($(#[$doc:meta])* $constant:ident: $value:ty = $field:ident $name:literal;)*) => {
        $(
            $(#[$doc])*
            #[doc(alias = $name)]
            pub const $constant: SocketOption<$value> = SocketOption::new($name, Host::ABI.options.$field);
        )*

        // Without `..`: a number in the table without a line here does not compile.
        const _: () = {
            let OptionNumbers { $($field: _,)* attach_filter: _, stream_control: _ } = Host::ABI.options;
        };
    };
}

options! {
    /// The traffic class of what is sent, 0 to 255 (RFC 3542 section 6.5). Linux keeps the two ECN bits
    /// of a stream to itself.
    TRAFFIC_CLASS: u8 = traffic_class "IPV6_TCLASS";
    /// The hop limit of what is sent to one address (RFC 3493 section 5.1).
    UNICAST_HOPS: u8 = unicast_hops "IPV6_UNICAST_HOPS";
    /// The interface by which multicast leaves (RFC 3493 section 5.2).
    MULTICAST_INTERFACE: Option<InterfaceIndex> = multicast_interface "IPV6_MULTICAST_IF";
    /// The hop limit of what is sent to a group (RFC 3493 section 5.2).
    MULTICAST_HOPS: u8 = multicast_hops "IPV6_MULTICAST_HOPS";
    /// Whether listeners on this host hear what is sent to a group (RFC 3493 section 5.2).
    MULTICAST_LOOPBACK: bool = multicast_loopback "IPV6_MULTICAST_LOOP";
    /// Whether the traffic class is delivered (RFC 3542 section 6.5).
    RECEIVE_TRAFFIC_CLASS: bool = receive_traffic_class "IPV6_RECVTCLASS";
    /// Whether the hop limit is delivered (RFC 3542 section 6.3).
    RECEIVE_HOP_LIMIT: bool = receive_hop_limit "IPV6_RECVHOPLIMIT";
    /// Whether destination and interface are delivered (RFC 3542 section 6.1).
    RECEIVE_PACKET_INFO: bool = receive_packet_info "IPV6_RECVPKTINFO";
    /// Whether news of the path MTU is delivered (RFC 3542 section 11.3).
    RECEIVE_PATH_MTU: bool = receive_path_mtu "IPV6_RECVPATHMTU";
    /// Whether the ECN bits of the traffic class are delivered (Windows).
    RECEIVE_ECN: bool = receive_ecn "IPV6_RECVECN";
    /// The path MTU of a connected socket (RFC 3542 section 11.4). `ENOTCONN` for any other, and on Linux
    /// while it has no route: between a change of its traffic class and the next packet.
    PATH_MTU: Mtu = path_mtu "IPV6_PATHMTU";
    /// Whether packets are sent whole or refused, never in fragments (RFC 3542 section 11.2).
    DONT_FRAGMENT: bool = dont_fragment "IPV6_DONTFRAG";
    /// Whether the socket leaves IPv4 alone (RFC 3493 section 5.3).
    V6_ONLY: bool = v6_only "IPV6_V6ONLY";
    /// Where in the payload of a raw socket the kernel writes and checks a checksum, from its start and
    /// even; `None` for nowhere (RFC 3542 section 3.1). ICMPv6 sockets always have one, at 2.
    CHECKSUM: Option<u16> = checksum "IPV6_CHECKSUM";
    /// Whether a raw socket's payload starts with the IPv6 header when sent.
    HEADER_INCLUDED: bool = header_included "IPV6_HDRINCL";
    /// Which ICMPv6 types a raw socket receives (RFC 3542 section 3.2).
    ICMPV6_FILTER: Icmp6Filter = icmp6_filter "ICMP6_FILTER";
    /// Joins a group, from any source (RFC 3493 section 5.2).
    #[doc(alias = "IPV6_ADD_MEMBERSHIP")]
    #[doc(alias = "MCAST_JOIN_GROUP")]
    JOIN_GROUP: Group = join_group "IPV6_JOIN_GROUP";
    /// Leaves a group, with all its sources (RFC 3493 section 5.2).
    #[doc(alias = "IPV6_DROP_MEMBERSHIP")]
    #[doc(alias = "MCAST_LEAVE_GROUP")]
    LEAVE_GROUP: Group = leave_group "IPV6_LEAVE_GROUP";
    /// Joins a group for one source (RFC 3678 section 5.1).
    JOIN_SOURCE_GROUP: SourceGroup = join_source_group "MCAST_JOIN_SOURCE_GROUP";
    /// Leaves a group for one source (RFC 3678 section 5.1).
    LEAVE_SOURCE_GROUP: SourceGroup = leave_source_group "MCAST_LEAVE_SOURCE_GROUP";
    /// Hears a joined group without this source (RFC 3678 section 5.1).
    BLOCK_SOURCE: SourceGroup = block_source "MCAST_BLOCK_SOURCE";
    /// Hears a blocked source again (RFC 3678 section 5.1).
    UNBLOCK_SOURCE: SourceGroup = unblock_source "MCAST_UNBLOCK_SOURCE";
    /// Whether datagrams that came one after another, from one sender with the same headers, are received as one
    /// payload, whose segment size comes as a control message (Linux).
    COALESCE: bool = coalesce "UDP_GRO";
    /// Whether errors about datagrams that were sent are queued, to be received with
    /// [`MessageFlags::ERROR_QUEUE`](crate::message::MessageFlags) (Linux).
    QUEUE_ERRORS: bool = queue_errors "IPV6_RECVERR";
    /// Takes the socket's BPF filter away.
    DETACH_FILTER: () = detach_filter "SO_DETACH_FILTER";
}

/// Attaches a classic BPF program: a datagram for which it returns 0 is not received, one for which it
/// returns less than the length is cut.
///
/// # Errors
///
/// `EINVAL` when the program is empty, longer than 4,096 instructions, or not valid.
#[doc(alias = "SO_ATTACH_FILTER")]
pub fn attach_filter(socket: impl AsFd, program: &[BpfInstruction]) -> Result<(), Error> {
    let number = Host::ABI.options.attach_filter.ok_or(Error::Unsupported("SO_ATTACH_FILTER"))?;
    // `struct sock_fprog`: a count of two bytes, and where the instructions are (proven in proofs.rs).
    let len = u16::try_from(program.len()).map_err(|_| Errno::INVAL)?;
    let mut bytes = [0; 2 * size_of::<usize>()];
    let (count, start) = bytes.split_at_mut(size_of::<usize>());
    count[..2].copy_from_slice(&len.to_ne_bytes());
    start.copy_from_slice(&program.as_ptr().expose_provenance().to_ne_bytes());
    // SAFETY: the pointer in the bytes is that of `program`, which is borrowed through the call, and the
    // count its own; its elements are laid out as `struct sock_filter` (proven in proofs.rs).
    unsafe { os::set_option(socket.as_fd(), number, &bytes) }?;
    Ok(())
}

/// The options that make a socket deliver control messages, with the flags that each of them is for.
pub const CONTROL: [(&SocketOption<bool>, ControlFlags); 4] = [
    (&RECEIVE_TRAFFIC_CLASS, ControlFlags::TRAFFIC_CLASS),
    (&RECEIVE_HOP_LIMIT, ControlFlags::HOP_LIMIT),
    (&RECEIVE_PACKET_INFO, ControlFlags::DESTINATION.union(ControlFlags::INTERFACE)),
    (&RECEIVE_PATH_MTU, ControlFlags::PATH_MTU),
];

const _: () = {
    let [(_, class), (_, hops), (_, info), (_, mtu)] = CONTROL;
    assert!(class.union(hops).union(info).union(mtu).is_all(), "a flag without an option");
};

/// Switches the delivery of one kind of control messages. Of the traffic class, a system that tells its ECN bits
/// alone (Windows before it had `IPV6_RECVTCLASS`) tells these.
///
/// # Errors
///
/// As [`SocketOption::set`].
pub fn switch(socket: impl AsFd, option: &SocketOption<bool>, on: bool) -> Result<(), Error> {
    let socket = socket.as_fd();
    match option.set(socket, on) {
        Err(Error::Os(errno))
            if os::lacks_option(errno)
                && RECEIVE_ECN.is_supported()
                && option.name == RECEIVE_TRAFFIC_CLASS.name =>
        {
            RECEIVE_ECN.set(socket, on)
        }
        answer => answer,
    }
}

/// Makes the socket deliver the control messages that these flags ask for, and no others of this crate.
///
/// # Errors
///
/// As [`SocketOption::set`], at the first option that fails. One that the system does not have is none as
/// long as it is not asked for.
pub fn set_control_flags(socket: impl AsFd, flags: ControlFlags) -> Result<(), Error> {
    let socket = socket.as_fd();
    for (option, of) in CONTROL {
        let on = flags.intersects(of);
        if on || option.is_supported() {
            switch(socket, option, on)?;
        }
    }
    Ok(())
}

/// The control messages that the socket delivers. Destination and interface come together.
pub fn control_flags(socket: impl AsFd) -> Result<ControlFlags, Error> {
    let socket = socket.as_fd();
    let mut flags = ControlFlags::empty();
    for (option, of) in CONTROL {
        match option.get(socket) {
            Ok(true) => flags |= of,
            // The system has no such messages, or none for this kind of socket.
            Ok(false) | Err(Error::Unsupported(_)) => {}
            Err(Error::Os(errno)) if os::lacks_option(errno) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(flags)
}

/// The control messages of the segment that a stream received last: those whose delivery is
/// [switched on](set_control_flags).
///
/// Of the systems with such an option (RFC 2292 section 3.5 had it, RFC 3542 no longer), Linux is the one
/// this knows.
///
/// # Errors
///
/// As [`SocketOption::get`].
#[doc(alias = "IPV6_2292PKTOPTIONS", alias = "IPV6_PKTOPTIONS")]
pub fn stream_control(socket: impl AsFd) -> Result<RecvControl<'static>, Error> {
    const NAME: &str = "IPV6_2292PKTOPTIONS";
    let number = Host::ABI.options.stream_control.ok_or(Error::Unsupported(NAME))?;
    // The system has no wider messages, and says nothing of a cut: room for all that are known.
    let mut control = [0; ControlFlags::all().space::<Kernel>()];
    let len = os::get_option(socket.as_fd(), number, &mut control)?;
    // A 64-bit kernel gives 32-bit programs its own layout here, and a 32-bit kernel theirs. One in the
    // place of the other is malformed: the level, 41, would be a half of the length.
    let decoded = RecvControl::decode::<Kernel>(&control[..len])
        .or_else(|_| RecvControl::decode::<Host>(&control[..len]));
    decoded.map(RecvControl::detach).map_err(|_| Error::Value { option: NAME, len })
}

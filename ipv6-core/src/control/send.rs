//! The control messages to send with a datagram.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::net::{Ipv6Addr, SocketAddrV6};

use super::List;
use crate::abi::{ControlNumber, Platform};
use crate::cmsg::{Byte, Writer};
use crate::interface::InterfaceIndex;
use crate::message::{
    Control, ControlMessage, Ecn, EncodeError, Encoded, Family, FlowLabel, HopLimit, Messages, NextHop,
    PacketInfo, SegmentSize, SendMessage, TrafficClass, space_of,
};
use crate::traffic_class::dscp;

/// Generates the structure and the functions that treat all of its fields alike.
///
/// A row is: the field, the function that sets it, its type,
/// and its text in `Display`.
macro_rules! sent {
    (
        $(#[$of:meta])* $Struct:ident;
        $($(#[$doc:meta])* $field:ident $with:ident: $type:ty, $text:literal;)*
    ) => {
        $(#[$of])*
        #[derive(Clone, Copy, Default, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
        #[non_exhaustive]
        pub struct $Struct<'a> {
            $($(#[$doc])* pub $field: Option<$type>,)*
            /// Messages without a field.
            #[cfg_attr(
                feature = "serde",
                serde(
                    skip_deserializing,
                    skip_serializing_if = "Option::is_none",
                    serialize_with = "crate::serde_impls::refuse_messages"
                )
            )]
            pub(super) messages: Option<Encoded<'a>>,
        }

        impl<'a> $Struct<'a> {
            /// Creates a value without control messages.
            #[must_use]
            pub const fn new() -> Self {
                Self { $($field: None,)* messages: None }
            }

            $(
                #[doc = concat!("The same with this [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub const fn $with(mut self, $field: $type) -> Self {
                    self.$field = Some($field);
                    self
                }
            )*

            /// Returns the same with these messages by type, in place of those that it had. They are sent after those
            /// of the fields.
            ///
            /// Encoding for another platform than that of `messages` fails with [`EncodeError::Platform`].
            ///
            /// ```
            /// use ipv6_core::SendControl;
            /// use ipv6_core::abi::Linux64;
            /// use ipv6_core::message::{Messages, TrafficClass};
            ///
            /// let messages = Messages::<Linux64, 64>::new().with(TrafficClass(0xe0))?;
            /// let control = SendControl::new().with_hop_limit(1).with_messages(&messages);
            /// assert_eq!(control.encode::<Linux64>(&mut [0; 48]), Ok(48));
            /// # Ok::<(), ipv6_core::EncodeError>(())
            /// ```
            #[must_use]
            pub const fn with_messages<'m, P: Platform, const N: usize>(
                self,
                messages: &'m Messages<P, N>,
            ) -> $Struct<'m>
            where
                'a: 'm,
            {
                let messages = if messages.is_empty() { None } else { Some(messages.encoded()) };
                $Struct { $($field: self.$field,)* messages }
            }

            /// Returns whether there is nothing to send.
            #[must_use]
            pub const fn is_empty(&self) -> bool {
                $(self.$field.is_none() &&)* self.messages.is_none()
            }
        }

        // Not derived, because `PartialEq` is not (`fast.rs`).
        impl Hash for $Struct<'_> {
            fn hash<H: Hasher>(&self, state: &mut H) {
                $(self.$field.hash(state);)*
                self.messages.hash(state);
            }
        }

        impl fmt::Debug for $Struct<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Struct))
                    $(.field(stringify!($field), &self.$field))*
                    .field("messages", &self.messages)
                    .finish()
            }
        }

        impl fmt::Display for $Struct<'_> {
            /// The fields that are set, as `traffic class 0xe0, hop limit 1, source fe80::1, interface 3`.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut list = List::new(f);
                $(if let Some(value) = self.$field {
                    list.item(format_args!($text, value))?;
                })*
                if let Some(messages) = self.messages {
                    list.item(format_args!("other messages of {} bytes", messages.len()))?;
                }
                list.finish()
            }
        }
    };
}

sent! {
    /// The control messages to send with a datagram. For a field that is `None`, the socket's option or the system's
    /// default applies; `Some(0)` is sent as 0. For IPv4-mapped destinations, [`encode_mapped`](Self::encode_mapped)
    /// writes the messages of IPv4.
    ///
    /// ```
    /// use ipv6_core::{SendControl, abi::Linux64};
    /// const ONE_HOP: SendControl<'_> = SendControl::new().with_hop_limit(1).with_traffic_class(0xe0);
    /// let mut control = [0; 48];
    /// assert_eq!(ONE_HOP.encode::<Linux64>(&mut control), Ok(48));
    /// assert_eq!(ONE_HOP.to_string(), "traffic class 0xe0, hop limit 1");
    /// ```
    #[doc(alias = "ControlMessage")]
    SendControl;

    /// The traffic class: DSCP and ECN (`IPV6_TCLASS`, RFC 3542 section 6.5). All systems.
    #[doc(alias = "IPV6_TCLASS")]
    traffic_class with_traffic_class: u8, "traffic class {:#04x}";
    /// The hop limit (`IPV6_HOPLIMIT`, RFC 3542 section 6.3). All systems.
    #[doc(alias = "IPV6_HOPLIMIT")]
    hop_limit with_hop_limit: u8, "hop limit {}";
    /// The source address: one of this host's (`IPV6_PKTINFO`, RFC 3542 section 6.2). All systems.
    #[doc(alias = "IPV6_PKTINFO", alias = "Src")]
    source with_source: Ipv6Addr, "source {}";
    /// The interface on which the datagram is sent (`IPV6_PKTINFO`, RFC 3542 section 6.2). All systems. On Linux, beside a
    /// source and on a connected IPv6 socket, it decides between routes of the same metric only; a socket that is bound to a
    /// device sends on no other.
    #[doc(alias = "IPV6_PKTINFO", alias = "IfIndex")]
    interface with_interface: InterfaceIndex, "interface {}";
    /// The flow label (`IPV6_FLOWINFO`, RFC 6437; Linux). For 0, Linux chooses a label, unless the socket disables that
    /// (`IPV6_AUTOFLOWLABEL`). Once a socket of the network namespace has leased a label exclusively
    /// (`IPV6_FLOWLABEL_MGR`), Linux returns `EINVAL` for labels that the sending socket has not leased.
    #[doc(alias = "IPV6_FLOWINFO")]
    flow_label with_flow_label: FlowLabel, "flow label {}";
    /// The neighbour that the datagram is sent to first (`IPV6_NEXTHOP`, RFC 3542 section 6.4). Encoding fails with
    /// [`EncodeError::Unsupported`] on Linux, OpenBSD and Windows. (Linux and OpenBSD have the number, and their kernels
    /// refuse the message.) Apple's systems and FreeBSD require the superuser (`EACCES`). NetBSD answers `EHOSTUNREACH` if
    /// the address is not that of a neighbour.
    #[doc(alias = "IPV6_NEXTHOP", alias = "NextHop")]
    next_hop with_next_hop: SocketAddrV6, "next hop {}";
    /// The payload holds several datagrams, each of this many bytes, the last of at most as many: the system or the
    /// device splits it (Linux `UDP_SEGMENT`, Windows `UDP_SEND_MSG_SIZE`). All of them have the same headers.
    #[doc(alias = "UDP_SEGMENT", alias = "UDP_SEND_MSG_SIZE", alias = "GSO")]
    segment_size with_segment_size: u16, "segments of {} bytes";
}

/// The messages of the fields, in the order in which kernels deliver them. A row is: the type of the message, and the
/// message if it is to be sent.
macro_rules! messages_of {
    ($($control:ident => $Message:ident, $message:expr;)*) => {
        /// Encodes without a fast path, into a buffer that need not be initialised (`MaybeUninit<u8>`). The result is the
        /// number of bytes that are initialised afterwards, from the start. Tests of fields that are known at compile time
        /// are folded.
        #[doc(hidden)]
        #[inline(always)]
        pub fn encode_to<P: Platform, B: Byte>(&self, control: &mut [B]) -> Result<usize, EncodeError> {
            let available = control.len();
            let mut writer = Writer::<P, B>::new(control);
            // Not `inline(always)`, so that a small program has this code once instead of once for each message.
            let mut push = |control, number: Option<ControlNumber>, data: &[u8]| -> Result<(), EncodeError> {
                let number = number.ok_or(EncodeError::Unsupported(control))?;
                let pushed = writer.push(number.level, number.kind, data);
                pushed.map_err(|_| self.too_small::<P>(available))
            };
            $(
                let $control = self;
                if let Some(message) = $message {
                    let number = <$Message as ControlMessage<P>>::NUMBER;
                    push(Control::$Message, number, SendMessage::<P>::encode(&message).as_ref())?;
                }
            )*
            let used = writer.finish();
            match self.messages {
                None => Ok(used),
                Some(messages) => messages.append::<P, B>(control, used, Family::Ipv6),
            }
        }

        /// Returns the bytes that [`encode`](Self::encode) writes on platform `P`.
        #[doc(alias = "NewControlMessage", alias = "CMSG_SPACE")]
        #[must_use]
        pub fn space<P: Platform>(&self) -> usize {
            let mut space = self.messages.map_or(0, |messages| messages.len());
            $(
                let $control = self;
                if $message.is_some() {
                    space = space.saturating_add(const { space_of::<$Message, P>() });
                }
            )*
            space
        }

        /// Returns the bytes that the messages of all fields take on platform `P`. Those of
        /// [`with_messages`](Self::with_messages) take more.
        #[must_use]
        pub const fn max_space<P: Platform>() -> usize {
            0_usize$(.saturating_add(space_of::<$Message, P>()))*
        }
    };
}

impl SendControl<'_> {
    /// Returns whether the answer to one of the messages is about one datagram: a timestamp of its departure. Then the
    /// datagram cannot be sent as one with others.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn is_for_one<P: Platform>(&self) -> bool {
        let numbers = [P::ABI.control.timestamp_request, P::ABI.control.timestamp_id];
        self.messages.is_some_and(|messages| messages.contains::<P>(&numbers))
    }

    messages_of! {
        control => PacketInfo, control.packet_info();
        control => HopLimit, control.hop_limit.map(HopLimit);
        control => TrafficClass, control.traffic_class.map(TrafficClass);
        control => FlowLabel, control.flow_label;
        control => NextHop, control.next_hop.map(NextHop);
        control => SegmentSize, control.segment_size.map(SegmentSize);
    }

    /// Writes the messages in the form that they have on platform `P`, and returns how many bytes they take. The buffer
    /// may have any alignment and content; bytes beyond those are not changed.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when the buffer is smaller than [`space`](Self::space), or the platform does not take one of the
    /// messages. The content of the buffer is unspecified then.
    #[doc(alias = "Marshal")]
    #[inline]
    pub fn encode<P: Platform>(&self, control: &mut [u8]) -> Result<usize, EncodeError> {
        if const { super::fast::is_worth_its_size::<P>() } {
            return match self.encode_three::<P, u8>(control) {
                Some(encoded) => encoded,
                None => self.encode_others::<P>(control),
            };
        }
        self.encode_to::<P, u8>(control)
    }

    /// [`encode_to`](Self::encode_to), out of line.
    #[inline(never)]
    fn encode_others<P: Platform>(&self, control: &mut [u8]) -> Result<usize, EncodeError> {
        self.encode_to::<P, u8>(control)
    }

    /// Source and interface share one message.
    #[inline(always)]
    pub(super) fn packet_info(&self) -> Option<PacketInfo> {
        let Self { source, interface, .. } = *self;
        if source.is_none() && interface.is_none() {
            return None;
        }
        Some(PacketInfo { address: source.unwrap_or(Ipv6Addr::UNSPECIFIED), interface })
    }

    #[cold]
    fn too_small<P: Platform>(&self, available: usize) -> EncodeError {
        EncodeError::BufferTooSmall { needed: self.space::<P>(), available }
    }

    /// Returns the differentiated services codepoint of the traffic class, 0 to 63 (RFC 2474).
    #[must_use]
    pub fn dscp(&self) -> Option<u8> {
        self.traffic_class.map(dscp)
    }

    /// Returns the congestion notification of the traffic class (RFC 3168).
    #[must_use]
    pub fn ecn(&self) -> Option<Ecn> {
        self.traffic_class.map(Ecn::from_traffic_class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux64, Linux64Be};
    use crate::control::samples::{encoded, full};

    // Scar 34 (golang/go#41820): x/net cannot send 0.
    #[test]
    fn some_zero_is_sent_as_zero() {
        let bytes = encoded(&SendControl::new().with_traffic_class(0).with_hop_limit(0));
        // Each is a header of 16 bytes and an int.
        assert_eq!((bytes.len(), &bytes[16..20], &bytes[40..44]), (48, &[0; 4][..], &[0; 4][..]));
        assert_eq!(encoded(&SendControl::new()), []);
    }

    #[test]
    fn no_messages_are_nothing_to_send() {
        let empty = crate::message::Messages::<Linux64, 24>::new();
        let control = SendControl::new().with_messages(&empty);
        assert!(control.is_empty());
        assert_eq!((control, control.to_string().as_str()), (SendControl::new(), "no control messages"));
        // They are of no platform.
        assert_eq!(control.with_hop_limit(1).encode::<Linux64Be>(&mut [0; 24]), Ok(24));
    }

    // Scar 35: x/net drops the next hop on Linux.
    #[test]
    fn a_message_that_the_system_refuses_is_an_error() {
        let control = SendControl::new().with_next_hop("[fe80::1]:0".parse().unwrap());
        let error = Err(EncodeError::Unsupported(Control::NextHop));
        assert_eq!(control.encode::<Linux64>(&mut [0; 128]), error);
        // Whatever else there is to send.
        assert_eq!(control.with_hop_limit(1).encode::<Linux64>(&mut [0; 128]), error);
        let three = full().with_next_hop("[fe80::1]:0".parse().unwrap());
        assert_eq!(three.encode::<Linux64>(&mut [0; 128]), error);
    }

    #[test]
    fn a_buffer_of_any_size_is_filled_or_refused() {
        for control in [full(), full().with_segment_size(1200), SendControl { source: None, ..full() }] {
            let needed = control.space::<Linux64>();
            for available in 0..needed + 8 {
                let mut bytes = vec![0xff; available];
                let answer = control.encode::<Linux64>(&mut bytes);
                if available < needed {
                    assert_eq!(answer, Err(EncodeError::BufferTooSmall { needed, available }));
                } else {
                    assert_eq!(answer, Ok(needed));
                    assert!(bytes[needed..].iter().all(|byte| *byte == 0xff));
                }
            }
        }
    }

    #[test]
    fn messages_without_a_field_follow_those_of_the_fields() {
        let messages = Messages::<Linux64, 64>::new().with(TrafficClass(3)).unwrap();
        for control in
            [full(), full().with_segment_size(1200), SendControl::new(), full().with_traffic_class(1)]
        {
            let both = control.with_messages(&messages);
            let expected = [encoded(&control), messages.as_bytes().to_vec()].concat();
            assert_eq!(encoded(&both), expected);
            assert_eq!(both.space::<Linux64>(), expected.len());
            assert_ne!(both, control);
            let (needed, available) = (expected.len(), expected.len() - 1);
            let too_small = Err(EncodeError::BufferTooSmall { needed, available });
            assert_eq!(both.encode::<Linux64>(&mut vec![0; available]), too_small);
            assert_eq!(both.encode::<Linux64Be>(&mut [0; 256]), Err(EncodeError::Platform));
            assert!(both.to_string().ends_with("other messages of 24 bytes"));
        }
    }

    #[test]
    fn a_control_with_any_field_is_not_empty() {
        let new = SendControl::new();
        assert!(new.is_empty());
        let address: Ipv6Addr = "fe80::1".parse().unwrap();
        let messages = Messages::<Linux64, 24>::new().with(TrafficClass(0)).unwrap();
        for control in [
            new.with_traffic_class(0),
            new.with_hop_limit(0),
            new.with_source(address),
            new.with_interface(InterfaceIndex::new(1).unwrap()),
            new.with_next_hop(SocketAddrV6::new(address, 0, 0, 1)),
            new.with_flow_label(FlowLabel::ZERO),
            new.with_segment_size(1),
            new.with_messages(&messages),
        ] {
            assert!(!control.is_empty(), "{control:?}");
            assert!(!control.to_string().is_empty());
        }
    }

    #[test]
    fn text_lists_the_fields_that_are_set() {
        let text = "traffic class 0xe0, hop limit 1, source 2001:db8::1, interface 7";
        assert_eq!(full().to_string(), text);
        assert_eq!(full().with_segment_size(1200).to_string(), format!("{text}, segments of 1200 bytes"));
        assert!(format!("{:?}", full()).starts_with("SendControl { traffic_class: Some(224)"));
    }

    #[test]
    fn a_traffic_class_has_a_codepoint_and_a_notification() {
        let control = SendControl::new();
        assert_eq!((control.dscp(), control.ecn()), (None, None));
        let control = control.with_traffic_class(0xbb);
        assert_eq!((control.dscp(), control.ecn()), (Some(46), Some(Ecn::Ce)));
    }

    #[test]
    fn a_request_for_a_timestamp_is_for_one_datagram() {
        use crate::message::{HopLimit, Messages, TimestampRequest};
        use crate::timestamping::TimestampingFlags;

        let other = Messages::<Linux64, 64>::new().with(HopLimit(1)).unwrap();
        let one = other.clone().with(TimestampRequest(TimestampingFlags::all())).unwrap();
        assert!(!SendControl::new().is_for_one::<Linux64>());
        assert!(!SendControl::new().with_messages(&other).is_for_one::<Linux64>());
        assert!(SendControl::new().with_messages(&one).is_for_one::<Linux64>());
    }
}

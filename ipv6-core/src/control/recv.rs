//! The control messages received with a datagram.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::net::Ipv6Addr;

use super::{ControlFlags, List};
use crate::abi::Platform;
use crate::cmsg::{RawMessage, RawMessages};
use crate::interface::InterfaceIndex;
use crate::message::{Coalesced, DecodeError, Ecn, FlowLabel, PathMtu, space_of};
use crate::traffic_class::dscp;

/// Generates the structure and the functions that treat all of its fields alike.
///
/// A row is: the field, its type, the flags that keep it in
/// [`filter`](RecvControl::filter), and its text in `Display`.
macro_rules! received {
    (
        $(#[$of:meta])* $Struct:ident;
        $($(#[$doc:meta])* $visibility:vis $field:ident: $type:ty, $flags:expr, $text:literal;)*
    ) => {
        $(#[$of])*
        #[derive(Clone, Copy, Default, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
        #[non_exhaustive]
        pub struct $Struct<'a> {
            $($(#[$doc])* $visibility $field: Option<$type>,)*
            /// How many messages were skipped: they have no field, or could not be read.
            #[cfg_attr(feature = "serde", serde(skip))]
            pub(super) others: u16,
            #[cfg_attr(feature = "serde", serde(skip))]
            pub(super) borrowed: PhantomData<&'a [u8]>,
        }

        impl $Struct<'_> {
            /// Returns only the fields that these flags enable. Destination and interface arrive in one message, and each
            /// has its own flag.
            #[must_use]
            #[inline]
            pub fn filter(mut self, wanted: ControlFlags) -> Self {
                $(if !wanted.contains($flags) {
                    self.$field = None;
                })*
                self
            }

            /// Returns the same values without the lifetime of the control buffer. (No field borrows from it at
            /// present.)
            #[must_use]
            #[inline]
            pub fn detach(self) -> $Struct<'static> {
                $Struct { $($field: self.$field,)* others: self.others, borrowed: PhantomData }
            }
        }

        /// Compares the fields.
        impl PartialEq for $Struct<'_> {
            fn eq(&self, other: &Self) -> bool {
                $(self.$field == other.$field)&&*
            }
        }

        impl Hash for $Struct<'_> {
            fn hash<H: Hasher>(&self, state: &mut H) {
                $(self.$field.hash(state);)*
            }
        }

        impl fmt::Debug for $Struct<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Struct))$(.field(stringify!($field), &self.$field))*.finish()
            }
        }

        impl fmt::Display for $Struct<'_> {
            /// The fields that are set, as `traffic class 0xe0, hop limit 1, destination ff02::114, interface 3`, and how
            /// many other messages there were.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut list = List::new(f);
                $(if let Some(value) = self.$field {
                    list.item(format_args!($text, value))?;
                })*
                match self.others {
                    0 => {}
                    1 => list.item(format_args!("1 other message"))?,
                    others => list.item(format_args!("{others} other messages"))?,
                }
                list.finish()
            }
        }
    };
}

received! {
    /// The control messages received with a datagram.
    ///
    /// A field is set when its message was enabled ([`ControlFlags`]) and the system delivered it. For example, a datagram
    /// that arrived over IPv4 on a dual-stack socket (`IPV6_V6ONLY` is off) has no flow label. It has the other fields of the
    /// header, with an IPv4-mapped destination; Apple's systems deliver no hop limit, and NetBSD delivers nothing.
    ///
    /// The lifetime is that of the control buffer.
    #[doc(alias = "ControlMessage")]
    RecvControl;

    /// The traffic class: DSCP and ECN (`IPV6_TCLASS`, RFC 3542 section 6.5), over IPv4 the type of service (`IP_TOS`).
    /// All systems.
    #[doc(alias = "IPV6_TCLASS", alias = "IP_TOS")]
    pub traffic_class: u8, ControlFlags::TRAFFIC_CLASS, "traffic class {:#04x}";
    /// The hop limit on arrival (`IPV6_HOPLIMIT`, RFC 3542 section 6.3), over IPv4 the time to live (`IP_TTL`). All
    /// systems.
    #[doc(alias = "IPV6_HOPLIMIT", alias = "IP_TTL")]
    pub hop_limit: u8, ControlFlags::HOP_LIMIT, "hop limit {}";
    /// The destination address: one of this host's, or a group (`IPV6_PKTINFO`, RFC 3542 section 6.1); over IPv4 also a
    /// broadcast address. An IPv4 address is IPv4-mapped (`IP_PKTINFO` on Windows). All systems.
    #[doc(alias = "IPV6_PKTINFO", alias = "Dst", alias = "IP_PKTINFO")]
    pub destination: Ipv6Addr, ControlFlags::DESTINATION, "destination {}";
    /// The interface that received the datagram (`IPV6_PKTINFO`, RFC 3542 section 6.1). All systems.
    #[doc(alias = "IPV6_PKTINFO", alias = "IfIndex")]
    pub interface: InterfaceIndex, ControlFlags::INTERFACE, "interface {}";
    /// The flow label (`IPV6_FLOWINFO`, RFC 6437). Linux only, which delivers nothing when traffic class and flow label
    /// are both 0.
    #[doc(alias = "IPV6_FLOWINFO")]
    pub flow_label: FlowLabel, ControlFlags::FLOW_LABEL, "flow label {}";
    /// A change of the path MTU to a destination (`IPV6_PATHMTU`, RFC 3542 section 11.3). The payload is empty.
    /// All systems except Windows. OpenBSD accepts the option and never delivers the message. There is none for IPv4: a
    /// queued error ([`QueuedError`](crate::QueuedError)) has the path MTU.
    #[doc(alias = "IPV6_PATHMTU", alias = "ip6_mtuinfo", alias = "MTU")]
    pub path_mtu: PathMtu, ControlFlags::PATH_MTU, "path MTU {}";
    /// The payload holds several datagrams of one sender with equal headers: each has this many bytes, the last may
    /// have fewer (Linux `UDP_GRO`, Windows `UDP_COALESCED_INFO`). [`Segments`](crate::Segments) splits it. Set only
    /// when coalescing is enabled; no flag removes it, because the payload has no meaning without it.
    #[doc(alias = "UDP_GRO", alias = "UDP_COALESCED_INFO")]
    pub segment_size: u16, ControlFlags::empty(), "segments of {} bytes";
    /// The ECN bits, from a system that delivers them without the rest of the traffic class.
    pub(super) ecn: Ecn, ControlFlags::TRAFFIC_CLASS, "ECN {}";
}

impl<'a> RecvControl<'a> {
    /// Reads the control messages that a kernel of platform `P` wrote. Messages without a field here are skipped;
    /// [`RawMessages`] has all of them.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when a message does not fit in the buffer, or does not have the form that it has on the platform.
    ///
    /// ```
    /// use ipv6_core::{RecvControl, abi::Linux64Be};
    /// // What s390x delivers for hop limit 64.
    /// let control = [0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0, 64, 0, 0, 0, 0];
    /// assert_eq!(RecvControl::decode::<Linux64Be>(&control)?.hop_limit, Some(64));
    /// # Ok::<(), ipv6_core::DecodeError>(())
    /// ```
    #[doc(alias = "Parse")]
    #[inline]
    pub fn decode<P: Platform>(control: &'a [u8]) -> Result<Self, DecodeError> {
        if const { super::fast::is_worth_its_size::<P>() } {
            if let Some(decoded) = Self::decode_three::<P>(control) {
                return Ok(decoded);
            }
        }
        let mut decoded = Self::default();
        match decoded.take_common::<P>(control) {
            [] => {}
            rest => decoded.take_rest::<P>(rest, control)?,
        }
        Ok(decoded)
    }

    /// Reads control messages into this value, which keeps what it already has. Works for messages of any kind in any
    /// order, without the fast path of [`decode`](Self::decode).
    ///
    /// # Errors
    ///
    /// Those of [`decode`](Self::decode), without the offset. Messages before the error have been read.
    #[doc(hidden)]
    #[inline]
    pub fn decode_more<P: Platform>(&mut self, control: &'a [u8]) -> Result<(), DecodeError> {
        let len = control.len();
        match self.take_common::<P>(control) {
            [] => Ok(()),
            rest => self.take_all::<P>(rest, len),
        }
    }

    /// Reads all messages in `rest`, the end of `control`. The offset of an error is found afterwards: that costs
    /// nothing before.
    #[inline(never)]
    fn take_rest<P: Platform>(&mut self, rest: &'a [u8], control: &'a [u8]) -> Result<(), DecodeError> {
        self.take_all::<P>(rest, control.len()).map_err(|error| located::<P>(control, error))
    }

    /// Reads all messages in `rest`, the end of a buffer of `len` bytes.
    #[inline(never)]
    fn take_all<P: Platform>(&mut self, rest: &'a [u8], len: usize) -> Result<(), DecodeError> {
        for message in RawMessages::<P>::ending(rest, len) {
            self.take::<P>(&message?)?;
        }
        Ok(())
    }

    /// Reads the control messages of a datagram whose control data was truncated (`MSG_CTRUNC`): those that arrived
    /// whole. A message shorter than it is on the platform counts as truncated.
    ///
    /// ```
    /// use ipv6_core::{RecvControl, SendControl, abi::Linux64};
    /// let mut control = [0; 48];
    /// SendControl::new().with_hop_limit(7).with_traffic_class(1).encode::<Linux64>(&mut control).unwrap();
    /// let truncated = RecvControl::decode_truncated::<Linux64>(&control[..40]);
    /// assert_eq!((truncated.hop_limit, truncated.traffic_class), (Some(7), None));
    /// ```
    pub fn decode_truncated<P: Platform>(control: &'a [u8]) -> Self {
        Self::skip_unless::<P>(control, RawMessage::is_whole::<P>)
    }

    /// Reads the control messages that can be read. A message that does not have the form that it has on the platform is
    /// skipped; one that does not fit in the buffer ends the walk. For bytes that no kernel of the platform need have
    /// written. When a kernel truncated them, [`decode_truncated`](Self::decode_truncated) also skips a message that
    /// was cut to another valid form.
    ///
    /// ```
    /// use ipv6_core::{RecvControl, abi::Linux64};
    /// use ipv6_core::cmsg::Writer;
    ///
    /// let mut control = [0; 72];
    /// let mut writer = Writer::<Linux64>::new(&mut control);
    /// writer.push(41, 52, &[64, 0])?; // a hop limit has four bytes
    /// writer.push(41, 67, &[0xe0, 0, 0, 0])?;
    /// writer.push(41, 99, &[])?; // no message of Linux
    ///
    /// let got = RecvControl::decode_lenient::<Linux64>(&control);
    /// assert_eq!((got.hop_limit, got.traffic_class), (None, Some(0xe0)));
    /// assert_eq!(got.to_string(), "traffic class 0xe0, 2 other messages");
    /// # Ok::<(), ipv6_core::BufferTooSmall>(())
    /// ```
    #[must_use]
    pub fn decode_lenient<P: Platform>(control: &'a [u8]) -> Self {
        Self::skip_unless::<P>(control, |_| true)
    }

    fn skip_unless<P: Platform>(control: &'a [u8], is_read: impl Fn(&RawMessage<'a>) -> bool) -> Self {
        let mut decoded = Self::default();
        for message in RawMessages::<P>::new(control) {
            let is_taken =
                message.is_ok_and(|message| is_read(&message) && decoded.take::<P>(&message).is_ok());
            if !is_taken {
                decoded.others = decoded.others.saturating_add(1);
            }
        }
        decoded
    }

    /// Returns the bytes of control buffer for all messages that have a field here on platform `P`: those of all
    /// [`ControlFlags`], and the size of coalesced datagrams.
    #[must_use]
    pub const fn max_space<P: Platform>() -> usize {
        ControlFlags::all().space::<P>().saturating_add(space_of::<Coalesced, P>())
    }

    /// Returns the differentiated services codepoint of the traffic class, 0 to 63 (RFC 2474).
    #[must_use]
    pub fn dscp(&self) -> Option<u8> {
        self.traffic_class.map(dscp)
    }

    /// Returns the congestion notification of the traffic class (RFC 3168). A system that delivers it without the rest
    /// of the traffic class sets only this (`IPV6_ECN`, Windows before it had `IPV6_RECVTCLASS`).
    #[doc(alias = "IPV6_ECN")]
    #[must_use]
    pub fn ecn(&self) -> Option<Ecn> {
        self.traffic_class.map(Ecn::from_traffic_class).or(self.ecn)
    }
}

/// The same error with the offset of its message, the first that cannot be read.
#[cold]
#[inline(never)]
fn located<P: Platform>(control: &[u8], error: DecodeError) -> DecodeError {
    let mut messages = RawMessages::<P>::new(control).map_while(Result::ok);
    let failed = messages.find(|message| RecvControl::default().take::<P>(message).is_err());
    failed.map_or(error, |message| error.at(message.offset()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SendControl;
    use crate::abi::Linux64;
    use crate::cmsg::Writer;
    use crate::control::samples::{encoded, full};
    use crate::message::{Messages, PacketInfo, SendMessage, TrafficClass};

    type List = Messages<Linux64, 128>;

    // Scar 4 (nix#2400, nix#2413).
    #[test]
    fn whole_messages_of_truncated_control_data_are_delivered_and_the_cut_one_is_not() {
        let bytes = encoded(&full());
        let whole = RecvControl::decode::<Linux64>(&bytes).unwrap();
        for len in 0..=bytes.len() {
            // Some systems keep the full length in the message that they cut; Linux shortens it.
            let full_length = bytes[..len].to_vec();
            let mut shortened = full_length.clone();
            for start in [0, 40, 64].into_iter().filter(|start| start + 16 <= len) {
                shortened[start] = shortened[start].min(u8::try_from(len - start).unwrap());
            }
            for control in [full_length, shortened] {
                let got = RecvControl::decode_truncated::<Linux64>(&control);
                assert_eq!(got.destination, whole.destination.filter(|_| len >= 36), "{len}");
                assert_eq!(got.hop_limit, whole.hop_limit.filter(|_| len >= 60), "{len}");
                assert_eq!(got.traffic_class, whole.traffic_class.filter(|_| len >= 84), "{len}");
            }
        }
    }

    // Scar 10 (nix#1514): IPV6_RECVERR, level 41 and type 25, is a struct sock_extended_err of 16 bytes, with or without
    // the address of the reporter behind it.
    #[test]
    fn a_queued_error_with_or_without_an_address_is_skipped() {
        for len in [0, 16, 44] {
            let mut bytes = [0; 128];
            let mut writer = Writer::<Linux64>::new(&mut bytes);
            writer.push(41, 25, &[0xff; 44][..len]).unwrap();
            writer.push(41, 52, &[3, 0, 0, 0]).unwrap();
            let used = writer.finish();
            assert_eq!(RecvControl::decode::<Linux64>(&bytes[..used]).unwrap().hop_limit, Some(3));
        }
    }

    // Scar 23 (gvisor#7144): IP_PKTINFO, level 0 and type 8, may accompany IPV6_PKTINFO on a dual-stack socket.
    #[test]
    fn ipv4_packet_info_does_not_replace_that_of_ipv6() {
        let info = PacketInfo { address: Ipv6Addr::LOCALHOST, interface: InterfaceIndex::new(1).ok() };
        let data = SendMessage::<Linux64>::encode(&info).as_ref().to_vec();
        let (v4, v6) = ((0, 8, &[9; 12][..]), (41, 50, &data[..]));
        for messages in [[v4, v6], [v6, v4]] {
            let mut bytes = [0; 128];
            let mut writer = Writer::<Linux64>::new(&mut bytes);
            for (level, kind, data) in messages {
                writer.push(level, kind, data).unwrap();
            }
            let used = writer.finish();
            let got = RecvControl::decode::<Linux64>(&bytes[..used]).unwrap();
            assert_eq!((got.destination, got.interface), (Some(info.address), info.interface));
        }
    }

    // Scar 37: x/net lets the path MTU overwrite destination and interface.
    #[test]
    fn a_path_mtu_is_kept_apart_from_destination_and_interface() {
        let mtu_info =
            [10, 0, 0, 0, 0, 0, 0, 0, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xb]
                .into_iter()
                .chain([3, 0, 0, 0, 0x14, 5, 0, 0])
                .collect::<Vec<u8>>();
        let info = [&[0; 15][..], &[1], &[7, 0, 0, 0]].concat();
        for messages in [[(61, &mtu_info), (50, &info)], [(50, &info), (61, &mtu_info)]] {
            let mut bytes = [0; 88];
            let mut writer = Writer::<Linux64>::new(&mut bytes);
            for (kind, data) in messages {
                writer.push(41, kind, data).unwrap();
            }
            let got = RecvControl::decode::<Linux64>(&bytes).unwrap();
            let on = InterfaceIndex::new(3).ok();
            let news = PathMtu { destination: "2001:db8::b".parse().unwrap(), interface: on, mtu: 1300 };
            assert_eq!(got.path_mtu, Some(news));
            assert_eq!((got.destination, got.interface), ("::1".parse().ok(), InterfaceIndex::new(7).ok()));
        }
    }

    // Scar 26 (msquic#515): a requested message may be absent.
    #[test]
    fn every_field_may_be_absent() {
        let none = RecvControl::decode::<Linux64>(&[]).unwrap();
        assert_eq!(none, RecvControl::default());
        assert_eq!((none.dscp(), none.ecn(), none.reply()), (None, None, SendControl::new()));
        assert_eq!(none.to_string(), "no control messages");
    }

    #[test]
    fn messages_without_a_field_are_counted_in_the_text() {
        let text = |kinds: &[i32]| {
            let mut bytes = [0; 96];
            let mut writer = Writer::<Linux64>::new(&mut bytes);
            kinds.iter().for_each(|kind| writer.push(41, *kind, &[7, 0, 0, 0]).unwrap());
            let used = writer.finish();
            let got = RecvControl::decode::<Linux64>(&bytes[..used]).unwrap();
            assert_eq!(got, RecvControl { others: 0, ..got });
            assert_eq!(got.detach().filter(ControlFlags::all()).to_string(), got.to_string());
            got.to_string()
        };
        assert_eq!(text(&[99]), "1 other message");
        assert_eq!(text(&[99, 77, 99]), "3 other messages");
        assert_eq!(text(&[99, 52]), "hop limit 7, 1 other message");
        assert_eq!(text(&[]), "no control messages");
    }

    #[test]
    fn what_cannot_be_read_is_skipped_and_the_rest_is_read() {
        let mut bytes = [0; 112];
        let mut writer = Writer::<Linux64>::new(&mut bytes);
        writer.push(41, 52, &[7, 0]).unwrap();
        writer.push(0, 1, &[0xb8, 0, 0, 0]).unwrap();
        writer.push(41, 67, &[1]).unwrap();
        writer.push(41, 52, &[8, 0, 0, 0]).unwrap();
        writer.push(41, 52, &[]).unwrap();
        let lenient = RecvControl::decode_lenient::<Linux64>(&bytes);
        assert_eq!((lenient.hop_limit, lenient.traffic_class, lenient.others), (Some(8), Some(1), 2));
        // A message that was cut can have another valid form.
        let truncated = RecvControl::decode_truncated::<Linux64>(&bytes);
        assert_eq!((truncated.hop_limit, truncated.traffic_class, truncated.others), (Some(8), None, 4));
        let error = RecvControl::decode::<Linux64>(&bytes).unwrap_err();
        assert_eq!(error.offset(), Some(0));
        // The message at 72 does not fit in the buffer.
        let lenient = RecvControl::decode_lenient::<Linux64>(&bytes[..90]);
        assert_eq!((lenient.hop_limit, lenient.others), (None, 2));
    }

    // Scar 32 (quinn#2763).
    #[test]
    fn the_traffic_class_is_split_into_dscp_and_ecn() {
        let got = RecvControl { traffic_class: Some(0b1011_1001), ..RecvControl::default() };
        assert_eq!((got.dscp(), got.ecn()), (Some(46), Some(Ecn::Ect1)));
    }

    #[test]
    fn a_next_hop_is_skipped_when_received() {
        let bytes = List::new().with(TrafficClass(1)).unwrap();
        let got = RecvControl::decode::<Linux64>(bytes.as_bytes()).unwrap();
        assert_eq!(got, RecvControl { traffic_class: Some(1), ..RecvControl::default() });
    }

    // Scar 37: in x/net, disabling FlagDst disables FlagInterface.
    #[test]
    fn each_flag_keeps_its_own_field_and_no_other() {
        let destination = "2001:db8::1".parse().unwrap();
        let empty = RecvControl::default();
        let got = RecvControl {
            traffic_class: Some(1),
            hop_limit: Some(2),
            destination: Some(destination),
            interface: InterfaceIndex::new(3).ok(),
            path_mtu: Some(PathMtu { destination, interface: None, mtu: 1280 }),
            flow_label: FlowLabel::new(5),
            ..empty
        };
        for (flag, alone) in [
            (ControlFlags::TRAFFIC_CLASS, RecvControl { traffic_class: got.traffic_class, ..empty }),
            (ControlFlags::HOP_LIMIT, RecvControl { hop_limit: got.hop_limit, ..empty }),
            (ControlFlags::DESTINATION, RecvControl { destination: got.destination, ..empty }),
            (ControlFlags::INTERFACE, RecvControl { interface: got.interface, ..empty }),
            (ControlFlags::PATH_MTU, RecvControl { path_mtu: got.path_mtu, ..empty }),
            (ControlFlags::FLOW_LABEL, RecvControl { flow_label: got.flow_label, ..empty }),
        ] {
            assert_eq!(got.filter(flag), alone);
        }
        assert_eq!((got.filter(ControlFlags::all()), got.filter(ControlFlags::empty())), (got, empty));
        assert_eq!((got.filter(ControlFlags::SUPPORTED), got.detach()), (got, got));
    }

    #[test]
    fn text_lists_the_fields_that_are_set() {
        let bytes = encoded(&full());
        let got = RecvControl::decode::<Linux64>(&bytes).unwrap();
        let text = "traffic class 0xe0, hop limit 1, destination 2001:db8::1, interface 7";
        assert_eq!(got.to_string(), text);
        assert!(format!("{got:?}").starts_with("RecvControl { traffic_class: Some(224)"));
    }
}

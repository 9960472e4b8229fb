//! Control messages by type.
//!
//! Each control message is a type that implements [`ControlMessage`]: its name in C, its number on each platform, and how
//! its data is read. Those that can be sent implement [`SendMessage`] too. The messages of a datagram's header and
//! addresses are also fields of [`RecvControl`](crate::RecvControl) and [`SendControl`](crate::SendControl); all others
//! are received with [`RawMessages::get`] and [`RawMessages::each`], and sent with [`Messages`]. [`Decoded`] is the value of a
//! message of any type.
//!
//! A program defines a message that this crate lacks in the same way. On Linux, `SO_WIFI_STATUS` delivers whether
//! the peer acknowledged a frame of a wireless link. The example reads the integer in the byte order of this host; to read the
//! bytes of another machine, use that of `P::ABI.endian`:
//!
//! ```
//! use ipv6_core::abi::{ControlNumber, Linux64, Platform};
//! use ipv6_core::cmsg::{RawMessages, Writer};
//! use ipv6_core::message::ControlMessage;
//! use ipv6_core::{Control, DecodeError};
//!
//! /// Whether the peer acknowledged the frame.
//! #[derive(Debug, PartialEq)]
//! struct Acknowledged(bool);
//!
//! impl<P: Platform> ControlMessage<P> for Acknowledged {
//!     type Value<'a> = Self;
//!     const NAME: &'static str = "SO_WIFI_STATUS";
//!     const NUMBER: Option<ControlNumber> = Some(ControlNumber::new(1, 41, 4));
//!
//!     fn decode(data: &[u8]) -> Result<Self, DecodeError> {
//!         let control = Control::of::<Self, P>();
//!         let bytes = data.try_into().map_err(|_| DecodeError::Width { control, len: data.len(), expected: 4 })?;
//!         Ok(Self(i32::from_ne_bytes(bytes) != 0))
//!     }
//! }
//!
//! let mut buffer = [0; 24];
//! let mut writer = Writer::<Linux64>::new(&mut buffer);
//! writer.push(1, 41, &1_i32.to_ne_bytes())?;
//! let messages = RawMessages::<Linux64>::new(&buffer);
//! assert_eq!(messages.get::<Acknowledged>()?, Some(Acknowledged(true)));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use crate::abi::{ControlNumber, ControlNumbers, Linux64, Platform};
use crate::cmsg::{Byte, RawMessage, RawMessages, Writer};
use crate::error::BufferTooSmall;

mod decoded;
mod destination_port;
mod dont_fragment;
mod ecn;
mod encoded;
mod extension;
mod flow_label;
mod fragment_size;
mod hop_limit;
mod int;
mod ipv4_ecn;
mod ipv4_packet_info;
mod kind;
mod messages;
mod min_mtu;
mod names;
mod next_hop;
mod original_destination;
mod packet_info;
mod path_mtu;
mod queued_error;
mod segment_size;
mod socket;
mod time_to_live;
mod timestamp;
mod traffic_class;
mod type_of_service;

pub use crate::ext::{DestinationOptions, HopByHop, RoutingHeader};
pub use crate::extended_error::ExtendedError;
pub use crate::flow_label::FlowLabel;
pub use crate::traffic_class::Ecn;
pub use decoded::Decoded;
pub use destination_port::DestinationPort;
pub use dont_fragment::DontFragment;
pub(crate) use encoded::{About, Content, Encoded, Family, Part, To, family, may_be_sent};
pub use extension::FirstDestinationOptions;
pub use fragment_size::{FragmentSize, Ipv4FragmentSize};
pub use hop_limit::HopLimit;
pub use ipv4_ecn::Ipv4Ecn;
pub use ipv4_packet_info::Ipv4PacketInfo;
pub use kind::{Control, ControlMessage, DecodeError, DecodeErrorAt, EncodeError, SendMessage, space_of};
pub use messages::Messages;
pub use min_mtu::MinMtu;
pub use next_hop::NextHop;
pub use original_destination::{Ipv4OriginalDestination, OriginalDestination};
pub use packet_info::PacketInfo;
pub(crate) use packet_info::SIZE as PACKET_INFO_SIZE;
pub use path_mtu::PathMtu;
pub use segment_size::{Coalesced, SegmentSize};
pub use socket::{Dropped, FlowId, FlowType, MachTime, Mark, Priority, TimestampId, TxTime};
pub use time_to_live::TimeToLive;
pub use timestamp::{
    BinaryTime, Timestamp, TimestampNs, TimestampPacketInfo, TimestampRequest, Timestamping, Uptime,
};
pub use traffic_class::TrafficClass;
pub use type_of_service::TypeOfService;

pub(crate) use {int::decode as decode_int, int::read as read_byte, int::read_both as read_bytes};

/// Generates the constants of [`Control`], and the rows of a table with their names in C.
macro_rules! messages {
    ($($field:ident $with:ident: $Message:ident $(<$life:lifetime>)?;)*) => {
        #[allow(non_upper_case_globals, reason = "each has the name of the message's type")]
        impl Control {
            $(
                #[doc = concat!("[`", stringify!($Message), "`].")]
                pub const $Message: Self = Self::of::<$Message, Linux64>();
            )*

            /// Each kind of message of the list.
            pub(crate) const ALL: [Self; [$(stringify!($Message)),*].len()] = [$(Self::$Message),*];
        }

        impl ControlNumbers {
            /// Each control message of the list: its name in C, and its number here.
            #[inline]
            pub const fn rows(&self) -> [(&'static str, Option<ControlNumber>); [$(stringify!($Message)),*].len()] {
                [$((Control::$Message.name(), self.$field)),*]
            }
        }
    };
}

for_each_message!(messages);

impl<'a> RawMessage<'a> {
    /// Returns the value of this message if it is of type `M`, and `None` if it is not.
    ///
    /// # Errors
    ///
    /// Those of [`ControlMessage::decode`], at the [`offset`](Self::offset) of the message.
    #[inline]
    pub fn get<M: ControlMessage<P>, P: Platform>(&self) -> Result<Option<M::Value<'a>>, DecodeError> {
        self.value::<M, P>().map_err(|error| error.at(self.offset()))
    }

    /// Whether this is a message of type `M` on platform `P`.
    #[inline]
    pub(crate) fn is<M: ControlMessage<P>, P: Platform>(&self) -> bool {
        self.has(const { M::NUMBER })
    }

    /// The same as [`get`](Self::get), without the offset in the error.
    #[inline]
    pub(crate) fn value<M: ControlMessage<P>, P: Platform>(
        &self,
    ) -> Result<Option<M::Value<'a>>, DecodeError> {
        if self.is::<M, P>() { M::decode(self.data).map(Some) } else { Ok(None) }
    }

    /// Whether this is a message that `P` has, with the size that it has there.
    pub(crate) fn is_whole<P: Platform>(&self) -> bool {
        let this = ControlNumber { level: self.level, kind: self.kind, size: self.data.len() };
        const { P::ABI.control.rows() }.into_iter().any(|(_, number)| number == Some(this))
    }
}

impl<'a, P: Platform> RawMessages<'a, P> {
    /// Returns the value of the first message of type `M`, from the current position on; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the message, or one before it, does not have the form that it has on `P`.
    pub fn get<M: ControlMessage<P>>(&self) -> Result<Option<M::Value<'a>>, DecodeError> {
        self.each::<M>().next().transpose()
    }

    /// Returns the values of all messages of type `M`, from the current position on, in order.
    pub fn each<M: ControlMessage<P>>(
        &self,
    ) -> impl Iterator<Item = Result<M::Value<'a>, DecodeError>> + use<'a, P, M> {
        self.clone().filter_map(|message| match message {
            Ok(message) => message.get::<M, P>().transpose(),
            Err(error) => Some(Err(error.into())),
        })
    }
}

impl<P: Platform, B: Byte> Writer<'_, P, B> {
    /// Appends a message by type. This is the way to encode with the least code: nothing is cleared, and messages that the
    /// program does not name are not linked.
    ///
    /// ```
    /// use ipv6_core::abi::Linux64;
    /// use ipv6_core::cmsg::Writer;
    /// use ipv6_core::message::{HopLimit, TrafficClass};
    ///
    /// let mut buffer = [0; 48];
    /// let mut writer = Writer::<Linux64>::new(&mut buffer);
    /// writer.push_message(&HopLimit(1))?;
    /// writer.push_message(&TrafficClass(0xe0))?;
    /// assert_eq!(writer.finish(), 48);
    /// # Ok::<(), ipv6_core::EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`EncodeError::Unsupported`] when the platform has no such message, and [`EncodeError::BufferTooSmall`] when it does
    /// not fit. The messages before it stay.
    pub fn push_message<M: SendMessage<P>>(&mut self, message: &M) -> Result<(), EncodeError> {
        self.push_data(Control::of::<M, P>(), const { M::NUMBER }, message.encode().as_ref())
    }

    /// The same for a message of any type: a small program has this code once.
    pub(crate) fn push_data(
        &mut self,
        control: Control,
        number: Option<ControlNumber>,
        data: &[u8],
    ) -> Result<(), EncodeError> {
        let number = number.ok_or(EncodeError::Unsupported(control))?;
        self.push(number.level, number.kind, data)
            .map_err(|BufferTooSmall { needed, available }| EncodeError::BufferTooSmall { needed, available })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Apple;
    use crate::cmsg::MalformedMessage;

    #[test]
    fn a_kind_has_the_name_of_its_message_on_every_platform() {
        assert_eq!(Control::of::<HopLimit, Apple>(), Control::HopLimit);
        assert_eq!(
            (Control::HopLimit.name(), Control::HopLimit.to_string()),
            ("IPV6_HOPLIMIT", "IPV6_HOPLIMIT".into())
        );
        assert_ne!(Control::HopLimit, Control::TrafficClass);
        match Control::of::<NextHop, Apple>() {
            Control::HopLimit => panic!("a next hop is not a hop limit"),
            Control::NextHop => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(size_of::<Control>(), size_of::<usize>());
    }

    #[test]
    fn messages_of_one_type_are_found_among_others_in_order() {
        let mut buffer = [0; 96];
        let mut writer = Writer::<Linux64>::new(&mut buffer);
        for (kind, value) in [(67, 1), (52, 2), (67, 3), (52, 4)] {
            writer.push(41, kind, &[value, 0, 0, 0]).unwrap();
        }
        let messages = RawMessages::<Linux64>::new(&buffer);
        assert_eq!(messages.get::<HopLimit>(), Ok(Some(HopLimit(2))));
        assert_eq!(messages.get::<PacketInfo>(), Ok(None));
        let classes: Vec<_> = messages.each::<TrafficClass>().map(Result::unwrap).collect();
        assert_eq!(classes, [TrafficClass(1), TrafficClass(3)]);

        // From the current position on.
        let mut rest = messages;
        assert!(rest.by_ref().nth(1).is_some());
        assert_eq!(rest.get::<HopLimit>(), Ok(Some(HopLimit(4))));
    }

    #[test]
    fn a_malformed_message_ends_the_search_with_an_error() {
        let mut buffer = [0; 48];
        let mut writer = Writer::<Linux64>::new(&mut buffer);
        writer.push(41, 67, &[1, 0, 0, 0]).unwrap();
        writer.push(41, 52, &[2, 0, 0, 0]).unwrap();
        buffer[24] = 0xff;
        let messages = RawMessages::<Linux64>::new(&buffer);
        let error = DecodeError::Malformed(MalformedMessage { offset: 24, len: 255, available: 24 });
        assert_eq!(messages.get::<TrafficClass>(), Ok(Some(TrafficClass(1))));
        assert_eq!(messages.get::<HopLimit>(), Err(error));
        assert_eq!(messages.each::<TrafficClass>().collect::<Vec<_>>(), [Ok(TrafficClass(1)), Err(error)]);
    }

    #[test]
    fn room_is_reserved_for_what_the_platform_has() {
        assert_eq!(space_of::<NextHop, Linux64>(), 0);
        assert_eq!(space_of::<NextHop, Apple>(), 40);
    }

    #[test]
    fn a_message_is_appended_with_its_numbers() {
        let mut buffer = [0; 24];
        let mut writer = Writer::<Linux64>::new(&mut buffer);
        writer.push_message(&HopLimit(7)).unwrap();
        let error = EncodeError::BufferTooSmall { needed: 48, available: 24 };
        assert_eq!(writer.push_message(&HopLimit(7)), Err(error));
        assert_eq!(RawMessages::<Linux64>::new(&buffer).get::<HopLimit>(), Ok(Some(HopLimit(7))));
        assert_eq!(format!("{:?}", Control::HopLimit), "IPV6_HOPLIMIT");
    }
}

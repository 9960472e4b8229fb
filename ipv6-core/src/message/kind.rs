//! The traits that describe a control message, its name, and the errors about it.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::net::Ipv6Addr;

use crate::abi::{ControlNumber, Platform};
use crate::cmsg::MalformedMessage;
use crate::error::BufferTooSmall;
use crate::interface::InterfaceIndex;

/// One kind of control message on platform `P`. A program may implement it for a message of its own.
pub trait ControlMessage<P: Platform> {
    /// The content of the message. It may borrow from the control buffer.
    type Value<'a>;

    /// The name in C.
    const NAME: &'static str;

    /// Level, type and size on `P`; `None` when the system has no such message, or refuses it.
    const NUMBER: Option<ControlNumber>;

    /// Reads the data of the message.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the data does not have the form that it has on `P`.
    fn decode(data: &[u8]) -> Result<Self::Value<'_>, DecodeError>;

    /// Reads the data of the message as a program passed it to the system. `None` when it leaves the value to the system,
    /// as a hop limit of -1 does (RFC 3542 section 6.3).
    ///
    /// The default is [`decode`](Self::decode): most messages have the same form in both directions.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the data does not have the form that it has on `P`.
    fn decode_sent(data: &[u8]) -> Result<Option<Self::Value<'_>>, DecodeError> {
        Self::decode(data).map(Some)
    }
}

/// A control message that can be sent.
pub trait SendMessage<P: Platform>: ControlMessage<P> {
    /// The data of the message, in the form that it has on `P`.
    fn encode(&self) -> impl AsRef<[u8]>;
}

/// Returns the bytes of control buffer that one message of type `M` takes on platform `P`; 0 when `P` has no such
/// message.
///
/// ```
/// use ipv6_core::abi::Linux64;
/// use ipv6_core::message::{HopLimit, PacketInfo, space_of};
/// const ROOM: usize = space_of::<PacketInfo, Linux64>() + space_of::<HopLimit, Linux64>();
/// assert_eq!(ROOM, 40 + 24);
/// ```
#[doc(alias = "CMSG_SPACE")]
#[must_use]
pub const fn space_of<M: ControlMessage<P>, P: Platform>() -> usize {
    match M::NUMBER {
        Some(number) => P::ABI.cmsg.space(number.size),
        None => 0,
    }
}

/// The kind of a control message, in errors. Displays as the name in C.
// A thin pointer: errors with it are returned in registers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Control(&'static Name);

#[derive(PartialEq, Eq, Hash)]
struct Name(&'static str);

impl Control {
    /// The kind of a message that the list does not have.
    pub(crate) const UNKNOWN: Self = Self(&Name("an unknown message"));

    /// Returns the kind of the messages of type `M`.
    #[must_use]
    pub const fn of<M: ControlMessage<P>, P: Platform>() -> Self {
        Self(const { &Name(M::NAME) })
    }

    /// Returns the name in C: that of RFC 3542, or of the system that has the message.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.0
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a control message could not be read.
///
/// The errors of a buffer ([`RawMessages`](crate::cmsg::RawMessages), [`RecvControl`](crate::RecvControl),
/// [`SendControl`](crate::SendControl)) have the [`offset`](Self::offset) of the message. Match on [`cause`](Self::cause),
/// which is the error without it. Two errors are equal if their causes are.
///
/// ```
/// use ipv6_core::abi::Linux64;
/// use ipv6_core::cmsg::Writer;
/// use ipv6_core::{Control, DecodeError, RecvControl};
///
/// let mut buffer = [0; 48];
/// let mut writer = Writer::<Linux64>::new(&mut buffer);
/// writer.push(41, 67, &[0xe0, 0, 0, 0])?;
/// writer.push(41, 52, &[64, 0])?; // the data of a hop limit has four bytes
///
/// let error = RecvControl::decode::<Linux64>(&buffer).unwrap_err();
/// assert_eq!(error.offset(), Some(24));
/// assert_eq!(error.cause(), DecodeError::Width { control: Control::HopLimit, len: 2, expected: 4 });
/// assert_eq!(error.to_string(), "IPV6_HOPLIMIT message at offset 24 has 2 bytes of data instead of 4");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum DecodeError {
    /// A message does not fit in the buffer.
    Malformed(MalformedMessage),
    /// The data of a message does not have the size that it has on the platform.
    Width {
        /// The kind of message.
        control: Control,
        /// Bytes of data in the buffer.
        len: usize,
        /// Bytes of data on the platform.
        expected: usize,
    },
    /// The value of a message is out of range.
    Value {
        /// The kind of message.
        control: Control,
        /// The value.
        value: i32,
    },
    /// A message holds an address of another family than `AF_INET6`.
    Family {
        /// The kind of message.
        control: Control,
        /// The first two bytes of its `struct sockaddr`.
        family: [u8; 2],
    },
    /// One of the others, with the offset of the message.
    At(DecodeErrorAt),
}

/// A [`DecodeError`] with the offset of the message in its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DecodeErrorAt {
    offset: usize,
    cause: Cause,
}

/// The error without the offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Cause {
    Width { control: Control, len: usize, expected: usize },
    Value { control: Control, value: i32 },
    Family { control: Control, family: [u8; 2] },
}

impl DecodeError {
    /// Returns the offset of the message in its buffer, in bytes; `None` for data that was decoded without a buffer.
    #[must_use]
    pub const fn offset(&self) -> Option<usize> {
        match self {
            Self::Malformed(error) => Some(error.offset),
            Self::At(error) => Some(error.offset),
            _ => None,
        }
    }

    /// Returns the same error with this offset.
    #[must_use]
    #[cold]
    pub const fn at(self, offset: usize) -> Self {
        let cause = match self {
            Self::Malformed(error) => return Self::Malformed(MalformedMessage { offset, ..error }),
            Self::Width { control, len, expected } => Cause::Width { control, len, expected },
            Self::Value { control, value } => Cause::Value { control, value },
            Self::Family { control, family } => Cause::Family { control, family },
            Self::At(error) => error.cause,
        };
        Self::At(DecodeErrorAt { offset, cause })
    }

    /// Returns the same error without the offset: never [`At`](Self::At).
    #[must_use]
    pub const fn cause(self) -> Self {
        match self {
            Self::At(DecodeErrorAt { cause, .. }) => match cause {
                Cause::Width { control, len, expected } => Self::Width { control, len, expected },
                Cause::Value { control, value } => Self::Value { control, value },
                Cause::Family { control, family } => Self::Family { control, family },
            },
            other => other,
        }
    }

    /// Returns the kind of the message; `None` for one that does not fit in the buffer.
    #[must_use]
    pub const fn control(&self) -> Option<Control> {
        match self.cause() {
            Self::Width { control, .. } | Self::Value { control, .. } | Self::Family { control, .. } => {
                Some(control)
            }
            _ => None,
        }
    }

    /// The cause, in one of two forms.
    const fn parts(self) -> (Option<MalformedMessage>, Option<Cause>) {
        if let Self::Malformed(error) = self {
            return (Some(error), None);
        }
        match self.at(0) {
            Self::At(DecodeErrorAt { cause, .. }) => (None, Some(cause)),
            _ => (None, None),
        }
    }
}

/// Compares the causes.
impl PartialEq for DecodeError {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for DecodeError {}

impl Hash for DecodeError {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl From<MalformedMessage> for DecodeError {
    fn from(error: MalformedMessage) -> Self {
        Self::Malformed(error)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (malformed, cause) = self.parts();
        if let Some(error) = malformed {
            return error.fmt(f);
        }
        if let Some(control) = self.control() {
            write!(f, "{control} message ")?;
        }
        if let Some(offset) = self.offset() {
            write!(f, "at offset {offset} ")?;
        }
        match cause {
            None => Ok(()),
            Some(Cause::Width { len, expected, .. }) => {
                write!(f, "has {len} bytes of data instead of {expected}")
            }
            Some(Cause::Value { value, .. }) => write!(f, "has the value {value}, out of range"),
            Some(Cause::Family { family: [first, second], .. }) => {
                write!(f, "has an address that is not IPv6 (it starts with {first} {second})")
            }
        }
    }
}

impl core::error::Error for DecodeError {}

/// Why control messages could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum EncodeError {
    /// The messages do not fit in the buffer.
    BufferTooSmall {
        /// Bytes that all messages take.
        needed: usize,
        /// Bytes of buffer.
        available: usize,
    },
    /// The platform has no such message, or refuses it.
    Unsupported(Control),
    /// [`Messages`](super::Messages) were encoded for another platform.
    Platform,
    /// Safe code must not send this message: its level is not of the Internet protocols, or it passes descriptors
    /// (`SCM_RIGHTS`).
    Forbidden(Control),
    /// The destination is IPv4-mapped, and IPv4 has no such message.
    Ipv6Only(Control),
    /// The destination is an IPv6 address, and this is a message of IPv4, or has an IPv4-mapped address.
    Ipv4Only(Control),
    /// The destination is IPv4-mapped, and this source is not.
    Ipv6Source(Ipv6Addr),
    /// The destination is IPv4-mapped, and the system takes an interface for it only together with a source.
    NeedsSource(InterfaceIndex),
    /// The destination is IPv4-mapped, and the system takes a source or an interface for it, not both.
    SourceOrInterface,
    /// A message cannot have this value.
    Value {
        /// The kind of message.
        control: Control,
        /// The value.
        value: u32,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BufferTooSmall { needed, available } => BufferTooSmall { needed, available }.fmt(f),
            Self::Unsupported(control) => write!(f, "the system does not take {control} messages"),
            Self::Platform => f.write_str("the messages were encoded for another platform"),
            Self::Forbidden(control) => write!(
                f,
                "{control} is not a message of the Internet protocols, or it passes descriptors: use the unsafe \
                 ipv6_sys::message::send_raw"
            ),
            Self::Ipv6Only(control) => write!(
                f,
                "{control} cannot be sent to an IPv4-mapped destination: traffic class, hop limit, source and interface \
                 can, as fields of SendControl"
            ),
            Self::Ipv4Only(control) => write!(
                f,
                "{control} of IPv4 cannot be sent to an IPv6 destination: use the fields of SendControl, which suit \
                 both families"
            ),
            Self::Ipv6Source(source) => write!(
                f,
                "{source} is not an IPv4-mapped address, and cannot be the source for an IPv4-mapped destination: \
                 use an IPv4-mapped one, or none"
            ),
            Self::NeedsSource(interface) => write!(
                f,
                "the system takes interface {interface} for an IPv4-mapped destination only with a source: add one"
            ),
            Self::SourceOrInterface => f.write_str(
                "the system takes a source or an interface for an IPv4-mapped destination, not both: remove one",
            ),
            Self::Value { control, value } => write!(f, "{control} message with the value {value}: use at least 1"),
        }
    }
}

impl core::error::Error for EncodeError {}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

    use super::*;
    use crate::abi::Linux64;
    use crate::message::{HopLimit, NextHop, PathMtu, TrafficClass};

    #[test]
    fn errors_name_the_message() {
        let error = DecodeError::Width { control: Control::of::<HopLimit, Linux64>(), len: 2, expected: 4 };
        assert_eq!(error.to_string(), "IPV6_HOPLIMIT message has 2 bytes of data instead of 4");
        let error = DecodeError::Value { control: Control::of::<TrafficClass, Linux64>(), value: 256 };
        assert_eq!(error.to_string(), "IPV6_TCLASS message has the value 256, out of range");
        let error = DecodeError::Family { control: Control::of::<PathMtu, Linux64>(), family: [2, 0] };
        let text = "IPV6_PATHMTU message has an address that is not IPv6 (it starts with 2 0)";
        assert_eq!(error.to_string(), text);
        let error = EncodeError::Unsupported(Control::of::<NextHop, Linux64>());
        assert_eq!(error.to_string(), "the system does not take IPV6_NEXTHOP messages");
        let error = EncodeError::BufferTooSmall { needed: 40, available: 24 };
        assert_eq!(error.to_string(), "buffer too small: 40 bytes needed, 24 available");
    }

    #[test]
    fn errors_are_compared_without_the_offset() {
        let hash = |error: &DecodeError| BuildHasherDefault::<DefaultHasher>::default().hash_one(error);
        let control = Control::of::<TrafficClass, Linux64>();
        let error = DecodeError::Value { control, value: 256 };
        assert!(error == error.at(24) && hash(&error) == hash(&error.at(24)));
        let other = DecodeError::Value { control, value: 257 };
        assert!(error != other && hash(&error) != hash(&other));
        let malformed = DecodeError::Malformed(MalformedMessage { offset: 0, len: 10, available: 10 });
        assert_ne!(error, malformed);
        assert_eq!(
            (malformed.at(24).offset(), error.at(24).offset(), error.offset()),
            (Some(24), Some(24), None)
        );
    }
}

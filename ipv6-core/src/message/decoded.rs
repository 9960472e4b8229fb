//! Any control message as a value.

use core::fmt;
use core::iter::FusedIterator;

use super::*;

/// Generates the values of all messages, and the functions that try one message after another.
macro_rules! decoded {
    ($($field:ident $with:ident: $Message:ident $(<$life:lifetime>)?;)*) => {
        /// The value of one control message of any kind, from [`RawMessage::decode`].
        ///
        /// ```
        /// use ipv6_core::abi::Linux64;
        /// use ipv6_core::cmsg::{RawMessages, Writer};
        /// use ipv6_core::message::{Decoded, HopLimit};
        ///
        /// let mut buffer = [0; 72];
        /// let mut writer = Writer::<Linux64>::new(&mut buffer);
        /// writer.push(41, 52, &[64, 0, 0, 0])?;
        /// writer.push(41, 99, &[1, 2])?;
        /// writer.push(41, 52, &[1, 0, 0, 0])?;
        ///
        /// // In order, with repetitions and unknown messages.
        /// let all: Vec<_> = RawMessages::<Linux64>::new(&buffer).decoded().collect::<Result<_, _>>()?;
        /// assert_eq!(all[0], Decoded::HopLimit(HopLimit(64)));
        /// assert!(matches!(all[1], Decoded::Unknown(message) if message.kind == 99));
        /// assert_eq!(all[2], Decoded::HopLimit(HopLimit(1)));
        /// # Ok::<(), Box<dyn core::error::Error>>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(
            feature = "serde",
            derive(serde::Serialize, serde::Deserialize),
            serde(bound(deserialize = "'de: 'a"))
        )]
        #[non_exhaustive]
        pub enum Decoded<'a> {
            $(
                #[doc = concat!("[`", stringify!($Message), "`].")]
                $Message($Message $(<$life>)?),
            )*
            /// A message to send that leaves its value to the system, such as a hop limit of -1 (RFC 3542 section 6.3).
            SystemDefault(Control),
            /// A message that is not in the list of this crate, or that the platform does not have.
            Unknown(RawMessage<'a>),
        }

        impl Decoded<'_> {
            /// Returns the kind of the message; `None` for an unknown one.
            #[must_use]
            pub const fn control(&self) -> Option<Control> {
                match self {
                    $(Self::$Message(_) => Some(Control::$Message),)*
                    Self::SystemDefault(control) => Some(*control),
                    Self::Unknown(_) => None,
                }
            }
        }

        impl fmt::Display for Decoded<'_> {
            /// The name in C and the value, such as `IPV6_HOPLIMIT: HopLimit(64)`.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let (control, value): (_, &dyn fmt::Debug) = match self {
                    $(Self::$Message(value) => (Control::$Message, value),)*
                    Self::SystemDefault(control) => return write!(f, "{control}: the system's default"),
                    Self::Unknown(message) => return message.fmt(f),
                };
                write!(f, "{control}: {value:?}")
            }
        }

        impl<'a> RawMessage<'a> {
            /// Returns the kind of the message on platform `P`; `None` for a message that is not in the list of this crate,
            /// or that `P` does not have.
            ///
            /// On Linux, [`Timestamping`] and [`TimestampRequest`] have one number. This is the kind of received messages;
            /// [`decode_sent`](Self::decode_sent) returns the value of a sent one.
            #[must_use]
            pub fn control<P: Platform>(&self) -> Option<Control> {
                $(if self.is::<$Message, P>() {
                    return Some(Control::$Message);
                })*
                None
            }

            /// Reads a message that a kernel of platform `P` delivered, of any kind.
            ///
            /// # Errors
            ///
            /// [`DecodeError`] when the data does not have the form that it has on `P`, at the
            /// [`offset`](Self::offset) of the message.
            pub fn decode<P: Platform>(&self) -> Result<Decoded<'a>, DecodeError> {
                $(if let Some(value) = self.get::<$Message, P>()? {
                    return Ok(Decoded::$Message(value));
                })*
                Ok(Decoded::Unknown(*self))
            }

            /// Reads a message that a program passed to a kernel of platform `P`, of any kind.
            ///
            /// # Errors
            ///
            /// Those of [`decode`](Self::decode).
            pub fn decode_sent<P: Platform>(&self) -> Result<Decoded<'a>, DecodeError> {
                let mut sent = Ok(Decoded::Unknown(*self));
                // The last one: a message to send follows a delivered one with the same number.
                $(if self.is::<$Message, P>() {
                    sent = <$Message as ControlMessage<P>>::decode_sent(self.data)
                        .map(|value| value.map_or(Decoded::SystemDefault(Control::$Message), Decoded::$Message));
                })*
                sent.map_err(|error| error.at(self.offset()))
            }
        }
    };
}

for_each_message!(decoded);

impl<'a, P: Platform> RawMessages<'a, P> {
    /// Reads the values of all messages that a kernel delivered, from the current position on, in order and with
    /// repetitions. An error does not end the iteration, unless the message does not fit in the buffer.
    #[must_use]
    pub fn decoded(self) -> impl FusedIterator<Item = Result<Decoded<'a>, DecodeError>> + use<'a, P> {
        self.map(|message| message?.decode::<P>())
    }

    /// The same for messages that a program sent.
    #[must_use]
    pub fn decoded_sent(self) -> impl FusedIterator<Item = Result<Decoded<'a>, DecodeError>> + use<'a, P> {
        self.map(|message| message?.decode_sent::<P>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Apple, PLATFORMS};
    use crate::control::samples::written;
    use crate::interface::InterfaceIndex;
    use crate::timestamping::TimestampingFlags;

    #[test]
    fn every_message_is_decoded_in_order_with_repetitions() {
        let control = written::<Linux64>(&[
            (41, 52, &[64, 0, 0, 0]),
            (41, 99, &[1]),
            (41, 52, &[65, 0, 0, 0]),
            (41, 67, &[0, 1, 0, 0]),
            (41, 25, &[111, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            (41, 54, &[58, 0, 1, 4, 0, 0, 0, 0]),
        ]);
        let messages = RawMessages::<Linux64>::new(&control);
        let raw: Vec<_> = messages.clone().map(Result::unwrap).collect();
        let all: Vec<_> = messages.decoded().collect();
        assert_eq!(all[0], Ok(Decoded::HopLimit(HopLimit(64))));
        assert_eq!(all[1], Ok(Decoded::Unknown(raw[1])));
        assert_eq!(all[2], Ok(Decoded::HopLimit(HopLimit(65))));
        // An error does not end the iteration.
        let error = all[3].unwrap_err();
        assert_eq!(error, DecodeError::Value { control: Control::TrafficClass, value: 256 });
        assert_eq!((error.offset(), error.control()), (Some(72), Some(Control::TrafficClass)));
        assert!(matches!(all[4], Ok(Decoded::ExtendedError(entry)) if entry.errno == 111));
        assert!(matches!(all[5], Ok(Decoded::HopByHop(header)) if header.as_bytes() == raw[5].data));
        assert_eq!(all.len(), 6);

        let kinds: Vec<_> = raw.iter().map(|message| message.control::<Linux64>()).collect();
        assert_eq!(kinds[..3], [Some(Control::HopLimit), None, Some(Control::HopLimit)]);
        for (message, decoded) in raw.iter().zip(&all) {
            assert_eq!(
                decoded.map_or(Some(Control::TrafficClass), |value| value.control()),
                message.control::<Linux64>()
            );
        }
        // Another system has other numbers.
        assert_eq!(raw[0].control::<Apple>(), None);
        assert_eq!(raw[0].decode::<Apple>(), Ok(Decoded::Unknown(raw[0])));
        assert_eq!(raw.iter().map(RawMessage::offset).collect::<Vec<_>>(), [0, 24, 48, 72, 96, 128]);

        let text: Vec<_> = all.iter().flatten().map(ToString::to_string).collect();
        assert_eq!(text[..2], ["IPV6_HOPLIMIT: HopLimit(64)", "level 41, type 99: 01"]);
    }

    #[test]
    fn sent_messages_are_read_as_the_system_reads_them() {
        let control = written::<Linux64>(&[
            (0, 8, &[3, 0, 0, 0, 192, 0, 2, 1, 0, 0, 0, 0]),
            (41, 52, &[0xff; 4]),
            (41, 67, &[0xff; 4]),
            (41, 67, &[1, 0, 0, 0]),
            (1, 37, &[1, 0, 0, 0]),
            (41, 99, &[]),
            (41, 52, &[0xfe, 0xff, 0xff, 0xff]),
        ]);
        let all: Vec<_> = RawMessages::<Linux64>::new(&control).decoded_sent().collect();
        // ipi_spec_dst, and not ipi_addr.
        let info = Ipv4PacketInfo { address: [192, 0, 2, 1].into(), interface: InterfaceIndex::new(3).ok() };
        assert_eq!(all[0], Ok(Decoded::Ipv4PacketInfo(info)));
        assert_eq!(all[1], Ok(Decoded::SystemDefault(Control::HopLimit)));
        assert_eq!(all[2], Ok(Decoded::SystemDefault(Control::TrafficClass)));
        assert_eq!(all[3], Ok(Decoded::TrafficClass(TrafficClass(1))));
        let request = TimestampRequest(TimestampingFlags::from_bits_retain(1));
        assert_eq!(all[4], Ok(Decoded::TimestampRequest(request)));
        assert!(matches!(all[5], Ok(Decoded::Unknown(message)) if message.kind == 99));
        let error = all[6].unwrap_err();
        assert_eq!(
            (error.cause(), error.offset()),
            (DecodeError::Value { control: Control::HopLimit, value: -2 }, Some(144))
        );
        assert_eq!(all[1].unwrap().to_string(), "IPV6_HOPLIMIT: the system's default");

        // As received messages, they have other values.
        let all: Vec<_> = RawMessages::<Linux64>::new(&control).decoded().collect();
        let info = Ipv4PacketInfo { address: [0; 4].into(), ..info };
        assert_eq!(all[0], Ok(Decoded::Ipv4PacketInfo(info)));
        assert_eq!(all[1], Err(DecodeError::Value { control: Control::HopLimit, value: -1 }));
        assert_eq!(all[4], Err(DecodeError::Width { control: Control::Timestamping, len: 4, expected: 48 }));
    }

    #[test]
    fn one_number_has_one_message_or_one_for_each_direction() {
        for (platform, abi) in PLATFORMS {
            let rows = abi.control.rows().map(|(name, number)| number.map(|number| (name, number)));
            let rows: Vec<_> = rows.into_iter().flatten().collect();
            for (name, number) in &rows {
                let same = |(_, other): &&(&str, ControlNumber)| {
                    (other.level, other.kind) == (number.level, number.kind)
                };
                let names: Vec<_> = rows.iter().filter(same).map(|(name, _)| *name).collect();
                assert!(
                    names == [*name] || names == ["SCM_TIMESTAMPING", "SO_TIMESTAMPING"],
                    "{platform}: {names:?}"
                );
            }
        }
    }

    #[test]
    fn a_message_that_does_not_fit_ends_the_iteration_with_an_error() {
        let mut control = written::<Linux64>(&[(41, 52, &[64, 0, 0, 0]), (41, 52, &[64, 0, 0, 0])]);
        control[24] = 0xff;
        let all: Vec<_> = RawMessages::<Linux64>::new(&control).decoded().collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[1].unwrap_err().offset(), Some(24));
    }
}

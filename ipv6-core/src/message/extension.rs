//! `IPV6_HOPOPTS`, `IPV6_DSTOPTS`, `IPV6_RTHDRDSTOPTS` and `IPV6_RTHDR`: whole extension headers (RFC 3542 sections 7 to 9),
//! 8 to 2,048 bytes.
//!
//! ```text
//!  0               1               2
//!  +---------------+---------------+----------------------
//!  |  next header  |    length     |  options or addresses  ...
//!  +---------------+---------------+----------------------
//! ```
//!
//! The length counts units of 8 bytes without the first. Systems deliver headers as they were in the packet. In headers to
//! send, the system sets the next header.

use super::kind::{Control, ControlMessage, DecodeError, SendMessage};
use crate::abi::{ControlNumber, Platform};
use crate::ext::{DestinationOptions, ExtensionError, HopByHop, RoutingHeader};

/// Destination options that are sent before a routing header: each node that it names examines them
/// (`IPV6_RTHDRDSTOPTS`, RFC 3542 section 9).
///
/// Sent only, and not on Windows. Linux leaves them out, without an error, if no routing header goes with them. Received, they
/// are [`DestinationOptions`] too; one datagram can have both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "IPV6_RTHDRDSTOPTS")]
pub struct FirstDestinationOptions<'a>(
    #[cfg_attr(feature = "serde", serde(borrow))] pub DestinationOptions<'a>,
);

impl<'a> FirstDestinationOptions<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, ExtensionError> {
        DestinationOptions::parse(bytes).map(Self)
    }

    fn as_bytes(&self) -> &'a [u8] {
        self.0.as_bytes()
    }
}

/// Makes each header a message. A row is: the type, the name in C, and the field in the platforms' tables.
macro_rules! headers {
    ($($Header:ident, $name:literal, $field:ident;)*) => {
        $(
            impl<P: Platform> ControlMessage<P> for $Header<'_> {
                type Value<'a> = $Header<'a>;
                const NAME: &'static str = $name;
                const NUMBER: Option<ControlNumber> = P::ABI.control.$field;

                fn decode(data: &[u8]) -> Result<$Header<'_>, DecodeError> {
                    $Header::parse(data).map_err(|error| width(Control::of::<Self, P>(), data.len(), error))
                }
            }

            impl<P: Platform> SendMessage<P> for $Header<'_> {
                fn encode(&self) -> impl AsRef<[u8]> {
                    self.as_bytes()
                }
            }
        )*
    };
}

headers! {
    HopByHop, "IPV6_HOPOPTS", hop_by_hop;
    DestinationOptions, "IPV6_DSTOPTS", destination_options;
    FirstDestinationOptions, "IPV6_RTHDRDSTOPTS", first_destination_options;
    RoutingHeader, "IPV6_RTHDR", routing_header;
}

/// The error of a message whose data is shorter or longer than the header in it.
fn width(control: Control, len: usize, error: ExtensionError) -> DecodeError {
    let expected = match error {
        ExtensionError::TooShort { needed, .. } => needed,
        ExtensionError::TooLong { header, .. } => header,
        _ => len,
    };
    DecodeError::Width { control, len, expected }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{FreeBsd64, Linux64, Linux64Be};
    use crate::cmsg::RawMessages;
    use crate::ext::{OptionType, OptionsBuilder, RoutingBuilder, RoutingType};
    use crate::message::Messages;

    //  len 24 = 16 + 8             level 41      type 54      next 0, length 0, router alert 0, PadN
    const ALERT: [u8; 24] = [24, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 54, 0, 0, 0, 0, 0, 5, 2, 0, 0, 1, 0];
    //  len 24 = 16 + 8 level 41      type 49, big-endian is not FreeBSD's: 12 bytes of header, aligned to 8
    const ALERT_FREEBSD: [u8; 24] =
        [24, 0, 0, 0, 41, 0, 0, 0, 49, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 2, 0, 0, 1, 0];

    #[test]
    fn a_header_is_the_data_of_the_message() {
        let built = OptionsBuilder::<8>::new().with(OptionType::ROUTER_ALERT, &[0, 0]).unwrap();
        let linux = Messages::<Linux64, 24>::new().with(built.hop_by_hop()).unwrap();
        assert_eq!(linux.as_bytes(), ALERT);
        let got = RawMessages::<Linux64>::new(&ALERT).get::<HopByHop>();
        assert_eq!(got, Ok(Some(built.hop_by_hop())));
        let freebsd = Messages::<FreeBsd64, 24>::new().with(built.hop_by_hop()).unwrap();
        assert_eq!(freebsd.as_bytes(), ALERT_FREEBSD);
        assert_eq!(RawMessages::<FreeBsd64>::new(&ALERT_FREEBSD).get::<HopByHop>(), got);
    }

    #[test]
    fn several_headers_of_a_kind_are_returned_in_order() {
        let first = OptionsBuilder::<8>::new().with(OptionType(0x1e), &[1]).unwrap();
        let second = OptionsBuilder::<16>::new().with(OptionType(0x1e), &[2; 7]).unwrap();
        let mut messages = Messages::<Linux64Be, 256>::new();
        messages.push(&first.destination_options()).unwrap();
        messages.push(&second.destination_options()).unwrap();
        let received = RawMessages::<Linux64Be>::new(messages.as_bytes());
        let headers: Vec<_> = received.each::<DestinationOptions>().map(Result::unwrap).collect();
        assert_eq!(headers, [first.destination_options(), second.destination_options()]);
    }

    #[test]
    fn data_of_another_length_than_the_header_is_an_error() {
        let built = RoutingBuilder::<24>::new(RoutingType::HOME_ADDRESS).with(core::net::Ipv6Addr::LOCALHOST);
        let built = built.unwrap();
        for len in [0, 1, 2, 8, 23] {
            let expected = if len < 2 { 8 } else { 24 };
            let error = DecodeError::Width { control: Control::RoutingHeader, len, expected };
            let decoded = <RoutingHeader as ControlMessage<Linux64>>::decode(&built.as_bytes()[..len]);
            assert_eq!(decoded, Err(error));
        }
        let longer = [built.as_bytes(), &[0; 8]].concat();
        let error = DecodeError::Width { control: Control::RoutingHeader, len: 32, expected: 24 };
        assert_eq!(<RoutingHeader as ControlMessage<Linux64>>::decode(&longer), Err(error));
    }

    #[test]
    fn options_before_a_routing_header_are_another_message() {
        let built = OptionsBuilder::<8>::new();
        let first = FirstDestinationOptions(built.destination_options());
        let messages = Messages::<Linux64, 24>::new().with(first).unwrap();
        assert_eq!(messages.as_bytes()[12], 55);
        let raw = RawMessages::<Linux64>::new(messages.as_bytes());
        assert_eq!(raw.get::<DestinationOptions>(), Ok(None));
        assert_eq!(raw.get::<FirstDestinationOptions>(), Ok(Some(first)));
    }
}

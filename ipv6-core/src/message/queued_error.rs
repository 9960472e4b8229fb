//! `IPV6_RECVERR`: an entry of the socket's error queue (Linux, `ipv6_recv_error` in `net/ipv6/datagram.c`).
//! [`ExtendedError`] has the layout. The kernel writes 44 bytes, a `struct sock_extended_err` and a `struct sockaddr_in6`.

use super::kind::{Control, ControlMessage, DecodeError};
use crate::abi::{ControlNumber, Platform};
use crate::extended_error::ExtendedError;

impl<P: Platform> ControlMessage<P> for ExtendedError {
    type Value<'a> = Self;
    const NAME: &'static str = "IPV6_RECVERR";
    const NUMBER: Option<ControlNumber> = P::ABI.control.queued_error;

    /// The address may be missing: `None` as [`reporter`](ExtendedError::reporter).
    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let (control, len) = (Control::of::<Self, P>(), data.len());
        Self::decode::<P>(data).ok_or(DecodeError::Width { control, len, expected: 44 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Apple, Linux64};
    use crate::cmsg::{RawMessages, Writer};

    #[test]
    fn an_entry_is_a_message_of_linux() {
        // EHOSTUNREACH, of ICMPv6, type 1, code 3, reported by ::1.
        let mut data = [0; 44];
        data[..7].copy_from_slice(&[113, 0, 0, 0, ExtendedError::ICMP6, 1, 3]);
        (data[16], data[39]) = (10, 1);
        for len in [16, 44] {
            let mut buffer = [0; 64];
            let mut writer = Writer::<Linux64>::new(&mut buffer);
            writer.push(41, 25, &data[..len]).unwrap();
            let used = writer.finish();
            let messages = RawMessages::<Linux64>::new(&buffer[..used]);
            let entry = messages.get::<ExtendedError>().unwrap().unwrap();
            assert_eq!(
                (entry.errno, entry.origin, entry.kind, entry.code),
                (113, ExtendedError::ICMP6, 1, 3)
            );
            assert_eq!(entry.reporter.is_some(), len == 44);
        }
        let error = DecodeError::Width { control: Control::ExtendedError, len: 15, expected: 44 };
        assert_eq!(<ExtendedError as ControlMessage<Linux64>>::decode(&data[..15]), Err(error));
        assert_eq!(<ExtendedError as ControlMessage<Apple>>::NUMBER, None);
    }
}

//! `IPV6_NEXTHOP`: the neighbour to which a datagram is handed, a `struct sockaddr_in6`
//! (RFC 3542 section 6.4). It is sent only; no system delivers it.
//!
//! The layout is drawn in [`crate::sockaddr`].

use core::net::SocketAddrV6;

use crate::abi::Platform;
use crate::sockaddr;

pub(super) fn encode<P: Platform>(next_hop: &SocketAddrV6) -> [u8; sockaddr::MAX_SIZE] {
    sockaddr::encode::<P>(next_hop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{
        Abi, CmsgLayout, ControlNumber, ControlNumbers, Linux32Be, Linux64, SockaddrLayout, Width,
    };
    use crate::control::{Control, EncodeError, RecvControl, SendControl};

    /// macOS: type 48, a header of 12 bytes, the length before the family 30.
    enum Apple {}

    impl Platform for Apple {
        const ABI: Abi = Abi {
            cmsg: CmsgLayout { len: Width::Four, header_align: 4, data_align: 4 },
            sockaddr: SockaddrLayout { af_inet6: 30, length_byte: true, size: 28 },
            control: ControlNumbers {
                next_hop: Some(ControlNumber { level: 41, kind: 48, size: 28 }),
                ..Linux64::ABI.control
            },
            ..Linux64::ABI
        };
    }

    /// illumos on SPARC: type 13, addresses of 32 bytes.
    enum Illumos {}

    impl Platform for Illumos {
        const ABI: Abi = Abi {
            sockaddr: SockaddrLayout { af_inet6: 26, length_byte: false, size: 32 },
            control: ControlNumbers {
                next_hop: Some(ControlNumber { level: 41, kind: 13, size: 32 }),
                ..Linux32Be::ABI.control
            },
            ..Linux32Be::ABI
        };
    }

    //  len 40 = 12 + 28  level 41     type 48
    //  length 28, family 30, port 0, flow info 0
    //  fe80::1                                               scope 3
    const APPLE: [u8; 40] = [
        40, 0, 0, 0, 41, 0, 0, 0, 48, 0, 0, 0, //
        28, 30, 0, 0, 0, 0, 0, 0, //
        0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 0, 0, 0,
    ];

    //  len 44 = 12 + 32  level 41     type 13
    //  family 26, port 0, flow info 0
    //  fe80::1                                               scope 3     source id 0
    const ILLUMOS: [u8; 44] = [
        0, 0, 0, 44, 0, 0, 0, 41, 0, 0, 0, 13, //
        0, 26, 0, 0, 0, 0, 0, 0, //
        0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0,
    ];

    fn control() -> SendControl<'static> {
        SendControl::new().with_next_hop("[fe80::1%3]:0".parse().unwrap())
    }

    #[test]
    fn scar_35_it_is_sent_where_the_system_takes_it() {
        let mut bytes = [0xff; 44];
        assert_eq!(control().encode::<Apple>(&mut bytes), Ok(40));
        assert_eq!(bytes[..40], APPLE);
        assert_eq!(control().encode::<Illumos>(&mut bytes), Ok(44));
        assert_eq!(bytes, ILLUMOS);
    }

    #[test]
    fn scar_35_it_is_an_error_where_the_system_does_not() {
        let error = EncodeError::Unsupported(Control::NextHop);
        assert_eq!(control().encode::<Linux64>(&mut [0; 128]), Err(error));
        // What else there is to send does not change that.
        assert_eq!(control().with_hop_limit(1).encode::<Linux64>(&mut [0; 128]), Err(error));
    }

    #[test]
    fn it_is_never_a_field_of_what_arrived() {
        assert_eq!(RecvControl::decode::<Apple>(&APPLE), Ok(RecvControl::default()));
    }
}

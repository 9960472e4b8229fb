//! `UDP_SEGMENT` and `UDP_GRO`: several datagrams in one payload, by the size of each (Linux: `net/ipv4/udp.c`).
//!
//! ```text
//!  sent, UDP_SEGMENT              received, UDP_GRO
//!  0               2              0                              4
//!  +---------------+              +------------------------------+
//!  | segment size  |  __u16       |         segment size         |  int
//!  +---------------+              +------------------------------+
//! ```

use super::{Control, DecodeError};
use crate::abi::Platform;
use crate::wire;

pub(super) fn decode<P: Platform>(data: &[u8]) -> Result<u16, DecodeError> {
    let control = Control::Coalesced;
    let width = DecodeError::Width { control, len: data.len(), expected: 4 };
    let value = match data {
        [_, _, _, _] => wire::read_i32::<P>(data, 0).ok_or(width)?,
        _ => return Err(width),
    };
    u16::try_from(value).map_err(|_| DecodeError::Value { control, value })
}

/// The size, where the value is one.
#[inline(always)]
pub(super) fn read<P: Platform>(data: &[u8; 4]) -> Option<u16> {
    u16::try_from(wire::read_i32::<P>(data, 0)?).ok()
}

#[inline(always)]
pub(super) fn encode<P: Platform>(value: u16) -> [u8; 2] {
    wire::bytes_of_u16::<P>(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux64, Linux64Be};
    use crate::control::{RecvControl, SendControl};

    #[test]
    fn a_segment_size_is_sent_in_two_bytes() {
        let mut control = [0xff; 24];
        let sent = SendControl::new().with_segment_size(1200);
        assert_eq!(sent.encode::<Linux64>(&mut control), Ok(24));
        //  len 18 = 16 + 2             level 17      type 103      1200        padding
        let expected = [18, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 103, 0, 0, 0, 0xb0, 4, 0, 0, 0, 0, 0, 0];
        assert_eq!(control, expected);
        assert_eq!(sent.to_string(), "segments of 1200");
        assert_eq!(sent.encode::<Linux64Be>(&mut control), Ok(24));
        assert_eq!(control[16..18], [4, 0xb0]);
    }

    #[test]
    fn a_segment_size_is_received_in_four() {
        //  len 20 = 16 + 4             level 17      type 104      1200
        let mut control = [20, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 104, 0, 0, 0, 0xb0, 4, 0, 0, 0, 0, 0, 0];
        let got = RecvControl::decode::<Linux64>(&control).unwrap();
        assert_eq!(got.segment_size, Some(1200));
        assert_eq!(got.filter(crate::ControlFlags::empty()), got);
        control[18] = 1;
        let error = DecodeError::Value { control: Control::Coalesced, value: 0x1_04b0 };
        assert_eq!(RecvControl::decode::<Linux64>(&control), Err(error));
    }
}

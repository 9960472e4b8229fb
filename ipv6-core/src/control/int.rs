//! What traffic class and hop limit share: an `int` that holds a byte.

use super::{Control, DecodeError};
use crate::abi::Platform;
use crate::wire;

pub(super) fn decode<P: Platform>(control: Control, data: &[u8]) -> Result<u8, DecodeError> {
    let width = DecodeError::Width { control, len: data.len(), expected: 4 };
    let value = match data {
        [_, _, _, _] => wire::read_i32::<P>(data, 0).ok_or(width)?,
        _ => return Err(width),
    };
    u8::try_from(value).map_err(|_| DecodeError::Value { control, value })
}

/// The byte, where the value is one.
#[inline(always)]
pub(super) fn read<P: Platform>(data: &[u8; 4]) -> Option<u8> {
    u8::try_from(wire::read_i32::<P>(data, 0)?).ok()
}

/// The bytes, where both values are one: one comparison for both.
#[inline(always)]
pub(super) fn read_both<P: Platform>(first: &[u8; 4], second: &[u8; 4]) -> Option<[u8; 2]> {
    let values = [wire::read_u32::<P>(first, 0)?, wire::read_u32::<P>(second, 0)?];
    let [[low, 0, 0, 0], [other, 0, 0, 0]] = values.map(u32::to_le_bytes) else { return None };
    Some([low, other])
}

/// An `int` and not a byte: Linux answers EINVAL to fewer than four (scar 21).
#[inline(always)]
pub(super) fn encode<P: Platform>(value: u8) -> [u8; 4] {
    wire::bytes_of_u32::<P>(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux32, Linux32Be, Linux64, Linux64Be};
    use crate::control::{RecvControl, SendControl};

    //  len 20 = 16 + 4             level 41      type 67        0xe0          padding
    const CLASS: [u8; 24] = [20, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 67, 0, 0, 0, 0xe0, 0, 0, 0, 0, 0, 0, 0];
    //  the same with type 52, big-endian
    const HOPS_BE: [u8; 24] = [0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0, 0xe0, 0, 0, 0, 0];

    //  len 16 = 12 + 4  level 41      type 67      0xe0: no padding
    const CLASS_32: [u8; 16] = [16, 0, 0, 0, 41, 0, 0, 0, 67, 0, 0, 0, 0xe0, 0, 0, 0];
    //  the same with type 52, big-endian
    const HOPS_32BE: [u8; 16] = [0, 0, 0, 16, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0, 0xe0];

    #[test]
    fn scar_21_an_int_and_not_a_byte() {
        let mut control = [0xff; 24];
        assert_eq!(SendControl::new().with_traffic_class(0xe0).encode::<Linux64>(&mut control), Ok(24));
        assert_eq!(control, CLASS);
        assert_eq!(SendControl::new().with_hop_limit(0xe0).encode::<Linux64Be>(&mut control), Ok(24));
        assert_eq!(control, HOPS_BE);
        assert_eq!(SendControl::new().with_traffic_class(0xe0).encode::<Linux32>(&mut control), Ok(16));
        assert_eq!(control[..16], CLASS_32);
        assert_eq!(SendControl::new().with_hop_limit(0xe0).encode::<Linux32Be>(&mut control), Ok(16));
        assert_eq!(control[..16], HOPS_32BE);
    }

    #[test]
    fn both_are_read() {
        assert_eq!(RecvControl::decode::<Linux64>(&CLASS).unwrap().traffic_class, Some(0xe0));
        assert_eq!(RecvControl::decode::<Linux64Be>(&HOPS_BE).unwrap().hop_limit, Some(0xe0));
        assert_eq!(RecvControl::decode::<Linux32>(&CLASS_32).unwrap().traffic_class, Some(0xe0));
        assert_eq!(RecvControl::decode::<Linux32Be>(&HOPS_32BE).unwrap().hop_limit, Some(0xe0));
    }

    #[test]
    fn scar_19_and_20_a_width_of_its_own() {
        // A traffic class of one byte, at either end of the byte order.
        for class in [0, 1, 0xe0, 0xff] {
            assert_eq!(super::super::traffic_class::decode::<Linux64>(&[class]), Ok(class));
            assert_eq!(super::super::traffic_class::decode::<Linux64Be>(&[class]), Ok(class));
        }
        let width = |control, len| Err(DecodeError::Width { control, len, expected: 4 });
        for len in [0, 2, 3, 5, 8] {
            let data = [0; 8];
            let class = super::super::traffic_class::decode::<Linux64>(&data[..len]);
            assert_eq!(class, width(Control::TrafficClass, len));
        }
        for len in [0, 1, 2, 3, 5, 8] {
            let hops = super::super::hop_limit::decode::<Linux64>(&[0; 8][..len]);
            assert_eq!(hops, width(Control::HopLimit, len));
        }
    }

    #[test]
    fn a_value_that_is_no_byte() {
        for value in [-1, 256, i32::MIN, i32::MAX] {
            let error = DecodeError::Value { control: Control::HopLimit, value };
            assert_eq!(decode::<Linux64>(Control::HopLimit, &value.to_le_bytes()), Err(error));
        }
    }
}

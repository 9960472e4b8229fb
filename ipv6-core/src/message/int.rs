//! Functions for messages whose value is a small number in an `int`.

use super::kind::{Control, DecodeError};
use crate::abi::Platform;
use crate::wire;

/// Reads an `int` whose value fits in `T`.
#[inline]
pub(crate) fn decode<T: TryFrom<i32>, P: Platform>(control: Control, data: &[u8]) -> Result<T, DecodeError> {
    let width = DecodeError::Width { control, len: data.len(), expected: 4 };
    let value = match data {
        [_, _, _, _] => wire::read_i32::<P>(data, 0).ok_or(width)?,
        _ => return Err(width),
    };
    T::try_from(value).map_err(|_| DecodeError::Value { control, value })
}

/// Reads the `int` of a message to send, a byte; `None` for -1 (RFC 3542 section 6.3 and section 6.5).
pub(super) fn decode_unless_default<P: Platform>(
    control: Control,
    data: &[u8],
) -> Result<Option<u8>, DecodeError> {
    match decode::<i32, P>(control, data)? {
        -1 => Ok(None),
        value => u8::try_from(value).map(Some).map_err(|_| DecodeError::Value { control, value }),
    }
}

/// The value of an `int`, if it fits in `T`.
#[inline(always)]
pub(crate) fn read<T: TryFrom<i32>, P: Platform>(data: &[u8; 4]) -> Option<T> {
    T::try_from(wire::read_i32::<P>(data, 0)?).ok()
}

/// The values of two `int`s if both are bytes: one comparison for both.
#[inline(always)]
pub(crate) fn read_both<P: Platform>(first: &[u8; 4], second: &[u8; 4]) -> Option<[u8; 2]> {
    let values = [wire::read_u32::<P>(first, 0)?, wire::read_u32::<P>(second, 0)?];
    let [[low, 0, 0, 0], [other, 0, 0, 0]] = values.map(u32::to_le_bytes) else { return None };
    Some([low, other])
}

/// An `int` with this value. (Scar 21, libquic#27: Linux answers EINVAL to fewer than four bytes.)
#[inline(always)]
pub(super) fn encode<P: Platform>(value: u8) -> [u8; 4] {
    wire::bytes_of_u32::<P>(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Linux64;

    #[test]
    fn a_value_that_is_not_a_byte_is_an_error() {
        let control = Control::HopLimit;
        for value in [-1, 256, i32::MIN, i32::MAX] {
            let error = DecodeError::Value { control, value };
            assert_eq!(decode::<u8, Linux64>(control, &value.to_le_bytes()), Err(error));
            assert_eq!(read::<u8, Linux64>(&value.to_le_bytes()), None);
            assert_eq!(read_both::<Linux64>(&[1, 0, 0, 0], &value.to_le_bytes()), None);
            assert_eq!(read_both::<Linux64>(&value.to_le_bytes(), &[1, 0, 0, 0]), None);
        }
    }
}

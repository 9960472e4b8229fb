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

/// An `int` and not a byte: Linux answers EINVAL to fewer than four (scar 21).
pub(super) fn encode<P: Platform>(value: u8) -> [u8; 4] {
    wire::bytes_of_u32::<P>(u32::from(value))
}

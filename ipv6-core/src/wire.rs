//! Integers in the byte order of a platform, read and written without a way to panic.
//!
//! Reading past the end gives `None`; writing past the end changes nothing and gives `None`. The
//! callers turn that into the error that says what was cut.

use crate::abi::{Endian, Platform};

pub(crate) fn read_u32<P: Platform>(bytes: &[u8], offset: usize) -> Option<u32> {
    let bytes = *bytes.get(offset..)?.first_chunk()?;
    Some(match P::ABI.endian {
        Endian::Little => u32::from_le_bytes(bytes),
        Endian::Big => u32::from_be_bytes(bytes),
    })
}

pub(crate) fn read_u64<P: Platform>(bytes: &[u8], offset: usize) -> Option<u64> {
    let bytes = *bytes.get(offset..)?.first_chunk()?;
    Some(match P::ABI.endian {
        Endian::Little => u64::from_le_bytes(bytes),
        Endian::Big => u64::from_be_bytes(bytes),
    })
}

pub(crate) fn read_i32<P: Platform>(bytes: &[u8], offset: usize) -> Option<i32> {
    read_u32::<P>(bytes, offset).map(u32::cast_signed)
}

pub(crate) fn bytes_of_u16<P: Platform>(value: u16) -> [u8; 2] {
    match P::ABI.endian {
        Endian::Little => value.to_le_bytes(),
        Endian::Big => value.to_be_bytes(),
    }
}

pub(crate) fn bytes_of_u32<P: Platform>(value: u32) -> [u8; 4] {
    match P::ABI.endian {
        Endian::Little => value.to_le_bytes(),
        Endian::Big => value.to_be_bytes(),
    }
}

pub(crate) fn bytes_of_u64<P: Platform>(value: u64) -> [u8; 8] {
    match P::ABI.endian {
        Endian::Little => value.to_le_bytes(),
        Endian::Big => value.to_be_bytes(),
    }
}

/// Writes `value` at `offset`, whole or not at all.
pub(crate) fn put<const N: usize>(bytes: &mut [u8], offset: usize, value: [u8; N]) -> Option<()> {
    *bytes.get_mut(offset..)?.first_chunk_mut()? = value;
    Some(())
}

/// The bytes `offset..offset + N`, or `None` past the end.
pub(crate) fn chunk<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

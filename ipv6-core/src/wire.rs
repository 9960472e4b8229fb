//! Reads and writes integers in the byte order of a platform, without panics.
//!
//! A read past the end returns `None`. A write past the end changes nothing and returns `None`. The callers convert
//! this into the error that names the truncated item.

use crate::abi::{Endian, Platform};

/// A 16-bit integer of exactly these bytes.
pub(crate) fn read_u16<P: Platform>(bytes: &[u8]) -> Option<u16> {
    let bytes = bytes.try_into().ok()?;
    Some(match P::ABI.endian {
        Endian::Little => u16::from_le_bytes(bytes),
        Endian::Big => u16::from_be_bytes(bytes),
    })
}

#[inline(always)]
pub(crate) fn read_u32<P: Platform>(bytes: &[u8], offset: usize) -> Option<u32> {
    let bytes = *bytes.get(offset..)?.first_chunk()?;
    Some(match P::ABI.endian {
        Endian::Little => u32::from_le_bytes(bytes),
        Endian::Big => u32::from_be_bytes(bytes),
    })
}

#[inline(always)]
pub(crate) fn read_u64<P: Platform>(bytes: &[u8], offset: usize) -> Option<u64> {
    let bytes = *bytes.get(offset..)?.first_chunk()?;
    Some(match P::ABI.endian {
        Endian::Little => u64::from_le_bytes(bytes),
        Endian::Big => u64::from_be_bytes(bytes),
    })
}

#[inline(always)]
pub(crate) fn read_i32<P: Platform>(bytes: &[u8], offset: usize) -> Option<i32> {
    read_u32::<P>(bytes, offset).map(u32::cast_signed)
}

#[inline(always)]
pub(crate) fn bytes_of_u16<P: Platform>(value: u16) -> [u8; 2] {
    match P::ABI.endian {
        Endian::Little => value.to_le_bytes(),
        Endian::Big => value.to_be_bytes(),
    }
}

#[inline(always)]
pub(crate) fn bytes_of_u32<P: Platform>(value: u32) -> [u8; 4] {
    match P::ABI.endian {
        Endian::Little => value.to_le_bytes(),
        Endian::Big => value.to_be_bytes(),
    }
}

#[inline(always)]
pub(crate) fn bytes_of_u64<P: Platform>(value: u64) -> [u8; 8] {
    match P::ABI.endian {
        Endian::Little => value.to_le_bytes(),
        Endian::Big => value.to_be_bytes(),
    }
}

/// Writes `value` at `offset`. `None` if it does not fit; then nothing is written.
#[inline(always)]
pub(crate) fn put<const N: usize>(bytes: &mut [u8], offset: usize, value: [u8; N]) -> Option<()> {
    *bytes.get_mut(offset..)?.first_chunk_mut()? = value;
    Some(())
}

/// Returns the bytes `offset..offset + N`. `None` if they are not all within `bytes`.
#[inline(always)]
pub(crate) fn chunk<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux64, Linux64Be};

    const BYTES: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

    #[test]
    fn both_byte_orders() {
        assert_eq!(read_u32::<Linux64>(&BYTES, 1), Some(0x0504_0302));
        assert_eq!(read_u32::<Linux64Be>(&BYTES, 1), Some(0x0203_0405));
        assert_eq!(read_u64::<Linux64>(&BYTES, 0), Some(0x0807_0605_0403_0201));
        assert_eq!(read_u64::<Linux64Be>(&BYTES, 0), Some(0x0102_0304_0506_0708));
        assert_eq!(read_i32::<Linux64>(&[0xff; 4], 0), Some(-1));
        assert_eq!((bytes_of_u16::<Linux64>(10), bytes_of_u16::<Linux64Be>(10)), ([10, 0], [0, 10]));
        assert_eq!(bytes_of_u32::<Linux64Be>(0x0102_0304), [1, 2, 3, 4]);
        assert_eq!(bytes_of_u64::<Linux64>(0x0807_0605_0403_0201), BYTES);
    }

    #[test]
    fn accesses_past_the_end_return_none() {
        for offset in [5, 8, 9, usize::MAX - 3, usize::MAX] {
            assert_eq!(read_u32::<Linux64>(&BYTES, offset), None);
            assert_eq!(chunk::<4>(&BYTES, offset), None);
            let mut written = BYTES;
            assert_eq!(put(&mut written, offset, [0xff; 4]), None);
            assert_eq!(written, BYTES);
        }
        assert_eq!(read_u64::<Linux64>(&BYTES, 1), None);
        assert_eq!(chunk::<4>(&BYTES, 4), Some([5, 6, 7, 8]));
    }
}

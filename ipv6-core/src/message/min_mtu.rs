//! `IPV6_USE_MIN_MTU`: whether packets are sent as if the path MTU were 1,280, an `int` (RFC 3542 section 11.1). A message
//! and an option.

use super::int;
use super::kind::{Control, ControlMessage, DecodeError, SendMessage};
use crate::abi::{ControlNumber, Platform};
use crate::wire;

/// Which packets are sent as if the path MTU were 1,280, the minimum of IPv6 (`IPV6_USE_MIN_MTU`, RFC 3542 section 11.1).
/// Larger ones are fragmented. As a message, it concerns one packet. The BSDs, Apple, illumos, Solaris, AIX.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "IPV6_USE_MIN_MTU")]
pub enum MinMtu {
    /// Those to groups: the default.
    Multicast,
    /// None.
    Never,
    /// All.
    Always,
}

impl MinMtu {
    /// Returns the number of the mode, the same on every system.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Multicast => -1,
            Self::Never => 0,
            Self::Always => 1,
        }
    }

    /// Returns the mode with a number; `None` for a number without a mode.
    #[must_use]
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            -1 => Some(Self::Multicast),
            0 => Some(Self::Never),
            1 => Some(Self::Always),
            _ => None,
        }
    }
}

impl<P: Platform> ControlMessage<P> for MinMtu {
    type Value<'a> = Self;
    const NAME: &'static str = "IPV6_USE_MIN_MTU";
    const NUMBER: Option<ControlNumber> = P::ABI.control.use_min_mtu;

    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let control = Control::of::<Self, P>();
        let value = int::decode::<i32, P>(control, data)?;
        Self::from_number(value).ok_or(DecodeError::Value { control, value })
    }
}

impl<P: Platform> SendMessage<P> for MinMtu {
    fn encode(&self) -> impl AsRef<[u8]> {
        wire::bytes_of_u32::<P>(self.number().cast_unsigned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Aix, Linux64, NetBsd32};
    use crate::message::{EncodeError, Messages};

    #[test]
    fn it_is_an_int_of_three_values() {
        //  AIX: len 16 = 12 + 4     level 41     type 44      -1
        let bytes = [0, 0, 0, 16, 0, 0, 0, 41, 0, 0, 0, 44, 255, 255, 255, 255];
        assert_eq!(Messages::<Aix, 16>::new().with(MinMtu::Multicast).unwrap().as_bytes(), bytes);
        let bytes = [16, 0, 0, 0, 41, 0, 0, 0, 42, 0, 0, 0, 1, 0, 0, 0];
        assert_eq!(Messages::<NetBsd32, 16>::new().with(MinMtu::Always).unwrap().as_bytes(), bytes);
        let unsupported = EncodeError::Unsupported(Control::MinMtu);
        assert_eq!(Messages::<Linux64, 32>::new().with(MinMtu::Never).unwrap_err(), unsupported);
        for number in -2..3 {
            let mode = MinMtu::from_number(number);
            assert_eq!(mode.map(MinMtu::number), (-1..2).contains(&number).then_some(number));
            let decoded = <MinMtu as ControlMessage<NetBsd32>>::decode(&number.to_le_bytes());
            let error = DecodeError::Value { control: Control::MinMtu, value: number };
            assert_eq!(decoded, mode.ok_or(error));
        }
    }
}

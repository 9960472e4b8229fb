//! `IPV6_ECN`: the two ECN bits of the traffic class, an `int` (Windows).

use super::int;
use super::kind::{Control, ControlMessage, DecodeError};
use crate::abi::{ControlNumber, Platform};
use crate::traffic_class::Ecn;

impl<P: Platform> ControlMessage<P> for Ecn {
    type Value<'a> = Self;
    const NAME: &'static str = "IPV6_ECN";
    const NUMBER: Option<ControlNumber> = P::ABI.control.ecn;

    #[inline]
    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        int::decode::<u8, P>(Control::of::<Self, P>(), data).map(Self::from_traffic_class)
    }
}

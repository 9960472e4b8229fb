//! `IP_ECN`: the two ECN bits of the type of service of an IPv4 packet, an `int` (Windows).

use super::int;
use super::kind::{Control, ControlMessage, DecodeError};
use crate::abi::{ControlNumber, Platform};
use crate::traffic_class::Ecn;

/// The ECN bits of an IPv4 packet that a dual-stack socket received (`IP_ECN`, Windows), from a system that does not deliver
/// [`TypeOfService`](super::TypeOfService).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "IP_ECN")]
pub struct Ipv4Ecn(pub Ecn);

impl<P: Platform> ControlMessage<P> for Ipv4Ecn {
    type Value<'a> = Self;
    const NAME: &'static str = "IP_ECN";
    const NUMBER: Option<ControlNumber> = P::ABI.control.ipv4_ecn;

    #[inline]
    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        int::decode::<u8, P>(Control::of::<Self, P>(), data).map(|bits| Self(Ecn::from_traffic_class(bits)))
    }
}

//! `serde` for the values that are not serialized field by field. All others derive it.

use core::fmt;

use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ext::{Align, DestinationOptions, HopByHop, RoutingHeader, SegmentRouting};
use crate::option::{AddressPreferences, TimestampingFlags};
use crate::{Control, ControlFlags, FlowLabel, Icmp6Filter, Icmp6Type, Mif};

/// Sets of flags: as text the names, `"TRAFFIC_CLASS | HOP_LIMIT"`, otherwise the bits.
macro_rules! flags {
    ($($Flags:ident)*) => {
        $(
            impl Serialize for $Flags {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    bitflags::serde::serialize(self, serializer)
                }
            }

            impl<'de> Deserialize<'de> for $Flags {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    bitflags::serde::deserialize(deserializer)
                }
            }
        )*
    };
}

flags! { ControlFlags AddressPreferences TimestampingFlags }

/// Bytes that a value borrows. Without this, they would be a list of numbers, which cannot be read back as borrowed bytes.
pub(crate) fn bytes<S: Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// Extension headers: as their bytes, which are checked when they are read.
macro_rules! headers {
    ($($Header:ident)*) => {
        $(
            impl Serialize for $Header<'_> {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_bytes(self.as_bytes())
                }
            }

            impl<'de: 'a, 'a> Deserialize<'de> for $Header<'a> {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    Self::parse(<&[u8]>::deserialize(deserializer)?).map_err(D::Error::custom)
                }
            }
        )*
    };
}

headers! { HopByHop DestinationOptions RoutingHeader SegmentRouting }

/// As its name in C.
impl Serialize for Control {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Fails for the name of a message that this crate lacks.
impl<'de> Deserialize<'de> for Control {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = Control;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a control message in C")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Control, E> {
                let unknown = || E::invalid_value(Unexpected::Str(name), &self);
                Control::ALL.into_iter().find(|control| control.name() == name).ok_or_else(unknown)
            }
        }

        deserializer.deserialize_str(Name)
    }
}

/// As its number.
impl Serialize for Mif {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.get())
    }
}

/// Fails for a number over 31.
impl<'de> Deserialize<'de> for Mif {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u8::deserialize(deserializer)?;
        Self::new(number).ok_or_else(|| {
            D::Error::invalid_value(
                Unexpected::Unsigned(number.into()),
                &"an interface of a router, at most 31",
            )
        })
    }
}

/// As x and y of `xn+y`.
impl Serialize for Align {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.x(), self.y()).serialize(serializer)
    }
}

/// Fails for what is no alignment.
impl<'de> Deserialize<'de> for Align {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (x, y) = Deserialize::deserialize(deserializer)?;
        Self::new(x, y).map_err(D::Error::custom)
    }
}

/// Fails: the messages of a `SendControl` are bytes for one platform.
pub(crate) fn refuse_messages<T, S: Serializer>(_: &T, _: S) -> Result<S::Ok, S::Error> {
    Err(serde::ser::Error::custom("a SendControl with messages cannot be serialized, only its fields can"))
}

/// As its value.
impl Serialize for FlowLabel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.get())
    }
}

/// Fails for a number over [`FlowLabel::MAX`].
impl<'de> Deserialize<'de> for FlowLabel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let label = u32::deserialize(deserializer)?;
        Self::new(label).ok_or_else(|| {
            D::Error::invalid_value(Unexpected::Unsigned(label.into()), &"a flow label, at most 0xfffff")
        })
    }
}

/// The shorter of two lists: `{"pass": [129]}` passes these types only, `{"block": [129]}` blocks these types only.
impl Serialize for Icmp6Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (passing, blocked) =
            (Listed { filter: self, blocked: false }, Listed { filter: self, blocked: true });
        if blocked.types().count() < passing.types().count() {
            serializer.serialize_newtype_variant("Icmp6Filter", 1, "block", &blocked)
        } else {
            serializer.serialize_newtype_variant("Icmp6Filter", 0, "pass", &passing)
        }
    }
}

/// The types that a filter blocks, or those that it passes.
struct Listed<'a> {
    filter: &'a Icmp6Filter,
    blocked: bool,
}

impl Listed<'_> {
    fn types(&self) -> impl Iterator<Item = Icmp6Type> {
        (0..=u8::MAX).map(Icmp6Type).filter(|kind| self.filter.blocks(*kind) == self.blocked)
    }
}

impl Serialize for Listed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Formats such as bincode need the length in advance.
        let mut seq = serializer.serialize_seq(Some(self.types().count()))?;
        for kind in self.types() {
            seq.serialize_element(&kind)?;
        }
        seq.end()
    }
}

impl<'de> Deserialize<'de> for Icmp6Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename = "Icmp6Filter", rename_all = "lowercase")]
        enum Lists {
            Pass(Types),
            Block(Types),
        }

        Ok(match Lists::deserialize(deserializer)? {
            Lists::Block(Types(filter)) => filter,
            Lists::Pass(Types(listed)) => {
                let mut filter = Self::block_all();
                for kind in (Listed { filter: &listed, blocked: true }).types() {
                    filter.pass(kind);
                }
                filter
            }
        })
    }
}

/// A list of types, as the filter that blocks them.
struct Types(Icmp6Filter);

impl<'de> Deserialize<'de> for Types {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListOfTypes;

        impl<'de> Visitor<'de> for ListOfTypes {
            type Value = Icmp6Filter;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of ICMPv6 types, 0 to 255 each")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Icmp6Filter, A::Error> {
                let mut filter = Icmp6Filter::pass_all();
                while let Some(kind) = seq.next_element()? {
                    filter.block(kind);
                }
                Ok(filter)
            }
        }

        deserializer.deserialize_seq(ListOfTypes).map(Self)
    }
}

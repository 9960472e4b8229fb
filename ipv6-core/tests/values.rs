//! Every public type of values has the traits of values: `Hash`, and with their features `serde` and `arbitrary`.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::{fs, path::Path};

use ipv6_core::abi::*;
use ipv6_core::cmsg::{MalformedMessage, RawMessage};
use ipv6_core::ext::*;
use ipv6_core::message::*;
use ipv6_core::option::*;
use ipv6_core::*;

/// Passes on the types of values. Rows in the second braces lack `serde`, those in the third `arbitrary`.
macro_rules! for_each_value {
    ($callback:ident) => {
        $callback! { {
            Abi; AddressPreferences; Align; BinaryTime; BpfInstruction; DestinationPort; FlowId; FlowType; Ipv4FragmentSize; MachTime;
            Uptime; CmsgLayout; Coalesced; Control; ControlFlags; ControlNumber;
            ControlNumbers; Decoded<'static>; DestinationOptions<'static>; DontFragment; Dropped; Ecn; Endian; ErrorOrigin; ExtendedError;
            ExtensionHeader<'static>; FilterMode; FilterPolarity; FirstDestinationOptions<'static>; FlowLabel;
            FlowLabelRequest; FlowLabelShare; Fragment; FragmentSize; Group; GroupReqLayout; Header; HopByHop<'static>;
            HopLimit; Icmp6Filter; Icmp6Type; IcmpInterface<'static>; IcmpObject<'static>; IcmpType; InterfaceIndex;
            InterfaceRole; Ipv4Ecn; Ipv4Group; Ipv4Interface; Ipv4OriginalDestination; Ipv4PacketInfo; Ipv4SourceGroup;
            Ipv4UnicastInterface; LocalPorts; Mapped; Mark; MemoryInfo; Mif; MifCounters; MifSet; MinMtu; MplsLabel; Mtu;
            MulticastInterface; MulticastRoute; MulticastUpcall; NextHop; Opt<'static>; OptionNumber; OptionNumbers;
            OptionType; OriginalDestination; PacingRate; PacketInfo; PacketInfoMessage; PathMtu; PathMtuDiscovery;
            PortRange; Priority; QueuedError; RawMessage<'static>; RecvControl<'static>; RouteCounters;
            RoutingHeader<'static>; RoutingType; SegmentRouting<'static>; SegmentSize; SendControl<'static>; SendTimes;
            SockaddrLayout; SourceFilter<4>; SourceFilterLayout; SourcePointer; SourceRequests; SourceGroup; TcpAoAlgorithm; TcpAoInfo; TimeToLive; Timestamp; TimestampClock; TimestampId; TimestampNs;
            TimestampPacketInfo; TimestampRequest; Timestamping; TimestampingFlags; Tlv<'static>; TlvType; TrafficClass;
            TxTime; TypeOfService; UnicastInterface; Unrecognized; UpcallKind; Upper<'static>; Width;
        } {
            // A secret, which `Debug` does not print either.
            TcpMd5Key<'static>; TcpAoKey<'static>;
            // Only the constructors check it.
            TcpAoId;
            // Bytes for one platform.
            Messages<Linux64, 64>;
        } {
            // Errors: a codec returns them.
            BufferTooSmall; DecodeError; DecodeErrorAt; EncodeError; ExtensionError; GroupError; HeaderError; MalformedMessage; TcpAoError; ZeroIndex;
        } }
    };
}

/// Public types that are no values.
const OTHERS: &[&str] = &[
    // Iterators.
    "IcmpExtensions",
    "Options",
    "RawMessages",
    "Segments",
    "Tlvs",
    "Walk",
    // Writers and builders, which have a buffer.
    "OptionsBuilder",
    "RoutingBuilder",
    "SegmentRoutingBuilder",
    "Writer",
];

fn is_value<T: Clone + Debug + PartialEq + Eq + Hash + Send + Sync>() {}

macro_rules! are_values {
    ({ $($Both:ty;)* } { $($NoSerde:ty;)* } { $($NoArbitrary:ty;)* }) => {
        #[test]
        fn values_are_compared_and_hashed() {
            $(is_value::<$Both>();)*
            $(is_value::<$NoSerde>();)*
            $(is_value::<$NoArbitrary>();)*
        }

        const VALUES: &[&str] = &[$(stringify!($Both),)* $(stringify!($NoSerde),)* $(stringify!($NoArbitrary),)*];

        #[cfg(feature = "serde")]
        #[test]
        fn values_are_serialized() {
            fn is_serialized<T: serde::Serialize + serde::Deserialize<'static>>() {}
            $(is_serialized::<$Both>();)*
            $(is_serialized::<$NoArbitrary>();)*
        }

        /// Each type generates different values from different bytes, and a value from no bytes.
        #[cfg(feature = "arbitrary")]
        #[test]
        fn values_are_generated() {
            $(generated::differ::<$Both>();)*
            $(generated::differ::<$NoSerde>();)*
        }

        /// What is generated is valid: `serde` reads back each value that it wrote, and refuses values that cannot exist.
        #[cfg(all(feature = "arbitrary", feature = "serde"))]
        #[test]
        fn generated_values_are_read_back() {
            $(generated::are_read_back::<$Both>();)*
        }
    };
}

for_each_value!(are_values);

/// The names of the types that the sources declare with `pub`.
fn declared(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            declared(&path, names);
            continue;
        }
        for line in fs::read_to_string(&path).unwrap().lines() {
            let declaration = line.trim_start();
            let name = ["pub struct ", "pub enum "].iter().find_map(|start| declaration.strip_prefix(start));
            // A name that a macro makes is in the test too.
            if let Some(name) = name.filter(|name| !name.starts_with('$')) {
                names.insert(name.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_string());
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "reads the sources, which takes minutes")]
fn every_public_type_is_in_the_lists() {
    let mut names = BTreeSet::new();
    declared(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut names);
    assert!(names.len() > 100, "{names:?}");
    let listed = |name: &str| {
        let is = |value: &&str| value.split([' ', '<']).next() == Some(name);
        VALUES.iter().any(is) || OTHERS.contains(&name)
    };
    let missing: Vec<_> = names.iter().filter(|name| !listed(name)).collect();
    assert!(missing.is_empty(), "add these types to `for_each_value` or to `OTHERS`: {missing:?}");
}

#[cfg(feature = "arbitrary")]
mod generated {
    use std::fmt::Debug;
    use std::hash::Hash;

    use arbitrary::{Arbitrary, Unstructured};

    /// Bytes without a pattern: xorshift. Long enough for every value.
    fn bytes(seed: u64) -> Vec<u8> {
        let mut state = seed * 2 + 1;
        let mut word = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        };
        (0..400).flat_map(|_| word()).collect()
    }

    fn value<T: Arbitrary<'static>>(seed: u64) -> T {
        T::arbitrary(&mut Unstructured::new(bytes(seed).leak())).unwrap()
    }

    pub fn differ<T: Arbitrary<'static> + Debug + Eq + Hash>() {
        // Some types need many attempts: a segment routing header needs three bytes that suit.
        let first: T = value(0);
        assert!((1..20_000).any(|seed| value::<T>(seed) != first), "{first:?}");
        T::arbitrary(&mut Unstructured::new(&[])).unwrap();
    }

    #[cfg(feature = "serde")]
    pub fn are_read_back<T>()
    where
        T: Arbitrary<'static> + serde::Serialize + serde::Deserialize<'static> + Debug,
    {
        for seed in 0..100 {
            let value: T = value(seed);
            let text = serde_json::to_string(&value).unwrap().leak();
            match serde_json::from_str::<T>(text) {
                // As text: that of a socket address does not have its flow information.
                Ok(read) => assert_eq!(format!("{read:?}"), format!("{value:?}")),
                // JSON has no borrowed bytes, and no borrowed text with escapes.
                Err(error) => assert!(error.to_string().contains("a borrowed"), "{error}: {text}"),
            }
        }
    }
}

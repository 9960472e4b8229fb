//! The numbers of control messages and socket options, and the tables of them.

/// Level, type and size of one control message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ControlNumber {
    /// `cmsg_level`, such as `IPPROTO_IPV6`.
    pub level: i32,
    /// `cmsg_type`, such as `IPV6_TCLASS`.
    pub kind: i32,
    /// Bytes of data; of a message whose length varies, the fewest.
    pub size: usize,
}

impl ControlNumber {
    /// Creates the message with this level, type and size.
    #[must_use]
    pub const fn new(level: i32, kind: i32, size: usize) -> Self {
        Self { level, kind, size }
    }
}

/// Level and name of one socket option: the second and third argument of `setsockopt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OptionNumber {
    /// The level, such as `IPPROTO_IPV6`.
    pub level: i32,
    /// The name, such as `IPV6_TCLASS`.
    pub name: i32,
}

impl OptionNumber {
    /// Creates the option with this level and name.
    #[must_use]
    pub const fn new(level: i32, name: i32) -> Self {
        Self { level, name }
    }
}

/// Level of the options and messages of IPv6, on every system.
pub(super) const IPPROTO_IPV6: i32 = 41;
/// Level of the options and messages of IPv4, on every system.
pub(super) const IPPROTO_IP: i32 = 0;
/// Level of the options and messages of every socket, on systems other than Linux.
pub(super) const SOL_SOCKET: i32 = 0xffff;
/// Level of the options of TCP, on every system.
pub(super) const IPPROTO_TCP: i32 = 6;
/// Level of the options and messages of UDP, on every system.
pub(super) const IPPROTO_UDP: i32 = 17;
/// Level of the options of ICMPv6, on every system.
pub(super) const IPPROTO_ICMPV6: i32 = 58;

/// A control message of level `IPPROTO_IPV6`: its type and its size.
pub(super) const fn message(kind: i32, size: usize) -> Option<ControlNumber> {
    message_at(IPPROTO_IPV6, kind, size)
}

/// A control message of another level.
pub(super) const fn message_at(level: i32, kind: i32, size: usize) -> Option<ControlNumber> {
    Some(ControlNumber { level, kind, size })
}

/// An option of level `IPPROTO_IPV6`.
pub(super) const fn option(name: i32) -> Option<OptionNumber> {
    option_at(IPPROTO_IPV6, name)
}

/// An option of another level.
pub(super) const fn option_at(level: i32, name: i32) -> Option<OptionNumber> {
    Some(OptionNumber { level, name })
}

/// Generates a table: a structure with a field for each row.
macro_rules! table {
    ($(#[$of:meta])* $Table:ident of $Number:ident; $($(#[$doc:meta])* $field:ident $with:ident;)*) => {
        $(#[$of])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[non_exhaustive]
        pub struct $Table {
            $($(#[$doc])* pub $field: Option<$Number>,)*
        }

        impl $Table {
            /// An empty table. A system's table names what the system has, and ends with `..NONE`.
            pub const NONE: Self = Self { $($field: None,)* };

            $(
                #[doc = concat!("The table with this number as `", stringify!($field), "`.")]
                #[must_use]
                #[inline]
                pub const fn $with(mut self, number: $Number) -> Self {
                    self.$field = Some(number);
                    self
                }
            )*

            /// What to do about the first entry of a table from which all entries with a proof were removed.
            #[doc(hidden)]
            #[inline]
            pub const fn without_proof(&self) -> Option<&'static str> {
                $(if self.$field.is_some() {
                    return Some(concat!(
                        "`", stringify!($field), "` is in the table of this system (ipv6-core/src/abi) and not in its ",
                        "proof: add a line to the system's file in ipv6-sys/src/proofs"
                    ));
                })*
                None
            }
        }
    };
}

macro_rules! control_numbers {
    ($($field:ident $with:ident: $Message:ident $(<$life:lifetime>)?;)*) => {
        table! {
            /// The control messages of a system; `None` for a message that it lacks or refuses.
            ControlNumbers of ControlNumber;
            $(
                #[doc = concat!("[`", stringify!($Message), "`](crate::message::", stringify!($Message), ").")]
                $field $with;
            )*
        }
    };
}

for_each_message!(control_numbers);

macro_rules! option_numbers {
    (
        { $($(#[$doc:meta])* $CONSTANT:ident $field:ident $with:ident: $value:ty = $name:literal;)* }
        { $($(#[$number_doc:meta])* $number:ident $with_number:ident = $number_name:literal;)* }
    ) => {
        table! {
            /// The socket options of a system; `None` for an option that it lacks.
            OptionNumbers of OptionNumber;
            $(#[doc = concat!("`", $name, "`.")] $field $with;)*
            $(#[doc = concat!("`", $number_name, "`.")] $number $with_number;)*
        }

        impl OptionNumbers {
            /// Each option of the list: its name in C, and its number here.
            #[inline]
            pub const fn rows(&self) -> [(&'static str, Option<OptionNumber>); OPTIONS] {
                [$(($name, self.$field),)* $(($number_name, self.$number),)*]
            }
        }

        /// How many options the list has.
        pub const OPTIONS: usize = [$($name,)* $($number_name,)*].len();
    };
}

for_each_option!(option_numbers);

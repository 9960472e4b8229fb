//! What the rows of options contain.

/// The constants of the options, with the documentation of each row and the name in C.
macro_rules! constants {
    (
        { $($(#[doc = $doc:literal])* $(#[doc(alias = $a:literal $(, alias = $b:literal)*)])*
            $CONSTANT:ident $field:ident $with:ident: $value:ty = $name:literal;)* }
        { $($numbers:tt)* }
    ) => {
        pub const CONSTANTS: &[(&str, &str, &str)] = &[$((stringify!($CONSTANT), concat!($($doc),*), $name)),*];
    };
}

ipv6_core::for_each_option!(constants);

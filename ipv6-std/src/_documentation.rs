//! Longer documentation: design, platforms, comparison, and tables for readers who know another API.
//!
//! These modules contain no code.
//!
//! - [`from_c`]: every name of RFC 3493, RFC 3542, RFC 3678 and RFC 5014, and its name here.
//! - [`from_go`]: every name of `golang.org/x/net/ipv6`, and its name here.
//! - [`from_crates`]: names of `std`, `socket2`, `nix`, `rustix` and `quinn-udp`, and their names here.
//! - [`comparison`]: what this crate and others can do.
//! - [`platforms`]: what each system supports, and how that is checked.
//! - [`event_loop`]: programs with tokio, async-io and mio, and what an event loop cannot observe.
//! - [`errors`]: what each call does with each error of the system.
//! - [`design`]: why the crates are divided as they are.

pub mod comparison {
    #![doc = include_str!("../docs/comparison.md")]
    #[allow(unused_imports)] // for the links
    use crate::*;
}

pub mod design {
    #![doc = include_str!("../docs/DESIGN.md")]
}

pub mod errors {
    //! Errors of system calls.
    //!
    #![doc = include_str!("../docs/errors.md")]
}

pub mod event_loop {
    //! In an event loop.
    //!
    #![doc = include_str!("../docs/event_loop.md")]
    #[allow(unused_imports)] // for the links
    use crate::*;
}

pub mod from_c {
    #![doc = include_str!("../docs/from_c.md")]
    #[allow(unused_imports)] // for the links
    use crate::*;
}

pub mod from_crates {
    #![doc = include_str!("../docs/from_crates.md")]
    #[allow(unused_imports)] // for the links
    use crate::*;
}

pub mod from_go {
    #![doc = include_str!("../docs/from_go.md")]
    #[allow(unused_imports)] // for the links
    use crate::*;
}

pub mod platforms {
    #![doc = include_str!("../docs/PLATFORM.md")]
}

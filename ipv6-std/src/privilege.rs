//! Which privilege an option needs.

use std::io;

use ipv6_sys::IS_LINUX;

use crate::error;

/// What changing an option needs, by its name in C; `None` for an option that answers `EPERM` for another reason, or never.
pub(crate) fn needs(option: &str) -> Option<&'static str> {
    Some(match option {
        _ if !IS_LINUX => "root",
        "SO_MARK" | "SO_PRIORITY" | "IPV6_TRANSPARENT" => "CAP_NET_ADMIN or CAP_NET_RAW",
        "SO_BUSY_POLL" | "SO_PREFER_BUSY_POLL" | "SO_BUSY_POLL_BUDGET" => "CAP_NET_ADMIN",
        "SO_RCVBUFFORCE" | "SO_SNDBUFFORCE" | "IPV6_JOIN_ANYCAST" => "CAP_NET_ADMIN",
        "SO_TXTIME" => "CAP_NET_ADMIN, for any clock other than CLOCK_MONOTONIC",
        "SO_BINDTOIFINDEX" | "IPV6_HOPOPTS" | "IPV6_DSTOPTS" | "IPV6_RTHDRDSTOPTS" => "CAP_NET_RAW",
        _ => return None,
    })
}

/// The error of an option. That of a missing privilege names the option and the privilege.
pub(crate) fn named(error: io::Error, option: &str) -> io::Error {
    match needs(option) {
        Some(needs) => error::privileged(error, format_args!("{option} needs {needs}")),
        None => error,
    }
}

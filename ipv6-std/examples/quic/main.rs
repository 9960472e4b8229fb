//! Serves bytes over QUIC, or fetches them: quinn on a socket of this library in tokio's event loop.
//!
//! ```text
//! quic serve --listen [::]:4433 --certificate server.der
//! quic fetch [2001:db8::1]:4433 --certificate server.der --bytes 20000000
//! ```
//!
//! The socket is dual-stack: `fetch 192.0.2.1:4433` works too.

#[path = "../common/mod.rs"]
mod common;
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod program;
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod socket;

#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
fn main() -> std::process::ExitCode {
    program::main()
}

/// The cryptography of quinn needs a C compiler for the target, so it is a dependency on one only.
#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
fn main() -> std::process::ExitCode {
    common::Output::new("quic", false).run(|_| Err("this example needs 64-bit Linux with glibc".into()))
}

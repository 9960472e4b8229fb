//! The example for completion-based runtimes.

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[path = "../examples/uring.rs"]
#[allow(dead_code, reason = "its main is not used")]
mod uring;

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
ipv6_testnet::tests! {
    [Namespace] what_io_uring_receives_is_decoded;
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
ipv6_testnet::tests! {}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn what_io_uring_receives_is_decoded() {
    // Not a fault of the example: containers forbid it.
    let ring = match io_uring::IoUring::new(8) {
        Ok(ring) => ring,
        Err(error) => return eprintln!("skipped what_io_uring_receives_is_decoded: no io_uring: {error}"),
    };
    let got = uring::receive(ring).unwrap();
    assert!(got.starts_with("5 bytes from ::1: "), "{got}");
    assert!(
        got.contains("traffic class 0xe0") && got.contains("hop limit 9") && got.contains("::1"),
        "{got}"
    );
}

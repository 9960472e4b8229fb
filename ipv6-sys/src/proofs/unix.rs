//! What is written alike on every Unix.

use core::mem::{offset_of, size_of};

use ipv6_core::abi::{CmsgLayout, SockaddrLayout};

use super::ABI;

/// The offset of a field that the system has.
const fn offset(field: Option<usize>) -> usize {
    match field {
        Some(offset) => offset,
        None => usize::MAX,
    }
}

/// `struct sockaddr_in6`.
const _: () = {
    let SockaddrLayout { af_inet6, length_byte, size, address, flow_info, scope, scope_size, .. } =
        ABI.sockaddr;
    assert!(af_inet6 as libc::c_int == libc::AF_INET6);
    assert!(size == size_of::<libc::sockaddr_in6>());
    assert!(offset_of!(libc::sockaddr_in6, sin6_family) == length_byte as usize);
    assert!(offset_of!(libc::sockaddr_in6, sin6_port) == 2);
    assert!(offset_of!(libc::sockaddr_in6, sin6_flowinfo) == offset(flow_info));
    assert!(offset_of!(libc::sockaddr_in6, sin6_addr) == address);
    assert!(offset_of!(libc::sockaddr_in6, sin6_scope_id) == offset(scope) && scope_size == 4);
};

/// `struct group_filter`, or `struct __msfilterreq` with a pointer to the sources, for which libc has no word: their rules.
const _: () = {
    if let Some(filter) = ABI.source_filter {
        assert!(filter.storage == size_of::<libc::sockaddr_storage>());
        if let Some(pointer) = filter.pointer {
            assert!(pointer.offset == filter.group + filter.storage);
            assert!(pointer.size >= pointer.offset + size_of::<*const u8>());
            assert!(filter.list >= pointer.size);
        }
    }
};

/// `struct ipv6_mreq`.
const _: () = {
    assert!(offset_of!(libc::ipv6_mreq, ipv6mr_multiaddr) == 0);
    assert!(offset_of!(libc::ipv6_mreq, ipv6mr_interface) == 16);
    assert!(size_of::<libc::ipv6_mreq>() == ipv6_core::group::MREQ_SIZE);
};

/// `struct cmsghdr`. (musl writes a length of eight bytes as four and padding, in which the kernel sees one
/// integer.)
const _: () = {
    let len = ABI.cmsg.len.bytes();
    assert!(offset_of!(libc::cmsghdr, cmsg_level) == len);
    assert!(offset_of!(libc::cmsghdr, cmsg_type) == len + 4);
};

/// The arithmetic of the `CMSG_` macros, for payloads of 0 to 64 bytes.
const _: () = {
    let CmsgLayout { header_align, data_align, .. } = ABI.cmsg;
    // libc 0.2.191 has four for NetBSD on aarch64, where `__ALIGNBYTES` is __BIGGEST_ALIGNMENT__ - 1, sixteen
    // less one (sys/arch/aarch64/include/param.h); it has that on riscv64.
    if cfg!(all(target_os = "netbsd", target_arch = "aarch64")) {
        assert!(header_align == 16 && data_align == 16);
    } else {
        let mut data = 0;
        while data <= 64 {
            // SAFETY: arithmetic on its argument.
            let c_len = unsafe { libc::CMSG_LEN(data) };
            // SAFETY: arithmetic on its argument.
            let c_space = unsafe { libc::CMSG_SPACE(data) };
            assert!(ABI.cmsg.len(data as usize) == c_len as usize);
            assert!(ABI.cmsg.space(data as usize) == c_space as usize);
            data += 1;
        }
    }
};

/// `struct in6_pktinfo`, for which libc has no word on AIX.
#[cfg(not(target_os = "aix"))]
const _: () = {
    assert!(offset_of!(libc::in6_pktinfo, ipi6_addr) == 0);
    assert!(offset_of!(libc::in6_pktinfo, ipi6_ifindex) == 16);
    assert!(size_of::<libc::in6_pktinfo>() == 20);
};

/// `struct group_source_req`, where libc has a word for it.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd"))]
const _: () = {
    let Some(ipv6_core::abi::GroupReqLayout { group, source, size, .. }) = ABI.group_req else { panic!() };
    assert!(offset_of!(libc::group_source_req, gsr_interface) == 0);
    assert!(offset_of!(libc::group_source_req, gsr_group) == group);
    assert!(offset_of!(libc::group_source_req, gsr_source) == source);
    assert!(size_of::<libc::group_source_req>() == size);
};

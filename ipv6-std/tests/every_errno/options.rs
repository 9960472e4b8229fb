//! Options, addresses, groups, and the calls that open sockets.

use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::{io, thread};

use ipv6_std::*;
use socket2::{Domain, SockRef, Socket, Type};

use super::child::{Answer, Case, descriptors, unbounded};
use crate::common::{GROUP, SOURCE_GROUP};

/// A program that keeps all packets.
const KEEP: [BpfInstruction; 1] = [BpfInstruction::new(6, 0, 0, 0xffff)];

/// Loopback. A lookup by name makes system calls too.
fn lo() -> InterfaceIndex {
    InterfaceIndex::new(1).unwrap()
}

/// The socket that the child of a case gets as its standard input: what has been done with it is not part of the case.
pub fn given(call: &str) -> Option<OwnedFd> {
    Some(match call {
        "PacketConn::new" => {
            let conn = PacketConn::builder().only_v6(false).bind("[::]:0").unwrap();
            conn.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
            conn.set_receive_coalescing(true).unwrap();
            conn.into()
        }
        "set_hop_limit of a dual-stack socket" | "set_control_flags of a dual-stack socket" => {
            PacketConn::builder().only_v6(false).bind("[::]:0").unwrap().into()
        }
        "set_bpf" | "detach_bpf" | "set_min_hop_limit" | "min_hop_limit" => {
            let conn = PacketConn::bind("[::1]:0").unwrap();
            conn.set_bpf(&KEEP).unwrap();
            conn.set_min_hop_limit(9).unwrap();
            conn.into()
        }
        "connected" => PacketConn::bind_reusable("[::1]:0".parse().unwrap()).unwrap().into(),
        "source_filter" | "set_source_filter" => {
            let conn = PacketConn::bind("[::]:0").unwrap();
            conn.join_group(SOURCE_GROUP, lo()).unwrap();
            conn.into()
        }
        "stream_control" => {
            let listener = TcpListener::bind("[::1]:0").unwrap();
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            stream.into()
        }
        _ => return None,
    })
}

pub fn run(case: &Case<'_>) -> bool {
    on_new(case) || on_given(case) || opening(case)
}

/// Calls on a socket whose setup makes no such system calls.
fn on_new(case: &Case<'_>) -> bool {
    match case.call {
        "set_option" => {
            let conn = unbounded();
            case.check(|| conn.set_option(&option::TRAFFIC_CLASS, 4).map(Some));
            assert_eq!(conn.traffic_class().unwrap() == 4, case.succeeds());
        }
        "set_hop_limit" => {
            let conn = unbounded();
            case.check(|| conn.set_hop_limit(7).map(Some));
            assert_eq!(conn.hop_limit().unwrap() == 7, case.succeeds());
        }
        "hop_limit" => after_one(
            case,
            |socket| drop(socket.take_error().unwrap_err()),
            |conn| conn.hop_limit().map(|limit| assert_eq!(limit, 64)).map(Some),
        ),
        "local_addr" => after_one(
            case,
            |socket| drop(socket.local_addr().unwrap_err()),
            |conn| conn.local_addr().map(|address| assert_ne!(address.port(), 0)).map(Some),
        ),
        "peer_addr" => {
            let (conn, peer) = (unbounded(), unbounded());
            conn.connect(peer.local_addr().unwrap()).unwrap();
            case.check(|| conn.peer_addr().map(|_| Some(())));
        }
        "set_control_flags" => {
            let conn = unbounded();
            case.check(|| {
                assert!(conn.control_flags().is_empty());
                conn.set_control_flags(ControlFlags::HOP_LIMIT, true)?;
                assert_eq!(conn.control_flags(), ControlFlags::HOP_LIMIT);
                conn.set_control_flags(ControlFlags::HOP_LIMIT, false).map(Some)
            });
        }
        "set_only_v6" => {
            // The standard library does not set it, so that it is off by default.
            let conn = Conn::new(socket(Type::DGRAM)).unwrap();
            case.check(|| conn.set_only_v6(true).map(Some));
            assert_eq!(conn.only_v6().unwrap(), case.succeeds());
        }
        "set_nonblocking" => {
            let conn = unbounded();
            case.check(|| conn.set_nonblocking(true).map(Some));
            assert_eq!(ipv6_sys::socket::is_nonblocking(&conn).unwrap(), case.succeeds());
        }
        "try_clone" => {
            let conn = unbounded();
            case.check(|| conn.try_clone().map(|_| Some(())));
        }
        "join_group" => case.check(|| {
            let conn = unbounded();
            conn.join_group(GROUP, lo())?;
            conn.leave_group(GROUP, lo()).map(Some)
        }),
        "join_source_group" => {
            let source = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
            case.check(|| {
                let conn = unbounded();
                conn.join_source_group(SOURCE_GROUP, source, lo())?;
                conn.leave_source_group(SOURCE_GROUP, source, lo()).map(Some)
            });
        }
        "membership" => case.check(|| unbounded().membership(GROUP, lo())?.leave().map(Some)),
        "lease_flow_label" => {
            let conn = unbounded();
            let request = FlowLabelRequest::new(Ipv6Addr::LOCALHOST);
            case.check(|| {
                let label = conn.lease_flow_label(&request)?;
                conn.renew_flow_label(&request.with_label(label))?;
                conn.release_flow_label(label).map(Some)
            });
        }
        "set_routing_header" => {
            let conn = unbounded();
            let path = ["2001:db8::a", "::"].map(|segment| segment.parse().unwrap());
            let segments = ext::SegmentRoutingBuilder::<40>::new(&path).unwrap();
            case.check(|| conn.set_routing_header(segments.header().header()).map(Some));
        }
        "set_tcp_md5_key" => {
            let conn = Conn::new(socket(Type::STREAM)).unwrap();
            let key = TcpMd5Key::new("2001:db8::1".parse().unwrap(), b"secret").unwrap();
            case.check(|| conn.set_tcp_md5_key(&key).map(Some));
        }
        _ => return false,
    }
    true
}

/// strace counts the system calls of each thread. The first one of this thread fails here, and then that of the call.
fn after_one(case: &Case<'_>, first: impl FnOnce(&UdpSocket), call: impl Fn(&PacketConn) -> Answer + Sync) {
    let socket = UdpSocket::bind("[::1]:0").unwrap();
    first(&socket);
    if !case.succeeds() {
        return;
    }
    let conn = PacketConn::new(socket).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| case.check(|| call(&conn)));
    });
}

fn socket(kind: Type) -> Socket {
    Socket::new(Domain::IPV6, kind, None).unwrap()
}

/// Calls on the socket that is [`given`]. Those that wrap it are part of the case.
fn on_given(case: &Case<'_>) -> bool {
    let stdin = io::stdin();
    let given = stdin.as_fd();
    let wrapped = || PacketConn::new(given);
    // Not read if the calls always fail: reading may fail too.
    let has_check = || {
        if case.succeeds() {
            assert_eq!(PacketConn::new(given).unwrap().min_hop_limit().unwrap(), 9);
        }
    };
    let has_time_to_live = || {
        if case.succeeds() {
            assert_eq!(SockRef::from(&given).ttl_v4().unwrap(), 7);
        }
    };
    match case.call {
        "PacketConn::new" => {
            case.check(|| {
                let conn = wrapped()?;
                assert_eq!(conn.control_flags(), ControlFlags::HOP_LIMIT);
                assert!(conn.receive_coalescing());
                // Sets the option of IPv4 too.
                conn.set_hop_limit(7).map(Some)
            });
            has_time_to_live();
        }
        "set_hop_limit of a dual-stack socket" => {
            case.check(|| wrapped()?.set_hop_limit(7).map(Some));
            has_time_to_live();
        }
        "set_control_flags of a dual-stack socket" => case.check(|| {
            let conn = wrapped()?;
            conn.set_control_flags(ControlFlags::all(), true)?;
            assert_eq!(conn.control_flags(), wrapped()?.control_flags());
            conn.set_control_flags(ControlFlags::all(), false)?;
            assert!(wrapped()?.control_flags().is_empty());
            Ok(Some(()))
        }),
        "set_bpf" => {
            case.check(|| wrapped()?.set_bpf(&KEEP).map(Some));
            has_check();
        }
        "detach_bpf" => {
            case.check(|| match wrapped()?.detach_bpf() {
                // By the previous call.
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(())),
                answer => answer.map(Some),
            });
            has_check();
        }
        "set_min_hop_limit" => {
            case.check(|| wrapped()?.set_min_hop_limit(9).map(Some));
            has_check();
        }
        "min_hop_limit" => {
            case.check(|| wrapped()?.min_hop_limit().map(|least| assert_eq!(least, 9)).map(Some));
        }
        "connected" => {
            let before = descriptors();
            let to = "[::1]:9".parse().unwrap();
            case.check(|| {
                let listener = wrapped()?;
                let conn = listener.connected().traffic_class(4).hop_limit(9).to(to)?;
                assert_eq!((conn.hop_limit()?, conn.peer_addr()?), (9, to));
                Ok(Some(()))
            });
            assert_eq!(descriptors(), before);
        }
        "source_filter" => case.check(|| {
            let filter = wrapped()?.source_filter::<4>(SOURCE_GROUP, lo())?;
            assert!(filter.sources.is_empty());
            Ok(Some(()))
        }),
        "set_source_filter" => {
            let filter = SourceFilter::<4>::exclude(&["2001:db8::1".parse().unwrap()]).unwrap();
            case.check(|| wrapped()?.set_source_filter(SOURCE_GROUP, lo(), &filter).map(Some));
        }
        "stream_control" => case.check(|| Conn::new(given)?.stream_control().map(|_| Some(()))),
        _ => return false,
    }
    true
}

/// Calls that open a socket. None stays open after an error.
fn opening(case: &Case<'_>) -> bool {
    let before = descriptors();
    match case.call {
        "connect" => {
            let (conn, peer) = (unbounded(), unbounded());
            case.check(|| conn.connect(peer.local_addr().unwrap()).map(Some));
            assert_eq!(conn.peer_addr().is_ok(), case.succeeds());
        }
        "bind" => case.check(|| PacketConn::bind("[::1]:0").map(|_| Some(()))),
        "bind to one of two addresses" => case.check(|| {
            let addresses: [SocketAddr; 2] = ["[::1]:0".parse().unwrap(), "[::]:0".parse().unwrap()];
            PacketConn::bind(&addresses[..]).map(|_| Some(()))
        }),
        "builder" => case.check(|| {
            let builder = PacketConn::builder().only_v6(false).reusable(true).device(lo());
            let builder = builder.freebind(true).transparent(true).receive_buffer(9999).send_buffer(9999);
            let conn = builder.nonblocking(true).bind("[::]:0")?;
            assert!(ipv6_sys::socket::is_nonblocking(&conn).unwrap());
            assert!(!conn.only_v6()?);
            Ok(Some(()))
        }),
        _ => return false,
    }
    assert_eq!(descriptors(), before);
    true
}

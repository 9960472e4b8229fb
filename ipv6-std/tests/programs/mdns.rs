//! A querier for the tests of the example `mdns`, and the records that they use.

#![allow(dead_code, reason = "each test program uses some of the helpers")]

use std::net::{Ipv6Addr, SocketAddrV6};
use std::process::Command;
use std::time::{Duration, Instant};

use ipv6_std::{ControlFlags, InterfaceIndex, PacketConn, Received, SendControl};
use ipv6_testnet::{Host, Pair};
use simple_dns::rdata::{AAAA, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question, ResourceRecord, TYPE};

use super::programs::{Running, Typed, example};

pub const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);

pub fn mdns(arguments: &str) -> Command {
    example("mdns").typed(arguments)
}

/// Runs `mdns respond` for `camera.local` and a service on host `a`, until the value is dropped.
pub fn camera(a: &Host) -> Running {
    let mut camera = mdns("respond --interface eth0 --name camera.local --json --port 554 --txt path=/live");
    camera.args(["--address", &Pair::A.to_string(), "--service", "Door Camera._rtsp._tcp.local"]);
    let mut camera = Running::start(a, camera);
    camera.line("announced");
    camera
}

/// A querier on a host, from port 5353 or another.
pub struct Querier {
    pub conn: PacketConn,
    pub on: InterfaceIndex,
}

impl Querier {
    pub fn new(host: &Host, port: u16) -> Self {
        let any = SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0);
        let conn = host.run(|| PacketConn::bind_reusable(any)).unwrap();
        let on = InterfaceIndex::new(host.index("eth0").unwrap()).unwrap();
        conn.set_control_flags(ControlFlags::all(), true).unwrap();
        conn.set_multicast_loopback(false).unwrap();
        if port == 5353 {
            conn.join_group(GROUP, on).unwrap();
        }
        Self { conn, on }
    }

    /// Sends a question for a name to the group.
    pub fn ask(&self, kind: TYPE, unicast: bool, known: Option<ResourceRecord<'_>>) {
        let mut query = query(kind, unicast);
        query.answers.extend(known);
        self.send(&query);
    }

    pub fn send(&self, packet: &Packet<'_>) {
        let control = SendControl::new().with_interface(self.on);
        let bytes = packet.build_bytes_vec().unwrap();
        self.conn.send_to(&bytes, &control, SocketAddrV6::new(GROUP, 5353, 0, 0)).unwrap();
    }

    /// Sends a query for the address, and waits until it is answered.
    pub fn is_answered(&self) {
        self.ask(TYPE::AAAA, false, None);
        assert_eq!(types(&self.answer().0.answers), ["AAAA"]);
    }

    /// Receives the next message.
    pub fn next(&self) -> (Packet<'static>, Received) {
        self.conn.set_read_deadline(Some(Instant::now() + Duration::from_secs(20)));
        let payload = Box::leak(Box::new([0; 9000]));
        let got = self.conn.recv_from(payload).unwrap();
        let packet = Packet::parse(&payload[..got.len]).unwrap();
        assert_eq!(got.control.hop_limit, Some(255));
        assert_eq!(got.source.port(), 5353);
        (packet, got)
    }

    /// Receives the next message, which must be a response.
    pub fn answer(&self) -> (Packet<'static>, Received) {
        let (packet, got) = self.next();
        assert!(packet.has_flags(PacketFlag::RESPONSE), "{packet:?}");
        (packet, got)
    }

    /// Waits for both announcements, which are sent a second apart.
    pub fn announcements(&self) {
        let mut announcements = 0;
        while announcements < 2 {
            announcements += usize::from(self.next().0.has_flags(PacketFlag::RESPONSE));
        }
    }
}

/// A query for the name of the camera.
pub fn query(kind: TYPE, unicast: bool) -> Packet<'static> {
    let mut query = Packet::new_query(7);
    query.questions.push(Question::new(camera_name(), kind.into(), CLASS::IN.into(), unicast));
    query
}

pub fn camera_name() -> Name<'static> {
    Name::new_unchecked("camera.local")
}

pub fn address(address: Ipv6Addr, ttl: u32) -> ResourceRecord<'static> {
    ResourceRecord::new(camera_name(), CLASS::IN, ttl, RData::AAAA(AAAA::from(address)))
}

pub fn types(records: &[ResourceRecord<'_>]) -> Vec<String> {
    records.iter().map(|record| format!("{:?}", record.rdata.type_code())).collect()
}

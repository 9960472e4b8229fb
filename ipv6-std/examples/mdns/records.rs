//! The records that the program answers with, and the text of records.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use simple_dns::rdata::{AAAA, NSEC, NsecTypeBitMap, PTR, RData, SRV, TXT};
use simple_dns::{CLASS, Name, Packet, ResourceRecord, TYPE};

use crate::common::{Outcome, printable};
use crate::options::{Respond, name};

/// A record of ours.
#[derive(Clone)]
pub struct Own {
    pub record: ResourceRecord<'static>,
    /// When it was last sent to the group.
    pub multicast: Option<Instant>,
}

impl Own {
    /// A unique record: it replaces cached records of the name (cache-flush bit).
    pub fn unique(name: &Name<'static>, ttl: u32, data: impl Into<RData<'static>>) -> Self {
        let record = ResourceRecord::new(name.clone(), CLASS::IN, ttl, data.into());
        Self { record: record.with_cache_flush(true), multicast: None }
    }

    /// A shared record: other hosts may have records of the same name.
    pub fn shared(name: &Name<'static>, ttl: u32, data: impl Into<RData<'static>>) -> Self {
        let record = ResourceRecord::new(name.clone(), CLASS::IN, ttl, data.into());
        Self { record, multicast: None }
    }

    pub fn is_unique(&self) -> bool {
        self.record.cache_flush
    }

    /// Whether the program probes for the record before it uses it. NSEC records need no probe.
    pub fn is_probed(&self) -> bool {
        self.is_unique() && !matches!(self.record.rdata, RData::NSEC(_))
    }

    pub fn sent_within(&self, time: Duration) -> bool {
        self.multicast.is_some_and(|when| when.elapsed() < time)
    }

    /// The NSEC record that says that a name has records of these types only (section 6.1).
    fn nsec(name: &Name<'static>, types: &[TYPE]) -> Self {
        let mut bitmap = Vec::new();
        for number in types.iter().map(|kind| u16::from(*kind)) {
            let byte = usize::from(number / 8);
            bitmap.resize(bitmap.len().max(byte + 1), 0);
            bitmap[byte] |= 0x80 >> (number % 8);
        }
        let types = NsecTypeBitMap { window_block: 0, bitmap: bitmap.into() };
        Self::unique(name, 120, RData::NSEC(NSEC { next_name: name.clone(), type_bit_maps: vec![types] }))
    }
}

/// The records for a command line, with the lifetimes of RFC 6762 section 10.
pub fn records(options: &Respond) -> Outcome<Vec<Own>> {
    let host = &options.name;
    let addresses = options.address.iter().map(|address| AAAA::from(*address));
    let mut own: Vec<Own> = addresses.map(|data| Own::unique(host, 120, RData::AAAA(data))).collect();
    own.push(Own::nsec(host, &[TYPE::AAAA]));
    if let (Some(instance), Some(port)) = (&options.service, options.port) {
        let kind = Name::new_with_labels(&instance.get_labels()[1..]).into_owned();
        let mut text = TXT::new();
        for item in &options.txt {
            text.add_string(item).map_err(|error| format!("--txt {item}: {error} (at most 255 bytes)"))?;
        }
        if options.txt.is_empty() {
            // A TXT record needs at least one string, which may be empty (RFC 6763 section 6.1).
            text.add_string("")?;
        }
        let place = SRV { priority: 0, weight: 0, port, target: host.clone() };
        own.push(Own::shared(&kind, 4500, RData::PTR(PTR(instance.clone()))));
        own.push(Own::shared(&name("_services._dns-sd._udp.local")?, 4500, RData::PTR(PTR(kind))));
        own.push(Own::unique(instance, 120, RData::SRV(place)));
        own.push(Own::unique(instance, 4500, RData::TXT(text.into_owned())));
        own.push(Own::nsec(instance, &[TYPE::TXT, TYPE::SRV]));
    }
    Ok(own)
}

/// Class, type and data of records in wire format, sorted. Two hosts that probe for one name compare these (RFC 6762
/// section 8.2.1).
pub fn in_order<'a>(records: impl Iterator<Item = &'a ResourceRecord<'a>>) -> Vec<Vec<u8>> {
    let mut list: Vec<Vec<u8>> = records
        .filter_map(|record| {
            let (head, data) = wire(record)?;
            Some([&head[2..4], &head[..2], &data].concat())
        })
        .collect();
    list.sort();
    list
}

/// A record in wire format, after its name: type, class, lifetime and length, and then the data.
fn wire(record: &ResourceRecord<'_>) -> Option<([u8; 10], Vec<u8>)> {
    let mut packet = Packet::new_reply(0);
    packet
        .answers
        .push(ResourceRecord { name: Name::new_with_labels(&[]), ..record.clone().with_cache_flush(false) });
    let bytes = packet.build_bytes_vec().ok()?;
    // The data follows the header of the packet, the name of the root, and these fields.
    let (head, data) = bytes.get(13..)?.split_first_chunk()?;
    Some((*head, data.to_vec()))
}

/// A record as text.
pub struct Record<'a>(pub &'a ResourceRecord<'a>);

impl fmt::Display for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, data) = data(self.0);
        write!(f, "{} {kind} {}", printable(&self.0.name.to_string()), printable(&data))
    }
}

/// The type and the data of a record.
pub fn data(record: &ResourceRecord<'_>) -> (String, String) {
    let kind = kind(record.rdata.type_code());
    let data = match &record.rdata {
        RData::AAAA(data) => Ipv6Addr::from(data.address).to_string(),
        RData::A(data) => Ipv4Addr::from(data.address).to_string(),
        RData::PTR(name) => name.0.to_string(),
        RData::SRV(data) => format!("{} {} {} {}", data.priority, data.weight, data.port, data.target),
        RData::TXT(data) => {
            let items = data.iter_raw().map(|(key, value)| {
                let key = String::from_utf8_lossy(key);
                value.map_or(key.to_string(), |value| format!("{key}={}", String::from_utf8_lossy(value)))
            });
            items.collect::<Vec<_>>().join(" ")
        }
        RData::CNAME(name) => name.0.to_string(),
        RData::NSEC(data) => match &types(data)[..] {
            [] => "no records".into(),
            types => format!("only {}", types.join(" ")),
        },
        _ => unknown(record),
    };
    (kind, data)
}

/// The name of a type; `TYPE65` for one without a name here (RFC 3597 section 5).
fn kind(code: TYPE) -> String {
    match code {
        TYPE::Unknown(number) => format!("TYPE{number}"),
        named => format!("{named:?}"),
    }
}

/// The types of the records that a name has (RFC 4034 section 4.1.2).
fn types(data: &NSEC<'_>) -> Vec<String> {
    let mut types = Vec::new();
    for window in &data.type_bit_maps {
        for (byte, bits) in (0_u16..).zip(window.bitmap.iter()) {
            for bit in (0..8).filter(|bit| bits & (0x80 >> bit) != 0) {
                types.push(kind(TYPE::from((u16::from(window.window_block) << 8) + byte * 8 + bit)));
            }
        }
    }
    types
}

/// Data without a text form here: its length and its bytes (RFC 3597 section 5).
fn unknown(record: &ResourceRecord<'_>) -> String {
    let (_, data) = wire(record).unwrap_or_default();
    let mut text = format!("\\# {}", data.len());
    if !data.is_empty() {
        text.push(' ');
        text.extend(data.iter().map(|byte| format!("{byte:02x}")));
    }
    text
}
